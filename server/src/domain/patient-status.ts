import type { DeviceId, PatientId, ReadingId } from './ids.ts';
import type { News2NotApplicable } from './news2-use.ts';
import type { Consciousness } from './reading.ts';
import type { VitalName } from './vital.ts';

/** What is known of a patient now: what the wall shows and the rules judge. */
export interface PatientStatus {
  readonly patientId: PatientId;
  readonly values: { readonly [Name in VitalName]?: CurrentValue | undefined };
  readonly oxygen?: { readonly value: boolean; readonly atMs: number } | undefined;
  readonly consciousness?: { readonly value: Consciousness; readonly atMs: number } | undefined;
  readonly leadsOff: boolean;
  readonly battery?: number | undefined;
  readonly last?:
    | {
        readonly readingId: ReadingId;
        readonly deviceId: DeviceId;
        readonly atMs: number;
        readonly receivedAtMs: number;
      }
    | undefined;
  readonly news2?: News2Score | undefined;
  /** Why there is no NEWS2 for this patient. Absent: it applies. */
  readonly news2NotApplicable?: News2NotApplicable | undefined;
}

export interface CurrentValue {
  /** Canonical unit. */
  readonly value: number;
  readonly atMs: number;
  readonly receivedAtMs: number;
  /** The vital's own usual interval, learned from its readings; ms. */
  readonly intervalMs: number;
}

export interface News2Score {
  /** 0–20; the sum of what was there. A score with anything missing is partial: the true one may be higher. */
  readonly score: number;
  readonly single3: boolean;
  readonly points: { readonly [Parameter in News2Parameter]?: number };
  readonly missing: readonly { readonly parameter: News2Parameter; readonly sinceMs?: number }[];
}

export type News2Parameter =
  | 'respiratoryRate'
  | 'spo2'
  | 'oxygen'
  | 'systolic'
  | 'heartRate'
  | 'consciousness'
  | 'temperature';
