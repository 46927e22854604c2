import type { DeviceId } from '../domain/ids.ts';
import { parseBedId, parseDeviceId, parsePatientId, parseWardId } from '../domain/ids.ts';
import type { LimitRule } from '../domain/rule.ts';
import type { Bed, Patient, Ward } from '../ports/registry.ts';
import type { Scenario } from './scenario.ts';
import { CALM_SENSOR, type SensorHabits } from './sensor.ts';

/** The demo's ward of forty: who lies where, and what will happen to them. All people here are made up. */
export interface DemoBed {
  readonly bed: Bed;
  readonly patient: Patient;
  readonly deviceId: DeviceId;
  readonly limits: readonly LimitRule[];
  readonly scenarios: readonly Scenario[];
  readonly habits: SensorHabits;
  readonly battery: number;
  /** Where this patient's saturation usually lies, if not where most people's does. */
  readonly spo2?: number;
}

export const DEMO_WARD: Ward = { id: must(parseWardId('W3')), name: 'Ward 3' };
const BEDS = 40;
const MINUTE = 60_000;

/**
 * The first alarm comes within the first minute, so that a newcomer sees one; the slower stories follow. Each
 * repeats, because a demo runs longer than a crisis.
 */
const SCENARIOS: Readonly<Record<number, readonly Scenario[]>> = {
  6: [
    { kind: 'arrhythmia', startMs: 12_000, riseMs: 12_000, holdMs: 2 * MINUTE, fallMs: 20_000, everyMs: 11 * MINUTE },
  ],
  14: [{ kind: 'hypoxia', startMs: MINUTE, riseMs: MINUTE, holdMs: 90_000, fallMs: MINUTE, everyMs: 13 * MINUTE }],
  21: [
    {
      kind: 'sepsis',
      startMs: 30_000,
      riseMs: 8 * MINUTE,
      holdMs: 10 * MINUTE,
      fallMs: 6 * MINUTE,
      everyMs: 45 * MINUTE,
    },
  ],
  30: [
    {
      kind: 'bleeding',
      startMs: 2 * MINUTE,
      riseMs: 6 * MINUTE,
      holdMs: 5 * MINUTE,
      fallMs: 5 * MINUTE,
      everyMs: 31 * MINUTE,
    },
  ],
};

/** Limits a physician has set for single patients: medium ones, so that the wall shows more than one priority. */
const LIMITS: Readonly<Record<number, readonly LimitRule[]>> = {
  6: [limit('heartRate', 'above', 130, 'medium')],
  14: [limit('spo2', 'below', 90, 'medium')],
  21: [limit('heartRate', 'above', 115, 'low'), limit('temperature', 'above', 38.5, 'medium')],
  30: [limit('systolic', 'below', 100, 'medium')],
};

const FAMILY_NAMES =
  'Mehta Osei Lindqvist Haddad Kowalski Nakamura Oyelaran Fischer Moreau Silva Novak Tanaka Byrne Costa Ivanova Jensen Khan Larsen Mensah Nguyen'.split(
    ' ',
  );
const GIVEN_NAMES =
  'Asha Kofi Elsa Samir Anna Kenji Tola Jonas Claire Rui Petra Yuki Niamh Luis Olga Mads Zara Ida Ama Linh'.split(' ');

export function demoBeds(): readonly DemoBed[] {
  return Array.from({ length: BEDS }, (_, index) => demoBed(index + 1));
}

function demoBed(number: number): DemoBed {
  const two = String(number).padStart(2, '0');
  const bed: Bed = { id: must(parseBedId(`W3-${two}`)), wardId: DEMO_WARD.id, label: `W3-${two}` };
  return {
    bed,
    patient: {
      id: must(parsePatientId(`demo-${two}`)),
      mrn: `D${String(104_729 * number)
        .padStart(8, '0')
        .slice(-8)}`,
      familyName: FAMILY_NAMES[number % FAMILY_NAMES.length] ?? 'Doe',
      givenName: GIVEN_NAMES[(number * 7) % GIVEN_NAMES.length] ?? 'Sam',
      birthDate: `${1936 + ((number * 13) % 60)}-${String(1 + (number % 12)).padStart(2, '0')}-${String(1 + ((number * 5) % 28)).padStart(2, '0')}`,
      sex: number % 2 === 0 ? 'female' : 'male',
      bedId: bed.id,
      // One patient with a prescribed 88–92 % target (NEWS2 scale 2).
      spo2Scale: number === 18 ? 2 : 1,
    },
    deviceId: must(parseDeviceId(`demo-monitor-${two}`)),
    limits: LIMITS[number] ?? [],
    scenarios: SCENARIOS[number] ?? [],
    habits: {
      ...CALM_SENSOR,
      cuffEveryMs: (number % 3 === 0 ? 2.5 : 2) * MINUTE,
      leadsOffPerHour: number === 35 ? 40 : CALM_SENSOR.leadsOffPerHour,
      gapsPerHour: number === 38 ? 40 : CALM_SENSOR.gapsPerHour,
      onOxygen: number === 18 || number === 14,
    },
    // Chronic hypercapnic failure: at home between 88 and 92 %.
    ...(number === 18 ? { spo2: 90.5 } : {}),
    battery: number === 26 ? 0.12 : 0.4 + ((number * 37) % 60) / 100,
  };
}

function limit(
  vital: LimitRule['vital'],
  comparison: LimitRule['comparison'],
  value: number,
  priority: LimitRule['priority'],
): LimitRule {
  return {
    kind: 'limit',
    id: `${vital}.${comparison}.${priority}`,
    version: 1,
    vital,
    comparison,
    limit: value,
    priority,
  };
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the demo ward names an id that its parser refuses');
  return value;
}
