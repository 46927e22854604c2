import { beforeAll, describe, expect, it } from 'vitest';
import { MemoryAuditStore } from '../adapters/memory/memory-audit-store.ts';
import { decodeEntry, encodeEntry, type RecordedEntry } from '../domain/audit-entry.ts';
import { columnsOf, TILE_SIZE } from '../ports/audit-store.ts';
import { openAuditWriter } from './audit-writer.ts';
import { evidenceOfPart, evidenceOfStore } from './evidence.ts';
import { endRetention } from './retention.ts';
import { RFC6962 } from './rfc6962.ts';
import { makeEntry } from './test-entries.ts';
import { newTreeHeadKey } from './tree-head-key.ts';
import { verifyAudit } from './verify.ts';
import { verifyInParts } from './verify-in-parts.ts';

const key = newTreeHeadKey();
const SIZE = 2_000;
const DAY_MS = 86_400_000;
let clock = 0;
let store: MemoryAuditStore;
beforeAll(async () => {
  store = await newLog();
});

/** A head is kept with every write, so that each part has some of its own. */
async function newLog(): Promise<MemoryAuditStore> {
  const made = new MemoryAuditStore();
  clock = Date.UTC(2026, 0, 1);
  const writer = await openWriter(made);
  for (let i = 0; i < SIZE; i += 100) {
    clock += DAY_MS;
    await writer.append(Array.from({ length: 100 }, (_, j) => makeEntry({ correlationId: `c${i + j}` })));
  }
  return made;
}

const openWriter = (made: MemoryAuditStore) =>
  openAuditWriter({
    store: made,
    key,
    now: () => clock,
    originIfNew: 'healthsync-audit/test',
    bounds: { headEveryMs: 0 },
  });

const verify = async (log: MemoryAuditStore, anchored: readonly string[] = []) =>
  verifyInParts({
    size: (await log.open('-')).size,
    count: 4,
    anchored,
    verify: async ({ from, to, anchored: more }) => {
      const evidence =
        to === undefined
          ? await evidenceOfStore(log, { from, anchored: more })
          : await evidenceOfPart(log, { from, to, more });
      return await verifyAudit(evidence, { keys: [key.publicKey] });
    },
  });

/** Does it to a copy of the log; whether that is still taken for well. */
async function isSeen(forge: (log: MemoryAuditStore) => void): Promise<boolean> {
  const log = await newLog();
  forge(log);
  return (await verify(log)) === undefined;
}

function rewrite(log: MemoryAuditStore, position: number, change: Partial<RecordedEntry>): void {
  const entry = { ...(decodeEntry(log.entries.get(position)?.text ?? '') as RecordedEntry), ...change };
  log.entries.set(position, { position, text: encodeEntry(entry), columns: columnsOf(entry) });
}

describe('a log verified in parts', () => {
  it('is said to be what it is said to be as one', async () => {
    const whole = await verifyAudit(await evidenceOfStore(store), { keys: [key.publicKey] });
    expect(await verify(store)).toEqual(whole);
  });

  it('is not well when one entry of any part was changed, dropped, or moved across a seam', async () => {
    for (const position of [3, 511, 512, 1_300, SIZE - 1]) {
      expect(await isSeen((log) => rewrite(log, position, { outcome: 'denied' }))).toBe(true);
      expect(await isSeen((log) => void log.entries.delete(position))).toBe(true);
    }
    const swap = (log: MemoryAuditStore) => {
      const [a, b] = [log.entries.get(511), log.entries.get(512)];
      if (a === undefined || b === undefined) throw new Error('no seam there');
      log.entries.set(511, { ...b, position: 511 }).set(512, { ...a, position: 512 });
    };
    expect(await isSeen(swap)).toBe(true);
  });

  it('is not well when an entry and its kept hash were changed together, where no head lies before the seam', async () => {
    const bare = (log: MemoryAuditStore) => {
      log.keptHeads = [];
    };
    expect(await isSeen(bare)).toBe(false);
    const forged = await newLog();
    rewrite(forged, 600, { outcome: 'denied' });
    const again = await tileOf(forged, 2);
    expect(
      await isSeen((log) => {
        bare(log);
        rewrite(log, 600, { outcome: 'denied' });
        log.tileHashes.set('0/2', again);
      }),
    ).toBe(true);
  });

  it('is not well when a head that was kept elsewhere says otherwise, of whatever part', async () => {
    const other = await newLog();
    for (const { note } of other.keptHeads.filter((_, i) => i % 6 === 0))
      expect(await verify(store, [note])).toBeUndefined();
    expect(
      await verify(
        store,
        store.keptHeads.map(({ note }) => note),
      ),
    ).toMatchObject({ isIntact: true });
    expect(await verify(store, ['no head'])).toBeUndefined();
  });

  it('is well after old entries were deleted at the end of their retention', async () => {
    const log = await newLog();
    const audit = await openWriter(log);
    await endRetention({ store: log, audit, keepMs: 10 * DAY_MS, now: () => clock });
    const whole = await verifyAudit(await evidenceOfStore(log), { keys: [key.publicKey] });
    expect(whole).toMatchObject({ isIntact: true, pruned: 768 });
    expect(await verify(log)).toEqual(whole);
  });
});

/** The hashes that a tile of this log would have. */
async function tileOf(log: MemoryAuditStore, index: number): Promise<Uint8Array> {
  const entries = await log.read({ from: index * TILE_SIZE, to: (index + 1) * TILE_SIZE });
  return Buffer.concat(entries.map(({ text }) => RFC6962.leaf(text)));
}
