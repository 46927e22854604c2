import type { WireReading } from '@healthsync/contracts/reading';

/**
 * Patients of the PhysioNet challenges as readings. 2019 (`.psv`): one row an hour, 40 variables, NaN for blanks.
 * 2012 (`.txt`): irregular `Time,Parameter,Value` rows over 48 h, −1 for unknown.
 * Reyna et al., Crit Care Med 2020;48:210-217. Silva et al., Comput Cardiol 2012;39:245-248.
 */
export interface RecordedPatient {
  /** From the file's name. */
  readonly patientId: string;
  /** In time order. */
  readonly readings: readonly RecordedReading[];
}

export interface RecordedReading {
  /** Minutes since the record began. */
  readonly minute: number;
  readonly vitals: WireReading['vitals'];
  readonly context: NonNullable<WireReading['context']>;
}

type VitalKey = keyof WireReading['vitals'];

const COLUMNS_2019: Readonly<Record<string, VitalKey>> = {
  HR: 'heartRate',
  O2Sat: 'spo2',
  Temp: 'temperature',
  SBP: 'systolic',
  MAP: 'mean',
  DBP: 'diastolic',
  Resp: 'respiratoryRate',
};

/** Where invasive and cuff pressures stand at one time, the invasive one comes later in this list and wins. */
const PARAMETERS_2012: Readonly<Record<string, VitalKey>> = {
  HR: 'heartRate',
  SaO2: 'spo2',
  Temp: 'temperature',
  RespRate: 'respiratoryRate',
  NISysABP: 'systolic',
  NIDiasABP: 'diastolic',
  NIMAP: 'mean',
  SysABP: 'systolic',
  DiasABP: 'diastolic',
  MAP: 'mean',
};

/** Tells the format by the first line; `undefined` when it is neither. */
export function parsePhysionet(fileName: string, text: string): RecordedPatient | undefined {
  const patientId = fileName.replace(/\.[a-z]+$/i, '');
  const lines = text.split(/\r?\n/).filter((line) => line !== '');
  const header = lines[0] ?? '';
  if (header.startsWith('HR|')) return { patientId, readings: readings2019(lines) };
  if (header === 'Time,Parameter,Value') return { patientId: `icu-${patientId}`, readings: readings2012(lines) };
  return undefined;
}

function readings2019(lines: readonly string[]): readonly RecordedReading[] {
  const columns = (lines[0] ?? '').split('|');
  return lines.slice(1).map((line, hour) => {
    const vitals: WireReading['vitals'] = {};
    line.split('|').forEach((cell, column) => {
      const vital = COLUMNS_2019[columns[column] ?? ''];
      const value = Number(cell);
      if (vital !== undefined && cell !== '' && Number.isFinite(value)) vitals[vital] = value;
    });
    // FiO2 above room air (0.21) is supplemental oxygen.
    const fio2 = Number(line.split('|')[columns.indexOf('FiO2')]);
    const context = Number.isFinite(fio2) && fio2 > 0 ? { oxygen: fio2 > 0.21 } : {};
    return { minute: hour * 60, vitals, context };
  });
}

function readings2012(lines: readonly string[]): readonly RecordedReading[] {
  const byMinute = new Map<number, Row2012>();
  for (const line of lines.slice(1)) {
    const [time = '', parameter = '', cell = ''] = line.split(',');
    const value = Number(cell);
    if (cell === '' || !Number.isFinite(value) || value < 0) continue;
    const [hours = 0, minutes = 0] = time.split(':').map(Number);
    const minute = hours * 60 + minutes;
    const row = byMinute.get(minute) ?? emptyRow();
    const vital = PARAMETERS_2012[parameter];
    const rank = Object.keys(PARAMETERS_2012).indexOf(parameter);
    if (vital !== undefined && rank > (row.rank.get(vital) ?? -1)) {
      row.vitals[vital] = value;
      row.rank.set(vital, rank);
    }
    if (parameter === 'FiO2') row.context.oxygen = value > 0.21;
    byMinute.set(minute, row);
  }
  return [...byMinute.entries()]
    .sort(([a], [b]) => a - b)
    .filter(([, row]) => Object.keys(row.vitals).length > 0)
    .map(([minute, row]) => ({ minute, vitals: row.vitals, context: row.context }));
}

interface Row2012 {
  readonly vitals: WireReading['vitals'];
  readonly context: { oxygen?: boolean };
  /** How good the source of each vital is. */
  readonly rank: Map<VitalKey, number>;
}

function emptyRow(): Row2012 {
  return { vitals: {}, context: {}, rank: new Map() };
}
