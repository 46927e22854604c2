import type { DeliveryOutcome, Notification, Notifier } from '../../ports/notifier.ts';
import { callHttps, type HttpsAnswer, outcomeOfError, transient } from './https-call.ts';
import { jsonOf } from './json-answer.ts';
import { supersededActivity, teamsActivity } from './teams-card.ts';
import { createTeamsToken, TokenRefused } from './teams-token.ts';

/**
 * What an installation has to do in Microsoft's clouds: register an application in Entra ID with a client secret, make an
 * Azure Bot of type "single tenant" with it, add the channel "Microsoft Teams" to the bot, and set its messaging endpoint
 * to `https://<this server>/hooks/teams/<name>`, which Microsoft must be able to reach; then make a Teams app whose
 * manifest names the bot (scopes `personal` and `team`), and have an administrator install it for the people and in the
 * teams that are to be told. Incoming webhooks of Office 365 connectors are retired; where a bot is not wanted,
 * `teams-workflow.ts` posts without a way to answer.
 */
export interface TeamsSettings {
  /** The configured name, e.g. `teams`. */
  readonly channel: string;
  /** Application (client) id and secret of the bot. */
  readonly appId: string;
  readonly appSecret: string;
  /** The directory (tenant) it is registered in; only people of this one may answer. */
  readonly tenantId: string;
  /** The Bot Connector: `https://smba.trafficmanager.net/teams/` finds the right region by itself. */
  readonly serviceUrl: URL;
  /** Entra ID: `https://login.microsoftonline.com/`. */
  readonly loginUrl: URL;
  /** PEM of a private authority, where a proxy opens TLS; the system's otherwise. */
  readonly ca?: string;
  /** ms since 1970. */
  readonly now: () => number;
}

/**
 * Tells as a bot, with an Adaptive Card whose button comes back to `serve/hooks/teams.ts`, and changes the card when
 * somebody has taken the alarm or it is over. Recipients are people by their Entra object id, channels
 * (`19:…@thread.tacv2`) and chats by their conversation id. Teams takes 7 messages a second and 60 in half a minute for
 * each conversation (learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit).
 *
 * The connector has no idempotency key and cannot be asked what it holds: an attempt that ended without an answer is sent
 * again and may be seen twice. Both cards carry the same answer, and what follows changes the latest.
 */
export function createTeamsNotifier(settings: TeamsSettings): Notifier {
  const { channel, serviceUrl, ca, now } = settings;
  const token = createTeamsToken(settings);
  /** Person → the conversation with that person, which never changes. */
  const conversations = new Map<string, string>();

  async function ask(method: 'POST' | 'PUT', path: string, body: object, signal: AbortSignal): Promise<HttpsAnswer> {
    const send = async () =>
      callHttps({
        url: new URL(path, serviceUrl),
        method,
        headers: { authorization: `Bearer ${await token.get(signal)}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal,
        ...(ca === undefined ? {} : { ca }),
      });
    const answer = await send();
    if (answer.status !== 401) return answer;
    token.forget(); // revoked before its time
    return send();
  }

  async function conversationWith(person: string, signal: AbortSignal): Promise<Sent> {
    const known = conversations.get(person);
    if (known !== undefined) return { kind: 'sent', conversation: known };
    const { appId, tenantId } = settings;
    const body = {
      bot: { id: `28:${appId}` },
      members: [{ id: person }],
      isGroup: false,
      tenantId,
      channelData: { tenant: { id: tenantId } },
    };
    const made = sentOf(await ask('POST', 'v3/conversations', body, signal), now());
    if (made.kind === 'sent') remember(person, made.conversation);
    return made;
  }

  function remember(person: string, conversation: string): void {
    if (conversations.size >= CONVERSATIONS_MAX) conversations.clear();
    conversations.set(person, conversation);
  }

  async function post(message: Notification, idempotencyKey: string, signal: AbortSignal): Promise<DeliveryOutcome> {
    const { recipient } = message;
    const activity = teamsActivity(message, idempotencyKey);
    if (CHANNEL.test(recipient)) {
      // A post of its own in the channel, not an answer to an older one.
      const body = { isGroup: true, channelData: { channel: { id: recipient } }, activity };
      return outcomeOf(sentOf(await ask('POST', 'v3/conversations', body, signal), now()));
    }
    const isPerson = PERSON.test(recipient);
    if (!isPerson && !CHAT.test(recipient)) return { kind: 'permanent', reason: 'no such recipient' };
    const place: Sent = isPerson
      ? await conversationWith(recipient, signal)
      : { kind: 'sent', conversation: recipient };
    if (place.kind !== 'sent') return place;
    const answer = await ask('POST', activitiesOf(place.conversation), activity, signal);
    if (answer.status === 404) conversations.delete(recipient);
    return outcomeOf(sentOf(answer, now(), place.conversation));
  }

  return {
    channel,
    type: 'teams',
    async send(message, { idempotencyKey, signal }) {
      try {
        const earlier = parseReceipt(message.earlierReceipt);
        if (earlier === undefined) return await post(message, idempotencyKey, signal);
        const path = `${activitiesOf(earlier.conversation)}/${encodeURIComponent(earlier.activity)}`;
        if (!UPDATES.has(message.event)) {
          const outcome = await post(message, idempotencyKey, signal);
          // Told again: one button is enough. Where that fails, the older one says whose the alarm is.
          if (outcome.kind === 'delivered' && outcome.receipt !== message.earlierReceipt)
            await ask(
              'PUT',
              path,
              { ...supersededActivity(message), id: earlier.activity },
              AbortSignal.timeout(TIDY_MS),
            ).catch(() => undefined);
          return outcome;
        }
        const activity = { ...teamsActivity(message, idempotencyKey), id: earlier.activity };
        const answer = await ask('PUT', path, activity, signal);
        // It was deleted: then say it anew.
        if (answer.status === 404) return await post(message, idempotencyKey, signal);
        return outcomeOf(sentOf(answer, now(), earlier.conversation, earlier.activity));
      } catch (error) {
        if (error instanceof TokenRefused) return transient(error.reason, undefined, now());
        return outcomeOfError(error);
      }
    },
  };
}

/** A message that has arrived is not held up for longer by tidying an older one. */
const TIDY_MS = 3_000;

/** More people than a house has; each is two short strings. */
const CONVERSATIONS_MAX = 20_000;

/** What takes the place of an earlier card. All else must ring, and a changed card does not. */
const UPDATES: ReadonlySet<Notification['event']> = new Set(['ended', 'acknowledged', 'resolved']);

const PERSON = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const CHANNEL = /^19:[\w-]{1,120}@thread\.(tacv2|skype)$/;
const CHAT = /^(19:[\w-]{1,120}@(thread\.v2|unq\.gbl\.spaces)|a:[\w-]{1,200})$/;

function activitiesOf(conversation: string): string {
  return `v3/conversations/${encodeURIComponent(conversation)}/activities`;
}

type Sent =
  | { readonly kind: 'sent'; readonly conversation: string; readonly activity?: string }
  | Exclude<DeliveryOutcome, { readonly kind: 'delivered' }>;

interface Said {
  readonly id?: unknown;
  readonly activityId?: unknown;
  readonly error?: unknown;
}

/** learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference */
function sentOf(answer: HttpsAnswer, nowMs: number, conversation?: string, activity?: string): Sent {
  const said = (jsonOf(answer) ?? {}) as Said;
  if (answer.status >= 200 && answer.status < 300) {
    const id = typeof said.id === 'string' ? said.id : activity;
    if (conversation !== undefined)
      return { kind: 'sent', conversation, ...(id === undefined ? {} : { activity: id }) };
    if (id === undefined) return { kind: 'transient', reason: 'no conversation' };
    return {
      kind: 'sent',
      conversation: id,
      ...(typeof said.activityId === 'string' ? { activity: said.activityId } : {}),
    };
  }
  const reason = `HTTP ${answer.status}${codeOf(said)}`;
  // A refused token is ours to put right; 412 and 429 pass, as do 5xx (platform/bots/how-to/rate-limit).
  const passes = answer.status === 401 || answer.status === 412 || answer.status === 408 || answer.status === 429;
  if (!passes && answer.status < 500) return { kind: 'permanent', reason };
  return transient(reason, answer.headers['retry-after'], nowMs) as Sent;
}

/** `{"error":{"code":"BotNotInConversationRoster","message":…}}`: the code, never the words. */
function codeOf(said: Said): string {
  const { code } = (said.error ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' && /^[A-Za-z]{1,60}$/.test(code) ? ` ${code}` : '';
}

function outcomeOf(sent: Sent): DeliveryOutcome {
  if (sent.kind !== 'sent') return sent;
  const receipt = sent.activity === undefined ? undefined : `${sent.activity} ${sent.conversation}`;
  return { kind: 'delivered', ...(receipt === undefined || receipt.length > RECEIPT_MAX ? {} : { receipt }) };
}

/** The port's bound. Teams' ids are some hundred characters; without a receipt what follows is a message of its own. */
const RECEIPT_MAX = 500;

function parseReceipt(
  receipt: string | undefined,
): { readonly conversation: string; readonly activity: string } | undefined {
  const [, activity, conversation] = /^(\S+) (\S+)$/.exec(receipt ?? '') ?? [];
  return activity === undefined || conversation === undefined ? undefined : { activity, conversation };
}
