import { testWords } from '../../domain/message-words.ts';
import type { DeliveryOutcome, Notifier } from '../../ports/notifier.ts';
import type { ChannelWatch } from './channel-watch.ts';
import { createGate } from './contact-verification.ts';

/** Sends a message that says it is only a test, and waits for what becomes of it. */
export type TestChannel = (test: {
  readonly notifier: Notifier;
  readonly recipient: string;
  /** Who asks: the limit is theirs. */
  readonly askedBy: string;
}) => Promise<
  | { readonly kind: 'done'; readonly outcome: DeliveryOutcome; readonly tookMs: number }
  | { readonly kind: 'too-often'; readonly retryAfterMs: number }
>;

/** Three to see that it works, then one every half minute. */
const PER_PERSON = { burst: 3, perMinute: 2 };
const SEND_MS = 20_000;

export function createChannelTest(options: {
  readonly watch: Pick<ChannelWatch, 'delivered' | 'failed'>;
  readonly newId: () => string;
  readonly now: () => number;
  readonly monotonicMs: () => number;
}): TestChannel {
  const { watch, newId, now, monotonicMs } = options;
  const gate = createGate(PER_PERSON, now);
  return async ({ notifier, recipient, askedBy }) => {
    const waitMs = gate(askedBy);
    if (waitMs > 0) return { kind: 'too-often', retryAfterMs: waitMs };
    const startedMs = monotonicMs();
    const outcome = await send(notifier, recipient, newId());
    if (outcome.kind === 'delivered') watch.delivered(notifier.channel, recipient);
    else if (outcome.kind === 'transient') watch.failed(notifier.channel, outcome.reason);
    return { kind: 'done', outcome, tookMs: Math.round(monotonicMs() - startedMs) };
  };
}

async function send(notifier: Notifier, recipient: string, id: string): Promise<DeliveryOutcome> {
  const message = { ...testWords(notifier.channel), event: 'test', recipient } as const;
  try {
    return await notifier.send(message, { idempotencyKey: id, signal: AbortSignal.timeout(SEND_MS) });
  } catch (error) {
    return { kind: 'transient', reason: error instanceof Error ? error.name : 'threw' };
  }
}
