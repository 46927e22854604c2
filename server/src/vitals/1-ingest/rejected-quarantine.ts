import type { DeviceId } from '../../domain/ids.ts';
import type { Problem, ProblemCode } from '../../domain/problem.ts';
import { Failure } from '../../ports/failure.ts';
import type { NewRejectedReading, RejectedReadings } from '../../ports/rejected-readings.ts';
import { DeviceRate } from './device-rate.ts';

/**
 * Keeps refused readings with their reasons, in groups, before the source is answered.
 *
 * While the database is away they wait in memory, within bounds, and the source is answered all the same. To hold the
 * answer back would close the connection of a 3.1.1 device again and again over one bad reading, and its good ones with
 * it; what can be lost if we crash meanwhile is a copy of something nobody could use.
 */
export interface RejectedQuarantine {
  /** Resolves when the copy is durable, is waiting for the database, or was only counted. Never rejects. */
  add(rejected: NewRejectedReading & { readonly deviceId: DeviceId }): Promise<void>;
  /** Stores what is waiting, if the database lets us, and stops. */
  close(): Promise<void>;
}

export interface QuarantineBounds {
  /** Copies per device: one every ten seconds, and ten minutes of nothing but bad ones at once… */
  readonly perDevicePerSecond: number;
  readonly perDeviceBurst: number;
  /** …beyond that they are counted, and one entry this often says how many. */
  readonly summaryEveryMs: number;
  /** Copies waiting in memory while the database is away, by number and bytes; beyond it they are counted. */
  readonly waitingMax: number;
  readonly waitingBytesMax: number;
  /** Copies in one insert. */
  readonly groupMax: number;
  /** How long an answer waits for its copy to become durable when the database is slow. */
  readonly holdMs: number;
  /** First pause after the database failed us; doubles up to 30 s. */
  readonly retryAfterMs: number;
}

export const defaultQuarantineBounds: QuarantineBounds = {
  perDevicePerSecond: 0.1,
  perDeviceBurst: 600,
  summaryEveryMs: 60_000,
  waitingMax: 20_000,
  waitingBytesMax: 32 * 1024 * 1024,
  groupMax: 500,
  holdMs: 2_000,
  retryAfterMs: 500,
};

const RETRY_MAX_MS = 30_000;

export interface QuarantineOptions {
  readonly store: Pick<RejectedReadings, 'add'>;
  readonly now: () => number;
  readonly bounds?: Partial<QuarantineBounds>;
  readonly hooks?: {
    /**
     * Copies that were not kept: at once where the database would not have them, every `summaryEveryMs` and at the end
     * where a bound was reached.
     */
    readonly dropped?: (count: number) => void;
    readonly failed?: (error: unknown) => void;
  };
}

export function createRejectedQuarantine(options: QuarantineOptions): RejectedQuarantine {
  const { store, now, hooks } = options;
  const bounds: QuarantineBounds = { ...defaultQuarantineBounds, ...options.bounds };
  const rate = new DeviceRate({ perSecond: bounds.perDevicePerSecond, burst: bounds.perDeviceBurst });
  const suppressed = new Map<string, Suppressed>();
  const waiting: Waiting[] = [];
  let waitingBytes = 0;
  let droppedByBound = 0;
  let isAway = false;
  let pauseMs = bounds.retryAfterMs;
  let flushing: Promise<void> | undefined;
  let retryTimer: NodeJS.Timeout | undefined;
  const summaryTimer = setInterval(summarize, bounds.summaryEveryMs).unref();

  function add(rejected: NewRejectedReading & { readonly deviceId: DeviceId }): Promise<void> {
    const isOverRate = rate.take(rejected.deviceId, 1, now()) > 0;
    const isFull =
      waiting.length >= bounds.waitingMax || waitingBytes + rejected.payload.byteLength > bounds.waitingBytesMax;
    if (isOverRate || isFull) {
      suppress(rejected);
      return Promise.resolve();
    }
    // The payload may be a view into a connection's receive buffer, which is overwritten once we return.
    const copy = { ...rejected, payload: Uint8Array.prototype.slice.call(rejected.payload) };
    return enqueue(copy);
  }

  function enqueue(rejected: NewRejectedReading): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.push({ rejected, resolve });
    waitingBytes += rejected.payload.byteLength;
    if (isAway) {
      resolve();
    } else {
      setTimeout(resolve, bounds.holdMs).unref();
      flushing ??= flush();
    }
    return promise;
  }

  /** One insert in flight; everything that comes meanwhile goes with the next. */
  async function flush(): Promise<void> {
    // Let the rest of this turn's readings join the first group.
    await new Promise(setImmediate);
    while (waiting.length > 0) {
      const group = waiting.slice(0, bounds.groupMax);
      if (!(await storeGroup(group))) break;
    }
    flushing = undefined;
  }

  /** False: the database is away, the group waits on. */
  async function storeGroup(group: readonly Waiting[]): Promise<boolean> {
    try {
      await store.add(group.map(({ rejected }) => rejected));
      isAway = false;
      pauseMs = bounds.retryAfterMs;
      settle(group.length);
      return true;
    } catch (error) {
      hooks?.failed?.(error);
      if (error instanceof Failure && error.retryable) {
        waitForDatabase();
        return false;
      }
      // The database answered, and will not have this group: find the one it will not have, rather than lose them all.
      if (group.length > 1) return storeEach(group);
      hooks?.dropped?.(1);
      settle(1);
      return true;
    }
  }

  async function storeEach(group: readonly Waiting[]): Promise<boolean> {
    for (const one of group) if (!(await storeGroup([one]))) return false;
    return true;
  }

  function settle(count: number): void {
    for (const { rejected, resolve } of waiting.splice(0, count)) {
      waitingBytes -= rejected.payload.byteLength;
      resolve();
    }
  }

  function waitForDatabase(): void {
    isAway = true;
    for (const { resolve } of waiting) resolve();
    clearTimeout(retryTimer);
    retryTimer = setTimeout(() => {
      flushing ??= flush();
    }, pauseMs).unref();
    pauseMs = Math.min(pauseMs * 2, RETRY_MAX_MS);
  }

  function suppress({ deviceId, source, problems }: NewRejectedReading): void {
    droppedByBound++;
    const entry = suppressed.get(deviceId) ?? { source, sinceMs: now(), counts: new Map<ProblemCode, number>() };
    const code = problems[0]?.code ?? 'invalid-shape';
    entry.counts.set(code, (entry.counts.get(code) ?? 0) + 1);
    // Bounded by the devices there are: only those that authenticated come here.
    suppressed.set(deviceId, entry);
  }

  /** One entry per device says what was only counted. */
  function summarize(): void {
    if (droppedByBound > 0) hooks?.dropped?.(droppedByBound);
    droppedByBound = 0;
    for (const [deviceId, { source, sinceMs, counts }] of suppressed) {
      if (waiting.length >= bounds.waitingMax) return;
      const problems = [...counts].map(([code, count]) => summaryOf(code, count, sinceMs));
      suppressed.delete(deviceId);
      void enqueue({ deviceId, receivedAtMs: now(), source, payload: new Uint8Array(0), problems });
    }
  }

  async function close(): Promise<void> {
    clearInterval(summaryTimer);
    clearTimeout(retryTimer);
    summarize();
    await flushing;
    if (waiting.length > 0) await flush();
    clearTimeout(retryTimer);
    if (waiting.length > 0) hooks?.dropped?.(waiting.length);
  }

  return { add, close };
}

interface Waiting {
  readonly rejected: NewRejectedReading;
  readonly resolve: () => void;
}

interface Suppressed {
  readonly source: 'mqtt' | 'https';
  readonly sinceMs: number;
  readonly counts: Map<ProblemCode, number>;
}

function summaryOf(code: ProblemCode, count: number, sinceMs: number): Problem {
  const since = new Date(sinceMs).toISOString();
  return { code, field: '', detail: `${count} more since ${since}, too many to keep: only counted` };
}
