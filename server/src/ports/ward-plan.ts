import type { BedId, WardId } from '../domain/ids.ts';
import type { Bed, Ward } from './registry.ts';

/**
 * Wards and beds, as whoever manages them changes them: of each what it must not do unawares it refuses. What the house's
 * operator does by command goes by `Registry.putWard` and `putBed`, which make and change whatever they are given.
 */
export interface WardPlan {
  /** `taken`: there is one of this id, perhaps another organisation's. */
  addWard(ward: Ward): Promise<'added' | 'taken'>;
  /** What it is called, and which department's it is. */
  changeWard(ward: Ward): Promise<'changed' | 'not-found'>;
  /**
   * `in-use`: it has a bed, somebody was given it, or something was ever planned or ruled for it. Those records name it,
   * and whoever made another of the same id would come into them.
   */
  removeWard(id: WardId): Promise<'removed' | 'in-use' | 'not-found'>;

  /** `label-taken`: a bed of the ward is called so; alarms name beds by their labels. */
  addBed(bed: Bed): Promise<'added' | 'taken' | 'label-taken' | 'no-ward'>;
  /**
   * `in-use`: it would come into another ward with whoever lies there, under other rules and other people, or away from
   * somebody who looks after it by the plan.
   */
  changeBed(change: {
    readonly bed: Bed;
    /** Where whoever changes it saw it: `not-found` where it is not in this ward any more, which may not be theirs. */
    readonly from: WardId;
    readonly nowMs: number;
  }): Promise<'changed' | 'label-taken' | 'in-use' | 'no-ward' | 'not-found'>;
  /** `in-use`: somebody lies there, or looks after it by the plan. */
  removeBed(request: {
    readonly id: BedId;
    readonly from: WardId;
    readonly nowMs: number;
  }): Promise<'removed' | 'in-use' | 'not-found'>;
}
