import { beforeEach, describe, expect, it } from 'vitest';
import { encodeEntry, type RecordedEntry } from '../domain/audit-entry.ts';
import type { AuditQuery } from './audit-log.ts';
import { type AuditBatch, type AuditStore, columnsOf } from './audit-store.ts';

/** What every `AuditStore` must do. `leave` puts an entry where other transactions leave them. */
export function auditStoreContract(
  engine: string,
  makeStore: () => Promise<{ store: AuditStore; leave: (entry: object) => Promise<void> }>,
): void {
  describe(`${engine} for the audit log`, () => {
    let store: AuditStore;
    let leave: (entry: object) => Promise<void>;
    beforeEach(async () => {
      ({ store, leave } = await makeStore());
      await store.open('log/one');
    });

    const positions = async (query: Partial<AuditQuery>) =>
      (await store.search({ limit: 100, ...query })).map(({ position }) => position);

    it('is made once, and keeps its name', async () => {
      expect(await store.open('log/two')).toEqual({
        origin: 'log/one',
        size: 0,
        lastRecordedAtMs: Number.NEGATIVE_INFINITY,
      });
    });

    it('keeps the very text that was hashed, whatever is in it', async () => {
      const odd = entryAt(0, { actor: { kind: 'person', name: 'Zoë \u{1f600} "\\ \t' }, patientId: 'P1' });
      await store.append(batchOf([odd], { tiles: [], keepsHead: true }));
      expect(await store.read({ from: 0, to: 5 })).toEqual([
        { position: 0, text: encodeEntry(odd), columns: columnsOf(odd) },
      ]);
      expect(await store.open('x')).toEqual({ origin: 'log/one', size: 1, lastRecordedAtMs: AT, head: 'head 1' });
    });

    it('takes nothing from a writer whom another was quicker than', async () => {
      expect(await store.append(batchOf([entryAt(0)]))).toBe('appended');
      expect(await store.append(batchOf([entryAt(0)]))).toBe('moved');
      expect(await store.append({ ...batchOf([entryAt(1)]), settles: ['4711'] })).toBe('settled');
      expect((await store.open('x')).size).toBe(1);
      expect(await store.append(batchOf([entryAt(1), entryAt(2)]))).toBe('appended');
      expect(await positions({})).toEqual([2, 1, 0]);
    });

    it('lets those who wait for their turn in one after the other, and nobody before them', async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 12 }, () =>
          store.appendInTurn(async ({ size }, there) => {
            expect(await there.read({ from: 0, to: 99 })).toHaveLength(size);
            return batchOf([entryAt(size)]);
          }),
        ),
      );
      expect(new Set(outcomes)).toEqual(new Set(['appended']));
      expect((await store.open('x')).size).toBe(12);
      expect(await positions({})).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    });

    it('keeps nothing of a turn that came to nothing', async () => {
      await expect(store.appendInTurn(() => Promise.reject(new Error('no')))).rejects.toThrow();
      expect(await store.appendInTurn(async () => ({ ...batchOf([entryAt(0)]), settles: ['4711'] }))).toBe('settled');
      expect(await store.append(batchOf([entryAt(0)]))).toBe('appended');
    });

    it('settles what others left, once', async () => {
      const left = {
        atMs: AT,
        actor: { kind: 'system', name: 'alarms' },
        action: 'alarm.raise',
        resource: { kind: 'a' },
      };
      await leave(left);
      await leave({ ...left, action: 'alarm.end' });
      const pending = await store.pending(10);
      expect(pending.map(({ entry }) => entry.action)).toEqual(['alarm.raise', 'alarm.end']);
      const settles = pending.map(({ id }) => id);
      expect(await store.append({ ...batchOf([entryAt(0)]), settles })).toBe('appended');
      expect(await store.pending(10)).toEqual([]);
      expect(await store.append({ ...batchOf([entryAt(1)]), settles })).toBe('settled');
      expect((await store.open('x')).size).toBe(1);
    });

    it('finds by person, patient, action, outcome, resource and time, page by page', async () => {
      await store.append(
        batchOf([
          entryAt(0, { patientId: 'P1', action: 'patient.read', recordedAtMs: AT }),
          entryAt(1, {
            actor: { kind: 'person', name: 'bo', userId: 'u2' },
            outcome: 'denied',
            recordedAtMs: AT + 1_000,
          }),
          entryAt(2, { patientId: 'P1', action: 'alarm.acknowledge', recordedAtMs: AT + 2_000 }),
          entryAt(3, { resource: { kind: 'device', id: 'D1' }, outcome: 'failed', recordedAtMs: AT + 3_000 }),
        ]),
      );
      expect(await positions({ patientId: 'P1' })).toEqual([2, 0]);
      expect(await positions({ person: 'bo' })).toEqual([1]);
      expect(await positions({ person: 'u2' })).toEqual([1]);
      expect(await positions({ action: 'patient.read' })).toEqual([0]);
      expect(await positions({ action: 'alarm.*' })).toEqual([2]);
      expect(await positions({ outcome: 'denied' })).toEqual([1]);
      expect(await positions({ resourceKind: 'device', resourceId: 'D1' })).toEqual([3]);
      expect(await positions({ correlationId: 'c2' })).toEqual([2]);
      expect(await positions({ fromMs: AT + 1_000, toMs: AT + 3_000 })).toEqual([2, 1]);
      expect(await positions({ toMs: AT })).toEqual([]);
      expect(await positions({ before: 2, limit: 1 })).toEqual([1]);
      expect(await positions({ after: 1, limit: 1 })).toEqual([2]);
      expect(await positions({ after: 0, patientId: 'P1' })).toEqual([2]);
      expect(await store.positionAt(AT + 500)).toBe(1);
      expect(await store.positionAt(AT + 9_000)).toBe(4);
    });

    it('keeps tiles and heads', async () => {
      const tile = (level: number, index: number) => ({ level, index, hashes: new Uint8Array(64).fill(index + 1) });
      await store.append(batchOf([entryAt(0)], { tiles: [tile(0, 0), tile(0, 1), tile(1, 0)], keepsHead: true }));
      await store.append(batchOf([entryAt(1)], { keepsHead: false }));
      await store.append(batchOf([entryAt(2)], { keepsHead: true }));
      const found = await store.tiles(0, { from: 1, to: 5 });
      expect([...found.keys()]).toEqual([1]);
      expect([...(found.get(1) ?? [])]).toEqual([...tile(0, 1).hashes]);
      expect(await store.heads({ limit: 9 })).toEqual(['head 1', 'head 3']);
      expect(await store.heads({ newest: true, limit: 1 })).toEqual(['head 3']);
      expect(await store.heads({ from: 2, limit: 9 })).toEqual(['head 3']);
    });

    it('deletes what is old and under no hold, and the tiles nobody needs', async () => {
      const entries = Array.from({ length: 512 }, (_, i) => entryAt(i, i === 300 ? { patientId: 'P-held' } : {}));
      const tiles = [0, 1].map((index) => ({ level: 0, index, hashes: new Uint8Array(32) }));
      await store.append(batchOf(entries, { tiles: [...tiles, { level: 1, index: 0, hashes: new Uint8Array(32) }] }));
      const hold = await store.placeHold({
        kind: 'patient',
        subject: 'P-held',
        reason: 'a claim',
        placedBy: 'po',
        placedAtMs: AT,
      });
      for (let deleted = 1; deleted > 0; ) deleted = await store.prune({ before: 512, limit: 200 });
      expect(await positions({})).toEqual([300]);
      expect([...(await store.tiles(0, { from: 0, to: 9 })).keys()]).toEqual([1]);
      expect(await store.releaseHold(hold.id, 'po', AT + 1)).toBe(true);
      expect(await store.releaseHold(hold.id, 'po', AT + 1)).toBe(false);
      for (let deleted = 1; deleted > 0; ) deleted = await store.prune({ before: 512, limit: 200 });
      expect(await positions({})).toEqual([]);
      expect([...(await store.tiles(0, { from: 0, to: 9 })).keys()]).toEqual([]);
      expect([...(await store.tiles(1, { from: 0, to: 9 })).keys()]).toEqual([0]);
      expect(await store.holds()).toEqual([{ ...hold, releasedBy: 'po', releasedAtMs: AT + 1 }]);
    });

    it('remembers what the last verification found, and where what is left begins', async () => {
      expect(await store.lastCheck()).toBeUndefined();
      await store.setLastCheck({ atMs: AT, size: 3, findings: 0 });
      expect(await store.lastCheck()).toEqual({ atMs: AT, size: 3, findings: 0 });
      await store.setLastCheck({ atMs: AT, size: 4, findings: 2, wholeAtMs: AT });
      expect(await store.lastCheck()).toEqual({ atMs: AT, size: 4, findings: 2, wholeAtMs: AT });
      await store.append(batchOf([entryAt(0), entryAt(1)]));
      expect(await store.prunedBefore()).toBe(0);
      await store.prune({ before: 1, limit: 9 });
      expect(await store.prunedBefore()).toBe(1);
    });

    it('remembers how far followers have come', async () => {
      expect(await store.cursor('siem')).toBeUndefined();
      await store.setCursor('siem', { position: 5, atMs: AT });
      await store.setCursor('siem', { position: 5, atMs: AT + 1, failingSinceMs: AT, failure: 'refused' });
      expect(await store.cursor('siem')).toEqual({ position: 5, atMs: AT + 1, failingSinceMs: AT, failure: 'refused' });
      expect((await store.cursors()).map(({ name }) => name)).toEqual(['siem']);
    });
  });
}

const AT = Date.parse('2026-11-22T03:00:00.123Z');

function entryAt(position: number, change: Partial<RecordedEntry> = {}): RecordedEntry {
  return {
    atMs: AT,
    actor: { kind: 'person', name: 'ada', userId: 'u1' },
    action: 'wall.watch',
    resource: { kind: 'ward', id: 'W1' },
    outcome: 'allowed',
    correlationId: `c${position}`,
    position,
    recordedAtMs: AT,
    salt: '00',
    ...change,
  };
}

function batchOf(entries: readonly RecordedEntry[], change: Partial<AuditBatch> = {}): AuditBatch {
  const size = entries[0]?.position ?? 0;
  return {
    size,
    entries: entries.map((entry) => ({ entry, text: encodeEntry(entry) })),
    tiles: [],
    head: `head ${size + entries.length}`,
    signedAtMs: AT,
    keepsHead: false,
    settles: [],
    ...change,
  };
}
