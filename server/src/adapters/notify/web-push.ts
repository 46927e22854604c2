import { createHash, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { parseUserId, type UserId } from '../../domain/ids.ts';
import type { DeliveryOutcome, Notification, Notifier } from '../../ports/notifier.ts';
import type { PushSubscription, PushSubscriptions } from '../../ports/push-subscriptions.ts';
import { callHttps, outcomeOfError, outcomeOfStatus } from './https-call.ts';
import { isPushService, PUSH_SERVICES } from './push-services.ts';
import { encryptPush } from './web-push-encryption.ts';
import { pushMessageOf } from './web-push-message.ts';

export interface WebPushSettings {
  /** The configured name, e.g. `web-push`. */
  readonly channel: string;
  readonly subscriptions: Pick<PushSubscriptions, 'of' | 'removeGone'>;
  /** A person's last browser is gone: whoever counts on reaching them this way must know. */
  readonly onUnreachable?: (userId: UserId) => Promise<void>;
  /** Who we are to the push services (RFC 8292): P-256; the public half is what browsers subscribed with. */
  readonly keys: { readonly publicKey: string; readonly privateKey: KeyObject };
  /** Whom a push service may complain to: `mailto:…` or `https://…`. Apple's refuses messages without. */
  readonly contact: string;
  /** Push services we speak to, `host`, `host:port` or `*.domain`. */
  readonly services?: readonly string[];
  /** PEM of a private authority; the system's otherwise. */
  readonly ca?: string;
  /** ms since 1970. */
  readonly now: () => number;
}

/**
 * Pushes to every browser of a person; the recipient is the user's id. Delivered when every browser that still exists has
 * its message with its push service: a phone that is out of reach must not be forgotten because a workstation was not.
 * What a service already took is not sent again with the next attempt; after a crash it is, under the same `delivery`,
 * which the service worker knows.
 */
export function createWebPushNotifier(settings: WebPushSettings): Notifier {
  const { subscriptions, services = PUSH_SERVICES } = settings;
  const sign = vapidSigner(settings);
  const taken = takenBefore();

  async function sendTo(browser: PushSubscription, push: Push, signal: AbortSignal): Promise<DeliveryOutcome> {
    const url = URL.parse(browser.endpoint);
    if (url === null || !isPushService(url, services)) return { kind: 'permanent', reason: 'push service not allowed' };
    const body = encrypted(push.plaintext, browser);
    if (body === undefined) return { kind: 'permanent', reason: 'browser’s key is not valid' };
    const { ca, now } = settings;
    const headers = { ...push.headers, authorization: await sign(url.origin) };
    try {
      const answer = await callHttps({ url, headers, body, signal, ...(ca === undefined ? {} : { ca }) });
      // RFC 8030 §7.3, and what services answer where somebody withdrew.
      if (answer.status === 404 || answer.status === 410) await subscriptions.removeGone(browser.id);
      return outcomeOfStatus(answer, now());
    } catch (error) {
      return outcomeOfError(error);
    }
  }

  async function forget(userId: UserId): Promise<void> {
    if ((await subscriptions.of(userId)).length === 0) await settings.onUnreachable?.(userId);
  }

  return {
    channel: settings.channel,
    type: 'web-push',
    async send(message, { idempotencyKey, signal }) {
      try {
        const userId = parseUserId(message.recipient);
        if (userId === undefined) return NO_BROWSER;
        const browsers = await subscriptions.of(userId);
        const push = pushOf(message, idempotencyKey);
        const outcomes = await Promise.all(
          browsers.map(async (browser): Promise<DeliveryOutcome> => {
            if (taken.has(idempotencyKey, browser.id)) return { kind: 'delivered' };
            const outcome = await sendTo(browser, push, signal);
            if (outcome.kind === 'delivered') taken.add(idempotencyKey, browser.id);
            return outcome;
          }),
        );
        if (!outcomes.some(({ kind }) => kind !== 'permanent')) await forget(userId);
        return together(outcomes, `${message.recipient} ${idempotencyKey}`);
      } catch (error) {
        return outcomeOfError(error);
      }
    },
  };
}

/** The receipt is what the service worker sends back when the message has reached it: whose browser, and the delivery. */
function together(outcomes: readonly DeliveryOutcome[], receipt: string): DeliveryOutcome {
  const transient = outcomes.filter((outcome) => outcome.kind === 'transient');
  const [later] = transient.toSorted((a, b) => (b.retryAfterMs ?? 0) - (a.retryAfterMs ?? 0));
  if (later !== undefined) return later;
  if (outcomes.some(({ kind }) => kind === 'delivered')) return { kind: 'delivered', receipt };
  return outcomes[0] ?? NO_BROWSER;
}

const NO_BROWSER = { kind: 'permanent', reason: 'no browser is subscribed' } as const;

interface Push {
  readonly plaintext: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

function pushOf(message: Notification, idempotencyKey: string): Push {
  const { alarm, event } = message;
  const isUrgent = alarm?.priority === 'high' || alarm?.priority === 'medium';
  return {
    plaintext: pushMessageOf(message, idempotencyKey),
    headers: {
      'content-type': 'application/octet-stream',
      'content-encoding': 'aes128gcm',
      // RFC 8030 §5.2, §5.3: how long to keep it for a browser that is away, and whether to wake a sleeping phone.
      ttl: String(event === 'test' ? TEST_TTL_SECONDS : TTL_SECONDS),
      urgency: isUrgent && !QUIET.has(event) ? 'high' : 'normal',
      // RFC 8030 §5.4: what still waits about the same alarm is replaced, so that an hour later there is one message.
      ...(alarm === undefined ? {} : { topic: topicOf(alarm.id) }),
    },
  };
}

/** Somebody else is at the bed an hour later, and the wall shows what is open. */
const TTL_SECONDS = 3_600;
const TEST_TTL_SECONDS = 60;

const QUIET: ReadonlySet<Notification['event']> = new Set(['ended', 'acknowledged', 'resolved']);

/** At most 32 characters of base64url; the push service reads it, so it is not the id itself. */
function topicOf(alarmId: string): string {
  return createHash('sha256').update(alarmId).digest('base64url').slice(0, 32);
}

function encrypted(plaintext: Uint8Array, browser: PushSubscription): Buffer | undefined {
  try {
    return encryptPush(plaintext, browser);
  } catch {
    return undefined; // not a point on the curve: the API refuses such, but the row may be older than the API
  }
}

/** RFC 8292 §2: at most 24 hours; a signature costs more than a header, so one serves for a while. */
const TOKEN_MS = 12 * 3_600_000;
const TOKEN_RENEW_MS = 3_600_000;
/** There are four services; this is for those an operator adds. */
const TOKENS_MAX = 100;

function vapidSigner({ keys, contact, now }: Pick<WebPushSettings, 'keys' | 'contact' | 'now'>) {
  const tokens = new Map<string, { readonly header: string; readonly expiresMs: number }>();
  return async (origin: string): Promise<string> => {
    const known = tokens.get(origin);
    if (known !== undefined && known.expiresMs - now() > TOKEN_RENEW_MS) return known.header;
    const expiresMs = now() + TOKEN_MS;
    const token = await new SignJWT({ aud: origin, exp: Math.floor(expiresMs / 1_000), sub: contact })
      .setProtectedHeader({ typ: 'JWT', alg: 'ES256' })
      .sign(keys.privateKey);
    const header = `vapid t=${token}, k=${keys.publicKey}`;
    if (tokens.size >= TOKENS_MAX) tokens.clear();
    tokens.set(origin, { header, expiresMs });
    return header;
  };
}

/** Deliveries under way with several browsers: a night's worth. */
const DELIVERIES_MAX = 1_000;

function takenBefore() {
  const deliveries = new Map<string, Set<string>>();
  return {
    has: (idempotencyKey: string, browserId: string) => deliveries.get(idempotencyKey)?.has(browserId) === true,
    add(idempotencyKey: string, browserId: string) {
      const browsers = deliveries.get(idempotencyKey) ?? new Set();
      deliveries.set(idempotencyKey, browsers.add(browserId));
      const [oldest] = deliveries.keys();
      if (deliveries.size > DELIVERIES_MAX && oldest !== undefined) deliveries.delete(oldest);
    },
  };
}
