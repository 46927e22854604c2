import { type Static, Type } from 'typebox';
import { FromVersion, Version } from './problem.ts';
import { WeeklyWindow } from './rota.ts';

/** Who looks after whom: the nurse of a patient or bed, the charge nurse and the doctor of a ward, shift by shift. */

const Id = Type.String({ pattern: '^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$' });
const TimeOfDay = Type.String({ pattern: '^([01]\\d|2[0-3]):[0-5]\\d$', description: '`19:00`, local' });

export const CareRole = Type.Enum(['nurse', 'charge-nurse', 'doctor']);
export type CareRole = Static<typeof CareRole>;

export const Shift = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 32 }),
    from: TimeOfDay,
    to: Type.String({ pattern: '^([01]\\d|2[0-3]):[0-5]\\d$', description: 'At or before `from`: on the next day.' }),
  },
  { $id: 'Shift', additionalProperties: false },
);
export type Shift = Static<typeof Shift>;

/** `PUT /api/wards/{id}/shifts`. */
export const PutShifts = Type.Object(
  {
    zone: Type.String({ minLength: 1, maxLength: 64 }),
    shifts: Type.Array(Shift, { maxItems: 12 }),
    version: FromVersion,
  },
  { $id: 'PutShifts', additionalProperties: false },
);
export type PutShifts = Static<typeof PutShifts>;

export const CareAssignment = Type.Object(
  {
    id: Type.String(),
    wardId: Type.String(),
    role: CareRole,
    userId: Type.String(),
    name: Type.Optional(Type.String({ description: 'Display name.' })),
    bedIds: Type.Array(Type.String(), { description: 'Empty, with no patients either: the whole ward.' }),
    patientIds: Type.Array(Type.String()),
    from: Type.String(),
    to: Type.Optional(Type.String()),
    shift: Type.Optional(Type.String({ description: 'Holds during this shift only, every day of the period.' })),
    madeBy: Type.String(),
    madeAt: Type.String(),
  },
  { $id: 'CareAssignment' },
);
export type CareAssignment = Static<typeof CareAssignment>;

/** `POST /api/wards/{id}/assignments`. Without `from`: from now on. Ended by `DELETE …/assignments/{assignmentId}`. */
export const PostAssignment = Type.Object(
  {
    role: CareRole,
    userId: Id,
    bedIds: Type.Optional(Type.Array(Id, { maxItems: 200 })),
    patientIds: Type.Optional(Type.Array(Id, { maxItems: 200 })),
    from: Type.Optional(Type.String({ maxLength: 40 })),
    to: Type.Optional(Type.String({ maxLength: 40 })),
    shift: Type.Optional(Type.String({ minLength: 1, maxLength: 32 })),
  },
  { $id: 'PostAssignment', additionalProperties: false },
);
export type PostAssignment = Static<typeof PostAssignment>;

/** What is missing in a ward's team at a moment. */
export const CareTeamWarning = Type.Object(
  {
    code: Type.Enum(['bed-without-nurse', 'no-charge-nurse', 'no-doctor', 'unknown-person', 'unreachable']),
    bedId: Type.Optional(Type.String()),
    userId: Type.Optional(Type.String()),
    text: Type.String(),
  },
  { $id: 'CareTeamWarning' },
);
export type CareTeamWarning = Static<typeof CareTeamWarning>;

const Person = Type.Object({ userId: Type.String(), name: Type.String() });

/** `GET /api/wards/{id}/care-team?at=`. */
export const CareTeam = Type.Object(
  {
    wardId: Type.String(),
    at: Type.String(),
    zone: Type.String(),
    shifts: Type.Array(Shift),
    /** Of the shifts, for a PUT of them. */
    shiftsVersion: Version,
    shiftNow: Type.Optional(Type.String()),
    /** Standing and coming ones; those that have ended are left out. */
    assignments: Type.Array(CareAssignment),
    beds: Type.Array(
      Type.Object({
        bedId: Type.String(),
        bed: Type.String(),
        patientId: Type.Optional(Type.String()),
        nurses: Type.Array(Person),
      }),
    ),
    chargeNurses: Type.Array(Person),
    doctors: Type.Array(Person),
    warnings: Type.Array(CareTeamWarning),
  },
  { $id: 'CareTeam' },
);
export type CareTeam = Static<typeof CareTeam>;

/**
 * Quiet hours: `GET` and `PUT /api/me/quiet-hours`, `GET` and `PUT /api/wards/{id}/quiet-hours`. They cannot name
 * high alarms. `hold`: told when the quiet hours end, if the alarm is still open; `soften`: told at once, but only by
 * channels that make no noise. The last step of an escalation is never quiet.
 */
export const QuietWindow = Type.Object(
  {
    ...WeeklyWindow.properties,
    priorities: Type.Array(Type.Enum(['medium', 'low']), { minItems: 1, maxItems: 2 }),
    effect: Type.Enum(['hold', 'soften']),
  },
  { $id: 'QuietWindow', additionalProperties: false },
);
export type QuietWindow = Static<typeof QuietWindow>;

export const QuietHours = Type.Object(
  {
    zone: Type.String({ minLength: 1, maxLength: 64 }),
    windows: Type.Array(QuietWindow, { maxItems: 14 }),
    version: FromVersion,
  },
  { $id: 'QuietHours', additionalProperties: false },
);
export type QuietHours = Static<typeof QuietHours>;
