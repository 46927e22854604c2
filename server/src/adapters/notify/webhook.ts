import { createHash } from 'node:crypto';
import type { Notification, Notifier } from '../../ports/notifier.ts';
import { outcomeOfError } from './https-call.ts';
import { postSigned, type SignedPostSettings } from './signed-post.ts';

export interface WebhookSettings extends SignedPostSettings {
  /** The configured name. */
  readonly channel: string;
  /** What a recipient stands for; undefined: nothing. */
  readonly endpointOf: (recipient: string) => WebhookEndpoint | undefined | Promise<WebhookEndpoint | undefined>;
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
  const { channel, endpointOf } = settings;
  return {
    channel,
    type: 'webhook',
    async send(message, { idempotencyKey, signal }) {
      try {
        const endpoint = await endpointOf(message.recipient);
        if (endpoint === undefined) return { kind: 'permanent', reason: 'no such endpoint' };
        const body = JSON.stringify(bodyOf(message));
        const post = { ...endpoint, id: idempotencyKey, contentType: 'application/json', body, signal };
        return await postSigned(post, settings);
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
