import type { CareAssignment, Shift, WardShifts, WardTeam } from '../domain/care-team.ts';
import type { UserId, WardId } from '../domain/ids.ts';
import type { QuietHours } from '../domain/quiet-hours.ts';
import type { VersionedOutcome } from './versioned.ts';

/** Who looks after whom, shift by shift, and whose quiet hours are when. */
export interface CareTeams {
  /** The ward's shifts and the assignments that are not over at `nowMs`: standing ones and those to come. */
  team(wardId: WardId, nowMs: number): Promise<KeptTeam | undefined>;
  /** From the version it was made from; without one only where nothing was ever set. */
  putShifts(
    change: WardShifts & { readonly from?: number; readonly by: string; readonly atMs: number },
  ): Promise<VersionedOutcome>;
  assign(assignment: KeptAssignment): Promise<void>;
  /** From `atMs` on it is over. False: there is none such, or it was over before. */
  endAssignment(request: {
    readonly wardId: WardId;
    readonly id: string;
    readonly by: string;
    readonly atMs: number;
  }): Promise<boolean>;

  quietHours(of: { readonly wardId?: WardId; readonly userIds: readonly UserId[] }): Promise<KeptQuietHours>;
  putQuietHours(change: {
    readonly owner: QuietHoursOwner;
    readonly hours: QuietHours;
    readonly from?: number;
    readonly by: string;
    readonly atMs: number;
  }): Promise<VersionedOutcome>;
}

export type QuietHoursOwner =
  | { readonly kind: 'user'; readonly userId: UserId }
  | { readonly kind: 'ward'; readonly wardId: WardId };

export interface KeptTeam extends WardTeam {
  /** Of the shifts; 0: never set. */
  readonly version: number;
  readonly assignments: readonly KeptAssignment[];
  readonly shifts: readonly Shift[];
}

export interface KeptAssignment extends CareAssignment {
  readonly madeBy: string;
  readonly madeAtMs: number;
}

export type VersionedHours = QuietHours & { readonly version: number };

export interface KeptQuietHours {
  readonly ward?: VersionedHours;
  readonly users: ReadonlyMap<UserId, VersionedHours>;
}
