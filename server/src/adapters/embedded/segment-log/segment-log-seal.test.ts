import { copyFile, open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Failure } from '../../../ports/failure.ts';
import { appendMany, subscribe } from '../../../ports/reading-log.contract.ts';
import { appended, type ReadingLog } from '../../../ports/reading-log.ts';
import { readingOf } from '../../../ports/test-reading.ts';
import { ENCODED_READING_BYTES_MAX, encodeReading } from '../../reading-codec.ts';
import { BLOCK_BODY, PAGE, payloadBytesAt, RECORD_HEAD } from './format.ts';
import { FaultyFiles } from './test-faulty-files.ts';
import { testLogKeys } from './test-log-keys.ts';
import { SEGMENT_BYTES, SegmentWorld } from './test-world.ts';

describe('the segment log on a disk that others can read and write', () => {
  let world: SegmentWorld;
  beforeEach(async () => {
    world = await SegmentWorld.make();
  });
  afterEach(() => world.dispose());

  it('holds no reading in clear: no value, no device, no patient, in no file', async () => {
    const log = await world.open();
    await appendInGroups(log, 0, 6_000);
    await log.commit('keep', (await log.extent()).next);
    await log.close();
    const encoded = Buffer.alloc(ENCODED_READING_BYTES_MAX);
    const bytes = encoded.subarray(0, encodeReading(readingOf(7), encoded, 0));
    const times = bytes.subarray(4, 12);
    for (const name of await readdir(world.folder)) {
      const file = await readFile(join(world.folder, name));
      // Long enough that no ciphertext holds them by chance.
      expect([file.includes('D-P-7'), file.includes('r-4321'), file.includes(times)], name).toEqual([
        false,
        false,
        false,
      ]);
    }
  });

  it.each(['in the middle', 'at the very end'])(
    'finds a bit that was changed %s by somebody who put the checksum right',
    async (where) => {
      const log = await world.open({ gatherMs: 500 });
      await appendInGroups(log, 0, 900, 300);
      await log.close();
      const segment = await segmentOf(world.folder, 0);
      const blocks = blocksOf(segment.bytes, 1);
      const hit = where === 'in the middle' ? (blocks[3] as Block) : (blocks.at(-1) as Block);
      segment.bytes[hit.start + BLOCK_BODY + 40] = (segment.bytes[hit.start + BLOCK_BODY + 40] as number) ^ 4;
      await writeBlocks(segment, [hit], 1);
      const again = await world.open();
      const records = await readAll(again);
      await until(() => world.damage.length > 0);
      expect(world.damage[0]).toMatchObject({ what: 'forged', ranges: [{ from: hit.start, to: hit.end }] });
      expect(records.length).toBeGreaterThan(780);
      expect(records.length).toBeLessThan(900);
      await appendMany(again, 900, 10);
    },
  );

  it('takes no block for a reading that was moved: not within its segment, not to another, not twice', async () => {
    const log = await world.open({ gatherMs: 500 });
    await appendInGroups(log, 0, 6_000, 1_500);
    await log.close();
    const [first, second] = [await segmentOf(world.folder, 0), await segmentOf(world.folder, 1)];
    const [a, b] = blocksOf(first.bytes, 1).filter(({ end, start }, i) => i > 1 && end - start > 7_000);
    const [, c] = blocksOf(second.bytes, 2).filter(({ end, start }) => end - start > 7_000);
    if (a === undefined || b === undefined || c === undefined) throw new Error('too few blocks');
    // Blocks are not of one length: what is left of the longer one is filled up so that the checksum covers it.
    const aBytes = Buffer.from(first.bytes.subarray(a.start, a.end));
    for (const [target, segment, number] of [
      [b, first, 1],
      [c, second, 2],
    ] as const) {
      const length = Math.min(aBytes.length, target.end - target.start);
      aBytes.copy(segment.bytes, target.start, 0, length);
      segment.bytes.writeUInt16LE(target.end - target.start - RECORD_HEAD, target.start + 4);
      await writeBlocks(segment, [target], number);
    }
    const again = await world.open();
    const records = await readAll(again);
    await until(() => world.damage.length > 1);
    expect(new Set(world.damage.map(({ what, segment }) => `${what} ${segment}`))).toEqual(
      new Set(['forged 1', 'forged 2']),
    );
    expect(new Set(records.map(({ reading }) => reading.id)).size).toBe(records.length);
  });

  it('follows no header that was changed, though its checksum was put right', async () => {
    const log = await world.open({ gatherMs: 500 });
    await appendInGroups(log, 0, 6_000);
    await log.close();
    const segment = await segmentOf(world.folder, 1);
    // Both copies say that the segment begins later than it does: whoever reads on would skip what is before.
    for (const at of [0, PAGE / 2]) {
      const bytes = segment.bytes.subarray(at, at + PAGE / 2);
      for (let p = 0; p < 8; p++) bytes.writeDoubleLE(bytes.readDoubleLE(28 + 8 * p) + 50, 28 + 8 * p);
      bytes.writeUInt32LE(crc32(bytes.subarray(4, 28 + 8 * 8 + 24)), 0);
    }
    const file = await open(segment.path, 'r+');
    await file.write(segment.bytes, 0, PAGE, 0);
    await file.close();
    const again = await world.open();
    expect(world.damage).toEqual([{ segment: 2, ranges: [], readingsLost: undefined, what: 'header' }]);
    expect(new Set((await readAll(again)).map(({ reading }) => reading.id)).size).toBe(6_000);
  });

  it('believes no segment in clear that was put among sealed ones', async () => {
    const clear = await SegmentWorld.make({ isClear: true });
    try {
      const forging = await clear.open({ gatherMs: 500 });
      await appendInGroups(forging, 50_000, 9_000);
      await forging.close();
      const log = await world.open({ gatherMs: 500 });
      await appendInGroups(log, 0, 9_000);
      await log.close();
      const names = await segmentNames(world.folder);
      await copyFile(join(clear.folder, names[1] as string), join(world.folder, names[1] as string));
      const again = await world.open();
      const ids = (await readAll(again)).map(({ reading }) => Number(reading.id.slice(2)));
      expect(ids.every((id) => id < 9_000)).toBe(true);
      await until(() => world.damage.length > 0);
      expect(world.damage.map(({ segment }) => segment)).toContain(2);
    } finally {
      await clear.dispose();
    }
  });

  it('uses no key with the same nonce twice, also where a torn write is written over', async () => {
    const seen = new Map<string, string>();
    const note = async (): Promise<void> => {
      for (const name of (await segmentNames(world.folder)).slice(0, -1)) {
        const bytes = await readFile(join(world.folder, name));
        for (const { start, end } of blocksOf(bytes, Number(name.slice(8, 18)))) {
          const salted = bytes.toString('hex', start + 8, start + BLOCK_BODY);
          const body = bytes.toString('base64', start + BLOCK_BODY, end);
          expect(seen.get(salted) ?? body).toBe(body);
          seen.set(salted, body);
        }
      }
    };
    for (let run = 0; run < 4; run++) {
      world.files = new FaultyFiles();
      const log = await world.open();
      await appendMany(log, run * 1_000, 100);
      await note();
      // The first pages of it come to the disk, the last ones do not.
      world.files.tear = (page) => page < 5;
      await Promise.allSettled(Array.from({ length: 400 }, (_, i) => appended(log, readingOf(run * 1_000 + 100 + i))));
      await log.close();
      await note();
    }
    expect(seen.size).toBeGreaterThan(8);
    world.files = new FaultyFiles();
    expect((await readAll(await world.open())).length).toBeGreaterThanOrEqual(400);
  });

  it('still reads what was written in clear before, and seals from then on', async () => {
    world.keys = 'none';
    const before = await world.open();
    await appendInGroups(before, 0, 4_000);
    await before.close();
    world.keys = testLogKeys();
    const log = await world.open();
    await appendInGroups(log, 4_000, 4_000);
    await log.close();
    const again = await world.open();
    const ids = new Set((await readAll(again)).map(({ reading }) => reading.id));
    expect(ids.size).toBe(8_000);
    expect(world.damage).toEqual([]);
    await again.close();
    const newest = (await segmentNames(world.folder)).at(-2) as string;
    expect((await readFile(join(world.folder, newest))).toString('latin1')).not.toMatch(/r-\d{4}/);
  });

  it('destroys the key of readings that are gone: a copy of their files opens no more', async () => {
    const keys = { ...testLogKeys(), destroyed: new Set<string>() };
    let day = 0;
    // A key for every segment.
    const daily = testLogKeys();
    world.keys = {
      ...daily,
      current: () => {
        const id = String(++day).padStart(16, '0');
        return { id, key: Buffer.alloc(32, day) };
      },
      find: async (id) => (keys.destroyed.has(id) ? undefined : Buffer.alloc(32, Number(id))),
      destroy: async (id) => void keys.destroyed.add(id),
    };
    const bounds = { bytesMax: 4 * SEGMENT_BYTES, retainMs: 0, gatherMs: 0 };
    const log = await world.open(bounds);
    await appendMany(log, 0, 1_000);
    const stolen = await SegmentWorld.make();
    try {
      for (const name of await segmentNames(world.folder))
        await copyFile(join(world.folder, name), join(stolen.folder, name));
      for (let i = 1_000; i < 15_000; i += 500) {
        await log.commit('keep', (await log.extent()).next);
        await log.commit('assess', (await log.extent()).next);
        await appendWhenThereIsRoom(log, i, 500);
      }
      await until(() => keys.destroyed.size > 0);
      stolen.keys = world.keys;
      const copy = await stolen.open();
      expect(await readAll(copy)).toEqual([]);
      expect(stolen.damage.map(({ what }) => what)).toContain('key-gone');
    } finally {
      await stolen.dispose();
    }
  });

  it('leaves no key behind that sealed nothing', async () => {
    const keys = testLogKeys();
    world.keys = keys;
    for (let start = 0; start < 3; start++) await (await world.open()).close();
    expect(keys.destroyed.size).toBe(3);
    const log = await world.open();
    await appendMany(log, 0, 10);
    await log.close();
    await (await world.open()).close();
    expect(keys.destroyed.size).toBe(3);
  });

  it('starts not without the keys of what it holds, and says why; once started it needs nobody', async () => {
    const working = testLogKeys();
    let isAway = false;
    world.keys = {
      ...working,
      async find(id) {
        if (isAway) throw new Failure('keys-unavailable', 'The key service cannot be reached.', { retryable: true });
        return working.find(id);
      },
    };
    const log = await world.open();
    await appendMany(log, 0, 100);
    isAway = true;
    await appendInGroups(log, 100, 8_000);
    expect((await readAll(log)).length).toBe(8_100);
    await log.close();
    await expect(world.open()).rejects.toMatchObject({ code: 'keys-unavailable', retryable: true });
  });
});

interface Block {
  readonly start: number;
  readonly end: number;
}

async function segmentNames(folder: string): Promise<readonly string[]> {
  return (await readdir(folder)).filter((name) => name.startsWith('segment-')).sort();
}

async function segmentOf(folder: string, index: number) {
  const path = join(folder, (await segmentNames(folder))[index] as string);
  return { path, bytes: await readFile(path) };
}

/** The whole blocks of a segment, one after the other. */
function blocksOf(bytes: Buffer, number: number): readonly Block[] {
  const blocks: Block[] = [];
  for (let start = PAGE; start + RECORD_HEAD < bytes.length; ) {
    const end = start + RECORD_HEAD + payloadBytesAt(bytes, start);
    if (end > bytes.length || crc32(bytes.subarray(start + 4, end), number) !== bytes.readUInt32LE(start)) break;
    blocks.push({ start, end });
    start = end;
  }
  return blocks;
}

/** As somebody would who knows the format, and no key. */
async function writeBlocks(
  { path, bytes }: { readonly path: string; readonly bytes: Buffer },
  blocks: readonly Block[],
  number: number,
): Promise<void> {
  const file = await open(path, 'r+');
  for (const { start, end } of blocks) {
    bytes.writeUInt32LE(crc32(bytes.subarray(start + 4, end), number), start);
    await file.write(bytes, start, end - start, start);
  }
  await file.close();
}

async function readAll(log: ReadingLog) {
  const inbox = subscribe(log);
  await until(() => inbox.subscription.lag() === 0);
  await inbox.subscription.stop();
  return inbox.records;
}

async function appendInGroups(log: ReadingLog, start: number, count: number, size = 1_000): Promise<void> {
  for (let i = start; i < start + count; i += size) await appendMany(log, i, size);
}

async function appendWhenThereIsRoom(log: ReadingLog, start: number, count: number): Promise<void> {
  for (let i = 0; i < count; ) {
    const outcomes = await Promise.allSettled(
      Array.from({ length: count - i }, (_, k) => appended(log, readingOf(start + i + k))),
    );
    i += outcomes.filter(({ status }) => status === 'fulfilled').length;
    if (i < count) await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}
