/**
 * The vital signs HealthSync judges, with the codes of their standards: LOINC and UCUM (FHIR vital-signs profile) and
 * IEEE 11073 MDC (IHE PCD-01). Values everywhere inside are in the canonical UCUM unit named here.
 */

export type VitalName = 'heartRate' | 'spo2' | 'respiratoryRate' | 'temperature' | 'systolic' | 'diastolic' | 'mean';

export interface VitalDefinition {
  /** Short name as wards write it. */
  readonly label: string;
  readonly loinc: string;
  /** MDC reference codes that carry this vital (IEEE 11073-10101). */
  readonly mdc: readonly number[];
  /** Canonical UCUM unit. */
  readonly unit: string;
  /** Decimal places a chart shows, and to which a value is rounded before it is scored. */
  readonly decimals: number;
  /**
   * Lowest and highest value a living patient can show, in the canonical unit; beyond it the reading is an artefact and
   * is rejected. Our own bounds: wide on purpose, so that a dying patient is never taken for a broken device.
   */
  readonly plausible: { readonly min: number; readonly max: number };
}

export const VITALS: Readonly<Record<VitalName, VitalDefinition>> = {
  heartRate: {
    label: 'HR',
    loinc: '8867-4',
    mdc: [147842, 149530],
    unit: '/min',
    decimals: 0,
    plausible: { min: 0, max: 350 },
  },
  spo2: { label: 'SpO₂', loinc: '2708-6', mdc: [150456], unit: '%', decimals: 0, plausible: { min: 0, max: 100 } },
  respiratoryRate: {
    label: 'RR',
    loinc: '9279-1',
    mdc: [151562],
    unit: '/min',
    decimals: 0,
    plausible: { min: 0, max: 150 },
  },
  temperature: {
    label: 'T',
    loinc: '8310-5',
    mdc: [150344, 150364],
    unit: 'Cel',
    decimals: 1,
    plausible: { min: 10, max: 47 },
  },
  systolic: {
    label: 'SYS',
    loinc: '8480-6',
    mdc: [150021, 150033],
    unit: 'mm[Hg]',
    decimals: 0,
    plausible: { min: 0, max: 350 },
  },
  diastolic: {
    label: 'DIA',
    loinc: '8462-4',
    mdc: [150022, 150034],
    unit: 'mm[Hg]',
    decimals: 0,
    plausible: { min: 0, max: 300 },
  },
  mean: {
    label: 'MAP',
    loinc: '8478-0',
    mdc: [150023, 150035],
    unit: 'mm[Hg]',
    decimals: 0,
    plausible: { min: 0, max: 320 },
  },
};

export const VITAL_NAMES = Object.keys(VITALS) as readonly VitalName[];
