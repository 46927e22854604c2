import { createHmac, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AlarmAnswers, AnswerOutcome, ReceiptState } from '../../ports/alarm-answers.ts';
import type { Log } from '../../telemetry/log.ts';
import { sendProblem } from '../problem.ts';
import { createReplayGuard } from './replay-guard.ts';

export interface TwilioHook {
  /** The configured name; the addresses are `/hooks/twilio/<channel>` and `…/status`. */
  readonly channel: string;
  readonly accountSid: string;
  /** Auth tokens of the account: the one in force, and the one that will be while it is replaced. */
  readonly authTokens: readonly string[];
  /** The address by which Twilio reaches this server: the signature is over it. */
  readonly publicUrl: URL;
  readonly answers: AlarmAnswers;
  /** Somebody wrote: WhatsApp takes free text to them for a day. */
  readonly onHeard?: (person: string) => void;
  readonly log: Log;
  readonly now: () => number;
}

/**
 * Where Twilio brings replies and receipts (twilio.com/docs/messaging/guides/webhook-request, …/track-outbound-message-
 * status). A reply of `1` acknowledges the alarm that number was told of last; a button of a WhatsApp template brings back
 * the token it was sent with. Twilio gives up after fifteen seconds; the answer to the person is in ours.
 */
export function registerTwilioHook(app: FastifyInstance, hook: TwilioHook): void {
  const path = `/hooks/twilio/${hook.channel}`;
  const replays = createReplayGuard({ now: hook.now, forMs: REMEMBERED_MS });
  const hints = createReplayGuard({ now: hook.now, forMs: HINT_EVERY_MS });

  app.register(async (scope) => {
    // The signature is over the parameters as they came.
    scope.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'buffer' }, (_request, body, done) =>
      done(null, body),
    );
    const options = { config: { public: true as const }, bodyLimit: BODY_MAX_BYTES };

    scope.post(path, options, async (request, reply) => {
      const form = verifiedForm(request, hook);
      if (form === undefined) return sendProblem(reply, { status: 401, code: 'not-verified' });
      const from = personOf(form.get('From'));
      const sid = sidOf(form);
      if (from === undefined || sid === undefined) return sendProblem(reply, { status: 400, code: 'malformed' });
      if (!replays.isNew(sid)) return twiml(reply);
      hook.onHeard?.(from);
      return twiml(reply, await replyTo(form, from, { hook, mayHint: () => hints.isNew(from) }));
    });

    scope.post(`${path}/status`, options, async (request, reply) => {
      const form = verifiedForm(request, hook);
      if (form === undefined) return sendProblem(reply, { status: 401, code: 'not-verified' });
      const sid = sidOf(form);
      if (sid === undefined) return sendProblem(reply, { status: 400, code: 'malformed' });
      const state = STATES[form.get('MessageStatus') ?? ''];
      if (state !== undefined && replays.isNew(`${sid} ${state}`)) {
        const code = form.get('ErrorCode') ?? '';
        const detail = /^\d{1,6}$/.test(code) ? { detail: `Twilio ${code}` } : {};
        await hook.answers.receipt({ channel: hook.channel, receipt: sid, state, ...detail });
      }
      return reply.code(204).send();
    });
  });
}

/** A reply has at most 1600 characters; with all Twilio says of it some kilobytes. */
const BODY_MAX_BYTES = 64 * 1024;
/** The signature covers no time: a message is known again for a week, or until ten thousand others have come. */
const REMEMBERED_MS = 7 * 86_400_000;
/** Two machines that answer each other would never end. */
const HINT_EVERY_MS = 600_000;

/** Of the states only these say something new: it reached the person, was read, or never will be. */
const STATES: Readonly<Record<string, ReceiptState>> = {
  delivered: 'delivered',
  read: 'read',
  undelivered: 'failed',
  failed: 'failed',
};

function verifiedForm(request: FastifyRequest, hook: TwilioHook): URLSearchParams | undefined {
  const given = request.headers['x-twilio-signature'];
  if (typeof given !== 'string' || !Buffer.isBuffer(request.body)) return undefined;
  const form = new URLSearchParams(request.body.toString());
  const [path = '', ...query] = request.url.split('?');
  const address = new URL(hook.publicUrl);
  address.pathname = path;
  address.search = query.join('?');
  const isSigned = hook.authTokens.some((token) =>
    twilioAddresses(address).some((url) => isSame(given, twilioSignature(token, url, form))),
  );
  return isSigned && form.get('AccountSid') === hook.accountSid ? form : undefined;
}

/** Twilio signs the address with its port or without, whichever product it comes from. */
function twilioAddresses(url: URL): readonly string[] {
  const plain = new URL(url);
  plain.port = '';
  const withPort = `${url.protocol}//${url.hostname}:${url.port === '' ? 443 : url.port}${url.pathname}${url.search}`;
  return [plain.href, withPort];
}

/**
 * twilio.com/docs/usage/security: HMAC-SHA1 over the address and every parameter's name and value, sorted by name. A name
 * that comes several times counts with each of its values once.
 */
export function twilioSignature(authToken: string, url: string, form: URLSearchParams): string {
  const names = [...new Set(form.keys())].sort();
  const said = names.flatMap((name) => [...new Set(form.getAll(name))].sort().map((value) => name + value));
  return createHmac('sha1', authToken)
    .update(url + said.join(''))
    .digest('base64');
}

function isSame(given: string, expected: string): boolean {
  return given.length === expected.length && timingSafeEqual(Buffer.from(given, 'latin1'), Buffer.from(expected));
}

/** `SM…` or `MM…` and 32 hexadecimal digits, says Twilio; it is kept and looked up as it is. */
function sidOf(form: URLSearchParams): string | undefined {
  return /^[A-Za-z0-9-]{1,64}$/.exec(form.get('MessageSid') ?? '')?.[0];
}

/** `+4915112345678` of `whatsapp:+4915112345678`. */
function personOf(from: string | null): string | undefined {
  return /^(?:whatsapp:)?(\+[1-9]\d{6,14})$/.exec(from ?? '')?.[1];
}

/** What is said back; undefined: nothing. */
async function replyTo(
  form: URLSearchParams,
  from: string,
  { hook, mayHint }: { readonly hook: TwilioHook; readonly mayHint: () => boolean },
): Promise<string | undefined> {
  const { channel, answers, log } = hook;
  const said = saidIn(form);
  if (said.kind === 'twilio') return undefined;
  if (said.kind === 'stop') {
    // Twilio has blocked the number and said so itself; what we send to it from now on is refused with 21610.
    log.warn('somebody has told a channel to stop', { channel });
    return undefined;
  }
  if (said.kind === 'other') return mayHint() ? 'Reply 1 to acknowledge the latest alarm.' : undefined;
  const by = said.token === undefined ? { latestTo: from } : { token: said.token };
  try {
    const { kind } = await answers.answer({ action: 'acknowledge', by, channel, from });
    return kind === 'unknown-person' && !mayHint() ? undefined : REPLIES[kind];
  } catch (error) {
    log.error('an answer from a channel could not be taken', { channel, error });
    return REPLIES.failed;
  }
}

type Said =
  | { readonly kind: 'acknowledge'; readonly token?: string }
  | { readonly kind: 'stop' }
  /** Twilio answers itself. */
  | { readonly kind: 'twilio' }
  | { readonly kind: 'other' };

function saidIn(form: URLSearchParams): Said {
  const button = form.get('ButtonPayload');
  const text = (button ?? form.get('Body') ?? '').trim();
  const optOut = form.get('OptOutType');
  if (optOut === 'STOP' || STOP.test(text)) return { kind: 'stop' };
  if (optOut !== null || START_OR_HELP.test(text)) return { kind: 'twilio' };
  const [, token] = ACKNOWLEDGE.exec(text) ?? [];
  if (token !== undefined) return { kind: 'acknowledge', token };
  if (ACKNOWLEDGE.test(text)) return { kind: 'acknowledge' };
  return button !== null && TOKEN.test(button) ? { kind: 'acknowledge', token: button } : { kind: 'other' };
}

/** The words, and behind them the token where somebody has it. Not `yes`: that is how one who had opted out comes back. */
const ACKNOWLEDGE = /^(?:1|ok|okay|ack|acknowledged?)\b[.!]*(?:\s+([\w.~-]{16,500}))?$/i;
const TOKEN = /^[\w.~-]{16,500}$/;
/** twilio.com/docs/messaging/tutorials/advanced-opt-out: the default words. */
const START_OR_HELP = /^(?:start|yes|unstop|help|info)[.!]*$/i;
const STOP = /^(?:stop|stopall|unsubscribe|cancel|end|quit|optout|revoke)[.!]*$/i;

/** Nobody is named: an SMS may be read by anyone who holds the telephone. */
const REPLIES: Readonly<Record<AnswerOutcome['kind'] | 'failed', string>> = {
  done: 'Acknowledged. The alarm is yours.',
  already: 'It was acknowledged before. The wall says by whom.',
  'unknown-person': 'Not acknowledged: this number belongs to no HealthSync account. Acknowledge on the wall.',
  'unknown-alarm': 'Not acknowledged: it is not clear which alarm you mean. Acknowledge on the wall.',
  expired: 'Not acknowledged: the message is too old. Look at the wall.',
  'not-allowed': 'Not acknowledged: your account may not acknowledge this alarm.',
  failed: 'Not acknowledged: HealthSync could not take your answer. Acknowledge on the wall, or try again.',
};

/** twilio.com/docs/messaging/twiml: an empty response says nothing. The texts are ours and hold no markup. */
function twiml(reply: FastifyReply, message?: string): FastifyReply {
  const inner = message === undefined ? '' : `<Message>${message}</Message>`;
  return reply
    .code(200)
    .header('content-type', 'text/xml; charset=utf-8')
    .serializer((text: unknown) => String(text))
    .send(`<?xml version="1.0" encoding="UTF-8"?><Response>${inner}</Response>`);
}
