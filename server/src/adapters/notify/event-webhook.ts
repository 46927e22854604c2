import type { EventCarrier } from '../../ports/alarm-events.ts';
import { postSigned, type SignedPostSettings } from './signed-post.ts';

/**
 * Events over HTTPS: CloudEvents in structured mode (HTTP Protocol Binding 1.0.2, §3.2), signed like every webhook of
 * ours. 410 Gone ends a subscription, as the CloudEvents webhook specification (§2.2) says.
 */
export function createEventWebhook(settings: SignedPostSettings): EventCarrier {
  const contentType = 'application/cloudevents+json; charset=utf-8';
  return {
    // While a secret is replaced there are two, apart by a space.
    carry: ({ secret, ...event }) => postSigned({ ...event, secrets: secret.split(' '), contentType }, settings),
  };
}
