import type { DeviceId } from './ids.ts';
import type { SpO2Scale } from './news2.ts';
import { type LimitRule, limitsInForce } from './threshold.ts';
import { VITAL_NAMES, type VitalName } from './vital.ts';

/** How one patient is judged, made ready for the hot path: made once per change, shared by all who have no own rules. */
export interface AssessRules {
  readonly limits: { readonly [Name in VitalName]?: readonly LimitRule[] };
  readonly spo2Scale: SpO2Scale;
  /** The devices assigned now; silence of any other is no loss. Absent: every device that spoke counts. */
  readonly devices?: readonly DeviceId[];
}

export function assessRules(patient: {
  readonly own: readonly LimitRule[];
  readonly spo2Scale: SpO2Scale;
  readonly devices?: readonly DeviceId[];
}): AssessRules {
  const inForce = limitsInForce(patient.own);
  const limits: { [Name in VitalName]?: readonly LimitRule[] } = {};
  for (const vital of VITAL_NAMES) {
    const ofVital = inForce.filter((rule) => rule.vital === vital);
    if (ofVital.length > 0) limits[vital] = ofVital;
  }
  const { spo2Scale, devices } = patient;
  return devices === undefined ? { limits, spo2Scale } : { limits, spo2Scale, devices };
}
