import { createHash } from 'node:crypto';
import type { Notification, Notifier } from '../../ports/notifier.ts';
import { callHttps, outcomeOfError, outcomeOfStatus } from './https-call.ts';
import { type OutgoingRules, outgoingLookup, parseOutgoingAddress } from './outgoing-address.ts';
import { standardWebhookHeaders } from './standard-webhook.ts';

export interface WebhookSettings {
  /** The configured name. */
  readonly channel: string;
  /** What a recipient stands for; undefined: nothing. */
  readonly endpointOf: (recipient: string) => WebhookEndpoint | undefined | Promise<WebhookEndpoint | undefined>;
  /** Which addresses may be called. */
  readonly outgoing?: OutgoingRules;
  /** PEM of a private authority; the system's otherwise. */
  readonly ca?: string;
  /** ms since 1970. */
  readonly now: () => number;
}

export interface WebhookEndpoint {
  /** `https:` only. */
  readonly url: string;
  /** The receiver has one of them. The first is the current one; a former one may follow while it is replaced. */
  readonly secrets: readonly string[];
}

/**
 * Posts JSON, signed as `standard-webhook.ts` says. The receiver refuses a `webhook-timestamp` more than five minutes
 * off, which ends replays, and a second `webhook-id`, which ends duplicates: `examples/webhook-receiver` shows how.
 */
export function createWebhookNotifier(settings: WebhookSettings): Notifier {
  const { channel, endpointOf, outgoing = {}, ca, now } = settings;
  return {
    channel,
    type: 'webhook',
    async send(message, { idempotencyKey, signal }) {
      try {
        const endpoint = await endpointOf(message.recipient);
        if (endpoint === undefined) return { kind: 'permanent', reason: 'no such endpoint' };
        if (endpoint.secrets.length === 0) return { kind: 'permanent', reason: 'no secret to sign with' };
        const parsed = parseOutgoingAddress(endpoint.url, outgoing);
        if (parsed.kind === 'refused') return { kind: 'permanent', reason: parsed.reason };
        const body = JSON.stringify(bodyOf(message));
        const signed = standardWebhookHeaders({ id: idempotencyKey, atMs: now(), body, secrets: endpoint.secrets });
        const answer = await callHttps({
          url: parsed.url,
          headers: { 'content-type': 'application/json', ...signed },
          body,
          signal,
          lookup: outgoingLookup(parsed.url, outgoing),
          ...(ca === undefined ? {} : { ca }),
        });
        return outcomeOfStatus(answer, now());
      } catch (error) {
        return outcomeOfError(error);
      }
    },
  };
}

/** Flat, with `type` as the specification recommends. Nothing beyond what the policy has let into the message. */
function bodyOf({ event, subject, text, fields, alarm, wallUrl }: Notification) {
  return {
    ...fields,
    type: alarm === undefined ? event : `alarm.${event}`,
    subject,
    text,
    ...(wallUrl === undefined ? {} : { wallUrl }),
  };
}

/**
 * Endpoints of the settings, by names that do not show the address, whose path may be a secret: `host#1a2b3c4d`. The
 * name stays the same when the list is reordered.
 */
export function webhookEndpoints(
  urls: readonly string[],
  secrets: readonly string[],
): ReadonlyMap<string, WebhookEndpoint> {
  return new Map(
    urls.map((text) => {
      const { host, href } = new URL(text);
      return [`${host}#${createHash('sha256').update(href).digest('hex').slice(0, 8)}`, { url: href, secrets }];
    }),
  );
}
