import { describe, expect, it } from 'vitest';
import {
  assignmentProblems,
  type CareAssignment,
  chargeNursesOf,
  doctorsOf,
  everyoneAssigned,
  nursesOf,
  shiftAt,
  shiftProblems,
  type WardTeam,
} from './care-team.ts';
import type { BedId, PatientId, UserId, WardId } from './ids.ts';

const ms = (text: string) => Date.parse(text);
const NIGHT = ms('2026-11-22T02:00:00Z');
const NOON = ms('2026-11-22T12:00:00Z');
const BED = { bedId: 'B1' as BedId, patientId: 'P1' as PatientId, bed: 'W3-01' };

type Sketch = Omit<Partial<CareAssignment>, 'bedIds' | 'patientIds'> & { beds?: string[]; patients?: string[] };
function team(...assignments: readonly (Sketch & { readonly who: string })[]): WardTeam {
  return {
    wardId: 'W3' as WardId,
    zone: 'UTC',
    shifts: [
      { name: 'day', from: '07:00', to: '19:30' },
      { name: 'night', from: '19:00', to: '07:30' },
    ],
    assignments: assignments.map(({ who, beds = [], patients = [], ...rest }, index) => ({
      id: `a${index}`,
      wardId: 'W3' as WardId,
      role: 'nurse',
      userId: who as UserId,
      bedIds: beds as BedId[],
      patientIds: patients as PatientId[],
      fromMs: 0,
      ...rest,
    })),
  };
}
const ids = (people: readonly { readonly userId: string }[]) => people.map(({ userId }) => userId);

describe('the nurse of a patient', () => {
  it('is who was given the patient, before the bed, before the ward', () => {
    const ward = { who: 'wendy' };
    const bed = { who: 'bea', beds: ['B1', 'B2'] };
    const patient = { who: 'pia', patients: ['P1'] };
    expect(ids(nursesOf(team(ward, bed, patient), BED, NOON))).toEqual(['pia']);
    expect(ids(nursesOf(team(ward, bed), BED, NOON))).toEqual(['bea']);
    expect(ids(nursesOf(team(ward), BED, NOON))).toEqual(['wendy']);
    expect(nursesOf(team({ who: 'bea', beds: ['B2'] }), BED, NOON)).toEqual([]);
  });

  it('may be several, each once, with a reason that names no patient', () => {
    const shared = team({ who: 'ann', beds: ['B1'] }, { who: 'bob', beds: ['B1'] }, { who: 'ann', beds: ['B1'] });
    expect(nursesOf(shared, BED, NOON)).toEqual([
      { userId: 'ann', why: 'nurse of bed W3-01' },
      { userId: 'bob', why: 'nurse of bed W3-01' },
    ]);
    expect(nursesOf(team({ who: 'pia', patients: ['P1'] }), BED, NOON)[0]?.why).toBe('nurse of this patient');
  });

  it('changes with the shift, both being there while they hand over', () => {
    const shifts = team({ who: 'dan', beds: ['B1'], shift: 'day' }, { who: 'nia', beds: ['B1'], shift: 'night' });
    expect(ids(nursesOf(shifts, BED, NOON))).toEqual(['dan']);
    expect(ids(nursesOf(shifts, BED, NIGHT))).toEqual(['nia']);
    expect(ids(nursesOf(shifts, BED, ms('2026-11-22T19:15:00Z')))).toEqual(['dan', 'nia']);
    expect(nursesOf(shifts, BED, NIGHT)[0]?.why).toBe('nurse of bed W3-01, shift night');
  });

  it('is one only within the time of the assignment', () => {
    const tonight = team({ who: 'nia', beds: ['B1'], fromMs: NIGHT, toMs: NIGHT + 10 });
    expect(ids(nursesOf(tonight, BED, NIGHT - 1))).toEqual([]);
    expect(ids(nursesOf(tonight, BED, NIGHT))).toEqual(['nia']);
    expect(ids(nursesOf(tonight, BED, NIGHT + 10))).toEqual([]);
  });

  it('does not vanish with the name of a shift', () => {
    expect(ids(nursesOf(team({ who: 'nia', beds: ['B1'], shift: 'late' }), BED, NOON))).toEqual(['nia']);
  });
});

describe('a ward', () => {
  const ward = team(
    { who: 'chris', role: 'charge-nurse', shift: 'day' },
    { who: 'dora', role: 'doctor' },
    { who: 'dirk', role: 'doctor', beds: ['B7'] },
    { who: 'nia', beds: ['B1'] },
  );

  it('has charge nurses and doctors, some of them for certain beds', () => {
    expect(ids(chargeNursesOf(ward, NOON))).toEqual(['chris']);
    expect(ids(chargeNursesOf(ward, NIGHT))).toEqual([]);
    expect(ids(doctorsOf(ward, BED, NOON))).toEqual(['dora']);
    expect(ids(doctorsOf(ward, { bedId: 'B7' as BedId }, NOON))).toEqual(['dora', 'dirk']);
    expect(ids(everyoneAssigned(ward, NOON))).toEqual(['chris', 'dora', 'dirk', 'nia']);
  });

  it('knows its shift; at the handover the one that began last', () => {
    expect(shiftAt(ward, NOON)).toBe('day');
    expect(shiftAt(ward, NIGHT)).toBe('night');
    expect(shiftAt(ward, ms('2026-11-22T19:15:00Z'))).toBe('night');
  });

  it('keeps a shift to which people are assigned', () => {
    const { assignments } = ward;
    const codes = (shifts: WardTeam['shifts'], zone = 'UTC') =>
      shiftProblems({ zone, shifts }, assignments).map(({ code }) => code);
    expect(codes(ward.shifts)).toEqual([]);
    expect(codes(ward.shifts.slice(1))).toEqual(['shift-in-use']);
    expect(codes([...ward.shifts, { name: 'day', from: '08:00', to: '09:00' }], 'Moon')).toEqual([
      'unknown-zone',
      'named-twice',
    ]);
  });
});

describe('an assignment', () => {
  const known = {
    userIds: new Set(['ann']),
    bedIds: new Set(['B1']),
    patientIds: new Set(['P1']),
    shifts: team().shifts,
  };
  const codes = (over: Partial<CareAssignment>) =>
    assignmentProblems({ ...(team({ who: 'ann' }).assignments[0] as CareAssignment), ...over }, known).map(
      ({ code }) => code,
    );

  it('is refused with all its problems', () => {
    expect(codes({ bedIds: ['B1' as BedId], patientIds: ['P1' as PatientId], shift: 'day' })).toEqual([]);
    expect(
      codes({
        userId: 'zoe' as UserId,
        bedIds: ['B9' as BedId],
        patientIds: ['P9' as PatientId],
        shift: 'late',
        fromMs: 5,
        toMs: 5,
      }),
    ).toEqual(['unknown-person', 'unknown-bed', 'unknown-patient', 'empty-period', 'unknown-shift']);
    expect(codes({ role: 'charge-nurse', bedIds: ['B1' as BedId] })).toEqual(['role-of-ward']);
  });
});
