import type { CareAssignment, Shift, WardShifts, WardTeam } from '../domain/care-team.ts';
import type { UserId, WardId } from '../domain/ids.ts';
import type { QuietHours } from '../domain/quiet-hours.ts';

/** Who looks after whom, shift by shift, and whose quiet hours are when. */
export interface CareTeams {
  /** The ward's shifts and the assignments that are not over at `nowMs`: standing ones and those to come. */
  team(wardId: WardId, nowMs: number): Promise<KeptTeam | undefined>;
  putShifts(change: WardShifts & { readonly by: string; readonly atMs: number }): Promise<void>;
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
    readonly by: string;
    readonly atMs: number;
  }): Promise<void>;
}

export type QuietHoursOwner =
  | { readonly kind: 'user'; readonly userId: UserId }
  | { readonly kind: 'ward'; readonly wardId: WardId };

export interface KeptTeam extends WardTeam {
  readonly assignments: readonly KeptAssignment[];
  readonly shifts: readonly Shift[];
}

export interface KeptAssignment extends CareAssignment {
  readonly madeBy: string;
  readonly madeAtMs: number;
}

export interface KeptQuietHours {
  readonly ward?: QuietHours;
  readonly users: ReadonlyMap<UserId, QuietHours>;
}
