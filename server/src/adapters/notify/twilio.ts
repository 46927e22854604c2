import type { DeliveryOutcome, Notification, Notifier } from '../../ports/notifier.ts';
import { callHttps, type HttpsAnswer, outcomeOfError, transient } from './https-call.ts';
import { jsonOf } from './json-answer.ts';
import { smsText } from './sms-text.ts';

/**
 * What an installation has to do at Twilio: buy a number or make a messaging service, make an API key, and let incoming
 * messages be posted to `<public address>/hooks/twilio/<name>`. For WhatsApp besides: have a template approved that says
 * `{{1}}` (the headline) and `{{2}}` (the rest), with a quick reply whose id is `{{3}}`; give us its SID.
 */
export interface TwilioSettings {
  /** The configured name. */
  readonly channel: string;
  readonly type: 'sms' | 'whatsapp';
  /** `AC…` */
  readonly accountSid: string;
  /** `SK…`, with its secret. */
  readonly apiKeySid: string;
  readonly apiKeySecret: string;
  /** A number in E.164, a short code, an alphanumeric sender, or a messaging service (`MG…`). */
  readonly from: string;
  /** `HX…` of the approved template: without one, WhatsApp takes nothing outside a conversation. */
  readonly contentSid?: string;
  /** Whether this person wrote to us in the last day, so that WhatsApp takes free text. */
  readonly isInConversation?: (recipient: string) => boolean;
  /** How Twilio reaches this server, for receipts; without it there are none. */
  readonly publicUrl?: URL;
  readonly apiUrl?: URL;
  /** PEM of a private authority, where a proxy opens TLS; the system's otherwise. */
  readonly ca?: string;
  /** ms since 1970. */
  readonly now: () => number;
}

const API_URL = new URL('https://api.twilio.com/');

/**
 * Messages API (twilio.com/docs/messaging/api/message-resource). It has no idempotency key. So the key travels in the
 * address for receipts, and where an attempt ended without an answer, the messages to that number are looked through
 * before the next. What is lost in a crash between the two is sent twice: better than not at all.
 */
export function createTwilioNotifier(settings: TwilioSettings): Notifier {
  const { channel, type, now } = settings;
  const messages = messagesApi(settings);
  /** Attempts that ended without a clear answer, by idempotency key: since when to look. */
  const unclear = new Map<string, number>();
  /** Messages of which we know whose delivery they are. */
  const known = new Map<string, true>();

  async function deliver(message: Notification, key: string, signal: AbortSignal): Promise<DeliveryOutcome> {
    const form = formOf(message, key, settings);
    const sinceMs = unclear.get(key);
    const found = sinceMs === undefined ? undefined : await messages.find(form, { sinceMs, known, signal });
    if (found === undefined) remember(unclear, key, sinceMs ?? now());
    const { outcome, isUnclear } = found ?? (await messages.create(form, signal));
    // What was unclear before stays so until it is found, or another is taken.
    if (outcome.kind !== 'transient' || (sinceMs === undefined && !isUnclear)) unclear.delete(key);
    if (outcome.kind === 'delivered' && outcome.receipt !== undefined) remember(known, outcome.receipt, true);
    return outcome;
  }

  return {
    channel,
    type,
    async send(message, { idempotencyKey, signal }) {
      if (!E164.test(message.recipient)) return { kind: 'permanent', reason: 'not a phone number' };
      const wasUnclear = unclear.has(idempotencyKey);
      try {
        signal.throwIfAborted();
        return await deliver(message, idempotencyKey, signal);
      } catch (error) {
        const outcome = outcomeOfError(error);
        if (!wasUnclear && outcome.kind === 'transient' && NEVER_SENT.has(outcome.reason))
          unclear.delete(idempotencyKey);
        return outcome;
      }
    },
  };
}

function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > REMEMBERED_MAX && oldest !== undefined) map.delete(oldest);
}

/** More deliveries than a night has; each is a short string. */
const REMEMBERED_MAX = 1_000;
const E164 = /^\+[1-9]\d{6,14}$/;
/** There was no connection to send it over. */
const NEVER_SENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

function formOf(message: Notification, key: string, settings: TwilioSettings): URLSearchParams {
  const { type, from, publicUrl, channel } = settings;
  const prefix = type === 'whatsapp' ? 'whatsapp:' : '';
  const form = new URLSearchParams({ To: `${prefix}${message.recipient}` });
  if (/^MG[0-9a-f]{32}$/.test(from)) form.set('MessagingServiceSid', from);
  else form.set('From', `${prefix}${from}`);
  for (const [name, value] of contentOf(message, settings)) form.set(name, value);
  // An alarm that is an hour old has long been told to others.
  form.set('ValidityPeriod', '3600');
  if (publicUrl !== undefined) {
    const callback = new URL(`/hooks/twilio/${channel}/status`, publicUrl);
    callback.searchParams.set('delivery', key);
    form.set('StatusCallback', callback.href);
  }
  return form;
}

function contentOf(message: Notification, settings: TwilioSettings): readonly (readonly [string, string])[] {
  const { type, contentSid, isInConversation } = settings;
  const hint = message.answerToken === undefined ? {} : { hint: 'Reply 1 to acknowledge.' };
  if (type === 'sms') return [['Body', smsText({ text: message.text, ...hint })]];
  if (contentSid === undefined || isInConversation?.(message.recipient) === true)
    return [['Body', [message.text.trim(), ...Object.values(hint)].join('\n').slice(0, BODY_MAX)]];
  return [
    ['ContentSid', contentSid],
    ['ContentVariables', JSON.stringify(variablesOf(message))],
  ];
}

/** "Can be up to 1,600 characters in length." */
const BODY_MAX = 1_600;

/** WhatsApp takes neither line breaks nor an empty text in a template's variable. */
function variablesOf({ text, answerToken }: Notification): Readonly<Record<'1' | '2' | '3', string>> {
  const [headline = '', ...rest] = text.trim().split(/\s*\n+\s*/);
  const oneLine = (said: string) => said.replace(/\s+/g, ' ').slice(0, 500) || '-';
  return { '1': oneLine(headline), '2': oneLine(rest.join(' ')), '3': answerToken ?? 'ACK' };
}

function messagesApi({ accountSid, apiKeySid, apiKeySecret, apiUrl = API_URL, ca, now }: TwilioSettings) {
  const url = new URL(`/2010-04-01/Accounts/${accountSid}/Messages.json`, apiUrl);
  const authorization = `Basic ${Buffer.from(`${apiKeySid}:${apiKeySecret}`).toString('base64')}`;
  const trust = ca === undefined ? {} : { ca };
  return {
    async create(form: URLSearchParams, signal: AbortSignal): Promise<Result> {
      const headers = { authorization, 'content-type': 'application/x-www-form-urlencoded' };
      return resultOf(await callHttps({ url, headers, body: String(form), signal, ...trust }), now());
    },
    /** The message of an earlier attempt of this very text. */
    async find(form: URLSearchParams, search: Search): Promise<Result | undefined> {
      const { sinceMs, known, signal } = search;
      const query = new URL(url);
      query.searchParams.set('To', form.get('To') ?? '');
      query.searchParams.set('PageSize', '20');
      const list = { url: query, method: 'GET', headers: { authorization }, answerMaxBytes: LIST_MAX_BYTES } as const;
      const { messages = [] } = (jsonOf(await callHttps({ ...list, signal, ...trust })) ?? {}) as {
        readonly messages?: readonly Listed[];
      };
      const said = textsOf(form);
      const found = messages.find((one) => isEarlier(one, said, sinceMs) && !known.has(String(one.sid)));
      return found === undefined
        ? undefined
        : { outcome: { kind: 'delivered', receipt: String(found.sid) }, isUnclear: false };
    },
  };
}

interface Result {
  readonly outcome: DeliveryOutcome;
  /** It may have been taken all the same. */
  readonly isUnclear: boolean;
}

interface Search {
  readonly sinceMs: number;
  readonly known: ReadonlyMap<string, true>;
  readonly signal: AbortSignal;
}

/** Twenty messages of two kilobytes each, with room. */
const LIST_MAX_BYTES = 256 * 1024;

interface Listed {
  readonly sid?: unknown;
  readonly body?: unknown;
  readonly direction?: unknown;
  readonly date_created?: unknown;
}

/** What the message must say to be this one. What a template makes of its variables is put together at Twilio. */
function textsOf(form: URLSearchParams): readonly string[] {
  const variables = form.get('ContentVariables');
  if (variables === null) return [form.get('Body') ?? ''];
  const { '1': headline, '2': rest } = JSON.parse(variables) as ReturnType<typeof variablesOf>;
  return [headline, rest];
}

function isEarlier({ body, direction, date_created: created }: Listed, said: readonly string[], sinceMs: number) {
  // Twilio gives whole seconds, by its own clock.
  const isSince = Date.parse(String(created)) >= sinceMs - 5_000;
  const isSame = typeof body === 'string' && said.every((text) => body.includes(text));
  return direction === 'outbound-api' && isSince && isSame;
}

/**
 * Twilio's own code says more than the status (twilio.com/docs/api/errors). What concerns this number or this text will
 * be refused again; credentials, permissions and the sender are ours to put right, so the message waits.
 */
function resultOf(answer: HttpsAnswer, nowMs: number): Result {
  const { status, headers } = answer;
  const said = jsonOf(answer) as { readonly sid?: unknown; readonly code?: unknown } | undefined;
  if (status === 201 && typeof said?.sid === 'string' && SID.test(said.sid))
    return { outcome: { kind: 'delivered', receipt: said.sid }, isUnclear: false };
  const code = typeof said?.code === 'number' ? said.code : undefined;
  const reason = code === undefined ? `HTTP ${status}` : `Twilio ${code}`;
  if (status === 400 && code !== undefined && !OURS.has(code))
    return { outcome: { kind: 'permanent', reason }, isUnclear: false };
  // "Requests that receive 429 responses aren't processed"; of a 5xx nobody knows.
  return { outcome: transient(reason, headers['retry-after'], nowMs), isUnclear: status >= 500 || status < 300 };
}

const SID = /^(SM|MM)[0-9a-f]{32}$/;

/** About our account or sender, not about the one who is told. */
const OURS: ReadonlySet<number> = new Set([
  20003, // credentials
  20429, // too many requests
  21408, // country not enabled
  21606, // sender cannot send this
  21611, // sender's queue is full
  21659, // sender is no Twilio number
  21660, // sender belongs to another account
  21661, // sender cannot send SMS
  63018, // channel's rate
]);
