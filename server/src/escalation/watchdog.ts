import { planStep } from '../domain/escalation.ts';
import { repeat } from '../pacing/repeating.ts';
import type { EscalationWatch, LeftAlarm, LeftReason } from '../ports/escalations.ts';
import type { DeliveryOrders } from '../ports/outbox.ts';
import type { SystemAlarms } from '../ports/system-alarms.ts';
import type { StaffDirectory } from './staff-directory.ts';
import { escalatedAlarm, type PlaceOf } from './tell-task.ts';

/**
 * Watches the escalations from outside. By the tables alone, without the engine that runs them, it looks for alarms that
 * call for somebody while their escalation stands still, tells everybody of each, and rings itself. That it looks, it
 * says by a heartbeat, which others watch (`heartbeat-watch.ts`).
 */
export interface Watchdog {
  stop(): Promise<void>;
}

export interface WatchdogParts {
  readonly watch: EscalationWatch;
  readonly directory: StaffDirectory;
  readonly orders: DeliveryOrders;
  readonly systemAlarms: SystemAlarms;
  readonly placeOf: PlaceOf;
  readonly onOrdered: () => void;
  /** Tells an outside watcher that all is well: a dead man's switch. */
  readonly ping?: () => Promise<void>;
  readonly now: () => number;
  readonly hooks?: {
    /** An alarm whose escalation stood still. */
    left?(reason: LeftReason): void;
    onError?(error: unknown): void;
    onPingFailed?(error: unknown): void;
  };
  readonly settings?: Partial<WatchdogSettings>;
}

export interface WatchdogSettings {
  readonly everyMs: number;
  /** An alarm and its escalation are one transaction: without one for longer than this, something went wrong. */
  readonly graceMs: number;
  /** By how much a step may be late: a restart takes seconds, and the engine's own retries up to half a minute. */
  readonly lateMs: number;
  /** How often everybody is told of one that is left. */
  readonly repeatMs: number;
  readonly pingEveryMs: number;
}

export const WATCHDOG_SETTINGS: WatchdogSettings = {
  everyMs: 10_000,
  graceMs: 30_000,
  lateMs: 60_000,
  repeatMs: 600_000,
  pingEveryMs: 60_000,
};

export const WATCHDOG_HEARTBEAT = 'escalation-watchdog';
/** In one round; the rest is found by the next. */
const LEFT_MAX = 200;

export function startWatchdog(parts: WatchdogParts): Watchdog {
  const { watch, directory, orders, systemAlarms, placeOf, onOrdered, ping, now, hooks = {} } = parts;
  const settings = { ...WATCHDOG_SETTINGS, ...parts.settings };
  /** What rings because of us. */
  const ringing = new Set<string>();
  let pingedMs = Number.NEGATIVE_INFINITY;

  async function look(): Promise<void> {
    const nowMs = now();
    const left = await watch.left({ ...settings, nowMs, limit: LEFT_MAX });
    for (const one of left) await tellEverybody(one, nowMs);
    await ring(standingStill(left), nowMs);
    await watch.beat({ name: WATCHDOG_HEARTBEAT, atMs: nowMs, detail: `${left.length} left` });
    if (ping === undefined || nowMs - pingedMs < settings.pingEveryMs) return;
    pingedMs = nowMs;
    await ping().catch((error: unknown) => hooks.onPingFailed?.(error));
  }

  async function tellEverybody({ alarm, reason }: LeftAlarm, atMs: number): Promise<void> {
    const claimed = await watch.claim({ alarmId: alarm.id, reason, atMs, repeatMs: settings.repeatMs });
    if (!claimed) return;
    hooks.left?.(reason);
    const here = escalatedAlarm(alarm, placeOf(alarm));
    const everybody = { step: 'everyone', isLast: true, atMs } as const;
    const { recipients } = planStep(everybody, here, await directory.worldOf(here));
    await orders.enqueue(
      recipients.map(({ channel, address, userId }) => ({
        alarmId: alarm.id,
        event: 'escalated',
        channel,
        recipient: address,
        dedupeKey: `watchdog:${alarm.id}:${atMs}:${channel}:${address}`,
        ...(userId === undefined ? {} : { userId }),
        insists: true as const,
      })),
      atMs,
    );
    onOrdered();
  }

  /** One alarm of the installation for all of them: what is broken is the escalating, not each of them. */
  async function ring(found: number, nowMs: number): Promise<void> {
    // Those told a moment ago are left out of `left`; whether they still stand still is asked without that.
    const standing = found > 0 ? found : await stillLeft(nowMs);
    if (standing > 0) {
      ringing.add(LEFT_ID);
      systemAlarms.raise({
        id: LEFT_ID,
        rule: 'escalation.left',
        priority: 'high',
        text: `Escalation stands still for ${standing >= LEFT_MAX ? `${LEFT_MAX} or more alarms` : standing === 1 ? 'an alarm' : `${standing} alarms`}: the watchdog has told everybody. Look at the wall.`,
      });
    } else if (ringing.delete(LEFT_ID)) systemAlarms.clear(LEFT_ID);
  }

  async function stillLeft(nowMs: number): Promise<number> {
    if (!ringing.has(LEFT_ID)) return 0;
    return standingStill(await watch.left({ ...settings, nowMs, limit: LEFT_MAX, includeTold: true }));
  }

  return repeat(look, {
    everyMs: settings.everyMs,
    asideMs: settings.everyMs / 2,
    onError: (error) => hooks.onError?.(error),
  });
}

/** One that told everybody in vain did all it could; it rings by itself (`close-task.ts`). */
const standingStill = (left: readonly LeftAlarm[]) => left.filter(({ reason }) => reason !== 'exhausted').length;

const LEFT_ID = 'escalation.left';
