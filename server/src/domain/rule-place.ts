import type { PatientId, TenantId, WardId } from './ids.ts';
import type { Rule } from './rule.ts';

/** Whose rules: the house's, a ward's or a patient's. */
export type RulePlace =
  /** Absent: of the first organisation. */
  | { readonly scope: 'house'; readonly tenantId?: TenantId }
  | { readonly scope: 'ward'; readonly wardId: WardId }
  | { readonly scope: 'patient'; readonly patientId: PatientId };

/** A rule for a limited time: when it ends, what it replaced holds again by itself. */
export interface RuleOverride {
  readonly id: string;
  readonly place: RulePlace;
  readonly rule: Rule;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Every rule of an installation that holds now, for the assessor. */
export interface RuleSnapshot {
  readonly sets: readonly { readonly place: RulePlace; readonly revision: number; readonly rules: readonly Rule[] }[];
  /** Those that have not ended, begun or not. */
  readonly overrides: readonly RuleOverride[];
}
