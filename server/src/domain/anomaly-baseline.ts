import { HOUR_MS, type PersonMemory, type RoleMemory } from './anomaly-memory.ts';

/** Hours of one's own work that are remembered: some two weeks of shifts. */
const OWN_HOURS_MAX = 120;
/** Fewer say nothing of what is usual for somebody. */
const OWN_HOURS_MIN = 12;
/** What colleagues do is known from so many hours, of so many people. */
const ROLE_HOURS_MIN = 200;
const ROLE_PEOPLE_MIN = 5;
const ROLE_PEOPLE_MAX = 1_000;

export type Measure = 'patients' | 'kilobytes';

/** More than this within an hour is not usual, and by whose measure. */
export interface Bound {
  readonly limit: number;
  readonly by: 'own' | 'role' | 'installed';
}

/**
 * How much is usual for this person: by their own hours, if there are enough of them; else by what colleagues of the same
 * role do; else as installed.
 *
 * Nobody's own habit reaches beyond twice the role's: who takes more every week would else be told of never.
 */
export function usualBound(
  measure: Measure,
  { usual }: PersonMemory['past'],
  role: RoleMemory | undefined,
  installed: { readonly limit: number; readonly room: number },
): Bound {
  const byRole = roleBound(measure, role, installed.room) ?? { limit: installed.limit, by: 'installed' };
  if (usual === undefined) return byRole;
  const limit = Math.round(usual[measure] + installed.room);
  return limit > 2 * byRole.limit ? { ...byRole, limit: 2 * byRole.limit } : { limit, by: 'own' };
}

/**
 * Twice what they exceed in one hour of twenty, or what six deviations from their median are (median absolute deviation
 * × 1.4826 is one, for what is spread normally: Rousseeuw & Croux 1993).
 */
function habitOf(own: readonly number[]): number {
  const middle = quantile(own, 0.5);
  const deviation =
    1.4826 *
    quantile(
      own.map((value) => Math.abs(value - middle)),
      0.5,
    );
  return Math.max(2 * quantile(own, 0.95), middle + 6 * deviation);
}

/** One and a half of what colleagues exceed in one hour of a hundred. */
function roleBound(measure: Measure, role: RoleMemory | undefined, room: number): Bound | undefined {
  if (role === undefined || role.people.length < ROLE_PEOPLE_MIN) return undefined;
  const counts = role[measure];
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total < ROLE_HOURS_MIN) return undefined;
  let above = total * 0.01;
  for (let step = counts.length - 1; step > 0; step--) {
    above -= counts[step] ?? 0;
    if (above < 0) return { limit: Math.round(1.5 * amountOf(step) + room), by: 'role' };
  }
  return { limit: room, by: 'role' };
}

/** The hour that has begun, and those that are over: each is remembered when the next one begins. */
export function turnHour(
  memory: PersonMemory,
  atMs: number,
): { readonly memory: PersonMemory; readonly over?: PersonMemory['hour'] } {
  const startMs = atMs - (atMs % HOUR_MS);
  const { hour, past } = memory;
  if (startMs <= hour.startMs) return { memory };
  const begun = { startMs, patients: 0, kilobytes: 0 };
  if (hour.patients === 0 && hour.kilobytes === 0) return { memory: { ...memory, hour: begun } };
  const patients = [...past.patients, hour.patients].slice(-OWN_HOURS_MAX);
  const kilobytes = [...past.kilobytes, hour.kilobytes].slice(-OWN_HOURS_MAX);
  const isKnown = patients.length >= OWN_HOURS_MIN;
  const usual = { patients: habitOf(patients), kilobytes: habitOf(kilobytes) };
  return {
    over: hour,
    memory: { ...memory, hour: begun, past: { patients, kilobytes, ...(isKnown && { usual }) } },
  };
}

/** What colleagues do, with one more hour of one of them. */
export function learnHour(role: RoleMemory, person: string, hour: PersonMemory['hour']): RoleMemory {
  const isKnown = role.people.includes(person) || role.people.length >= ROLE_PEOPLE_MAX;
  return {
    ...role,
    people: isKnown ? role.people : [...role.people, person],
    patients: counted(role.patients, hour.patients),
    kilobytes: counted(role.kilobytes, hour.kilobytes),
  };
}

function counted(counts: readonly number[], value: number): readonly number[] {
  const step = stepOf(value);
  const more = Array.from({ length: Math.max(counts.length, step + 1) }, (_, index) => counts[index] ?? 0);
  more[step] = (more[step] ?? 0) + 1;
  return more;
}

/** Steps of an eighth of a doubling: 200 of them reach thirty million. */
const stepOf = (value: number): number => Math.min(200, Math.round(8 * Math.log2(1 + Math.max(0, value))));
const amountOf = (step: number): number => 2 ** (step / 8) - 1;

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const low = sorted[Math.floor(place)] ?? 0;
  return low + ((sorted[Math.ceil(place)] ?? low) - low) * (place - Math.floor(place));
}
