import type { AlarmChange } from '../../domain/alarm.ts';
import {
  type NotificationRoute,
  nextAttempt,
  notificationOf,
  RETRY_BY_DEFAULT,
  type RetryPolicy,
  recipientsOf,
} from '../../domain/notification.ts';
import type { DeliveryOutcome, Notifier } from '../../ports/notifier.ts';
import type { Delivery, Outbox } from '../../ports/outbox.ts';

/** Tells people: takes what is due from the outbox, sends it by its channel, and records what became of it. */
export interface Teller {
  /** Something new may be in the outbox: look now. */
  wake(): void;
  /** How each channel fares, for operations. */
  health(): ReadonlyMap<string, ChannelHealth>;
  /** Takes no more, and waits for what is being sent. */
  stop(): Promise<void>;
}

export interface ChannelHealth {
  readonly lastDeliveredAtMs?: number;
  readonly lastFailedAtMs?: number;
  readonly lastFailure?: string;
  readonly failedInARow: number;
}

export interface TellerHooks {
  attempt?(done: {
    readonly channel: string;
    readonly outcome: 'delivered' | 'retry' | 'failed';
    readonly ms: number;
  }): void;
  /** Nobody was told, and nobody will be by this delivery. */
  onFailed?(delivery: Delivery, reason: string): void;
  /** The outbox is away. */
  onOutboxError?(error: unknown): void;
}

export interface TellerDependencies {
  readonly outbox: Outbox;
  readonly notifiers: readonly Notifier[];
  readonly routes: readonly NotificationRoute[];
  /** What the wall calls the alarm's bed. */
  readonly bedOf: (alarm: AlarmChange['alarm']) => string | undefined;
  readonly wallUrl?: string;
  readonly now: () => number;
  readonly monotonicMs: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly hooks?: TellerHooks;
  readonly settings?: Partial<TellerSettings>;
}

export interface TellerSettings {
  /** How often to look without being woken: for retries, and for what other processes wrote. */
  readonly pollMs: number;
  /** At once: mail servers commonly allow about ten connections per client. */
  readonly concurrencyMax: number;
  /** One attempt, all in all. */
  readonly sendTimeoutMs: number;
  /** Longer than an attempt and its record can take, so that no other notifier sends the same meanwhile. */
  readonly leaseMs: number;
  readonly retry: RetryPolicy;
}

const DEFAULTS: TellerSettings = {
  pollMs: 1_000,
  concurrencyMax: 8,
  sendTimeoutMs: 20_000,
  leaseMs: 60_000,
  retry: RETRY_BY_DEFAULT,
};

export function startTeller(dependencies: TellerDependencies): Teller {
  const { outbox, routes, now, monotonicMs, random, hooks = {} } = dependencies;
  const settings = { ...DEFAULTS, ...dependencies.settings };
  const notifiers = new Map(dependencies.notifiers.map((notifier) => [notifier.channel, notifier]));
  const health = new Map<string, ChannelHealth>();
  const sending = new Set<Promise<void>>();
  const stopping = new AbortController();
  let isAwake = true;
  let alarmClock: () => void = () => {};

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      isAwake = false;
      try {
        await outbox.fanOut((change) => recipientsOf(change, routes), now());
        await takeDue();
      } catch (error) {
        hooks.onOutboxError?.(error);
      }
      if (!isAwake) await sleep();
    }
    await Promise.all(sending);
  }

  /** Takes only what can be sent at once: a lease must not run out while a delivery waits its turn. */
  async function takeDue(): Promise<void> {
    while (!stopping.signal.aborted && sending.size < settings.concurrencyMax) {
      const limit = settings.concurrencyMax - sending.size;
      const due = await outbox.take({ nowMs: now(), leaseUntilMs: now() + settings.leaseMs, limit });
      for (const delivery of due) {
        const sent = deliver(delivery).finally(() => {
          sending.delete(sent);
          wake();
        });
        sending.add(sent);
      }
      if (due.length < limit) return;
    }
  }

  async function deliver(delivery: Delivery): Promise<void> {
    const startedMs = monotonicMs();
    const outcome = await attempt(delivery);
    const { deliveryId, attempt: number, channel, change } = delivery;
    const done = { deliveryId, attempt: number, atMs: now() };
    const told = (what: 'delivered' | 'retry' | 'failed') =>
      hooks.attempt?.({ channel, outcome: what, ms: monotonicMs() - startedMs });
    noteHealth(channel, outcome);
    if (outcome.kind === 'delivered') {
      told('delivered');
      return record({ ...done, outcome: 'delivered', detail: outcome.receipt ?? 'delivered' });
    }
    const next = nextAttempt(
      { number, nowMs: now(), raisedAtMs: change.alarm.raisedAtMs, outcome },
      settings.retry,
      random(),
    );
    if (next.kind === 'retry') {
      told('retry');
      return record({ ...done, outcome: 'retry', detail: outcome.reason, nextAtMs: next.atMs });
    }
    told('failed');
    hooks.onFailed?.(delivery, next.reason);
    return record({ ...done, outcome: 'failed', detail: `${next.reason}: ${outcome.reason}` });
  }

  async function attempt({ deliveryId, channel, recipient, change }: Delivery): Promise<DeliveryOutcome> {
    const notifier = notifiers.get(channel);
    // It may be configured again before the delivery is given up.
    if (notifier === undefined) return { kind: 'transient', reason: 'channel not configured' };
    try {
      const bed = dependencies.bedOf(change.alarm);
      const { wallUrl } = dependencies;
      const message = {
        ...notificationOf(change, {
          ...(bed === undefined ? {} : { bed }),
          ...(wallUrl === undefined ? {} : { wallUrl }),
        }),
        recipient,
      };
      const signal = AbortSignal.timeout(settings.sendTimeoutMs);
      return await notifier.send(message, { idempotencyKey: deliveryId, signal });
    } catch (error) {
      // A notifier that throws has a defect; the person must be told all the same.
      return { kind: 'transient', reason: error instanceof Error ? error.name : 'threw' };
    }
  }

  /** Not recorded, it would be sent again once the lease ends: worth a few tries. */
  async function record(result: Parameters<Outbox['record']>[0]): Promise<void> {
    for (let waitMs = 250; ; waitMs *= 2) {
      try {
        return await outbox.record(result);
      } catch (error) {
        hooks.onOutboxError?.(error);
        if (waitMs > settings.leaseMs / 4 || stopping.signal.aborted) return;
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
  }

  function noteHealth(channel: string, outcome: DeliveryOutcome): void {
    const before = health.get(channel) ?? { failedInARow: 0 };
    health.set(
      channel,
      outcome.kind === 'delivered'
        ? { ...before, lastDeliveredAtMs: now(), failedInARow: 0 }
        : {
            ...before,
            lastFailedAtMs: now(),
            lastFailure: outcome.reason,
            failedInARow: before.failedInARow + 1,
          },
    );
  }

  function wake(): void {
    isAwake = true;
    alarmClock();
  }

  function sleep(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, settings.pollMs);
      alarmClock = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  const running = run();
  return {
    wake,
    health: () => health,
    async stop() {
      stopping.abort();
      wake();
      await running;
    },
  };
}
