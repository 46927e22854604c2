import { VITAL_NAMES, VITALS, type VitalName } from './vital.ts';

/** LOINC codes besides the one of the FHIR vital-signs profile under which a vital is also known. */
const MORE_LOINC: Readonly<Record<string, VitalName>> = { '8889-8': 'heartRate', '59408-5': 'spo2' };

/** Whose code this is. Without a system either fits: LOINC codes have a check digit, MDC codes have six digits. */
export function codeOwner(code: string, system?: 'loinc' | 'mdc'): VitalName | undefined {
  return VITAL_NAMES.find((name) => {
    const { loinc, mdc } = VITALS[name];
    const isLoinc = loinc === code || MORE_LOINC[code] === name;
    const isMdc = mdc.some((number) => String(number) === code);
    return (system !== 'mdc' && isLoinc) || (system !== 'loinc' && isMdc);
  });
}

/** Words and abbreviations that devices use, as whole words of a name such as `nibpDia` or `NIBP_DIA`. */
const WORDS: Readonly<Record<VitalName, ReadonlySet<string>>> = {
  heartRate: new Set(['hr', 'heart', 'heartrate', 'pulse', 'pr', 'bpm', 'beats']),
  spo2: new Set(['spo2', 'spo', 'sao2', 'oximetry', 'saturation', 'sat', 'sats']),
  respiratoryRate: new Set(['rr', 'resp', 'respiration', 'respiratory', 'breaths', 'breathing']),
  temperature: new Set(['temp', 'temperature', 'tskin', 'tcore', 'tympanic']),
  systolic: new Set(['sys', 'syst', 'systolic', 'sbp']),
  diastolic: new Set(['dia', 'dias', 'diast', 'diastolic', 'dbp']),
  mean: new Set(['mean', 'map', 'mbp']),
};

/** Which vitals a name speaks of; empty where it speaks of none. */
export function wordOwners(name: string): readonly VitalName[] {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  return VITAL_NAMES.filter((vital) => words.some((word) => WORDS[vital].has(word)));
}
