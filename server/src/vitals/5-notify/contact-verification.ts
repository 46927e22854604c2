import { CHANNEL_TRAITS } from '../../domain/channel.ts';
import type { UserId } from '../../domain/ids.ts';
import { verificationWords } from '../../domain/message-words.ts';
import { admit, type Bucket, fullBucket, type RateLimit } from '../../domain/rate-limit.ts';
import { sha256Of } from '../../identity/secrets.ts';
import type { Contacts, VerifyOutcome } from '../../ports/contacts.ts';
import type { DeliveryOutcome, Notifier } from '../../ports/notifier.ts';

/** Proves that an address is somebody's: whoever reads the code that was sent there is at it. */
export interface ContactVerification {
  sendCode(contact: ContactKey): Promise<SendCodeOutcome>;
  confirm(contact: ContactKey & { readonly code: string }): Promise<VerifyOutcome>;
}

interface ContactKey {
  readonly userId: UserId;
  readonly channel: string;
  readonly address: string;
}

export type SendCodeOutcome =
  | { readonly kind: 'sent' }
  | { readonly kind: 'not-found' | 'not-by-code' }
  | { readonly kind: 'too-often'; readonly retryAfterMs: number }
  | { readonly kind: 'undeliverable'; readonly reason: string; readonly isPermanent: boolean };

export const CODE_MINUTES = 15;
/** Six digits and five tries: one guess in 200,000 succeeds. */
const TRIES_MAX = 5;
/** Codes for one person, whatever the address: enough for slips of the pen, too few to pester anybody or spend money. */
const PER_PERSON: RateLimit = { burst: 5, perMinute: 1 / 5 };
/** Codes to one address, whoever asks: it may be a stranger's. */
const PER_ADDRESS: RateLimit = { burst: 3, perMinute: 1 / 20 };
/** Remembered of each; the oldest give way. */
const BUCKETS_MAX = 10_000;
const SEND_MS = 20_000;

export function createContactVerification(options: {
  readonly contacts: Pick<Contacts, 'ofUser' | 'startVerification' | 'verify'>;
  readonly notifiers: readonly Notifier[];
  /** Six digits, each time others. */
  readonly randomCode: () => string;
  readonly newId: () => string;
  readonly now: () => number;
}): ContactVerification {
  const { contacts, notifiers, randomCode, newId, now } = options;
  const people = createGate(PER_PERSON, now);
  const addresses = createGate(PER_ADDRESS, now);
  // A code is good for one contact only, and six digits would be found at once without a salt.
  const hashOf = ({ userId, channel, address }: ContactKey, code: string) =>
    sha256Of([userId, channel, address, code].join('\n'));

  return {
    async sendCode(contact) {
      const { userId, channel, address } = contact;
      const notifier = notifiers.find((each) => each.channel === channel);
      const isTheirs = (await contacts.ofUser(userId)).some(
        (each) => each.channel === channel && each.address === address,
      );
      if (notifier === undefined || !isTheirs) return { kind: 'not-found' };
      if (CHANNEL_TRAITS[notifier.type].contact?.verification !== 'code') return { kind: 'not-by-code' };
      const waitMs = Math.max(people(userId), addresses(`${channel}\n${address}`));
      if (waitMs > 0) return { kind: 'too-often', retryAfterMs: waitMs };
      const code = randomCode();
      const startedAtMs = now();
      const started = await contacts.startVerification({
        ...contact,
        codeSha256: hashOf(contact, code),
        expiresAtMs: startedAtMs + CODE_MINUTES * 60_000,
        atMs: startedAtMs,
      });
      if (started === 'not-found') return { kind: 'not-found' };
      return await send(notifier, address, code, newId());
    },
    confirm: ({ code, ...contact }) =>
      contacts.verify({ ...contact, codeSha256: hashOf(contact, code), atMs: now(), triesMax: TRIES_MAX }),
  };
}

async function send(notifier: Notifier, recipient: string, code: string, id: string): Promise<SendCodeOutcome> {
  const message = { ...verificationWords(code, CODE_MINUTES), event: 'verification', recipient } as const;
  let outcome: DeliveryOutcome;
  try {
    outcome = await notifier.send(message, { idempotencyKey: id, signal: AbortSignal.timeout(SEND_MS) });
  } catch (error) {
    outcome = { kind: 'transient', reason: error instanceof Error ? error.name : 'threw' };
  }
  if (outcome.kind === 'delivered') return { kind: 'sent' };
  return { kind: 'undeliverable', reason: outcome.reason, isPermanent: outcome.kind === 'permanent' };
}

/** Answers 0, or for how long to wait. */
export function createGate(limit: RateLimit, now: () => number): (key: string) => number {
  const buckets = new Map<string, Bucket>();
  return (key) => {
    const nowMs = now();
    const before = buckets.get(key) ?? fullBucket(limit, nowMs);
    // Refused, it keeps no place: whoever comes again is asked to wait for the next token, not for the one after.
    const admission = admit(before, limit, { nowMs, rank: 2, mustGo: false });
    if (admission.kind === 'wait') return admission.untilMs - nowMs;
    buckets.delete(key);
    buckets.set(key, admission.bucket);
    const [oldest] = buckets.keys();
    if (buckets.size > BUCKETS_MAX && oldest !== undefined) buckets.delete(oldest);
    return 0;
  };
}
