import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { startVendor, type VendorAnswer, type VendorRequest } from './test-vendor.ts';

export const ACCOUNT_SID = `AC${'a1'.repeat(16)}`;
export const API_KEY_SID = `SK${'b2'.repeat(16)}`;
export const API_KEY_SECRET = 'the secret of the API key';
export const CONTENT_SID = `HX${'c3'.repeat(16)}`;
/** The numbers with a meaning of their own here; all others are taken. */
export const NUMBERS = { optedOut: '+4915100000610', landline: '+493000000614', sender: '+4915100000001' } as const;

export interface TakenMessage {
  readonly sid: string;
  readonly form: Partial<Static<typeof MessageForm>>;
  readonly createdMs: number;
}

/**
 * Twilio's Messages API on loopback, by github.com/twilio/twilio-oai (twilio_api_v2010, CreateMessage and ListMessage)
 * and twilio.com/docs/api/errors, closed: a parameter that it does not name is refused, though Twilio would ignore it.
 */
export async function startTwilio() {
  const taken: TakenMessage[] = [];
  const people = { inConversation: new Set<string>() };
  const vendor = await startVendor({
    answer: (request) => answer(request, taken, people.inConversation),
    unwell: {
      refuse: fault(400, 21211, "Invalid 'To' Phone Number"),
      busy: fault(503, 20503, 'Service unavailable'),
      limited: { ...fault(429, 20429, 'Too Many Requests'), headers: { 'retry-after': '7' } },
    },
    // When it is not well it still lists what it has.
    concerns: (request) => request.method === 'POST',
  });
  return { ...vendor, taken: taken as readonly TakenMessage[], people };
}

const PATH = `/2010-04-01/Accounts/${ACCOUNT_SID}/Messages.json`;

function answer(request: VendorRequest, taken: TakenMessage[], inConversation: ReadonlySet<string>): VendorAnswer {
  const basic = Buffer.from(`${API_KEY_SID}:${API_KEY_SECRET}`).toString('base64');
  if (request.headers.authorization !== `Basic ${basic}`) return fault(401, 20003, 'Authenticate');
  if (request.path !== PATH) return fault(404, 20404, 'The requested resource was not found');
  if (request.method === 'GET') return list(request.query, taken);
  if (request.method !== 'POST') return fault(405, 20004, 'Method not allowed');
  if (!/^application\/x-www-form-urlencoded\b/.test(request.headers['content-type'] ?? ''))
    return fault(415, 20001, 'Unsupported media type');
  const pairs = [...new URLSearchParams(request.body.toString())];
  const form = Object.fromEntries(pairs);
  if (pairs.length !== Object.keys(form).length) return fault(400, 20001, 'Parameter given twice');
  const refused = refusalOf(form, inConversation);
  if (refused !== undefined) return refused;
  const message: TakenMessage = { sid: `SM${String(taken.length).padStart(32, '0')}`, form, createdMs: Date.now() };
  taken.push(message);
  return { status: 201, body: resource(message) };
}

function refusalOf(
  form: Readonly<Record<string, string>>,
  inConversation: ReadonlySet<string>,
): VendorAnswer | undefined {
  if (!CreateMessage.Check(form)) return fault(400, 20001, 'Unknown or malformed parameter');
  const { To: to, From: from, MessagingServiceSid: service, Body: body, ContentSid: content } = form;
  const number = to.replace(/^whatsapp:/, '');
  if (!/^\+[1-9]\d{6,14}$/.test(number)) return fault(400, 21211, "Invalid 'To' Phone Number");
  if ((from === undefined) === (service === undefined)) return fault(400, 21603, "A 'From' phone number is required");
  if (from !== undefined && from.replace(/^whatsapp:/, '') !== NUMBERS.sender)
    return fault(400, 21659, "'From' is not a Twilio phone number");
  if (from !== undefined && from.startsWith('whatsapp:') !== to.startsWith('whatsapp:'))
    return fault(400, 63007, 'Twilio could not find a Channel with the specified From address');
  if ((body ?? '') === '' && content === undefined) return fault(400, 21602, 'Message body is required');
  if (body !== undefined && content !== undefined) return fault(400, 20001, 'Body beside ContentSid');
  if ((body?.length ?? 0) > 1_600)
    return fault(400, 21617, 'The concatenated message body exceeds the 1600 character limit');
  if (form.ContentVariables !== undefined && !isVariables(form.ContentVariables))
    return fault(400, 21656, 'The ContentVariables Parameter is invalid');
  if (number === NUMBERS.optedOut) return fault(400, 21610, 'Attempt to send to unsubscribed recipient');
  if (number === NUMBERS.landline) return fault(400, 21614, "'To' number is not a valid mobile number");
  // The real one says so later, by the status callback.
  if (to.startsWith('whatsapp:') && content === undefined && !inConversation.has(number))
    return fault(400, 63016, 'Failed to send freeform message because you are outside the allowed window');
  return undefined;
}

const MessageForm = Type.Object(
  {
    To: Type.String(),
    From: Type.Optional(Type.String()),
    MessagingServiceSid: Type.Optional(Type.String({ pattern: '^MG[0-9a-fA-F]{32}$' })),
    Body: Type.Optional(Type.String()),
    ContentSid: Type.Optional(Type.String({ pattern: '^HX[0-9a-fA-F]{32}$' })),
    ContentVariables: Type.Optional(Type.String()),
    // "StatusCallback is not a valid URL" (21609): https, no underscore in the host.
    StatusCallback: Type.Optional(Type.String({ pattern: '^https://[A-Za-z0-9.:-]+/' })),
    ValidityPeriod: Type.Optional(Type.String({ pattern: '^([1-9]\\d{0,3}|[12]\\d{4}|3[0-5]\\d{3}|36000)$' })),
    SmartEncoded: Type.Optional(Type.Enum(['true', 'false'])),
  },
  { additionalProperties: false },
);
const CreateMessage = Compile(MessageForm);

/** Keys are the numbers of the placeholders; WhatsApp refuses line breaks, tabs and runs of spaces. */
function isVariables(text: string): boolean {
  try {
    return Object.entries(JSON.parse(text) as object).every(
      ([key, value]) => /^\d+$/.test(key) && typeof value === 'string' && value !== '' && !/[\n\t]| {4}/.test(value),
    );
  } catch {
    return false;
  }
}

function list(query: URLSearchParams, taken: readonly TakenMessage[]): VendorAnswer {
  const unknown = [...query.keys()].filter((name) => !['To', 'From', 'PageSize', 'DateSent'].includes(name));
  if (unknown.length > 0) return fault(400, 20001, 'Unknown parameter');
  const found = taken.filter(({ form }) => form.To === query.get('To')).reverse();
  return { status: 200, body: { messages: found.slice(0, Number(query.get('PageSize') ?? 50)).map(resource) } };
}

function resource({ sid, form, createdMs }: TakenMessage): object {
  return {
    sid,
    account_sid: ACCOUNT_SID,
    to: form.To,
    from: form.From ?? null,
    body: form.Body ?? templateOf(form.ContentVariables),
    direction: 'outbound-api',
    status: 'queued',
    date_created: new Date(createdMs).toUTCString().replace('GMT', '+0000'),
    error_code: null,
  };
}

function fault(status: number, code: number, message: string): VendorAnswer {
  return { status, body: { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status } };
}

/** `{{1}}`, a line, `{{2}}`. */
function templateOf(variables = '{}'): string {
  const { '1': headline = '', '2': rest = '' } = JSON.parse(variables) as Record<string, string>;
  return `${headline}\n${rest}`;
}
