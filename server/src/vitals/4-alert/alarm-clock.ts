import { setTimeout as sleep } from 'node:timers/promises';
import type { AlarmChange } from '../../domain/alarm.ts';
import type { AlarmStore } from '../../ports/alarm-store.ts';

/**
 * Does what time brings to alarms: snoozes and acknowledgements end, what nobody took is reminded of, what needs nobody
 * is closed. When each is due stands in the store, so it survives every restart; what is done is one transaction, so it
 * is done once, by whichever process asks first. Between two of them the clock sleeps.
 */
export interface AlarmClock {
  /** Something new may be due sooner than was known. */
  wake(): void;
  stop(): Promise<void>;
}

export interface AlarmClockSettings {
  /** Alarms in one transaction: some 10 ms of work in PostgreSQL. */
  readonly chunkMax: number;
  /** Looks again after this at the latest: for what a process stored that died before its own clock could see to it. */
  readonly sleepMaxMs: number;
  /** Between two looks: a storm of alarms wakes the clock often, and no time of an alarm is as short as this. */
  readonly restMs: number;
  readonly retryFirstMs: number;
  readonly retryMaxMs: number;
  /** How long changes that ring already may take to be stored, before time passes without them. */
  readonly settleMaxMs: number;
}

const DEFAULTS: AlarmClockSettings = {
  chunkMax: 200,
  sleepMaxMs: 15_000,
  restMs: 250,
  retryFirstMs: 100,
  retryMaxMs: 5_000,
  settleMaxMs: 3_000,
};

/** A full chunk: the next one at once. */
const MORE = -1;

export function startAlarmClock(dependencies: {
  readonly store: Pick<AlarmStore, 'passTime' | 'nextDueMs'>;
  readonly desk: { adopt(changes: readonly AlarmChange[]): void; settled(): Promise<void> };
  /** ms since 1970. */
  readonly now: () => number;
  readonly hooks?: {
    /** By how much the first of these was late. */
    lateMs?(ms: number): void;
    /** The store is away; it is tried again. */
    onRetry?(error: unknown, attempt: number): void;
  };
  readonly settings?: Partial<AlarmClockSettings>;
}): AlarmClock {
  const { store, desk, now, hooks = {} } = dependencies;
  const settings = { ...DEFAULTS, ...dependencies.settings };
  const stopping = new AbortController();
  let isWoken = false;
  let endSleep: () => void = () => {};

  async function run(): Promise<void> {
    for (let attempt = 0; !stopping.signal.aborted; ) {
      isWoken = false;
      let pauseMs: number;
      try {
        pauseMs = await look();
        attempt = 0;
      } catch (error) {
        hooks.onRetry?.(error, ++attempt);
        // Waking helps nothing while the store is away.
        await pause(Math.min(settings.retryFirstMs * 2 ** (attempt - 1), settings.retryMaxMs));
        continue;
      }
      if (pauseMs === MORE) continue;
      await pause(settings.restMs);
      if (!isWoken && pauseMs > settings.restMs) await dozeUntilWoken(pauseMs - settings.restMs);
    }
  }

  /** Does what is due; answers how long there is nothing more to do, or that there is more. */
  async function look(): Promise<number> {
    // A condition that has ended on the wall, and waits to be stored, must not be reminded of.
    await within(settings.settleMaxMs, desk.settled());
    if (stopping.signal.aborted) return 0;
    const dueMs = await store.nextDueMs();
    const nowMs = now();
    // Looked at far more often than anything is due.
    if (dueMs === undefined || dueMs > nowMs)
      return Math.min((dueMs ?? Number.POSITIVE_INFINITY) - nowMs, settings.sleepMaxMs);
    const changes = await store.passTime({ nowMs, limit: settings.chunkMax });
    if (changes.length > 0) {
      hooks.lateMs?.(nowMs - dueMs);
      desk.adopt(changes);
    }
    return new Set(changes.map(({ alarm }) => alarm.id)).size >= settings.chunkMax ? MORE : 0;
  }

  const pause = (ms: number, ended = stopping.signal) => sleep(ms, undefined, { signal: ended }).catch(() => undefined);

  async function dozeUntilWoken(ms: number): Promise<void> {
    const dozing = new AbortController();
    endSleep = () => dozing.abort();
    await pause(ms, AbortSignal.any([dozing.signal, stopping.signal]));
  }

  async function within(ms: number, work: Promise<unknown>): Promise<void> {
    const done = new AbortController();
    await Promise.race([work, pause(ms, AbortSignal.any([done.signal, stopping.signal]))]);
    done.abort();
  }

  const running = run();
  return {
    wake() {
      isWoken = true;
      endSleep();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
