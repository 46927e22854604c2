import { afterEach, describe, expect, it } from 'vitest';
import { MemoryReadingLog } from '../../adapters/embedded/memory-reading-log.ts';
import type { DeviceId, PatientId, ReadingId } from '../../domain/ids.ts';
import type { AssignedReading } from '../../domain/reading.ts';
import { Failure } from '../../ports/failure.ts';
import { appended, type LoggedReading, type LogPositions } from '../../ports/reading-log.ts';
import type { HistoryBatch, VitalsHistory } from '../../ports/vitals-history.ts';
import { KEEP_GROUP, type Keeper, startKeeper } from './keeper.ts';

/** A history that can be away, slow, or narrow: what the keeper does with that is what is tested here. */
function history({ dayMax = 1_000_000 } = {}) {
  const kept: string[] = [];
  const sizes: number[] = [];
  const positions = new Map<number, number>();
  const world = { kept, sizes, positions, isAway: false, gate: Promise.resolve() };
  const gather = (): HistoryBatch => {
    const records: LoggedReading[] = [];
    return {
      get count() {
        return records.length;
      },
      add(record) {
        if (records.length >= dayMax) return false;
        records.push(record);
        return true;
      },
      async store(next: LogPositions) {
        await world.gate;
        if (world.isAway) throw new Failure('database-unavailable', 'away', { retryable: true });
        sizes.push(records.length);
        kept.push(...records.map(({ reading }) => reading.id));
        for (const [partition, offset] of next) positions.set(partition, offset);
        return { stored: records.splice(0).length, duplicates: 0 };
      },
    };
  };
  return Object.assign(world, { gather, position: async () => new Map(positions) });
}

const running: Keeper[] = [];
afterEach(async () => {
  for (const keeper of running.splice(0)) await keeper.stop();
});

async function keeperOf(log: MemoryReadingLog, of: ReturnType<typeof history>, onRetry?: () => void): Promise<Keeper> {
  const keeper = await startKeeper({
    log,
    history: of as unknown as VitalsHistory,
    monotonicMs: () => performance.now(),
    ...(onRetry === undefined ? {} : { hooks: { onRetry } }),
  });
  running.push(keeper);
  return keeper;
}

function reading(id: number, patientId = 'P1'): AssignedReading {
  return {
    id: `r${id}` as ReadingId,
    deviceId: 'D' as DeviceId,
    patientId: patientId as PatientId,
    atMs: 1_800_000_000_000 + id,
    receivedAtMs: 1_800_000_000_000 + id,
    vitals: { heartRate: 70 },
    context: {},
    status: {},
  };
}

async function append(log: MemoryReadingLog, count: number, from = 0): Promise<void> {
  for (let i = 0; i < count; i++) await appended(log, reading(from + i));
}

async function until(claim: () => boolean): Promise<void> {
  for (let tries = 0; !claim(); tries++) {
    if (tries > 5_000) throw new Error('it never came true');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

const ids = (count: number) => Array.from({ length: count }, (_, i) => `r${i}`);

describe('the keeper', () => {
  it('stores what has come, also the last few, and tells the log how far it is', async () => {
    const log = new MemoryReadingLog({ partitions: 1 });
    const of = history();
    const keeper = await keeperOf(log, of);
    await append(log, 3);
    await until(() => of.kept.length === 3);
    await until(() => keeper.lag() === 0);
    expect(await log.committed(KEEP_GROUP)).toEqual(new Map([[0, 3]]));
  });

  it('stores what came while it was storing, though nothing comes after it', async () => {
    const log = new MemoryReadingLog({ partitions: 1 });
    const of = history();
    let open = (): void => {};
    of.gate = new Promise((resolve) => {
      open = resolve;
    });
    const keeper = await keeperOf(log, of);
    await append(log, 1_200);
    await until(() => keeper.lag() === 1_200);
    await append(log, 5, 1_200);
    open();
    await until(() => of.kept.length === 1_205);
    expect(of.kept).toEqual(ids(1_205));
  });

  it('keeps the order and loses nothing while history is away, and counts what waits', async () => {
    const log = new MemoryReadingLog({ partitions: 1 });
    const of = history();
    of.isAway = true;
    let retries = 0;
    const keeper = await keeperOf(log, of, () => retries++);
    await append(log, 20_000);
    await until(() => retries > 1);
    expect(keeper.lag()).toBe(20_000);
    of.isAway = false;
    await until(() => of.kept.length === 20_000);
    expect(of.kept).toEqual(ids(20_000));
    // Bounded: what could not be stored was left in the log.
    expect(Math.max(...of.sizes)).toBeLessThanOrEqual(9_000);
  });

  it('turns over a batch that takes no more', async () => {
    const log = new MemoryReadingLog({ partitions: 1 });
    const of = history({ dayMax: 7 });
    await keeperOf(log, of);
    await append(log, 50);
    await until(() => of.kept.length === 50);
    expect(of.kept).toEqual(ids(50));
  });

  it('stopped while history is away, stores no position behind what it gives up', async () => {
    const log = new MemoryReadingLog({ partitions: 1 });
    const of = history();
    of.isAway = true;
    let retries = 0;
    const keeper = await keeperOf(log, of, () => retries++);
    await append(log, 1_500);
    await until(() => retries > 0);
    await append(log, 100, 1_500);
    const stopped = keeper.stop();
    await stopped;
    of.isAway = false;
    expect(of.positions).toEqual(new Map());
    await keeperOf(log, of);
    await until(() => of.kept.length === 1_600);
    expect(of.kept).toEqual(ids(1_600));
  });

  it('stopped with readings gathered, stores them, and its position says how many', async () => {
    const log = new MemoryReadingLog({ partitions: 1 });
    const of = history();
    const keeper = await keeperOf(log, of);
    await append(log, 500);
    await keeper.stop();
    expect(of.kept).toEqual(ids(of.kept.length));
    expect(of.positions.get(0) ?? 0).toBe(of.kept.length);
    await keeperOf(log, of);
    await until(() => of.kept.length === 500);
    expect(of.kept).toEqual(ids(500));
  });
});
