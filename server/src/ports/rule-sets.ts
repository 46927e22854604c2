import type { PatientId } from '../domain/ids.ts';
import type { News2Use } from '../domain/news2-use.ts';
import type { Rule } from '../domain/rule.ts';
import type { RuleOverride, RulePlace, RuleSnapshot } from '../domain/rule-place.ts';
import type { VersionedOutcome } from './versioned.ts';

export type { RuleOverride, RulePlace, RuleSnapshot };

/**
 * Alarm rules with their versions: who set what and why, never overwritten. What holds now is part of the registry's
 * snapshot (`RegistrySnapshot.rules`), and a change is announced like any change of the registry.
 */
export interface RuleSets {
  /** What a place has of its own. */
  read(query: { readonly place: RulePlace; readonly nowMs: number }): Promise<RuleSet>;
  /**
   * Puts rules in, takes rules away, and keeps what has to wait for a second person, all in one. With
   * `expectedRevision` only if the set is still that one: the second of two editors is told. The store numbers versions;
   * a rule's `version` here is not looked at.
   */
  put(request: PutRules): Promise<PutOutcome>;
  /** Newest first. */
  versions(query: {
    readonly place: RulePlace;
    readonly ruleId?: string;
    readonly limit: number;
  }): Promise<readonly RuleVersion[]>;

  addOverride(request: RuleOverride & Signed): Promise<void>;
  /** Ends it now; false where there is none that goes on. */
  endOverride(request: { readonly id: string } & Signed): Promise<boolean>;
  /** Also one that has ended. */
  findOverride(id: string): Promise<RuleOverride | undefined>;

  /** Newest first. */
  proposals(query: {
    readonly place?: RulePlace;
    readonly open: boolean;
    readonly limit: number;
    readonly nowMs: number;
  }): Promise<readonly RuleProposal[]>;
  findProposal(query: { readonly id: string; readonly nowMs: number }): Promise<RuleProposal | undefined>;
  /** Confirmed by another person than who asked, it takes effect in the same transaction. */
  decide(request: {
    readonly id: string;
    readonly confirm: boolean;
    readonly by: string;
    readonly byId: string;
    readonly atMs: number;
  }): Promise<DecideOutcome>;

  /** NEWS2 of a patient: SpO2 scale by prescription, and whether the score is used at all. */
  putNews2(
    request: { readonly patientId: PatientId; readonly from?: number } & News2Decision & Signed,
  ): Promise<VersionedOutcome>;
  /** Newest first; at most the newest hundred. */
  news2Versions(patientId: PatientId): Promise<readonly News2Version[]>;
}

export interface Signed {
  readonly by: string;
  readonly confirmedBy?: string;
  readonly reason: string;
  readonly atMs: number;
}

export interface News2Decision {
  readonly spo2Scale: 1 | 2;
  readonly use: News2Use;
}

export interface News2Version extends News2Decision, Signed {
  readonly version: number;
}

/** The figures of an alarm-burden preview as a person had seen them when they changed rules. */
export interface SeenBurden {
  /** Of the preview. */
  readonly id: string;
  /** Who saw it, as they are named in what they do, and when it was first shown. */
  readonly by: string;
  readonly atMs: number;
  /** Recorded patients instead of the place's own. */
  readonly dataset?: string;
  /** Of the rules it was compared with. */
  readonly revision: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly patients: number;
  readonly patientDays: number;
  readonly before: SeenSide;
  readonly after: SeenSide;
  readonly sustained: { readonly events: number; readonly newlyMissed: number; readonly delayed: number };
}

export interface SeenSide {
  /** Physiological ones. */
  readonly alarms: number;
  readonly missed: number;
}

export interface PutRules extends Signed {
  readonly preview?: SeenBurden;
  readonly place: RulePlace;
  readonly expectedRevision?: number;
  readonly rules: readonly Rule[];
  readonly remove: readonly string[];
  readonly propose: readonly NewProposal[];
}

export interface NewProposal {
  readonly id: string;
  readonly ruleId: string;
  /** Absent: the own rule is to be taken away, unless it is about NEWS2. */
  readonly rule?: Rule;
  /** What is to hold for the patient; another decision since makes it void. */
  readonly news2?: News2Decision;
  /** It is to be an override. */
  readonly override?: { readonly fromMs: number; readonly untilMs: number };
  readonly effect: string;
  readonly askedById: string;
  readonly expiresAtMs: number;
}

export type PutOutcome =
  | { readonly kind: 'done'; readonly revision: number }
  | {
      readonly kind: 'changed-meanwhile';
      readonly revision: number;
      /** Who changed it last, and when. */
      readonly by?: string;
      readonly atMs?: number;
    };

export interface RuleSet {
  /** 0: nothing of its own yet. */
  readonly revision: number;
  readonly rules: readonly RuleVersion[];
  /** Those that go on, or have not begun. */
  readonly overrides: readonly (RuleOverride & Signed)[];
}

export interface RuleVersion extends Signed {
  readonly ruleId: string;
  readonly version: number;
  readonly revision: number;
  /** Absent: taken away. */
  readonly rule?: Rule;
  /** What who asked for it had been shown. */
  readonly preview?: SeenBurden;
}

export interface RuleProposal extends NewProposal {
  readonly place: RulePlace;
  readonly askedBy: string;
  readonly reason: string;
  readonly askedAtMs: number;
  readonly preview?: SeenBurden;
  readonly state: 'open' | 'confirmed' | 'refused' | 'expired' | 'superseded';
  readonly decidedBy?: string;
  readonly decidedAtMs?: number;
}

export type DecideOutcome =
  | { readonly kind: 'done'; readonly proposal: RuleProposal }
  | { readonly kind: 'not-found' }
  /** Who asked cannot be their own second person. */
  | { readonly kind: 'same-person' }
  /** Decided already, too old, or the rule was changed meanwhile. */
  | { readonly kind: 'not-open'; readonly proposal: RuleProposal };
