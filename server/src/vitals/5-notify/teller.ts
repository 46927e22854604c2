import type { AlarmChange } from '../../domain/alarm.ts';
import { CHANNEL_TRAITS, type ChannelType } from '../../domain/channel.ts';
import type { PatientId, TenantId, UserId } from '../../domain/ids.ts';
import { type ChannelPolicy, defaultPolicy } from '../../domain/message-policy.ts';
import { nextAttempt, RETRY_BY_DEFAULT, type RetryPolicy } from '../../domain/notification.ts';
import {
  FIRST_WORDS,
  mustGo,
  rankOf,
  SUMMARISED,
  SUMMARY_FROM,
  type Worth,
  worthOf,
} from '../../domain/notification-worth.ts';
import { TOGETHER_MS } from '../../domain/told-together.ts';
import { happeningOf, type ReachablePerson, recipientsOf, type Subscription } from '../../domain/topic.ts';
import { atMostEvery } from '../../pacing/at-most-every.ts';
import { repeat } from '../../pacing/repeating.ts';
import type { DeliveryOutcome, Notifier } from '../../ports/notifier.ts';
import type { Delivery, DeliveryResult, FanOutPlan, Outbox } from '../../ports/outbox.ts';
import type { ChannelWatch } from './channel-watch.ts';
import { compose, type MessageSources } from './compose.ts';
import { createLimiter } from './limiter.ts';

/**
 * Tells people: decides who is to hear of a change, takes what is due from the outbox, and sends it by its channel if it
 * is still worth sending and not too much at once; what became of it is recorded.
 */
export interface Teller {
  /** Something new may be in the outbox: look now. */
  wake(): void;
  /** Takes no more, and waits for what is being sent. */
  stop(): Promise<void>;
}

export interface Subscribers {
  readonly subscriptions: readonly Subscription[];
  readonly people: ReadonlyMap<UserId, ReachablePerson>;
  /** Whose patient it is. Without it, all are the first organisation's. */
  readonly tenantOf?: (patientId: PatientId) => TenantId | undefined;
}

export interface TellerHooks {
  attempt?(done: {
    readonly channel: string;
    readonly outcome: 'delivered' | 'retry' | 'failed';
    readonly ms: number;
  }): void;
  /** From when it was ordered until the other side took it. */
  deliveredMs?(channel: string, priority: Delivery['priority'], ms: number): void;
  held?(channel: string, why: 'limit' | 'follow-up' | 'summarised' | 'dropped' | 'told-with'): void;
  fannedOut?(count: number): void;
  /** Nobody was told, and nobody will be by this delivery. */
  onFailed?(delivery: Delivery, reason: string): void;
  /** The outbox is away. */
  onOutboxError?(error: unknown): void;
}

export interface TellerDependencies {
  readonly outbox: Outbox;
  readonly notifiers: readonly Notifier[];
  /** Who subscribes to what, as it is now: asked when something is to be fanned out. */
  readonly subscribers: () => Promise<Subscribers>;
  /** What channels may say, where it is not as installed. */
  readonly policies: () => Promise<ReadonlyMap<string, ChannelPolicy>>;
  readonly sources: MessageSources;
  readonly watch: ChannelWatch;
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
  /** Between two looks for what is new: a storm of alarms wakes often, and a message takes longer than this. */
  readonly restMs: number;
  /** At once: mail servers commonly allow about ten connections per client. */
  readonly concurrencyMax: number;
  /** One attempt, all in all. */
  readonly sendTimeoutMs: number;
  /** Longer than an attempt and its record can take, so that no other notifier sends the same meanwhile. */
  readonly leaseMs: number;
  readonly retry: RetryPolicy;
  /** How long what changes a message waits for that message to be on its way. */
  readonly followUpWaitMs: number;
  /** How far apart the pages of one patient's alarms to one person may be to be told as one; 0: each is told. */
  readonly togetherMs: number;
}

const DEFAULTS: TellerSettings = {
  pollMs: 1_000,
  restMs: 100,
  concurrencyMax: 8,
  sendTimeoutMs: 20_000,
  leaseMs: 60_000,
  retry: RETRY_BY_DEFAULT,
  followUpWaitMs: 2_000,
  togetherMs: TOGETHER_MS,
};

export function startTeller(dependencies: TellerDependencies): Teller {
  const { outbox, watch, now, monotonicMs, random, hooks = {} } = dependencies;
  const settings = { ...DEFAULTS, ...dependencies.settings };
  const notifiers = new Map(dependencies.notifiers.map((notifier) => [notifier.channel, notifier]));
  const limiter = createLimiter();
  const sending = new Set<Promise<void>>();
  const stopping = new AbortController();
  let policies: ReadonlyMap<string, ChannelPolicy> = new Map();
  /** Something new may be in the outbox: not so where there is only room again for what is due. */
  let mayBeNew = true;
  let lookedMs = Number.NEGATIVE_INFINITY;

  async function round(): Promise<void> {
    // A timer may come a little early: half of it is past whenever the round is not one for more room.
    if (mayBeNew || monotonicMs() - lookedMs >= settings.pollMs / 2) await fanOut();
    await takeDue();
  }

  async function fanOut(): Promise<void> {
    mayBeNew = false;
    lookedMs = monotonicMs();
    try {
      const made = await outbox.fanOut(planFor(dependencies), now());
      if (made > 0) hooks.fannedOut?.(made);
    } catch (error) {
      mayBeNew = true;
      throw error;
    }
  }

  /** Takes only what can be sent at once: a lease must not run out while a delivery waits its turn. */
  async function takeDue(): Promise<void> {
    while (!stopping.signal.aborted && sending.size < settings.concurrencyMax) {
      const limit = settings.concurrencyMax - sending.size;
      const leaseUntilMs = now() + settings.leaseMs;
      const due = await outbox.take({ nowMs: now(), leaseUntilMs, limit, togetherMs: settings.togetherMs });
      if (due.length > 0) await readPolicies();
      for (const delivery of due) {
        const sent = handle(delivery).finally(() => {
          sending.delete(sent);
          rounds.wake();
        });
        sending.add(sent);
      }
      if (due.length < limit) return;
    }
  }

  /** What was taken must be told: where the policies cannot be read, those read last hold, or those as installed. */
  async function readPolicies(): Promise<void> {
    try {
      policies = await dependencies.policies();
    } catch (error) {
      hooks.onOutboxError?.(error);
    }
  }

  /** Sends it, unless it is no longer worth it or would be too much at once. */
  async function handle(delivery: Delivery): Promise<void> {
    const notifier = notifiers.get(delivery.channel);
    // It may be configured again before the delivery is given up.
    if (notifier === undefined) return finish(delivery, { kind: 'transient', reason: 'channel not configured' }, 0);
    const worth = worthNow(delivery, notifier.type);
    if (worth.kind === 'drop') {
      hooks.held?.(delivery.channel, 'dropped');
      return record(delivery, { kind: 'dropped', reason: worth.reason });
    }
    if (worth.kind === 'told-with') return tellWith(delivery, worth.deliveryId);
    if (worth.kind === 'wait') return defer(delivery, 'follow-up', now() + settings.followUpWaitMs);
    const policy = policyOf(notifier);
    const { channel, recipient, isFollowUp } = delivery;
    const admission = limiter.admit({
      channel,
      // What changes an earlier message adds nothing to read: only the channel's own limit holds for it.
      recipient: isFollowUp ? `${recipient} (changes)` : recipient,
      limits: isFollowUp ? { ...policy.limits, recipient: policy.limits.channel } : policy.limits,
      rank: rankOf(delivery.priority),
      mustGo: mustGo(delivery.event, delivery.priority),
      nowMs: now(),
    });
    if (admission.kind === 'wait') return defer(delivery, 'limit', admission.untilMs);
    const summary = admission.isCrowded && policy.summarises ? await summarised(delivery) : undefined;
    await deliver(summary ?? delivery, notifier, policy);
  }

  const policyOf = ({ channel, type }: Notifier) => policies.get(channel) ?? defaultPolicy(type);

  function worthNow(delivery: Delivery, channelType: ChannelType): Worth {
    const { about } = delivery;
    if (about.kind !== 'alarm') return { kind: 'send' };
    const { alarm, earlier, lately } = about;
    const page = { ...delivery, alarm, ...lately };
    return worthOf({ ...page, channelType, earlier, page, togetherMs: settings.togetherMs });
  }

  /** Where the other page stood for it no longer, in the very moment, this one goes out. */
  async function tellWith(delivery: Delivery, toldWith: string): Promise<void> {
    const { deliveryId, attempt: number, channel } = delivery;
    try {
      if (await outbox.tellWith({ deliveryId, attempt: number, toldWith, atMs: now() }))
        hooks.held?.(channel, 'told-with');
      else await record(delivery, { kind: 'deferred', reason: 'told-apart', untilMs: now() });
    } catch (error) {
      // It is looked at again when its lease ends.
      hooks.onOutboxError?.(error);
    }
  }

  /** What waits for the same recipient, as one; undefined: too little, or this may not be told so. */
  async function summarised(delivery: Delivery): Promise<Delivery | undefined> {
    if (mustGo(delivery.event, delivery.priority) || !SUMMARISED.includes(delivery.event)) return undefined;
    if (delivery.about.kind !== 'alarm') return undefined;
    try {
      const summary = await outbox.summarise({
        delivery,
        events: SUMMARISED,
        neverHigh: FIRST_WORDS,
        atLeast: SUMMARY_FROM,
        nowMs: now(),
        leaseUntilMs: now() + settings.leaseMs,
      });
      if (summary !== undefined) hooks.held?.(delivery.channel, 'summarised');
      return summary;
    } catch (error) {
      hooks.onOutboxError?.(error);
      return undefined;
    }
  }

  async function deliver(delivery: Delivery, notifier: Notifier, policy: ChannelPolicy): Promise<void> {
    const startedMs = monotonicMs();
    const outcome = await attempt(delivery, notifier, policy);
    await finish(delivery, outcome, monotonicMs() - startedMs);
  }

  async function attempt(delivery: Delivery, notifier: Notifier, policy: ChannelPolicy): Promise<DeliveryOutcome> {
    try {
      const message = await compose(delivery, { type: notifier.type, policy }, dependencies.sources);
      const signal = AbortSignal.timeout(settings.sendTimeoutMs);
      return await notifier.send(message, { idempotencyKey: delivery.deliveryId, signal });
    } catch (error) {
      // A notifier that throws has a defect; the person must be told all the same.
      return { kind: 'transient', reason: error instanceof Error ? error.name : 'threw' };
    }
  }

  async function finish(delivery: Delivery, outcome: DeliveryOutcome, ms: number): Promise<void> {
    const { channel, recipient, attempt: number, orderedAtMs, priority } = delivery;
    if (outcome.kind === 'delivered') {
      watch.delivered(channel, recipient);
      hooks.attempt?.({ channel, outcome: 'delivered', ms });
      hooks.deliveredMs?.(channel, priority, Math.max(0, now() - orderedAtMs));
      const { receipt } = outcome;
      return record(delivery, { kind: 'delivered', ...(receipt === undefined ? {} : { receipt }) });
    }
    const next = nextAttempt({ number, nowMs: now(), orderedAtMs, outcome }, settings.retry, random());
    // A refusal is about this message or recipient; that the channel does not work is shown by what may pass.
    if (outcome.kind === 'transient') watch.failed(channel, outcome.reason);
    if (next.kind === 'retry') {
      hooks.attempt?.({ channel, outcome: 'retry', ms });
      return record(delivery, { kind: 'retry', reason: outcome.reason, nextAtMs: next.atMs });
    }
    hooks.attempt?.({ channel, outcome: 'failed', ms });
    hooks.onFailed?.(delivery, next.reason);
    watch.gaveUp(channel, recipient, outcome.reason);
    return record(delivery, { kind: 'failed', reason: `${next.reason}: ${outcome.reason}` });
  }

  function defer(delivery: Delivery, reason: 'limit' | 'follow-up', untilMs: number): Promise<void> {
    hooks.held?.(delivery.channel, reason);
    return record(delivery, { kind: 'deferred', reason, untilMs });
  }

  /** Not recorded, it would be sent again once the lease ends: worth a few tries. */
  async function record({ deliveryId, attempt: number }: Delivery, outcome: DeliveryResult['outcome']): Promise<void> {
    const result = { deliveryId, attempt: number, outcome, atMs: now() };
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

  const rounds = repeat(round, {
    everyMs: settings.pollMs,
    asideMs: (1 / 3) * settings.pollMs,
    onError: (error) => hooks.onOutboxError?.(error),
  });
  const wake = atMostEvery(settings.restMs, () => {
    mayBeNew = true;
    rounds.wake();
  });
  return {
    wake,
    async stop() {
      stopping.abort();
      wake.stop();
      await rounds.stop();
      await Promise.all(sending);
    },
  };
}

/** Who is told of a change: whoever subscribes, and whoever was told before where the channel changes what it sent. */
function planFor({ subscribers, sources, notifiers, hooks }: TellerDependencies) {
  const planOf = (change: AlarmChange, { subscriptions, people, tenantOf }: Subscribers): FanOutPlan => {
    const happening = happeningOf(change, sources.placeOf(change.alarm).wardId);
    if (happening === undefined) return NOBODY;
    const tenantId = tenantOf?.(change.alarm.patientId);
    return {
      event: happening.event,
      recipients: recipientsOf({ ...happening, ...(tenantId !== undefined && { tenantId }) }, subscriptions, people),
      followUpOn: notifiers
        .filter(({ type }) => CHANNEL_TRAITS[type].followUps.includes(happening.event))
        .map(({ channel }) => channel),
    };
  };
  return async (changes: readonly AlarmChange[]): Promise<readonly FanOutPlan[]> => {
    const now = await subscribers();
    return changes.map((change) => {
      try {
        return planOf(change, now);
      } catch (error) {
        // A defect met by one change must not keep all that come after it from being told.
        hooks?.onOutboxError?.(error);
        return NOBODY;
      }
    });
  };
}

const NOBODY: FanOutPlan = { recipients: [], followUpOn: [] };
