import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AssignedReading } from '../domain/reading.ts';
import type { Failure } from './failure.ts';
import {
  appended,
  type LogBatch,
  type LogConsumer,
  type LoggedReading,
  type LogPosition,
  type LogPositions,
  partitionOf,
  type ReadingLog,
} from './reading-log.ts';
import { readingOf } from './test-reading.ts';

/** One storage on which a log can be opened, closed and opened again; each test gets its own. */
export interface ReadingLogWorld {
  /** Opens the log, waiting for whoever had it before. Consumer groups `keep` and `assess` are known to it. */
  open(): Promise<ReadingLog>;
  /** Closes whatever is still open and removes the storage. */
  dispose(): Promise<void>;
  /** Readings outlive the process. */
  readonly durable: boolean;
  /** Takes the space away; answers with the way to give it back. */
  exhaust?(log: ReadingLog): Promise<() => Promise<void>>;
  /** From now on no write reaches stable storage. */
  breakStorage?(): void;
  /** Another process appends as fast as it can and dies by SIGKILL: what it had been told is stored. */
  killWhileAppending?(): Promise<readonly (LogPosition & { readonly readingId: string })[]>;
}

/** What every `ReadingLog` must do, whatever engine stands behind it. */
export function readingLogContract(engine: string, makeWorld: () => Promise<ReadingLogWorld>): void {
  describe(`${engine} as a reading log`, () => {
    let world: ReadingLogWorld;
    let log: ReadingLog;
    beforeEach(async () => {
      world = await makeWorld();
      log = await world.open();
    });
    afterEach(() => world.dispose());

    it('gives each partition dense offsets from 0, in the order of the calls', async () => {
      const readings = Array.from({ length: 2_000 }, (_, i) => readingOf(i, `P-${i % 37}`));
      const positions = await Promise.all(readings.map((reading) => appended(log, reading)));
      const expected = new Map<number, number>();
      readings.forEach((reading, i) => {
        const partition = partitionOf(reading.patientId, log.partitions);
        const offset = expected.get(partition) ?? 0;
        expect(positions[i]).toEqual({ partition, offset });
        expected.set(partition, offset + 1);
      });
      expect((await log.extent()).next).toEqual(everyPartition(log, (p) => expected.get(p) ?? 0));
    });

    it('tells whoever asked once, not before it has asked, and lets it ask for the next from within the answer', async () => {
      const heard: string[] = [];
      const last = Promise.withResolvers<void>();
      const ask = (i: number): void => {
        let hasAsked = false;
        log.append(readingOf(i), {
          stored: () => {
            heard.push(`${i} ${hasAsked}`);
            if (i < 20) ask(i + 10);
            if (i === 29) last.resolve();
          },
          refused: (failure) => last.reject(failure),
        });
        hasAsked = true;
      };
      for (let i = 0; i < 10; i++) ask(i);
      await last.promise;
      await appended(log, readingOf(30));
      expect(heard.toSorted()).toEqual(Array.from({ length: 30 }, (_, i) => `${i} true`).toSorted());
    });

    it('delivers every reading whole, in order within its partition', async () => {
      const readings = Array.from({ length: 1_000 }, (_, i) => readingOf(i, `P-${i % 11}`));
      const inbox = subscribe(log);
      await Promise.all(readings.map((reading) => appended(log, reading)));
      await inbox.until(1_000);
      expectInOrder(inbox.records);
      expect(inbox.records.map(({ reading }) => reading).sort(byReadingId)).toEqual(readings.sort(byReadingId));
    });

    it('delivers what was there before the subscription and what comes after it, each once', async () => {
      await appendMany(log, 0, 3_000);
      const inbox = subscribe(log, { batchMax: 100 });
      for (let i = 3_000; i < 6_000; i += 100) await appendMany(log, i, 100);
      await inbox.until(6_000);
      expectInOrder(inbox.records);
      expect(new Set(inbox.records.map(({ reading }) => reading.id)).size).toBe(6_000);
      expect(inbox.records.length).toBe(6_000);
      expect(inbox.subscription.lag()).toBe(0);
    });

    it('replays from the offsets asked for, and a partition not named from its first', async () => {
      const positions = await appendMany(log, 0, 500);
      const named = (positions[0] as LogPosition).partition;
      const inbox = subscribe(log, { from: new Map([[named, 5]]) });
      await inbox.until(495);
      expect(inbox.records.filter(({ partition }) => partition === named)[0]?.offset).toBe(5);
      expect(inbox.records.filter(({ partition }) => partition !== named).some(({ offset }) => offset === 0)).toBe(
        true,
      );
    });

    it('never hands over an empty batch, nor more than asked for, and says where it stands after each', async () => {
      const inbox = subscribe(log, { batchMax: 7 });
      await appendMany(log, 0, 400);
      await inbox.until(400);
      for (const { records, next } of inbox.batches) {
        expect(records.length).toBeGreaterThan(0);
        expect(records.length).toBeLessThanOrEqual(7);
        const after = new Map(records.map(({ partition, offset }) => [partition, offset + 1]));
        expect(next).toEqual(after);
      }
    });

    it('waits for a fuller batch as long as it may linger, and no longer than the batch needs', async () => {
      // Only a full batch can end this linger within the test.
      const inbox = subscribe(log, { batchMax: 50, lingerMs: 3_600_000 });
      for (let i = 0; i < 100; i += 10) await appendMany(log, i, 10);
      await inbox.until(100);
      expect(inbox.batches.map(({ records }) => records.length)).toEqual([50, 50]);
    });

    it('delivers a batch that stays small once it has lingered', async () => {
      const inbox = subscribe(log, { batchMax: 1_000, lingerMs: 20 });
      await appended(log, readingOf(1));
      await inbox.until(1);
    });

    it('has one batch of a group in flight', async () => {
      let inFlight = 0;
      let most = 0;
      const inbox = subscribe(log, {
        batchMax: 10,
        handle: async () => {
          most = Math.max(most, ++inFlight);
          await turn();
          inFlight--;
        },
      });
      await appendMany(log, 0, 300);
      await inbox.until(300);
      expect(most).toBe(1);
    });

    it('hands a batch that its handler threw on over again, and nothing else before it', async () => {
      const told: unknown[] = [];
      let failures = 2;
      const seen: LogBatch[] = [];
      const inbox = subscribe(log, {
        batchMax: 10,
        handle: async (batch) => {
          seen.push(batch);
          if (batch.records.some(({ reading }) => reading.id === 'r-0') && failures-- > 0) throw new Error('not now');
        },
        onRetry: (error, attempt) => told.push([(error as Error).message, attempt]),
      });
      await appendMany(log, 0, 50);
      await inbox.until(50);
      expect(told).toEqual([
        ['not now', 1],
        ['not now', 2],
      ]);
      const first = seen.findIndex(({ records }) => records.some(({ reading }) => reading.id === 'r-0'));
      expect(seen[first + 1]?.records).toEqual(seen[first]?.records);
      expect(seen[first + 2]?.records).toEqual(seen[first]?.records);
      expectInOrder(inbox.records);
    });

    it('lets a group that hangs delay neither appends nor another group', async () => {
      const hang = Promise.withResolvers<void>();
      const slow = subscribe(log, { group: 'keep', batchMax: 1, handle: () => hang.promise });
      const swift = subscribe(log, { group: 'assess' });
      await appendMany(log, 0, 2_000);
      await swift.until(2_000);
      expect(slow.records.length).toBe(0);
      expect(slow.subscription.lag()).toBe(2_000);
      hang.resolve();
      await slow.until(2_000);
      expectInOrder(slow.records);
    });

    it('stops after the batch in flight, and delivers nothing more', async () => {
      const inHand = Promise.withResolvers<void>();
      const release = Promise.withResolvers<void>();
      const inbox = subscribe(log, {
        batchMax: 5,
        handle: async () => {
          inHand.resolve();
          await release.promise;
        },
      });
      await appendMany(log, 0, 20);
      await inHand.promise;
      let stopped = false;
      const stopping = inbox.subscription.stop().then(() => {
        stopped = true;
      });
      await turn();
      expect(stopped).toBe(false);
      release.resolve();
      await stopping;
      const delivered = inbox.records.length;
      await appendMany(log, 20, 20);
      await turn();
      expect(inbox.records.length).toBe(delivered);
    });

    it('stops while a handler keeps failing', async () => {
      const threw = Promise.withResolvers<void>();
      const inbox = subscribe(log, {
        handle: async () => {
          threw.resolve();
          throw new Error('never');
        },
      });
      await appended(log, readingOf(1));
      await threw.promise;
      await inbox.subscription.stop();
    });

    it('remembers how far each group has come, and never goes back', async () => {
      expect(await log.committed('keep')).toEqual(new Map());
      await appendMany(log, 0, 100);
      await log.commit('keep', new Map([[0, 5]]));
      await log.commit('assess', new Map([[0, 2]]));
      await log.commit('keep', new Map([[1, 3]]));
      await log.commit('keep', new Map([[0, 4]]));
      expect(await log.committed('keep')).toEqual(
        new Map([
          [0, 5],
          [1, 3],
        ]),
      );
      expect(await log.committed('assess')).toEqual(new Map([[0, 2]]));
    });

    it('finishes the appends under way when it closes, refuses later ones, and closes once', async () => {
      const underWay = Array.from({ length: 100 }, (_, i) => appended(log, readingOf(i)));
      const closing = log.close();
      await expect(appended(log, readingOf(1_000))).rejects.toMatchObject({ name: 'Failure', code: 'log-closed' });
      expect((await Promise.all(underWay)).length).toBe(100);
      await closing;
      await log.close();
    });

    it('stops its subscriptions when it closes', async () => {
      const inbox = subscribe(log);
      await appendMany(log, 0, 10);
      await inbox.until(10);
      await log.close();
      await inbox.subscription.stop();
    });

    it('goes on where it was after a restart', async (context) => {
      if (!world.durable) return context.skip();
      await appendMany(log, 0, 700);
      await log.commit('keep', new Map([[0, 10]]));
      const before = await log.extent();
      await log.close();
      const again = await world.open();
      expect(await again.extent()).toEqual(before);
      expect(await again.committed('keep')).toEqual(new Map([[0, 10]]));
      const positions = await appendMany(again, 700, 300);
      for (const { partition, offset } of positions)
        expect(offset).toBeGreaterThanOrEqual(before.next.get(partition) as number);
      const inbox = subscribe(again);
      await inbox.until(1_000);
      expectInOrder(inbox.records);
      expect(new Set(inbox.records.map(({ reading }) => reading.id)).size).toBe(1_000);
    });

    it('delivers from the committed position after a restart', async (context) => {
      if (!world.durable) return context.skip();
      await appendMany(log, 0, 200);
      const inbox = subscribe(log, { batchMax: 20 });
      await inbox.until(200);
      for (const { next } of inbox.batches.slice(0, 5)) await log.commit('keep', next);
      await log.close();
      const again = await world.open();
      const rest = subscribe(again, { from: await again.committed('keep') });
      await rest.until(100);
      const handled = new Set(inbox.batches.slice(0, 5).flatMap(({ records }) => records.map(keyOf)));
      expect(rest.records.some((record) => handled.has(keyOf(record)))).toBe(false);
    });

    it('holds everything acknowledged after a SIGKILL', async (context) => {
      if (!world.killWhileAppending) return context.skip();
      await log.close();
      const acknowledged = await world.killWhileAppending();
      expect(acknowledged.length).toBeGreaterThan(0);
      const again = await world.open();
      const { first, next } = await again.extent();
      const stored = [...next].reduce((sum, [partition, offset]) => sum + offset - (first.get(partition) ?? 0), 0);
      const inbox = subscribe(again);
      await inbox.until(stored);
      expectInOrder(inbox.records);
      const found = new Map(inbox.records.map((record) => [keyOf(record), record.reading.id as string]));
      for (const position of acknowledged) expect(found.get(keyOf(position))).toBe(position.readingId);
      expect((await appendMany(again, 0, 10)).length).toBe(10);
    });

    it('refuses with log-full while there is no space, loses nothing, and recovers when there is', async (context) => {
      if (!world.exhaust) return context.skip();
      const stored: LogPosition[] = [...(await appendMany(log, 0, 100))];
      const giveBack = await world.exhaust(log);
      const refusal = await appendUntilRefused(log, stored);
      expect(refusal).toMatchObject({ name: 'Failure', code: 'log-full', retryable: true });
      await giveBack();
      stored.push(await appendOnceThereIsSpace(log));
      const inbox = subscribe(log);
      await inbox.until(stored.length);
      expectInOrder(inbox.records);
      expect(new Set(inbox.records.map(keyOf))).toEqual(new Set(stored.map(keyOf)));
    });

    it('acknowledges nothing once a write has failed, and says that it is broken', async (context) => {
      if (!world.breakStorage) return context.skip();
      await appendMany(log, 0, 100);
      world.breakStorage();
      await expect(appended(log, readingOf(100))).rejects.toMatchObject({ code: 'log-broken', retryable: false });
      await expect(appended(log, readingOf(101))).rejects.toMatchObject({ code: 'log-broken', retryable: false });
      expect(await log.broken).toBeInstanceOf(Error);
    });
  });
}

export async function appendMany(log: ReadingLog, start: number, count: number): Promise<readonly LogPosition[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => appended(log, readingOf(start + i))));
}

/** A consumer that keeps what it was handed, and can be waited for. */
export function subscribe(log: ReadingLog, wishes: Partial<LogConsumer> = {}) {
  const records: LoggedReading[] = [];
  const batches: LogBatch[] = [];
  let arrived = () => {};
  const subscription = log.subscribe({
    group: 'keep',
    from: new Map(),
    batchMax: 500,
    lingerMs: 0,
    ...wishes,
    handle: async (batch) => {
      await wishes.handle?.(batch);
      batches.push(batch);
      records.push(...batch.records);
      arrived();
    },
  });
  const until = (count: number) =>
    new Promise<void>((resolve) => {
      arrived = () => {
        // A turn later, so that `lag` has taken the batch into account.
        if (records.length >= count) setImmediate(resolve);
      };
      arrived();
    });
  return { records, batches, subscription, until };
}

/** Dense and ascending per partition: nothing lost, nothing twice, nothing out of order. */
export function expectInOrder(records: readonly LoggedReading[]): void {
  const next = new Map<number, number>();
  for (const { partition, offset } of records) {
    const expected = next.get(partition);
    if (expected !== undefined && offset !== expected)
      expect.fail(`partition ${partition}: offset ${offset} came where ${expected} was due`);
    next.set(partition, offset + 1);
  }
}

async function appendUntilRefused(log: ReadingLog, stored: LogPosition[]): Promise<Failure> {
  for (let i = 100; i < 2_000_000; i += 50) {
    const appends = Array.from({ length: 50 }, (_, k) => appended(log, readingOf(i + k)));
    for (const outcome of await Promise.allSettled(appends))
      if (outcome.status === 'fulfilled') stored.push(outcome.value);
      else return outcome.reason as Failure;
  }
  return expect.fail('the log never ran out of space');
}

async function appendOnceThereIsSpace(log: ReadingLog): Promise<LogPosition> {
  for (;;) {
    const position = await appended(log, readingOf(3_000_000)).catch((failure: Failure) => {
      if (failure.code !== 'log-full') throw failure;
    });
    if (position) return position;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export const keyOf = ({ partition, offset }: LogPosition): string => `${partition}/${offset}`;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const byReadingId = (a: AssignedReading, b: AssignedReading): number => (a.id < b.id ? -1 : 1);

function everyPartition(log: ReadingLog, offset: (partition: number) => number): LogPositions {
  return new Map(Array.from({ length: log.partitions }, (_, partition) => [partition, offset(partition)]));
}
