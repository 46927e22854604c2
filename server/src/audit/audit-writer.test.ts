import { describe, expect, it } from 'vitest';
import { MemoryAuditStore } from '../adapters/memory/memory-audit-store.ts';
import { parseNote } from '../domain/audit-head.ts';
import { Failure } from '../ports/failure.ts';
import { type AuditDivergence, openAuditWriter } from './audit-writer.ts';
import { evidenceOfStore } from './evidence.ts';
import { holdsConsistency, holdsInclusion, proveConsistency, proveInclusion } from './proofs.ts';
import { makeEntry } from './test-entries.ts';
import { newTreeHeadKey } from './tree-head-key.ts';
import { TreeNodes } from './tree-nodes.ts';
import { verifyAudit } from './verify.ts';

const START = Date.parse('2026-11-22T03:00:00Z');

function makeWorld() {
  const store = new MemoryAuditStore();
  const key = newTreeHeadKey();
  const clock = { nowMs: START };
  const diverged: AuditDivergence[] = [];
  const groups: number[] = [];
  const open = (other: Partial<Parameters<typeof openAuditWriter>[0]> = {}) =>
    openAuditWriter({
      store,
      key,
      now: () => clock.nowMs,
      originIfNew: 'healthsync-audit/test',
      onDivergence: (what) => diverged.push(what),
      onBatch: ({ entries }) => groups.push(entries),
      ...other,
    });
  const verify = async () => verifyAudit(await evidenceOfStore(store), { keys: [key.publicKey] });
  return { store, key, clock, diverged, groups, open, verify };
}

const many = (count: number) => Array.from({ length: count }, (_, i) => makeEntry({ correlationId: `c${i}` }));

describe('the writer of the audit log', () => {
  it('writes what comes at once in one go, in the order in which it came', async () => {
    const world = makeWorld();
    const writer = await world.open();
    const receipts = await Promise.all(many(100).map((entry) => writer.append([entry])));
    expect(receipts.map(([receipt]) => receipt?.position)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(world.groups).toEqual([100]);
    expect(await world.verify()).toMatchObject({ isIntact: true, entries: 100, headsChecked: 1 });
  });

  it('signs every write, so that nothing in the log is unsigned for a moment', async () => {
    const world = makeWorld();
    const writer = await world.open();
    for (const size of [1, 2, 300, 301]) {
      await writer.append(many(size - writer.size()));
      expect(parseNote((await world.store.open('x')).head ?? '')?.head.size).toBe(size);
      expect(await world.verify()).toMatchObject({ isIntact: true, size });
    }
  });

  it('goes on from any size after a restart, with the same tree as one that never stopped', async () => {
    const world = makeWorld();
    for (const count of [1, 254, 1, 1, 700, 64_600, 600])
      await (await world.open({ bounds: { waitingMax: 70_000 } })).append(many(count));
    expect(world.diverged).toEqual([]);
    expect(await world.verify()).toMatchObject({ isIntact: true, entries: 66_157 });
    expect([...(await world.store.tiles(1, { from: 0, to: 9 })).keys()]).toEqual([0]);
  });

  it('shares the log with other processes', async () => {
    const world = makeWorld();
    const [one, two] = [await world.open(), await world.open()];
    for (let i = 0; i < 20; i++) await Promise.all([one.append(many(3)), two.append(many(2))]);
    expect(world.diverged).toEqual([]);
    expect(await world.verify()).toMatchObject({ isIntact: true, entries: 100 });
  });

  it('gets its turn beside forty other processes', async () => {
    const world = makeWorld();
    const writers = await Promise.all(Array.from({ length: 40 }, () => world.open()));
    const receipts = await Promise.all(writers.map((writer) => writer.append([makeEntry()])));
    expect(receipts.map(([receipt]) => receipt?.position).sort((a = 0, b = 0) => a - b)).toEqual(
      Array.from({ length: 40 }, (_, i) => i),
    );
    expect(await world.verify()).toMatchObject({ isIntact: true, entries: 40 });
  });

  it('is overtaken once, and then waits for its turn', async () => {
    const world = makeWorld();
    const writer = await world.open();
    const append = world.store.append.bind(world.store);
    let overtaken = 0;
    world.store.append = async (batch) => (overtaken++ === 0 ? 'moved' : append(batch));
    expect(await writer.append(many(3))).toHaveLength(3);
    expect(overtaken).toBe(2);
    expect(await world.verify()).toMatchObject({ isIntact: true, entries: 3 });
  });

  it('says so when others are always first', async () => {
    const world = makeWorld();
    const writer = await world.open({ bounds: { contendedMaxMs: 30 } });
    world.store.append = async () => 'moved';
    world.store.appendInTurn = async () => 'moved';
    await expect(writer.append(many(1))).rejects.toMatchObject({ code: 'overloaded', retryable: true });
  });

  it('never puts a time before the one before it, whatever the clock does', async () => {
    const world = makeWorld();
    const writer = await world.open();
    const [first] = await writer.append(many(1));
    world.clock.nowMs -= 3_600_000;
    const [second] = await writer.append([makeEntry({ atMs: world.clock.nowMs })]);
    expect(second?.recordedAtMs).toBe(first?.recordedAtMs);
    expect(await world.verify()).toMatchObject({ isIntact: true });
  });

  it('refuses everybody who waits when the store is away, and goes on when it is back', async () => {
    const world = makeWorld();
    const writer = await world.open();
    await writer.append(many(5));
    const away = new Failure('database-unavailable', 'away', { retryable: true });
    world.store.failure = away;
    const outcomes = await Promise.allSettled([writer.append(many(1)), writer.append(many(2))]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    world.store.failure = undefined;
    expect(await writer.append(many(1))).toMatchObject([{ position: 5 }]);
    expect(writer.waiting()).toBe(0);
    expect(await world.verify()).toMatchObject({ isIntact: true, entries: 6 });
  });

  it('takes nothing beyond its bound', async () => {
    const world = makeWorld();
    const writer = await world.open({ bounds: { waitingMax: 10 } });
    const taken = writer.append(many(10));
    await expect(writer.append(many(1))).rejects.toMatchObject({ code: 'overloaded', retryable: true });
    await taken;
    await expect(writer.append(many(1))).resolves.toHaveLength(1);
  });

  it('writes down what other transactions left, once, however many look', async () => {
    const world = makeWorld();
    const [one, two] = [await world.open(), await world.open()];
    for (let i = 0; i < 5; i++) world.store.waiting.push({ id: `${i}`, entry: makeEntry({ action: 'alarm.raised' }) });
    await Promise.all([one.settle(), two.settle()]);
    expect(await world.store.pending(9)).toEqual([]);
    expect(await world.verify()).toMatchObject({ isIntact: true, entries: 5 });
  });

  it('notices that the log was cut back or rewritten while nobody looked', async () => {
    const world = makeWorld();
    const writer = await world.open();
    await writer.append(many(3));
    const before = { log: world.store.log, entries: new Map(world.store.entries) };
    await writer.append(many(3));
    // A backup of the database is put in place, with its true signature.
    world.store.log = before.log;
    world.store.entries.clear();
    for (const [position, entry] of before.entries) world.store.entries.set(position, entry);
    await writer.append(many(1));
    expect(world.diverged).toEqual(['not-as-before']);
  });

  it('notices at its start that an entry is not what was signed, or by whom', async () => {
    const world = makeWorld();
    await (await world.open()).append(many(3));
    const last = world.store.entries.get(2);
    if (last === undefined) throw new Error('no entry');
    world.store.entries.set(2, { ...last, text: last.text.replace('P1', 'P2') });
    await world.open();
    expect(world.diverged).toEqual(['not-as-signed']);
    world.store.entries.set(2, last);
    await world.open({ key: newTreeHeadKey() });
    expect(world.diverged).toEqual(['not-as-signed', 'foreign-key']);
  });
});

describe('a proof', () => {
  it('shows any entry to be in the log, and any earlier log to be its beginning', async () => {
    const world = makeWorld();
    const writer = await world.open();
    await writer.append(many(1_000));
    const nodes = new TreeNodes(world.store);
    for (const position of [0, 1, 255, 256, 767, 768, 999]) {
      const proof = await proveInclusion(world.store, position);
      expect(proof && holdsInclusion(proof)).toBe(true);
      expect(proof && holdsInclusion({ ...proof, entry: proof.entry?.replace('ada', 'bob') ?? '' })).toBe(false);
      expect(proof && holdsInclusion({ ...proof, position: position === 0 ? 1 : position - 1 })).toBe(false);
    }
    for (const first of [1, 255, 256, 600, 1_000]) {
      const root = await nodes.range({ from: 0, to: first });
      const proof = await proveConsistency(world.store, first);
      expect(proof && root && holdsConsistency(proof, root)).toBe(true);
      expect(proof && holdsConsistency(proof, Buffer.alloc(32))).toBe(false);
    }
    expect(await proveInclusion(world.store, 1_000)).toBeUndefined();
  });
});
