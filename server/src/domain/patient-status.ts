import type { DeviceId, PatientId, ReadingId } from './ids.ts';
import type { Consciousness } from './reading.ts';
import type { VitalName } from './vital.ts';

/** What is known of a patient now: what the wall shows and the rules judge. */
export interface PatientStatus {
  readonly patientId: PatientId;
  readonly values: { readonly [Name in VitalName]?: CurrentValue };
  readonly oxygen?: { readonly value: boolean; readonly atMs: number };
  readonly consciousness?: { readonly value: Consciousness; readonly atMs: number };
  readonly leadsOff: boolean;
  readonly battery?: number;
  readonly last?: {
    readonly readingId: ReadingId;
    readonly deviceId: DeviceId;
    readonly atMs: number;
    readonly receivedAtMs: number;
  };
  readonly news2?: News2Score;
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
