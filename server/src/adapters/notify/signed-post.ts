import type { DeliveryOutcome } from '../../ports/notifier.ts';
import { callHttps, outcomeOfError, outcomeOfStatus } from './https-call.ts';
import { type OutgoingRules, outgoingLookup, parseOutgoingAddress } from './outgoing-address.ts';
import { standardWebhookHeaders } from './standard-webhook.ts';

/** To where, and how, everything signed of ours is posted. */
export interface SignedPostSettings {
  /** Which addresses may be called. */
  readonly outgoing?: OutgoingRules;
  /** PEM of a private authority; the system's otherwise. */
  readonly ca?: string;
  /** ms since 1970. */
  readonly now: () => number;
}

/**
 * Posts a body to an address that a person has set: past the guard of `outgoing-address.ts`, signed as
 * `standard-webhook.ts` says. Never rejects.
 */
export async function postSigned(
  post: {
    readonly url: string;
    /** The same for every attempt. */
    readonly id: string;
    readonly secrets: readonly string[];
    readonly contentType: string;
    readonly body: string;
    readonly signal: AbortSignal;
  },
  { outgoing = {}, ca, now }: SignedPostSettings,
): Promise<DeliveryOutcome> {
  const { id, secrets, contentType, body, signal } = post;
  if (secrets.length === 0) return { kind: 'permanent', reason: 'no secret to sign with' };
  try {
    const parsed = parseOutgoingAddress(post.url, outgoing);
    if (parsed.kind === 'refused') return { kind: 'permanent', reason: parsed.reason };
    const answer = await callHttps({
      url: parsed.url,
      headers: { 'content-type': contentType, ...standardWebhookHeaders({ id, atMs: now(), body, secrets }) },
      body,
      signal,
      lookup: outgoingLookup(parsed.url, outgoing),
      ...(ca === undefined ? {} : { ca }),
    });
    return outcomeOfStatus(answer, now());
  } catch (error) {
    return outcomeOfError(error);
  }
}
