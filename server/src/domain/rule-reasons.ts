import type { DeviceId, ReadingId } from './ids.ts';
import type { VitalName } from './vital.ts';

/** Where a rule comes from, the most general first. */
export type RuleScope = 'default' | 'house' | 'ward' | 'patient';

/** Why a decision was made: by which rule, in which version, on which readings. Kept with the alarm. */
export interface Reasons {
  readonly rule: string;
  readonly version: number;
  readonly scope: RuleScope;
  /** It was an override, until then. */
  readonly untilMs?: number;
  /** At most `REASON_READINGS_MAX`: of a sustained breach the first and the one that completed it. */
  readonly readings: readonly ReasonReading[];
  /** Of a sustained breach: how many readings showed it, over how long. */
  readonly sustained?: { readonly readings: number; readonly spanMs: number };
  /** The rule about repetition that made it more urgent. */
  readonly repeated?: {
    readonly rule: string;
    readonly version: number;
    readonly scope: RuleScope;
    readonly times: number;
    readonly windowMs: number;
  };
}

export interface ReasonReading {
  readonly readingId: ReadingId;
  readonly deviceId: DeviceId;
  readonly atMs: number;
  readonly vital?: VitalName;
  readonly value?: number | boolean | string;
}

/** The seven parameters of NEWS2, and a combination of as many. */
export const REASON_READINGS_MAX = 8;
