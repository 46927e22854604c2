import type { DeviceId, PatientId, ReadingId } from './ids.ts';
import type { VitalName } from './vital.ts';

/** Values in the canonical unit of each vital (`VITALS`); an absent key means "not measured". */
export type Vitals = { readonly [Name in VitalName]?: number };

/** ACVPU: alert, new confusion, responds to voice, to pain, unresponsive (RCP NEWS2 2017). */
export type Consciousness = 'A' | 'C' | 'V' | 'P' | 'U';

/** One parsed reading as its device sent it: times in milliseconds since 1970 UTC, values in canonical units. */
export interface Reading {
  readonly id: ReadingId;
  readonly deviceId: DeviceId;
  /** When it was measured, by the device's clock. */
  readonly atMs: number;
  readonly vitals: Vitals;
  readonly context: { readonly oxygen?: boolean; readonly consciousness?: Consciousness };
  readonly status: { readonly leadsOff?: boolean /** 0 empty to 1 full */; readonly battery?: number };
}

/** A reading whose patient is known: by the device's assignment at `atMs`, never by the device's word. */
export interface AssignedReading extends Reading {
  readonly patientId: PatientId;
  /** When we received it, by our clock. */
  readonly receivedAtMs: number;
}
