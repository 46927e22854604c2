import { beforeEach, describe, expect, it } from 'vitest';
import type { PatientId, TenantId, UserId, WardId } from '../domain/ids.ts';
import type { EmergencyAccesses, NewEmergencyAccess } from './emergency-accesses.ts';

/** What every `EmergencyAccesses` must do. `make` answers with an empty one. */
export function emergencyAccessesContract(engine: string, make: () => Promise<EmergencyAccesses>): void {
  describe(`${engine} for emergency access`, () => {
    let accesses: EmergencyAccesses;
    beforeEach(async () => {
      accesses = await make();
    });
    const ids = (found: readonly { readonly id: string }[]) => found.map(({ id }) => id);
    const review = (id: string, byId = 'privacy') =>
      accesses.review({
        id,
        justified: true,
        comment: 'cardiac arrest',
        byId: byId as UserId,
        by: 'Pia',
        atMs: 9_000_000,
      });

    it('gives back what was begun, with and without a ward', async () => {
      await accesses.begin(opened('a'));
      const { wardId, ...homeless } = opened('b');
      await accesses.begin(homeless);
      expect(await accesses.find('a')).toEqual(opened('a'));
      expect(await accesses.find('b')).toEqual(homeless);
      expect(await accesses.find('c')).toBeUndefined();
    });
    it('runs until its time is over, to the millisecond', async () => {
      await accesses.begin(opened('a'));
      expect(ids(await accesses.running(1_000_000))).toEqual(['a']);
      expect(ids(await accesses.running(4_599_999))).toEqual(['a']);
      expect(ids(await accesses.running(4_600_000))).toEqual([]);
    });
    it('can be ended before, once', async () => {
      await accesses.begin(opened('a'));
      expect(await accesses.end({ id: 'a', by: 'Nora', atMs: 2_000_000 })).toBe(true);
      expect(await accesses.running(2_000_001)).toEqual([]);
      expect(await accesses.end({ id: 'a', by: 'Eve', atMs: 2_000_002 })).toBe(false);
      expect(await accesses.find('a')).toMatchObject({ endedAtMs: 2_000_000, endedBy: 'Nora' });
    });
    it('one whose time is over, or that never was, cannot be ended', async () => {
      await accesses.begin(opened('a'));
      expect(await accesses.end({ id: 'a', by: 'Nora', atMs: 4_600_000 })).toBe(false);
      expect(await accesses.end({ id: 'x', by: 'Nora', atMs: 2_000_000 })).toBe(false);
    });
    it('is reviewed once; who comes second is shown the first review', async () => {
      await accesses.begin(opened('a'));
      expect(await review('a')).toMatchObject({ kind: 'reviewed', access: { id: 'a' } });
      const second = await accesses.review({
        id: 'a',
        justified: false,
        comment: 'curiosity',
        byId: 'other' as UserId,
        by: 'Otto',
        atMs: 9_000_001,
      });
      expect(second).toMatchObject({
        kind: 'already-reviewed',
        access: { review: { justified: true, comment: 'cardiac arrest', by: 'Pia', byId: 'privacy', atMs: 9_000_000 } },
      });
    });
    it('is never reviewed by who opened it', async () => {
      await accesses.begin(opened('a'));
      expect(await review('a', 'u1')).toEqual({ kind: 'own' });
      expect((await accesses.find('a'))?.review).toBeUndefined();
      expect(await review('x')).toEqual({ kind: 'not-found' });
    });
    it('lists what waits oldest first and what is done newest first, page by page', async () => {
      for (const [index, id] of ['a', 'b', 'c', 'd', 'e'].entries())
        await accesses.begin(opened(id, { beganAtMs: 1_000 + index, endsAtMs: 5_000 + index }));
      for (const id of ['b', 'd']) await review(id);
      expect(ids(await accesses.list({ isReviewed: false, limit: 10 }))).toEqual(['a', 'c', 'e']);
      expect(ids(await accesses.list({ isReviewed: true, limit: 10 }))).toEqual(['d', 'b']);
      const [first] = await accesses.list({ isReviewed: false, limit: 1 });
      expect(ids(await accesses.list({ isReviewed: false, limit: 10, ...(first && { after: first }) }))).toEqual([
        'c',
        'e',
      ]);
      const [newest] = await accesses.list({ isReviewed: true, limit: 1 });
      expect(ids(await accesses.list({ isReviewed: true, limit: 10, ...(newest && { after: newest }) }))).toEqual([
        'b',
      ]);
    });
    it('says which organisations have left one unreviewed since before a moment', async () => {
      const organisations = { a: 'south', b: 'north', c: 'north', d: 'east', e: 'west' };
      for (const [id, tenantId] of Object.entries(organisations))
        await accesses.begin(opened(id, { tenantId: tenantId as TenantId, beganAtMs: id === 'e' ? 2_000 : 1_999 }));
      await review('d');
      expect(await accesses.overdue(2_000)).toEqual(['north', 'south']);
      expect(await accesses.overdue(1_999)).toEqual([]);
    });
  });
}

function opened(id: string, change: Partial<NewEmergencyAccess> = {}): NewEmergencyAccess {
  return {
    id,
    tenantId: 'default' as TenantId,
    userId: 'u1' as UserId,
    signed: 'Nora',
    patientId: 'P1' as PatientId,
    wardId: 'W1' as WardId,
    reason: 'resuscitation in the corridor',
    proof: 'password',
    beganAtMs: 1_000_000,
    endsAtMs: 4_600_000,
    ...change,
  };
}
