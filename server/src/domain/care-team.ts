import type { BedId, PatientId, UserId, WardId } from './ids.ts';
import { type Interval, isZone, windowAt } from './zoned-time.ts';

/**
 * Who looks after whom. The charge nurse gives beds or patients to nurses, for a shift or until further notice; a ward
 * has a charge nurse and doctors. What is said of a patient counts before what is said of the bed, and that before what
 * is said of the ward.
 */
export type CareRole = 'nurse' | 'charge-nurse' | 'doctor';

/** Local times; an end at or before the begin is on the next day. */
export interface Shift {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

export interface WardShifts {
  readonly wardId: WardId;
  /** IANA name. */
  readonly zone: string;
  readonly shifts: readonly Shift[];
}

export interface CareAssignment {
  readonly id: string;
  readonly wardId: WardId;
  readonly role: CareRole;
  readonly userId: UserId;
  /** Neither beds nor patients: the whole ward. */
  readonly bedIds: readonly BedId[];
  readonly patientIds: readonly PatientId[];
  readonly fromMs: number;
  readonly toMs?: number;
  /** Holds during this shift only, every day. */
  readonly shift?: string;
}

export interface WardTeam extends WardShifts {
  readonly assignments: readonly CareAssignment[];
}

export interface AssignedPerson {
  readonly userId: UserId;
  /** For a person: `nurse of bed W3-01, night shift`. Without patient data. */
  readonly why: string;
}

/** The assigned nurses of a patient in a bed; several, where several share them. */
export function nursesOf(
  team: WardTeam,
  place: { readonly patientId?: PatientId; readonly bedId?: BedId; readonly bed?: string },
  atMs: number,
): readonly AssignedPerson[] {
  const { patientId, bedId } = place;
  const nurses = assignedAt(team, 'nurse', atMs);
  const ofPatient = nurses.filter(({ patientIds }) => patientId !== undefined && patientIds.includes(patientId));
  const ofBed = nurses.filter(({ bedIds }) => bedId !== undefined && bedIds.includes(bedId));
  const ofWard = nurses.filter(({ bedIds, patientIds }) => bedIds.length === 0 && patientIds.length === 0);
  const bed = place.bed === undefined ? 'this bed' : `bed ${place.bed}`;
  if (ofPatient.length > 0) return people(ofPatient, 'nurse of this patient');
  return ofBed.length > 0 ? people(ofBed, `nurse of ${bed}`) : people(ofWard, 'nurse of the ward');
}

export function chargeNursesOf(team: WardTeam, atMs: number): readonly AssignedPerson[] {
  return people(assignedAt(team, 'charge-nurse', atMs), 'charge nurse');
}

/** The doctors of the whole ward, and those of this bed or patient. */
export function doctorsOf(
  team: WardTeam,
  place: { readonly patientId?: PatientId; readonly bedId?: BedId },
  atMs: number,
): readonly AssignedPerson[] {
  const { patientId, bedId } = place;
  const doctors = assignedAt(team, 'doctor', atMs).filter(
    ({ bedIds, patientIds }) =>
      (bedIds.length === 0 && patientIds.length === 0) ||
      (bedId !== undefined && bedIds.includes(bedId)) ||
      (patientId !== undefined && patientIds.includes(patientId)),
  );
  return people(doctors, 'doctor');
}

/** Everybody who is assigned to anything in the ward. */
export function everyoneAssigned(team: WardTeam, atMs: number): readonly AssignedPerson[] {
  const all = (['charge-nurse', 'doctor', 'nurse'] as const).flatMap((role) => [...assignedAt(team, role, atMs)]);
  return people(all, 'on the ward');
}

/** Whether an assignment of this ward holds at a moment: its period and its shift. */
export function holdsAt(shifts: WardShifts, { fromMs, toMs, shift }: CareAssignment, atMs: number): boolean {
  return fromMs <= atMs && (toMs === undefined || atMs < toMs) && isOnShift(shifts, shift, atMs);
}

/** The shift of a moment; where two overlap at the handover, the one that began last. */
export function shiftAt({ zone, shifts }: WardShifts, atMs: number): string | undefined {
  return shifts
    .flatMap((shift) => {
      const began = shiftWindow(zone, shift, atMs);
      return began === undefined ? [] : [{ name: shift.name, fromMs: began.fromMs }];
    })
    .sort((a, b) => b.fromMs - a.fromMs)[0]?.name;
}

function assignedAt(team: WardTeam, role: CareRole, atMs: number): readonly CareAssignment[] {
  return team.assignments.filter(
    (each) => each.role === role && each.wardId === team.wardId && holdsAt(team, each, atMs),
  );
}

/** A shift that is no longer defined must not make its people vanish: they count at any hour. */
function isOnShift({ zone, shifts }: WardShifts, name: string | undefined, atMs: number): boolean {
  const shift = shifts.find((each) => each.name === name);
  return shift === undefined || shiftWindow(zone, shift, atMs) !== undefined;
}

function shiftWindow(zone: string, { from, to }: Shift, atMs: number): Interval | undefined {
  return windowAt(zone, { weekdays: EVERY_DAY, from, to }, atMs);
}

function people(assignments: readonly CareAssignment[], what: string): readonly AssignedPerson[] {
  const byUser = new Map(
    assignments.map(({ userId, shift }) => [
      userId,
      { userId, why: shift === undefined ? what : `${what}, shift ${shift}` },
    ]),
  );
  return [...byUser.values()];
}

const EVERY_DAY = [1, 2, 3, 4, 5, 6, 7];

export interface CareProblem {
  readonly code:
    | 'unknown-zone'
    | 'named-twice'
    | 'shift-in-use'
    | 'unknown-person'
    | 'unknown-bed'
    | 'unknown-patient'
    | 'unknown-shift'
    | 'empty-period'
    | 'role-of-ward';
  readonly field: string;
  readonly detail: string;
}

/** Every problem of shifts as asked for. `assignments` are those of the ward that have not ended. */
export function shiftProblems(
  { zone, shifts }: Omit<WardShifts, 'wardId'>,
  assignments: readonly Pick<CareAssignment, 'shift'>[],
): readonly CareProblem[] {
  const problems: CareProblem[] = [];
  if (!isZone(zone))
    problems.push({ code: 'unknown-zone', field: 'zone', detail: 'an IANA time zone, such as Europe/Berlin' });
  shifts.forEach(({ name }, index) => {
    if (shifts.findIndex((each) => each.name === name) < index)
      problems.push({ code: 'named-twice', field: `shifts.${index}.name`, detail: 'another shift has this name' });
  });
  const missing = new Set(assignments.flatMap(({ shift }) => shift ?? []));
  for (const { name } of shifts) missing.delete(name);
  for (const name of missing)
    problems.push({ code: 'shift-in-use', field: 'shifts', detail: `people are assigned to shift ${name}` });
  return problems;
}

/** Every problem of an assignment as asked for. */
export function assignmentProblems(
  wanted: Omit<CareAssignment, 'id'>,
  known: {
    readonly userIds: ReadonlySet<string>;
    readonly bedIds: ReadonlySet<string>;
    readonly patientIds: ReadonlySet<string>;
    readonly shifts: readonly Shift[];
  },
): readonly CareProblem[] {
  const problems: CareProblem[] = [];
  const { userId, bedIds, patientIds, fromMs, toMs, shift, role } = wanted;
  if (!known.userIds.has(userId))
    problems.push({ code: 'unknown-person', field: 'userId', detail: 'there is no such person, or disabled' });
  bedIds.forEach((bedId, index) => {
    if (!known.bedIds.has(bedId))
      problems.push({ code: 'unknown-bed', field: `bedIds.${index}`, detail: 'there is no such bed in this ward' });
  });
  patientIds.forEach((patientId, index) => {
    if (!known.patientIds.has(patientId))
      problems.push({ code: 'unknown-patient', field: `patientIds.${index}`, detail: 'not a patient of this ward' });
  });
  if (toMs !== undefined && !(fromMs < toMs))
    problems.push({ code: 'empty-period', field: 'to', detail: 'must be after `from`' });
  if (shift !== undefined && !known.shifts.some(({ name }) => name === shift))
    problems.push({ code: 'unknown-shift', field: 'shift', detail: 'the ward has no such shift' });
  if (role === 'charge-nurse' && (bedIds.length > 0 || patientIds.length > 0))
    problems.push({ code: 'role-of-ward', field: 'role', detail: 'a charge nurse is for the whole ward' });
  return problems;
}
