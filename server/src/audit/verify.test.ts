import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryAuditStore } from '../adapters/memory/memory-audit-store.ts';
import { decodeEntry, encodeEntry, type RecordedEntry } from '../domain/audit-entry.ts';
import { columnsOf, type StoredEntry } from '../ports/audit-store.ts';
import { openAuditWriter } from './audit-writer.ts';
import { evidenceOfStore } from './evidence.ts';
import { evidenceOfFile, exportLines } from './export-file.ts';
import { makeEntry } from './test-entries.ts';
import { newTreeHeadKey } from './tree-head-key.ts';
import { type AuditFinding, PRUNED_ACTION, verifyAudit } from './verify.ts';

const START = Date.parse('2026-11-22T03:00:00Z');
const SIZE = 1_100;

/** A log of 1,100 entries, one a second, a head kept every minute. */
async function makeFirstLog() {
  const store = new MemoryAuditStore();
  const key = newTreeHeadKey();
  const clock = { nowMs: START };
  const writer = await openAuditWriter({ store, key, now: () => clock.nowMs, originIfNew: 'healthsync-audit/test' });
  for (let i = 0; i < SIZE; i += 10) {
    await writer.append(
      Array.from({ length: 10 }, (_, j) => makeEntry({ atMs: clock.nowMs, correlationId: `c${i + j}` })),
    );
    clock.nowMs += 10_000;
  }
  return { store, key, clock };
}

let first: ReturnType<typeof makeFirstLog> | undefined;

/** Of each test its own, copied from the first. */
async function makeLog() {
  first ??= makeFirstLog();
  const made = await first;
  const { key } = made;
  const clock = { ...made.clock };
  const store = new MemoryAuditStore();
  if (made.store.log !== undefined) store.log = made.store.log;
  for (const [position, entry] of made.store.entries) store.entries.set(position, entry);
  for (const [name, hashes] of made.store.tileHashes) store.tileHashes.set(name, hashes);
  store.keptHeads = [...made.store.keptHeads];
  const writer = await openAuditWriter({ store, key, now: () => clock.nowMs, originIfNew: 'healthsync-audit/test' });
  const verify = async (anchored: readonly string[] = []) =>
    verifyAudit(await evidenceOfStore(store, { anchored }), { keys: [key.publicKey] });
  return { store, key, clock, writer, verify };
}

type Log = Awaited<ReturnType<typeof makeLog>>;

const entryAt = ({ store }: Pick<Log, 'store'>, position: number) => store.entries.get(position) as StoredEntry;

/** What a forger writes: an entry that is well formed, whose columns fit, and that is not what was signed. */
function forge({ store }: Pick<Log, 'store'>, position: number, change: Partial<RecordedEntry>): void {
  const entry = { ...(decodeEntry(entryAt({ store }, position).text) as RecordedEntry), ...change };
  store.entries.set(position, { position, text: encodeEntry(entry), columns: columnsOf(entry) });
}

const kinds = (findings: readonly AuditFinding[]) => [...new Set(findings.map(({ kind }) => kind))];

// A full tile, the tile's edge, and the end where there is no tile yet.
const PLACES = [0, 255, 256, 700, 1_024, SIZE - 1];

describe('a log that nobody touched', () => {
  it('is intact while others write it, whose newest heads are beyond what was looked at', async () => {
    const log = await makeLog();
    const { store, clock, writer } = log;
    const heads = store.heads.bind(store);
    store.heads = async (query) => {
      store.heads = heads;
      clock.nowMs += 60_000;
      await writer.append([makeEntry({ atMs: clock.nowMs })]);
      return await heads(query);
    };
    expect(await log.verify()).toMatchObject({ isIntact: true, size: SIZE });
  });

  it('is intact, as a whole and from any part', async () => {
    const log = await makeLog();
    expect(await log.verify()).toMatchObject({
      isIntact: true,
      entries: SIZE,
      headsChecked: 19 + 1,
      findings: [],
      rootHash: Buffer.from(/\n(\S{44})\n/.exec((await log.store.open('x')).head ?? '')?.[1] ?? '', 'base64').toString(
        'hex',
      ),
    });
    const part = await evidenceOfStore(log.store, { from: 600 });
    expect(part.from).toBe(512);
    expect(await verifyAudit(part, { keys: [log.key.publicKey] })).toMatchObject({
      isIntact: true,
      entries: SIZE - 512,
    });
  });
});

describe('a forger in the database is found:', () => {
  it.each(PLACES)('entry %i with one flipped byte', async (position) => {
    const log = await makeLog();
    const { text: original, columns } = entryAt(log, position);
    log.store.entries.set(position, { position, text: original.replace('"status":200', '"status":201'), columns });
    const { isIntact, findings } = await log.verify();
    expect(isIntact).toBe(false);
    expect(findings[0]?.from).toBeLessThanOrEqual(position);
    expect(findings[0]?.to).toBeGreaterThan(position);
    // In a full tile its own hash names it; at the end, the heads around it do.
    if (position < 1_024) expect(findings).toMatchObject([{ kind: 'changed', from: position }]);
    else expect(findings).toMatchObject([{ kind: 'root' }]);
  });

  it.each(PLACES)('entry %i dropped', async (position) => {
    const log = await makeLog();
    log.store.entries.delete(position);
    const { isIntact, findings } = await log.verify();
    expect(isIntact).toBe(false);
    expect(findings).toContainEqual(expect.objectContaining({ kind: 'dropped', from: position, to: position + 1 }));
  });

  it.each([
    [3, 4],
    [255, 256],
    [10, 1_090],
  ])('entries %i and %i in each other’s place', async (a, b) => {
    const log = await makeLog();
    const [first, second] = [entryAt(log, a), entryAt(log, b)];
    log.store.entries.set(a, { ...second, position: a });
    log.store.entries.set(b, { ...first, position: b });
    const { isIntact, findings } = await log.verify();
    expect(isIntact).toBe(false);
    expect(kinds(findings)).toContain('reordered');
  });

  it.each([5, 700, SIZE - 1])('entry %i back-dated', async (position) => {
    const log = await makeLog();
    forge(log, position, { recordedAtMs: START - 60_000, atMs: START - 60_000 });
    const { findings } = await log.verify();
    expect(kinds(findings)).toContain('back-dated');
    expect(kinds(findings).some((kind) => kind === 'changed' || kind === 'root')).toBe(true);
  });

  it('an entry written at the end without the key', async () => {
    const log = await makeLog();
    forge(log, SIZE - 1, {});
    const last = decodeEntry(entryAt(log, SIZE - 1).text) as RecordedEntry;
    const more = { ...last, position: SIZE };
    log.store.entries.set(SIZE, { position: SIZE, text: encodeEntry(more), columns: columnsOf(more) });
    log.store.log = { ...(log.store.log as NonNullable<typeof log.store.log>), size: SIZE + 1 };
    expect((await log.verify()).isIntact).toBe(false);
  });

  it('an entry with its kept hash and all tiles above made to fit', async () => {
    const log = await makeLog();
    const forged = new MemoryAuditStore();
    // The same entries but one, hashed anew with a key of the forger’s own.
    const writer = await openAuditWriter({
      store: forged,
      key: newTreeHeadKey(),
      now: () => log.clock.nowMs,
      originIfNew: 'healthsync-audit/test',
    });
    await writer.append(
      Array.from({ length: SIZE }, (_, i) =>
        makeEntry({ correlationId: `c${i}`, ...(i === 5 && { patientId: 'P9' }) }),
      ),
    );
    log.store.entries.clear();
    for (const [position, entry] of forged.entries) log.store.entries.set(position, entry);
    for (const [name, hashes] of forged.tileHashes) log.store.tileHashes.set(name, hashes);
    const { isIntact, findings } = await log.verify();
    expect(isIntact).toBe(false);
    expect(kinds(findings)).toContain('root');
    // With the forger’s heads too, none is signed by a key that is trusted.
    log.store.log = forged.log;
    log.store.keptHeads = forged.keptHeads;
    expect(kinds((await log.verify()).findings)).toEqual(['head']);
  });

  it('a kept hash that is wrong, though every entry is right', async () => {
    const log = await makeLog();
    const tile = Buffer.from(log.store.tileHashes.get('0/1') as Uint8Array);
    tile.writeUInt8((tile[64] as number) ^ 1, 64);
    log.store.tileHashes.set('0/1', tile);
    expect((await log.verify()).findings).toMatchObject([{ kind: 'hash', from: 258 }]);
  });

  it('an entry that is searched for by other words than it holds', async () => {
    const log = await makeLog();
    const { columns, ...row } = entryAt(log, 42);
    log.store.entries.set(42, { ...row, columns: { ...columns, patientId: 'P-nobody' } });
    expect((await log.verify()).findings).toMatchObject([{ kind: 'mislabelled', from: 42 }]);
  });

  it('a log cut back to an earlier signed head, by heads that were kept elsewhere', async () => {
    const log = await makeLog();
    const anchored = (await log.store.open('x')).head ?? '';
    const earlier = log.store.keptHeads.at(-3) as { size: number; note: string };
    for (const position of [...log.store.entries.keys()])
      if (position >= earlier.size) log.store.entries.delete(position);
    log.store.keptHeads = log.store.keptHeads.filter(({ size }) => size <= earlier.size);
    log.store.log = { ...(log.store.log as NonNullable<typeof log.store.log>), size: earlier.size, head: earlier.note };
    expect((await log.verify()).isIntact).toBe(true);
    expect((await log.verify([anchored])).findings).toMatchObject([{ kind: 'cut-off', from: earlier.size, to: SIZE }]);
  });

  it('a log rewritten by somebody who has the key as well, by heads that were kept elsewhere', async () => {
    const log = await makeLog();
    const anchored = log.store.keptHeads.map(({ note }) => note);
    const forged = new MemoryAuditStore();
    const writer = await openAuditWriter({
      store: forged,
      key: log.key,
      now: () => log.clock.nowMs,
      originIfNew: 'healthsync-audit/test',
    });
    await writer.append(Array.from({ length: SIZE }, (_, i) => makeEntry({ correlationId: `x${i}` })));
    const verify = async (heads: readonly string[]) =>
      verifyAudit(await evidenceOfStore(forged, { anchored: heads }), { keys: [log.key.publicKey] });
    expect((await verify([])).isIntact).toBe(true);
    expect(kinds((await verify(anchored)).findings)).toContain('root');
  });
});

describe('an exported log', () => {
  let folder: string;
  let path: string;
  let lines: readonly string[];
  let log: Log;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'healthsync-audit-'));
    path = join(folder, 'export.jsonl');
    log = await makeLog();
    const whole = await text(Readable.from(exportLines(await evidenceOfStore(log.store))));
    lines = whole.split('\n').slice(0, -1);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const verifyLines = async (some: readonly string[]) => {
    writeFileSync(path, some.map((line) => `${line}\n`).join(''));
    const evidence = await evidenceOfFile(path);
    return evidence && (await verifyAudit(evidence, { keys: [log.key.publicKey] }));
  };
  const lineOf = (position: number) => lines.findIndex((line) => line.includes(`"correlationId":"c${position}"`));

  it('is verified without the database', async () => {
    expect(await verifyLines(lines)).toMatchObject({ isIntact: true, entries: SIZE, headsChecked: 20 });
    expect(readFileSync(path, 'utf8')).toContain('"action":"patient.read"');
  });

  it('is verified from any part on', async () => {
    const part = await text(Readable.from(exportLines(await evidenceOfStore(log.store, { from: 700 }))));
    expect(await verifyLines(part.split('\n').slice(0, -1))).toMatchObject({
      isIntact: true,
      from: 512,
      entries: SIZE - 512,
    });
  });

  it.each(PLACES)('with one byte of entry %i flipped is not', async (position) => {
    const changed = lines.with(lineOf(position), (lines[lineOf(position)] ?? '').replace('"ada"', '"adb"'));
    expect((await verifyLines(changed))?.isIntact).toBe(false);
  });

  it('with any single bit of its bytes flipped is not', async () => {
    const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
    const body = bytes.indexOf('{"action"');
    for (let i = 0; i < 25; i++) {
      const at = body + Math.floor(((bytes.length - body) * i) / 25);
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] as number) ^ (1 << (i % 7));
      writeFileSync(path, flipped);
      const evidence = await evidenceOfFile(path);
      const verdict = evidence && (await verifyAudit(evidence, { keys: [log.key.publicKey] }));
      expect(verdict?.isIntact, `byte ${at}`).toBe(false);
    }
  });

  it('with a line dropped, doubled or moved is not, and says where', async () => {
    expect((await verifyLines(lines.toSpliced(lineOf(700), 1)))?.findings).toContainEqual(
      expect.objectContaining({ kind: 'dropped', from: 700, to: 701 }),
    );
    expect((await verifyLines(lines.toSpliced(-1, 1)))?.findings).toContainEqual(
      expect.objectContaining({ kind: 'dropped', from: SIZE - 1 }),
    );
    const twice = lines.toSpliced(lineOf(700), 0, lines[lineOf(700)] ?? '');
    expect((await verifyLines(twice))?.findings).toMatchObject([{ kind: 'added', from: 700 }]);
    const swapped = lines.with(lineOf(30), lines[lineOf(31)] ?? '').with(lineOf(31), lines[lineOf(30)] ?? '');
    expect((await verifyLines(swapped))?.findings).toMatchObject([{ kind: 'reordered', from: 30 }]);
  });

  it('is believed by no other key', async () => {
    writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
    const evidence = await evidenceOfFile(path);
    const verdict = evidence && (await verifyAudit(evidence, { keys: [newTreeHeadKey().publicKey] }));
    expect(verdict?.isIntact).toBe(false);
    expect(kinds(verdict?.findings ?? [])).toContain('head');
  });

  it('is not mistaken for something else', async () => {
    writeFileSync(path, '{"format":"other"}\n');
    expect(await evidenceOfFile(path)).toBeUndefined();
    writeFileSync(path, '');
    expect(await evidenceOfFile(path)).toBeUndefined();
  });
});

describe('a log whose oldest entries were deleted after their retention', () => {
  it('stays provable: what is left, what was held, and that the rest was deleted rightly', async () => {
    const log = await makeLog();
    await log.store.placeHold({ kind: 'person', subject: 'bea', reason: 'a claim', placedBy: 'po', placedAtMs: START });
    const held = entryAt(log, 300);
    log.store.entries.set(300, { ...held, columns: { ...held.columns, actor: 'bea' } });
    for (let deleted = 1; deleted > 0; ) deleted = await log.store.prune({ before: 512, limit: 999 });
    log.store.entries.set(300, held);
    expect((await log.verify()).findings).toMatchObject([
      { kind: 'dropped', from: 0, to: 300 },
      { kind: 'dropped', from: 301, to: 512 },
    ]);
    await log.writer.append([makeEntry({ action: PRUNED_ACTION, detail: { before: 512 } })]);
    expect(await log.verify()).toMatchObject({ isIntact: true, entries: SIZE - 512 + 1 + 1, pruned: 511 });
    log.store.entries.delete(600);
    expect((await log.verify()).findings).toMatchObject([{ kind: 'dropped', from: 600 }]);
  });
});
