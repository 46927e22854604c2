import { createHash, createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { DeliveryOutcome, Notification, Notifier } from '../../ports/notifier.ts';

export interface WebhookSettings {
  /** Recipient → address, `https:` only. */
  readonly endpoints: ReadonlyMap<string, URL>;
  /** The key of the signature, at least 32 characters; the receiver has it too. */
  readonly secret: string;
  /** PEM of a private authority; the system's otherwise. */
  readonly ca?: string;
  /** ms since 1970. */
  readonly now: () => number;
}

/**
 * Names endpoints for delivery records without showing the address, whose path may be a secret: `host#1a2b3c4d`. The name
 * stays the same when the list is reordered.
 */
export function webhookEndpoints(urls: readonly string[]): ReadonlyMap<string, URL> {
  return new Map(
    urls.map((text) => {
      const url = new URL(text);
      return [`${url.host}#${createHash('sha256').update(url.href).digest('hex').slice(0, 8)}`, url];
    }),
  );
}

/**
 * Posts JSON. The receiver verifies `healthsync-signature: t=<seconds since 1970>,v1=<hex>`, where `v1` is the HMAC-SHA256
 * of `<t>.<body>` under the shared secret; it refuses a `t` more than five minutes off, which ends replays, and a second
 * `idempotency-key`, which ends duplicates.
 */
export function webhookNotifier(settings: WebhookSettings): Notifier {
  const { endpoints, secret, ca, now } = settings;
  return {
    channel: 'webhook',
    type: 'webhook',
    async send(message, { idempotencyKey, signal }): Promise<DeliveryOutcome> {
      const url = endpoints.get(message.recipient);
      if (url === undefined) return { kind: 'permanent', reason: 'no such endpoint' };
      const body = Buffer.from(JSON.stringify(bodyOf(message)));
      const seconds = Math.floor(now() / 1_000);
      const headers = {
        'content-type': 'application/json',
        'content-length': body.byteLength,
        'user-agent': 'HealthSync',
        'idempotency-key': idempotencyKey,
        'healthsync-signature': `t=${seconds},v1=${webhookSignature(secret, seconds, body)}`,
      };
      try {
        const response = await post(url, body, { headers, signal, ...(ca === undefined ? {} : { ca }) });
        return outcomeOf(response.statusCode ?? 0, response.headers['retry-after'], now());
      } catch (error) {
        const { code, name } = error as { code?: string; name?: string };
        return { kind: 'transient', reason: code ?? name ?? 'failed' };
      }
    },
  };
}

export function webhookSignature(secret: string, seconds: number, body: Uint8Array): string {
  return createHmac('sha256', secret).update(`${seconds}.`).update(body).digest('hex');
}

function bodyOf({ subject, text, fields }: Notification) {
  return { subject, text, ...fields };
}

/** node:https follows no redirects: an address that moved has to be configured, not believed. */
function post(
  url: URL,
  body: Uint8Array,
  options: {
    readonly headers: Readonly<Record<string, string | number>>;
    readonly signal: AbortSignal;
    readonly ca?: string;
  },
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      { method: 'POST', agent: false, minVersion: 'TLSv1.2', ...options, headers: { ...options.headers } },
      (response) => {
        // What the other side says beyond its status is of no use to us, and could be endless.
        response.destroy();
        resolve(response);
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

function outcomeOf(status: number, retryAfter: string | undefined, nowMs: number): DeliveryOutcome {
  const reason = `HTTP ${status}`;
  if (status >= 200 && status < 300) return { kind: 'delivered', receipt: reason };
  if (!isTransient(status)) return { kind: 'permanent', reason };
  const retryAfterMs = parseRetryAfter(retryAfter, nowMs);
  return retryAfterMs === undefined
    ? { kind: 'transient', reason }
    : { kind: 'transient', reason, retryAfterMs: Math.min(retryAfterMs, RETRY_AFTER_MAX_MS) };
}

/** Request timeout, too early, too many requests, and whatever is the server's own trouble. */
function isTransient(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

/** An alarm cannot wait for ever because a receiver says so. */
const RETRY_AFTER_MAX_MS = 900_000;

/** RFC 9110 §10.2.3: seconds, or a date. */
function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - nowMs;
  return Number.isFinite(ms) ? Math.max(ms, 0) : undefined;
}
