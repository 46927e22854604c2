import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { appendMany, expectInOrder, keyOf, subscribe } from '../../../ports/reading-log.contract.ts';
import { appended, type LogPosition, type ReadingLog } from '../../../ports/reading-log.ts';
import { readingOf } from '../../../ports/test-reading.ts';
import { PAGE } from './format.ts';
import { FaultyFiles } from './test-faulty-files.ts';
import { testLogKeys } from './test-log-keys.ts';
import { SEGMENT_BYTES, SegmentWorld } from './test-world.ts';

/** Of 8 KiB: the smallest of this test takes more than 50 bytes. */
const READINGS_PER_BLOCK_MAX = 160;

describe('the segment log, when things go wrong', () => {
  let world: SegmentWorld;
  beforeEach(async () => {
    world = await SegmentWorld.make();
  });
  afterEach(() => world.dispose());

  it('loses nothing acknowledged when it is killed again and again', async () => {
    const acknowledged: (LogPosition & { readonly readingId: string })[] = [];
    for (let run = 0; run < 8; run++)
      acknowledged.push(...(await world.killWhileAppending(100 + Math.floor(Math.random() * 3_000))));
    const found = await readAll(await world.open());
    for (const position of acknowledged) expect(found.get(keyOf(position))).toBe(position.readingId);
    expect(world.damage).toEqual([]);
  }, 180_000); // eight processes, one after the other

  it('loses nothing acknowledged when it is killed while files are being recycled', async () => {
    const acknowledged: (LogPosition & { readonly readingId: string })[] = [];
    for (let run = 0; run < 4; run++)
      acknowledged.push(...(await world.killWhileAppending(8_000 + Math.floor(Math.random() * 8_000), 'recycle')));
    const log = await world.open();
    const { first } = await log.extent();
    expect([...first.values()].every((offset) => offset > 0)).toBe(true);
    const found = await readAll(log);
    const held = acknowledged.filter(({ partition, offset }) => offset >= (first.get(partition) as number));
    expect(held.length).toBeGreaterThan(0);
    for (const position of held) expect(found.get(keyOf(position))).toBe(position.readingId);
    expect(world.damage).toEqual([]);
  });

  it('cuts a torn tail, whichever of its pages reached the disk, and keeps everything acknowledged', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 1, max: 400 }),
        fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
        async (before, torn, pages) => {
          const inner = await SegmentWorld.make();
          try {
            const log = await inner.open();
            const acknowledged = await appendMany(log, 0, before);
            inner.files.tear = (page) => pages[page] ?? false;
            const refused = await Promise.allSettled(
              Array.from({ length: torn }, (_, i) => appended(log, readingOf(10_000 + i))),
            );
            expect(refused.every(({ status }) => status === 'rejected')).toBe(true);
            await log.close();
            inner.files = new FaultyFiles();
            const again = await inner.open();
            const more = await appendMany(again, 20_000, 50);
            const found = await readAll(again);
            acknowledged.forEach((position, i) => {
              expect(found.get(keyOf(position))).toBe(`r-${i}`);
            });
            more.forEach((position, i) => {
              expect(found.get(keyOf(position))).toBe(`r-${20_000 + i}`);
            });
          } finally {
            await inner.dispose();
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it('reports a flipped bit, wherever it is, and serves every other reading', async () => {
    // One group each, so that the segments are filled as it is said below.
    const log = await world.open({ gatherMs: 500 });
    for (let i = 0; i < 9_000; i += 1_500) await appendMany(log, i, 1_500);
    await log.close();
    // The last is the spare; the one before it is the one that was being written.
    const segments = (await segmentFiles(world.folder)).slice(0, -1);
    expect(segments.length).toBe(3);
    const names = await readdir(world.folder);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(segments.length - 1),
        // Within the first pages, where every segment has records that are not its last.
        fc.nat(40 * PAGE),
        fc.nat(7),
        async (which, byte, bit) => {
          const inner = await SegmentWorld.make();
          try {
            for (const name of names) await copyFile(join(world.folder, name), join(inner.folder, name));
            const hit = segments[which] as string;
            await flipBit(join(inner.folder, hit), byte, bit);
            const again = await inner.open();
            const inbox = subscribe(again);
            const isHeader = byte < PAGE;
            await until(() => inbox.subscription.lag() === 0 && (isHeader || inner.damage.length > 0));
            await inbox.until(isHeader ? 9_000 : 9_000 - READINGS_PER_BLOCK_MAX);
            await until(() => inbox.subscription.lag() === 0);
            const [damage] = inner.damage;
            const lost = 9_000 - inbox.records.length;
            if (isHeader) expect([damage, lost]).toEqual([undefined, 0]);
            else {
              expect(damage).toMatchObject({ what: 'records', readingsLost: lost });
              expect(lost).toBeGreaterThan(0);
              expect(lost).toBeLessThanOrEqual(READINGS_PER_BLOCK_MAX);
              expect(damage?.ranges.some(({ from, to }) => from <= byte && byte < to)).toBe(true);
            }
            expect((await appendMany(again, 9_000, 10)).length).toBe(10);
          } finally {
            await inner.dispose();
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it('serves a segment whose header is lost, and goes on with offsets never given before', async () => {
    const log = await world.open();
    const positions = [...(await appendMany(log, 0, 900))];
    positions.push(...(await appendMany(log, 900, 1_500)), ...(await appendMany(log, 2_400, 900)));
    await log.close();
    for (const name of (await segmentFiles(world.folder)).slice(0, -1)) {
      const file = await open(join(world.folder, name), 'r+');
      await file.write(Buffer.alloc(PAGE, 0x5a), 0, PAGE, 0);
      await file.close();
    }
    const again = await world.open();
    expect(world.damage.map(({ what }) => what)).toContain('header');
    const before = new Set(positions.map(keyOf));
    const more = await appendMany(again, 4_000, 100);
    for (const position of more) expect(before.has(keyOf(position))).toBe(false);
    const found = await readAll(again);
    for (const position of positions) expect(found.has(keyOf(position))).toBe(true);
  });

  it('never takes a record of a recycled file for one of its own', async () => {
    const log = await world.open({ bytesMax: 4 * SEGMENT_BYTES, retainMs: 0 });
    const stored = new Map<string, string>();
    for (let i = 0; i < 20_000; i += 500) {
      const positions = await appendWithRoom(log, i, 500);
      positions.forEach((position, k) => {
        stored.set(keyOf(position), `r-${i + k}`);
      });
      const { next } = await log.extent();
      await log.commit('keep', next);
      await log.commit('assess', next);
    }
    const held = (await log.extent()).first;
    expect([...held.values()].every((first) => first > 0)).toBe(true);
    await log.close();
    expect((await segmentFiles(world.folder)).length).toBeLessThanOrEqual(4);
    const again = await world.open();
    expect(world.damage).toEqual([]);
    for (const [key, id] of await readAll(again)) expect(stored.get(key)).toBe(id);
    expect((await again.extent()).next).toEqual((await log.extent()).next);
  });

  it('holds what one group has not dealt with until it is full, and goes on when that group has', async () => {
    const log = await world.open({ bytesMax: 4 * SEGMENT_BYTES, retainMs: 0 });
    const stored: LogPosition[] = [];
    let refusal: unknown;
    for (let i = 0; refusal === undefined; i += 100) {
      const appends = Array.from({ length: 100 }, (_, k) => appended(log, readingOf(i + k)));
      for (const outcome of await Promise.allSettled(appends))
        if (outcome.status === 'fulfilled') stored.push(outcome.value);
        else refusal = outcome.reason;
      await log.commit('assess', (await log.extent()).next);
    }
    expect(refusal).toMatchObject({ code: 'log-full', retryable: true });
    const found = await readAll(log);
    expect(new Set(found.keys())).toEqual(new Set(stored.map(keyOf)));
    await log.commit('keep', (await log.extent()).next);
    await appendWithRoom(log, 1_000_000, 100);
    expect([...(await log.extent()).first.values()].some((first) => first > 0)).toBe(true);
  });

  it('keeps writing the same group to a disk that is full even for what is written over, until there is room', async () => {
    const log = await world.open();
    const first = await appendMany(log, 0, 50);
    world.files.isFullForWrites = true;
    const waiting = appendMany(log, 50, 50);
    await until(() => log.stats().isFull);
    await expect(appended(log, readingOf(100))).rejects.toMatchObject({ code: 'log-full' });
    world.files.isFullForWrites = false;
    const stored = [...first, ...(await waiting)];
    await log.close();
    const found = await readAll(await world.open());
    expect(new Set(found.keys())).toEqual(new Set(stored.map(keyOf)));
    expect(world.damage).toEqual([]);
  });

  it('refuses more than may wait for the disk, and stores all it took', async () => {
    const log = await world.open({ pendingBytesMax: 4 * PAGE });
    const outcomes = await Promise.allSettled(Array.from({ length: 1_000 }, (_, i) => appended(log, readingOf(i))));
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    const taken = outcomes.filter((outcome) => outcome.status === 'fulfilled');
    expect(refused.length).toBeGreaterThan(0);
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'overloaded', retryable: true });
    expect((await readAll(log)).size).toBe(taken.length);
    await appended(log, readingOf(2_000));
  });

  it('writes what gathered while the disk was busy in one go', async () => {
    const log = await world.open();
    await appendMany(log, 0, 2_000);
    expect(world.files.durableWrites).toBeLessThan(20);
  });

  it('refuses another number of partitions than the folder was made with', async () => {
    const log = await world.open();
    await appendMany(log, 0, 10);
    await log.close();
    await expect(world.open({}, { partitions: 16 })).rejects.toMatchObject({
      name: 'Failure',
      code: 'data-folder-unusable',
      retryable: false,
    });
  });

  it('never gives an offset again that a consumer has seen, though the log lost its end', async () => {
    const log = await world.open();
    await appendMany(log, 0, 300);
    const { next } = await log.extent();
    await log.commit('keep', next);
    await log.close();
    for (const name of await segmentFiles(world.folder)) await rm(join(world.folder, name));
    const again = await world.open({}, { floor: new Map([[3, 5_000]]) });
    expect(world.trouble.join()).toMatch(/lost/);
    for (const position of await appendMany(again, 300, 100))
      expect(position.offset).toBeGreaterThanOrEqual(
        position.partition === 3 ? 5_000 : (next.get(position.partition) as number),
      );
    const inbox = subscribe(again, { from: await again.committed('keep') });
    await inbox.until(100);
    expectInOrder(inbox.records);
  });

  it('begins from the first reading when a group’s position cannot be read', async () => {
    const log = await world.open();
    await appendMany(log, 0, 10);
    await log.commit('keep', (await log.extent()).next);
    await log.close();
    await writeFile(join(world.folder, 'group-keep.json'), '{"version":1,"next":[[0,');
    const again = await world.open();
    expect(await again.committed('keep')).toEqual(new Map());
    expect(world.trouble.join()).toMatch(/keep/);
    expect((await readAll(again)).size).toBe(10);
  });

  it('writes groups’ positions a few times a second at most, and the last of them when it closes', async () => {
    const log = await world.open();
    for (let i = 1; i <= 1_000; i++) await log.commit('keep', new Map([[0, i]]));
    expect(existsSync(join(world.folder, 'group-keep.json'))).toBe(false);
    await log.close();
    expect(JSON.parse(await readFile(join(world.folder, 'group-keep.json'), 'utf8'))).toEqual({
      version: 1,
      next: [[0, 1_000]],
    });
  });

  it('goes on at the first reading held when a lagging subscription’s readings have been trimmed', async () => {
    const log = await world.open({ bytesMax: 4 * SEGMENT_BYTES, retainMs: 0 });
    const hang = Promise.withResolvers<void>();
    const replay = subscribe(log, { group: 'replay', batchMax: 10, handle: () => hang.promise });
    for (let i = 0; i < 20_000; i += 500) {
      await appendWithRoom(log, i, 500);
      const { next } = await log.extent();
      await log.commit('keep', next);
      await log.commit('assess', next);
    }
    hang.resolve();
    await until(() => replay.subscription.lag() === 0);
    expect(world.trouble.join()).toMatch(/trimmed/);
    const { next } = await log.extent();
    const last = new Map(replay.records.map(({ partition, offset }) => [partition, offset + 1]));
    expect(last).toEqual(next);
  });

  it('survives a real full disk', async () => {
    const disk = await mkdtemp(join(tmpdir(), 'healthsync-small-disk-'));
    if (!mounted(disk)) {
      await rm(disk, { recursive: true });
      console.log('SKIPPED: a real full disk needs the right to mount a tmpfs');
      return;
    }
    const small = new SegmentWorld(join(disk, 'log'), testLogKeys());
    try {
      const log = await small.open();
      const stored: LogPosition[] = [];
      let refusal: unknown;
      for (let i = 0; refusal === undefined; i += 100) {
        const appends = Array.from({ length: 100 }, (_, k) => appended(log, readingOf(i + k)));
        for (const outcome of await Promise.allSettled(appends))
          if (outcome.status === 'fulfilled') stored.push(outcome.value);
          else refusal = outcome.reason;
      }
      expect(refusal).toMatchObject({ code: 'log-full', retryable: true });
      // No room for the positions either; in memory they count all the same.
      const { next } = await log.extent();
      await log.commit('keep', next);
      await log.commit('assess', next);
      stored.push(...(await appendWithRoom(log, 1_000_000, 100)));
      const held = new Set(stored.map(keyOf));
      for (const key of (await readAll(log)).keys()) expect(held.has(key)).toBe(true);
    } finally {
      await small.dispose();
      execFileSync('/bin/umount', [disk]);
      await rm(disk, { recursive: true });
    }
  });
});

/** Everything the log holds: key → reading id. */
async function readAll(log: ReadingLog): Promise<Map<string, string>> {
  const inbox = subscribe(log);
  await until(() => inbox.subscription.lag() === 0);
  await inbox.subscription.stop();
  expect(new Set(inbox.records.map(keyOf)).size).toBe(inbox.records.length);
  return new Map(inbox.records.map((record) => [keyOf(record), record.reading.id]));
}

/** Appends again, until there is room, what was refused because there was none. */
async function appendWithRoom(log: ReadingLog, start: number, count: number): Promise<readonly LogPosition[]> {
  const positions = new Array<LogPosition>(count);
  for (let missing = [...positions.keys()]; missing.length > 0; ) {
    const outcomes = await Promise.allSettled(missing.map((i) => appended(log, readingOf(start + i))));
    const refused: number[] = [];
    for (const [k, outcome] of outcomes.entries())
      if (outcome.status === 'fulfilled') positions[missing[k] as number] = outcome.value;
      else if (outcome.reason.code === 'log-full') refused.push(missing[k] as number);
      else throw outcome.reason;
    missing = refused;
    if (missing.length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return positions;
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function segmentFiles(folder: string): Promise<readonly string[]> {
  return (await readdir(folder)).filter((name) => name.startsWith('segment-')).sort();
}

async function flipBit(path: string, byte: number, bit: number): Promise<void> {
  const file = await open(path, 'r+');
  const one = Buffer.alloc(1);
  await file.read(one, 0, 1, byte);
  one[0] = (one[0] as number) ^ (1 << bit);
  await file.write(one, 0, 1, byte);
  await file.close();
}

function mounted(folder: string): boolean {
  try {
    execFileSync('/bin/mount', ['-t', 'tmpfs', '-o', 'size=1100k', 'tmpfs', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
