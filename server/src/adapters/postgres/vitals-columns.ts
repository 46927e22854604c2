import type { VitalName } from '../../domain/vital.ts';

/** The column of each vital, in `vitals` and in `latest_vital_time`. */
export const VITAL_COLUMNS: Readonly<Record<VitalName, string>> = {
  heartRate: 'heart_rate',
  spo2: 'spo2',
  respiratoryRate: 'respiratory_rate',
  temperature: 'temperature',
  systolic: 'systolic',
  diastolic: 'diastolic',
  mean: 'mean',
};

/** In this order everything is written, read and encoded. */
export const VITALS_BY_COLUMN = Object.entries(VITAL_COLUMNS) as readonly (readonly [VitalName, string])[];
