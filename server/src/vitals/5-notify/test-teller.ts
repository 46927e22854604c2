import { afterEach } from 'vitest';
import { MemoryAlarmStore } from '../../adapters/memory/memory-alarm-store.ts';
import { MemoryOutbox } from '../../adapters/memory/memory-outbox.ts';
import type { ConditionTransition } from '../../domain/alarm.ts';
import type { ChannelType } from '../../domain/channel.ts';
import type { AlarmId, DeviceId, PatientId, ReadingId, WardId } from '../../domain/ids.ts';
import { type ChannelPolicy, defaultPolicy } from '../../domain/message-policy.ts';
import { parseTopic, type Subscription } from '../../domain/topic.ts';
import type { DeliveryOutcome, Notification, Notifier } from '../../ports/notifier.ts';
import { createChannelWatch } from './channel-watch.ts';
import type { MessageSources } from './compose.ts';
import { startTeller, type Teller, type TellerHooks, type TellerSettings } from './teller.ts';

export const NOW = 1_800_000_000_000;

/** A channel that answers as told, and remembers. */
export function channel(
  answer: (attempt: number, message: Notification) => DeliveryOutcome | Promise<DeliveryOutcome> = () => DELIVERED,
  type: ChannelType = 'smtp',
) {
  const sent: { readonly message: Notification; readonly key: string }[] = [];
  let atOnce = 0;
  const most = { atOnce: 0 };
  const notifier: Notifier = {
    channel: 'test',
    type,
    async send(message, { idempotencyKey }) {
      sent.push({ message, key: idempotencyKey });
      most.atOnce = Math.max(most.atOnce, ++atOnce);
      try {
        return await answer(sent.length, message);
      } finally {
        atOnce--;
      }
    },
  };
  return { notifier, sent, most };
}

export interface World {
  readonly alarms: MemoryAlarmStore;
  readonly outbox: MemoryOutbox;
}

export function makeWorld(): World {
  const alarms = new MemoryAlarmStore({ now: () => NOW });
  return { alarms, outbox: new MemoryOutbox(alarms) };
}

let offset = 0;
export function raise({ alarms }: World, name = 'P1', over: Partial<ConditionTransition> = {}) {
  const transition: ConditionTransition = {
    kind: 'began',
    patientId: name as PatientId,
    rule: 'heartRate.above.high',
    ruleVersion: 1,
    alarmKind: 'physiological',
    priority: 'high',
    cause: { vital: 'heartRate', value: 187, comparison: 'above', limit: 160, text: 'HR 187 > 160' },
    readingId: 'r1' as ReadingId,
    deviceId: 'D1' as DeviceId,
    atMs: NOW,
    alarmId: `alarm-${name}` as AlarmId,
    position: { partition: 0, offset: ++offset, step: 0 },
    ...over,
  };
  return alarms.apply([transition]);
}
export const acknowledge = ({ alarms }: World, name = 'P1') =>
  alarms.acknowledge({ id: `alarm-${name}` as AlarmId, by: 'Noor', atMs: NOW });

const running: Teller[] = [];
afterEach(async () => {
  for (const teller of running.splice(0)) await teller.stop();
});

export function start(
  { outbox }: World,
  notifiers: readonly Notifier[],
  options: {
    readonly hooks?: TellerHooks;
    readonly settings?: Partial<TellerSettings>;
    readonly policy?: Partial<ChannelPolicy>;
    readonly subscriptions?: readonly Subscription[];
    readonly sources?: Partial<MessageSources>;
    readonly policies?: () => Promise<ReadonlyMap<string, ChannelPolicy>>;
  } = {},
) {
  const clock = { nowMs: NOW };
  const now = () => clock.nowMs;
  const raised = new Map<string, { readonly priority: string; readonly text: string }>();
  const watch = createChannelWatch({
    channels: notifiers.map((each) => each.channel),
    systemAlarms: { raise: ({ id, ...alarm }) => void raised.set(id, alarm), clear: (id) => void raised.delete(id) },
    now,
  });
  const policy = { ...defaultPolicy(notifiers[0]?.type ?? 'smtp'), ...options.policy };
  const teller = startTeller({
    outbox,
    notifiers,
    subscribers: async () => ({ subscriptions: options.subscriptions ?? [subscribe('alarms')], people: new Map() }),
    policies: options.policies ?? (async () => new Map([['test', policy]])),
    sources: { placeOf: () => ({ bed: 'W3-01', wardId: 'W3' as WardId }), ...options.sources },
    watch,
    now,
    monotonicMs: () => performance.now(),
    random: () => 0,
    hooks: options.hooks ?? {},
    settings: { pollMs: 5, ...options.settings },
  });
  running.push(teller);
  return { teller, clock, watch, raised };
}

export function subscribe(topic: string, over: Partial<Subscription> = {}): Subscription {
  const parsed = parseTopic(topic);
  if (parsed === undefined) throw new Error('no such topic');
  const subscriber = { kind: 'endpoint', channel: 'test', recipient: 'nurse@ward.example' } as const;
  return { id: topic, topic: parsed, subscriber, ...over };
}

export async function until(claim: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await claim()); tries++) {
    if (tries > 5_000) throw new Error('it never came true');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
export const recordOf = async ({ outbox }: World, name = 'P1') => (await outbox.deliveries(`alarm-${name}`))[0];
export const stateIs =
  (world: World, state: string, name = 'P1') =>
  async () =>
    (await recordOf(world, name))?.state === state;
export const aWhile = () => new Promise((resolve) => setTimeout(resolve, 30));
export const DELIVERED = { kind: 'delivered', receipt: 'id 7' } as const;
export const BUSY = { kind: 'transient', reason: 'busy' } as const;
