import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { MemoryAuditStore } from '../adapters/memory/memory-audit-store.ts';
import { decodeEntry, encodeEntry, type RecordedEntry } from '../domain/audit-entry.ts';
import { RESTORE_ACTION, restoreEntry } from '../domain/audit-restore.ts';
import { columnsOf } from '../ports/audit-store.ts';
import { findRestore } from './accept-restore.ts';
import { openAuditWriter } from './audit-writer.ts';
import { evidenceOfPart, evidenceOfStore } from './evidence.ts';
import { evidenceOfFile, exportLines } from './export-file.ts';
import { makeEntry } from './test-entries.ts';
import { newTreeHeadKey, type TreeHeadKey } from './tree-head-key.ts';
import { verifyAudit } from './verify.ts';
import { verifyInParts } from './verify-in-parts.ts';

const START = Date.parse('2026-11-22T03:00:00Z');
const ORIGIN = 'healthsync-audit/test';
const MINUTE = 60_000;
const keys = (key: TreeHeadKey) => [key.publicKey];

/** A log, and the heads that lie where no change of its database reaches. */
function makeWorld(key = newTreeHeadKey(), originIfNew = ORIGIN) {
  const clock = { nowMs: START };
  const outside: string[] = [];
  const now = () => clock.nowMs;
  let store = new MemoryAuditStore();
  let writer = open();

  function open() {
    return openAuditWriter({ store, key, now, originIfNew });
  }

  return {
    key,
    clock,
    outside,
    store: () => store,
    /** So many writes a minute apart, each with its head outside. */
    async write(count: number, entriesEach = 1) {
      for (let i = 0; i < count; i++) {
        clock.nowMs += MINUTE;
        const entry = makeEntry({ atMs: now(), correlationId: `c${clock.nowMs}` });
        await (await writer).append(Array.from({ length: entriesEach }, () => entry));
        outside.push((await writer).ownHead() ?? '');
      }
    },
    /** As `pg_dump` would have it now. */
    backup: () => copyOf(store),
    /** The server was stopped, the database is the backup, the server runs again. */
    async restore(from: MemoryAuditStore) {
      clock.nowMs += MINUTE;
      store = copyOf(from);
      writer = open();
      return (await writer).headFound();
    },
    find: (anchored: readonly string[] = outside) =>
      findRestore({ store, keys: keys(key), anchored, by: 'shell:root', reason: 'disk of rack 4 died', now }),
    async accept() {
      const found = await this.find();
      if (found.kind !== 'found') throw new Error(found.kind);
      const entries = found.restores.map((restore) =>
        restoreEntry(restore, {
          actor: { kind: 'person', name: 'shell:root' },
          correlationId: 'r1',
          signature: key.signRestore(restore),
        }),
      );
      await (await writer).append(entries);
      outside.push((await writer).ownHead() ?? '');
      return found.restores;
    },
    append: async (entry: RecordedEntry | ReturnType<typeof makeEntry>) => (await writer).append([entry]),
    settle: async () => (await writer).settle(),
    verify: async (anchored: readonly string[] = outside) =>
      verifyAudit(await evidenceOfStore(store, { anchored }), { keys: keys(key) }),
  };
}

function copyOf(from: MemoryAuditStore): MemoryAuditStore {
  const copy = new MemoryAuditStore();
  if (from.log !== undefined) copy.log = from.log;
  for (const [position, entry] of from.entries) copy.entries.set(position, entry);
  for (const [name, hashes] of from.tileHashes) copy.tileHashes.set(name, hashes);
  copy.keptHeads = [...from.keptHeads];
  return copy;
}

/** 300 entries came back, 20 are lost, 5 were written since. */
async function restored(world = makeWorld()) {
  await world.write(10, 30);
  const backup = world.backup();
  await world.write(20);
  await world.restore(backup);
  await world.write(5);
  return { world };
}

/** A DBA at work. */
function flip(store: MemoryAuditStore, position: number): void {
  const row = store.entries.get(position);
  const entry = { ...(decodeEntry(row?.text ?? '') as RecordedEntry), outcome: 'denied' as const };
  store.entries.set(position, { position, text: encodeEntry(entry), columns: columnsOf(entry) });
}

const kinds = ({ findings }: { readonly findings: readonly { readonly kind: string }[] }) => [
  ...new Set(findings.map(({ kind }) => kind)),
];

describe('a database that came back from a backup', () => {
  it('is not as signed until somebody says that it was meant; then it says who, why, and what is not here', async () => {
    const { world } = await restored();
    expect((await world.verify()).isIntact).toBe(false);
    const [found] = await world.accept();
    const lastLostMs = START + 30 * MINUTE;
    expect(found).toMatchObject({ restoredSize: 300, lostSize: 320, lostHeads: 20, lostUntilMs: lastLostMs });
    expect(found).toMatchObject({ backupAtMs: START + 10 * MINUTE, provedSize: 300 });
    const verdict = await world.verify();
    expect(verdict).toMatchObject({ isIntact: true, size: 306, entries: 306 });
    expect(verdict.restores).toMatchObject([
      {
        position: 305,
        restoredSize: 300,
        lostSize: 320,
        headsExcused: 20,
        by: 'shell:root',
        reason: 'disk of rack 4 died',
      },
    ]);
    // The heads of before are the evidence: they are where they were, and nothing else excuses them.
    const own = world.outside.slice(0, 30);
    expect((await world.verify(own)).restores[0]?.headsExcused).toBe(20);
    await world.write(3);
    expect(await world.verify()).toMatchObject({ isIntact: true, size: 309 });
    expect(await world.find()).toEqual({ kind: 'nothing-lost' });
  });

  it('can be accepted before anything else was written, and when it was cut more than once', async () => {
    const world = makeWorld();
    await world.write(40);
    const first = world.backup();
    await world.write(10);
    await world.restore(first);
    expect(await world.find()).toMatchObject({ kind: 'found', restores: [{ restoredSize: 40, lostSize: 50 }] });
    await world.write(4);
    const second = world.backup();
    await world.write(9);
    await world.restore(second);
    const found = await world.accept();
    expect(found.map(({ restoredSize, lostSize }) => [restoredSize, lostSize])).toEqual([
      [40, 50],
      [44, 53],
    ]);
    expect((await world.verify()).isIntact).toBe(true);
  });

  it('a second time, unsaid, is found; also one that takes back that the first was accepted', async () => {
    const { world } = await restored();
    const unaccepted = world.backup();
    await world.accept();
    const accepted = world.backup();
    await world.write(7);
    await world.restore(accepted);
    await world.write(2);
    expect((await world.verify()).isIntact).toBe(false);
    expect(await world.find()).toMatchObject({ kind: 'found', restores: [{ restoredSize: 306, lostSize: 313 }] });
    await world.restore(unaccepted);
    expect((await world.verify()).isIntact).toBe(false);
  });

  it('is not excused for a head that nobody knew of when it was accepted and that is newer', async () => {
    const world = makeWorld();
    await world.write(30);
    const backup = world.backup();
    await world.write(10);
    const known = world.outside.slice(0, 35);
    const witness = world.outside.slice(35);
    world.outside.splice(0, 99, ...known);
    await world.restore(backup);
    await world.accept();
    expect((await world.verify()).isIntact).toBe(true);
    expect((await world.verify([...world.outside, ...witness])).isIntact).toBe(false);
    world.outside.push(...witness);
    await world.accept();
    expect((await world.verify()).isIntact).toBe(true);
  });

  it('is not accepted by a clock that is behind what was lost', async () => {
    const { world } = await restored();
    world.clock.nowMs = START + 20 * MINUTE;
    expect(await world.find()).toEqual({ kind: 'clock-behind', untilMs: START + 30 * MINUTE });
  });
});

describe('an acceptance is no way to hide', () => {
  it.each([0, 150, 256, 299])('an entry that was flipped before it: %i', async (position) => {
    const { world } = await restored();
    flip(world.store(), position);
    const found = await world.find();
    expect(found.kind).toBe('not-a-restore');
  });

  it.each([0, 299, 302, 305])('an entry that was flipped after it: %i', async (position) => {
    const { world } = await restored();
    await world.accept();
    await world.write(2);
    flip(world.store(), position);
    expect((await world.verify()).isIntact).toBe(false);
  });

  it('an entry at the end of the backup that was flipped before the start, for the head of then is kept', async () => {
    const world = makeWorld();
    await world.write(30);
    const early = [...world.outside];
    await world.write(10);
    const backup = world.backup();
    await world.write(10);
    flip(backup, 38);
    // What lies outside says nothing of the entries from 30 on; the database's own last head does.
    const foundAtStart = await world.restore(backup);
    world.outside.splice(0, 99, ...early, world.outside.at(-1) ?? '', foundAtStart ?? '');
    expect((await world.find()).kind).toBe('not-a-restore');
  });

  it('signed by somebody else, it excuses nothing and is found itself', async () => {
    const { world } = await restored();
    const found = await world.find();
    if (found.kind !== 'found') throw new Error(found.kind);
    const restore = found.restores[0] as (typeof found.restores)[number];
    const actor = { kind: 'person', name: 'shell:root' } as const;
    const signature = newTreeHeadKey().signRestore(restore);
    await world.append(restoreEntry(restore, { actor, correlationId: 'x', signature }));
    expect(kinds(await world.verify())).toEqual(expect.arrayContaining(['restore', 'root']));
    // The same words by the right key for less; more is claimed than was signed.
    const right = world.key.signRestore(restore);
    const more = { ...restore, lostUntilMs: restore.lostUntilMs + 1 };
    await world.append(restoreEntry(more, { actor, correlationId: 'x', signature: right }));
    expect((await world.verify()).isIntact).toBe(false);
  });

  it('left in the database for the server to sign, it is taken for what it is', async () => {
    const { world } = await restored();
    const actor = { kind: 'system', name: 'retention' } as const;
    const forged = ['audit.prune', RESTORE_ACTION].map((action) =>
      makeEntry({ action, actor, detail: { before: 256 } }),
    );
    world.store().waiting.push(...forged.map((entry, i) => ({ id: `${i}`, entry })));
    expect(await world.settle()).toBe(2);
    const written = await world.store().search({ action: 'audit.*', limit: 9 });
    expect(written.map(({ action, outcome, detail }) => [action, outcome, detail?.['said']])).toEqual([
      ['audit.forged', 'failed', RESTORE_ACTION],
      ['audit.forged', 'failed', 'audit.prune'],
    ]);
    for (let position = 0; position < 256; position++) world.store().entries.delete(position);
    expect(kinds(await world.verify())).toContain('dropped');
  });

  it('taken from another log of the same key, it excuses nothing', async () => {
    const { world } = await restored();
    await world.accept();
    const [signed] = await world.store().search({ action: RESTORE_ACTION, limit: 1 });
    const other = (await restored(makeWorld(world.key, 'healthsync-audit/other'))).world;
    await other.append(signed as RecordedEntry);
    expect(kinds(await other.verify())).toEqual(expect.arrayContaining(['restore', 'root']));
  });

  it('written into the log before the time that it excuses, it is none', async () => {
    const { world } = await restored();
    const found = await world.find();
    if (found.kind !== 'found') throw new Error(found.kind);
    const later = { ...(found.restores[0] as (typeof found.restores)[number]), lostUntilMs: START + 900 * MINUTE };
    const actor = { kind: 'person', name: 'shell:root' } as const;
    await world.append(restoreEntry(later, { actor, correlationId: 'x', signature: world.key.signRestore(later) }));
    expect(kinds(await world.verify())).toContain('restore');
  });
});

describe('that a restore was accepted', () => {
  it('is verified in parts as in one', async () => {
    const { world } = await restored();
    await world.accept();
    await world.write(10, 30);
    const whole = await world.verify();
    const store = world.store();
    const parts = await verifyInParts({
      size: whole.size,
      count: 3,
      anchored: world.outside,
      verify: async ({ from, to, anchored }) =>
        verifyAudit(
          to === undefined
            ? await evidenceOfStore(store, { from, anchored })
            : await evidenceOfPart(store, { from, to, more: anchored }),
          { keys: keys(world.key) },
        ),
    });
    expect(parts).toMatchObject({ isIntact: true, restores: whole.restores });
  });

  it('goes into an export, which is verified with it and not without', async () => {
    const { world } = await restored();
    await world.accept();
    const folder = mkdtempSync(join(tmpdir(), 'healthsync-restore-'));
    try {
      const lines = (await text(Readable.from(exportLines(await evidenceOfStore(world.store()))))).split('\n');
      const file = join(folder, 'export.jsonl');
      const verify = async (kept: readonly string[]) => {
        writeFileSync(file, kept.join('\n'));
        const evidence = await evidenceOfFile(file, { anchored: world.outside });
        return evidence && (await verifyAudit(evidence, { keys: keys(world.key) }));
      };
      expect(await verify(lines)).toMatchObject({ isIntact: true, restores: [{ lostSize: 320 }] });
      expect((await verify(lines.filter((line) => !line.startsWith('{"restore"'))))?.isIntact).toBe(false);
      const withoutEntry = lines.filter((line) => !line.startsWith(`{"action":"${RESTORE_ACTION}"`));
      expect(kinds((await verify(withoutEntry)) ?? { findings: [] })).toContain('restore');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('is not deleted at the end of retention: heads are kept for longer', async () => {
    const { world } = await restored();
    await world.accept();
    await world.write(10, 30);
    const store = world.store();
    await world.append(makeEntry({ action: 'audit.prune', detail: { before: 512 } }));
    for (let deleted = 1; deleted > 0; ) deleted = await store.prune({ before: 512, limit: 999 });
    expect(await world.verify()).toMatchObject({ isIntact: true, pruned: 511, restores: [{ position: 305 }] });
  });
});
