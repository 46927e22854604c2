import type { DeliveryOutcome, Notification, Notifier } from '../../ports/notifier.ts';
import { callHttps, type HttpsAnswer, outcomeOfError, transient } from './https-call.ts';
import { jsonOf } from './json-answer.ts';
import { slackMessage, supersededMessage } from './slack-message.ts';

/**
 * What an installation has to do in Slack: make an app, give its bot the scope `chat:write`, install it to the workspace
 * and invite it to the channels it is to write to; under "Interactivity" set the request URL to
 * `https://<this server>/hooks/slack/<name>`. The scopes `channels:history`, `groups:history` and `im:history` are
 * optional: with them a message of which we do not know whether it arrived is looked for before it is sent again.
 */
export interface SlackSettings {
  /** The configured name, e.g. `slack-icu`. */
  readonly channel: string;
  /** `xoxb-…` of the app's bot. */
  readonly botToken: string;
  /** `https://slack.com/api/`, or `https://slack-gov.com/api/` for GovSlack. */
  readonly apiUrl: URL;
  /** PEM of a private authority, where a proxy opens TLS; the system's otherwise. */
  readonly ca?: string;
  /** ms since 1970. */
  readonly now: () => number;
}

/**
 * Posts with an acknowledge button, and changes what it posted when the alarm ends or somebody has taken it. Recipients
 * are Slack's ids of channels (`C…`) and people (`U…`). Slack takes about one message a second for each conversation, with
 * short bursts above (docs.slack.dev/apis/web-api/rate-limits); how fast is told is the channel's policy.
 *
 * Slack has no idempotency key (`client_msg_id` is on messages of its own apps, and documented for none of its methods).
 * So the key travels in the message's metadata, and where an attempt ended without an answer the conversation is searched
 * for it before the next. What is lost in a crash between the two is sent twice: better than not at all.
 */
export function createSlackNotifier(settings: SlackSettings): Notifier {
  const api = slackApi(settings);
  /** Attempts that ended without an answer, by idempotency key: since when to search. */
  const unclear = new Map<string, number>();
  /** Person → the conversation with that person, where an earlier message landed: only that can be searched. */
  const conversations = new Map<string, string>();

  async function post(message: Notification, idempotencyKey: string, signal: AbortSignal): Promise<DeliveryOutcome> {
    const sinceMs = unclear.get(idempotencyKey);
    const place = conversations.get(message.recipient) ?? message.recipient;
    const found = sinceMs === undefined ? undefined : await api.find(place, idempotencyKey, sinceMs, signal);
    const startedMs = settings.now();
    const result: Result =
      found ?? (await api.call('chat.postMessage', { ...bodyOf(message, idempotencyKey), ...AS_IT_IS }, signal));
    if (result.kind !== 'ok') {
      if (result.isUnclear) remember(unclear, idempotencyKey, sinceMs ?? startedMs);
      return result.outcome;
    }
    unclear.delete(idempotencyKey);
    remember(conversations, message.recipient, result.channel);
    return delivered(result);
  }

  return {
    channel: settings.channel,
    type: 'slack',
    async send(message, { idempotencyKey, signal }) {
      try {
        const earlier = parseReceipt(message.earlierReceipt);
        if (earlier === undefined) return await post(message, idempotencyKey, signal);
        if (!UPDATES.has(message.event)) {
          const outcome = await post(message, idempotencyKey, signal);
          // Told again: one button is enough. Where that fails, the older one says whose the alarm is.
          if (outcome.kind === 'delivered' && outcome.receipt !== message.earlierReceipt)
            await api.call('chat.update', { ...earlier, ...supersededMessage(message) }, AbortSignal.timeout(TIDY_MS));
          return outcome;
        }
        const body = { ...bodyOf(message, idempotencyKey), ...earlier };
        const result = await api.call('chat.update', body, signal);
        if (result.kind === 'ok') return delivered(result);
        // It was deleted, or is too old to be changed: then say it anew.
        return result.outcome.kind === 'permanent' ? await post(message, idempotencyKey, signal) : result.outcome;
      } catch (error) {
        return outcomeOfError(error);
      }
    },
  };
}

/** More deliveries than a night has, more people than are told in one; each is two short strings. */
const REMEMBERED_MAX = 1_000;

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > REMEMBERED_MAX && oldest !== undefined) map.delete(oldest);
}

/** A message that has arrived is not held up for longer by tidying an older one. */
const TIDY_MS = 3_000;

/** What takes the place of an earlier message. All else must ring, and a changed message does not. */
const UPDATES: ReadonlySet<Notification['event']> = new Set(['ended', 'acknowledged', 'resolved']);

function bodyOf(message: Notification, idempotencyKey: string) {
  return {
    channel: message.recipient,
    ...slackMessage(message),
    // Other apps of the workspace can read this: a number of ours, nothing else.
    metadata: { event_type: METADATA_TYPE, event_payload: { delivery: idempotencyKey } },
  };
}

/** No pictures of what an address leads to: fetching it would tell Slack's servers of it. */
const AS_IT_IS = { mrkdwn: false, unfurl_links: false, unfurl_media: false };

const METADATA_TYPE = 'healthsync_alarm';

/** Where a message is: needed to change it. */
function delivered({ channel, ts }: { readonly channel: string; readonly ts: string }): DeliveryOutcome {
  return { kind: 'delivered', receipt: `${channel}:${ts}` };
}

function parseReceipt(receipt: string | undefined): { readonly channel: string; readonly ts: string } | undefined {
  const [, channel, ts] = /^([A-Z0-9]{2,40}):(\d{1,20}\.\d{1,10})$/.exec(receipt ?? '') ?? [];
  return channel === undefined || ts === undefined ? undefined : { channel, ts };
}

type Result =
  | { readonly kind: 'ok'; readonly channel: string; readonly ts: string }
  /** Unclear: it may have happened all the same. */
  | { readonly kind: 'not-ok'; readonly outcome: DeliveryOutcome; readonly isUnclear: boolean };

function slackApi({ botToken, apiUrl, ca, now }: SlackSettings) {
  const ask = (method: string, type: string, body: string, signal: AbortSignal, answerMaxBytes = 16_384) =>
    callHttps({
      url: new URL(method, apiUrl),
      answerMaxBytes,
      headers: { authorization: `Bearer ${botToken}`, 'content-type': `${type}; charset=utf-8` },
      body,
      signal,
      ...(ca === undefined ? {} : { ca }),
    });

  return {
    async call(method: 'chat.postMessage' | 'chat.update', body: object, signal: AbortSignal): Promise<Result> {
      try {
        return resultOf(await ask(method, 'application/json', JSON.stringify(body), signal), now());
      } catch (error) {
        const outcome = outcomeOfError(error);
        return { kind: 'not-ok', outcome, isUnclear: outcome.kind === 'transient' && !NEVER_SENT.has(outcome.reason) };
      }
    },
    /** The message of an earlier attempt; undefined also where we may not look: then it is sent, perhaps again. */
    async find(
      channel: string,
      idempotencyKey: string,
      sinceMs: number,
      signal: AbortSignal,
    ): Promise<Result | undefined> {
      const query = new URLSearchParams({
        channel,
        // Slack's clock and ours may differ.
        oldest: String(Math.floor(sinceMs / 1_000) - 60),
        limit: '100',
        include_all_metadata: 'true',
      });
      const type = 'application/x-www-form-urlencoded';
      const answer = await ask('conversations.history', type, String(query), signal, HISTORY_MAX_BYTES);
      const { ok, messages } = (jsonOf(answer) ?? {}) as { readonly ok?: unknown; readonly messages?: unknown };
      const found = ok === true && Array.isArray(messages) ? messages.find((one) => isOurs(one, idempotencyKey)) : null;
      return found ? { kind: 'ok', channel, ts: (found as Found).ts } : undefined;
    },
  };
}

/** A hundred messages with their blocks and metadata. */
const HISTORY_MAX_BYTES = 1024 * 1024;

interface Found {
  readonly ts: string;
  readonly metadata?: { readonly event_type?: string; readonly event_payload?: { readonly delivery?: string } };
}

function isOurs(message: Found | null, idempotencyKey: string): boolean {
  if (typeof message?.ts !== 'string' || message.metadata?.event_type !== METADATA_TYPE) return false;
  return message.metadata.event_payload?.delivery === idempotencyKey;
}

function resultOf(answer: HttpsAnswer, nowMs: number): Result {
  const reason = `HTTP ${answer.status}`;
  if (answer.status === 429)
    return {
      kind: 'not-ok',
      outcome: transient('ratelimited', answer.headers['retry-after'], nowMs),
      isUnclear: false,
    };
  if (answer.status >= 500)
    return { kind: 'not-ok', outcome: transient(reason, answer.headers['retry-after'], nowMs), isUnclear: true };
  const said = jsonOf(answer) as
    | { readonly ok?: unknown; readonly error?: unknown; readonly channel?: unknown; readonly ts?: unknown }
    | undefined;
  if (said?.ok === true && typeof said.channel === 'string' && typeof said.ts === 'string')
    return { kind: 'ok', channel: said.channel, ts: said.ts };
  if (said?.ok === false && typeof said.error === 'string') return refused(said.error);
  // Not Slack, but something on the way to it.
  const kind = answer.status >= 300 && answer.status < 500 && answer.status !== 407 ? 'permanent' : 'transient';
  return { kind: 'not-ok', outcome: { kind, reason }, isUnclear: kind === 'transient' };
}

function refused(error: string): Result {
  const reason = /^[a-z0-9_]{1,60}$/.test(error) ? error : 'refused';
  const kind = PERMANENT.has(error) ? 'permanent' : 'transient';
  return { kind: 'not-ok', outcome: { kind, reason }, isUnclear: UNCLEAR.has(error) };
}

/**
 * docs.slack.dev/reference/methods/chat.postMessage and chat.update: what this message to this recipient will get again.
 * All else waits: Slack's own trouble passes, and a revoked token or a missing scope is ours to put right.
 */
const PERMANENT: ReadonlySet<string> = new Set([
  'as_user_not_supported',
  'cannot_reply_to_message',
  'cant_update_message',
  'channel_not_found',
  'channel_type_not_supported',
  'duplicate_channel_not_found',
  'edit_window_closed',
  'invalid_arguments',
  'invalid_arg_name',
  'invalid_blocks',
  'invalid_blocks_format',
  'invalid_metadata_format',
  'invalid_metadata_schema',
  'is_archived',
  'is_inactive',
  'message_not_found',
  'messages_tab_disabled',
  'metadata_too_large',
  'msg_blocks_too_long',
  'msg_too_long',
  'no_text',
  'not_in_channel',
  'restricted_action',
  'restricted_action_non_threadable_channel',
  'restricted_action_read_only_channel',
  'restricted_action_thread_only_channel',
  'too_many_attachments',
  'user_not_found',
]);

/** "It's possible some aspect of the operation succeeded before the error was raised." */
const UNCLEAR: ReadonlySet<string> = new Set(['fatal_error', 'internal_error', 'request_timeout']);

/** There was no connection to send it over. */
const NEVER_SENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_HAS_EXPIRED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);
