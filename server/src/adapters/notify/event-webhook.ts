import type { EventCarrier } from '../../ports/alarm-events.ts';
import { callHttps, outcomeOfError, outcomeOfStatus } from './https-call.ts';
import { type OutgoingRules, outgoingLookup, parseOutgoingAddress } from './outgoing-address.ts';
import { standardWebhookHeaders } from './standard-webhook.ts';

/**
 * Events over HTTPS: CloudEvents in structured mode (HTTP Protocol Binding 1.0.2, §3.2), signed like every webhook of
 * ours (`standard-webhook.ts`). 410 Gone ends a subscription, as the CloudEvents webhook specification (§2.2) says.
 */
export function createEventWebhook(settings: {
  readonly outgoing: OutgoingRules;
  /** PEM of a private authority; the system's otherwise. */
  readonly ca?: string;
  /** ms since 1970. */
  readonly now: () => number;
}): EventCarrier {
  const { outgoing, ca, now } = settings;
  return {
    async carry({ url, secret, id, body, signal }) {
      try {
        const parsed = parseOutgoingAddress(url, outgoing);
        if (parsed.kind === 'refused') return { kind: 'permanent', reason: parsed.reason };
        const answer = await callHttps({
          url: parsed.url,
          headers: {
            'content-type': 'application/cloudevents+json; charset=utf-8',
            ...standardWebhookHeaders({ id, atMs: now(), body, secrets: secret.split(' ') }),
          },
          body,
          signal,
          lookup: outgoingLookup(parsed.url, outgoing),
          ...(ca === undefined ? {} : { ca }),
        });
        const outcome = outcomeOfStatus(answer, now());
        return outcome.kind === 'delivered' ? { kind: 'delivered' } : outcome;
      } catch (error) {
        const outcome = outcomeOfError(error);
        return outcome.kind === 'delivered' ? { kind: 'delivered' } : outcome;
      }
    },
  };
}
