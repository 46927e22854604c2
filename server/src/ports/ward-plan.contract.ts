import { beforeEach, describe, expect, it } from 'vitest';
import type { BedId, PatientId, UserId, WardId } from '../domain/ids.ts';
import type { CareTeams } from './care-teams.ts';
import type { Registry } from './registry.ts';
import type { WardPlan } from './ward-plan.ts';

/** What every `WardPlan` must do, beside a registry and care teams of the same store. `makeAll` answers with empty ones. */
export function wardPlanContract(
  engine: string,
  makeAll: () => Promise<{
    readonly plan: WardPlan;
    readonly registry: Pick<Registry, 'snapshot' | 'putPatient'>;
    readonly teams: Pick<CareTeams, 'assign' | 'endAssignment' | 'putShifts'>;
    /** Makes an account that was given this ward. */
    readonly giveWard: (wardId: WardId) => Promise<unknown>;
    /** Somebody is told of this ward; another system is told of the other. */
    readonly subscribe: (told: { readonly people: WardId; readonly system: WardId }) => Promise<unknown>;
  }>,
): void {
  describe(`${engine} for the plan of wards`, () => {
    let all: Awaited<ReturnType<typeof makeAll>>;
    beforeEach(async () => {
      all = await makeAll();
      await all.plan.addWard({ id: W, name: 'Ward 3' });
      await all.plan.addBed(BED);
    });
    const seen = async () => {
      const { wards, beds } = await all.registry.snapshot();
      return { wards, beds };
    };

    it('makes and changes wards and beds', async () => {
      const { plan } = all;
      expect(await plan.addWard({ id: V, name: 'Ward 4', departmentId: 'heart' as never })).toBe('added');
      expect(await plan.changeWard({ id: W, name: 'Intensive care' })).toBe('changed');
      expect(await plan.changeWard({ id: V, name: 'Ward 4' })).toBe('changed');
      expect(await plan.changeBed({ bed: { ...BED, wardId: V, label: 'Window' }, from: W, nowMs: T })).toBe('changed');
      expect(await seen()).toEqual({
        wards: [
          { id: W, name: 'Intensive care' },
          { id: V, name: 'Ward 4' },
        ],
        beds: [{ id: B, wardId: V, label: 'Window' }],
      });
    });

    it('makes nothing twice, and leaves what is there as it was', async () => {
      const { plan } = all;
      const before = await seen();
      expect(await plan.addWard({ id: W, name: 'Another' })).toBe('taken');
      expect(await plan.addBed({ ...BED, label: 'Another' })).toBe('taken');
      expect(await seen()).toEqual(before);
    });

    it('calls no two beds of a ward the same, however many are made at once; in another ward it may', async () => {
      const { plan } = all;
      await plan.addWard({ id: V, name: 'Ward 4' });
      const named = (id: string, wardId: WardId, label: string) => plan.addBed({ id: id as BedId, wardId, label });
      expect(await named('B2', W, 'w3-01')).toBe('label-taken');
      expect(await named('B2', V, 'W3-01')).toBe('added');
      expect(await plan.changeBed({ bed: { id: 'B2' as BedId, wardId: W, label: 'W3-01' }, from: V, nowMs: T })).toBe(
        'label-taken',
      );
      expect(await plan.changeBed({ bed: { ...BED, label: 'w3-01' }, from: W, nowMs: T })).toBe('changed');
      const outcomes = await Promise.all(Array.from({ length: 8 }, (_, i) => named(`C${i}`, W, 'Window')));
      expect(outcomes.filter((each) => each === 'added')).toHaveLength(1);
      expect(outcomes.filter((each) => each === 'label-taken')).toHaveLength(7);
    });

    it('changes and removes nothing that is not there', async () => {
      const { plan } = all;
      const none = { id: 'none' as BedId, from: W, nowMs: T };
      expect(await plan.changeWard({ id: V, name: 'x' })).toBe('not-found');
      expect(await plan.removeWard(V)).toBe('not-found');
      expect(await plan.addBed({ id: 'B2' as BedId, wardId: V, label: 'x' })).toBe('no-ward');
      expect(await plan.changeBed({ bed: { ...BED, wardId: V }, from: W, nowMs: T })).toBe('no-ward');
      expect(await plan.changeBed({ bed: { ...BED, id: none.id }, from: W, nowMs: T })).toBe('not-found');
      expect(await plan.removeBed(none)).toBe('not-found');
      // It came elsewhere since it was looked at.
      expect(await plan.changeBed({ bed: BED, from: V, nowMs: T })).toBe('not-found');
      expect(await plan.removeBed({ id: B, from: V, nowMs: T })).toBe('not-found');
    });

    it('leaves a bed where it is while somebody lies there; it may be called otherwise', async () => {
      const { plan, registry } = all;
      await plan.addWard({ id: V, name: 'Ward 4' });
      await registry.putPatient({ id: P, bedId: B });
      expect(await plan.removeBed({ id: B, from: W, nowMs: T })).toBe('in-use');
      expect(await plan.changeBed({ bed: { ...BED, wardId: V }, from: W, nowMs: T })).toBe('in-use');
      expect(await plan.changeBed({ bed: { ...BED, label: 'Window' }, from: W, nowMs: T })).toBe('changed');
      await registry.putPatient({ id: P });
      expect(await plan.changeBed({ bed: { ...BED, wardId: V }, from: W, nowMs: T })).toBe('changed');
      expect(await plan.removeBed({ id: B, from: V, nowMs: T })).toBe('removed');
      expect((await seen()).beds).toEqual([]);
    });

    it('leaves a bed where it is while somebody looks after it by the plan, now or later', async () => {
      const { plan, teams } = all;
      await plan.addWard({ id: V, name: 'Ward 4' });
      await all.giveWard(V);
      const assigned = {
        wardId: W,
        role: 'nurse',
        userId: U,
        bedIds: [B],
        patientIds: [],
        madeBy: 'x',
        madeAtMs: T,
      } as const;
      await teams.assign({ ...assigned, id: 'over', fromMs: T - 20, toMs: T - 10 });
      await teams.assign({ ...assigned, id: 'later', fromMs: T + 10, toMs: T + 20 });
      const moved = { bed: { ...BED, wardId: V }, from: W, nowMs: T };
      expect(await plan.changeBed(moved)).toBe('in-use');
      expect(await plan.removeBed({ id: B, from: W, nowMs: T })).toBe('in-use');
      await teams.endAssignment({ wardId: W, id: 'later', by: 'x', atMs: T });
      expect(await plan.changeBed(moved)).toBe('changed');
    });

    it('removes a ward that was never in use, and no other', async () => {
      const { plan, teams } = all;
      const ids = ['fresh', 'given', 'planned', 'told', 'told.of'] as WardId[];
      for (const id of ids) await plan.addWard({ id, name: id });
      await all.giveWard('given' as WardId);
      await teams.putShifts({ wardId: 'planned' as WardId, zone: 'UTC', shifts: [], by: 'x', atMs: T });
      await all.subscribe({ people: 'told' as WardId, system: 'told.of' as WardId });
      for (const id of [W, ...ids])
        expect([id, await plan.removeWard(id)]).toEqual([id, id === 'fresh' ? 'removed' : 'in-use']);
      expect((await seen()).wards.map(({ id }) => id)).toEqual([W, 'given', 'planned', 'told', 'told.of']);
    });
  });
}

const T = 1_750_000_000_000;
const [W, V] = ['W3', 'W4'] as WardId[] as [WardId, WardId];
const B = 'W3-01' as BedId;
const BED = { id: B, wardId: W, label: 'W3-01' };
const P = 'P-a' as PatientId;
/** Whom `giveWard` makes. */
const U = 'u-given' as UserId;
