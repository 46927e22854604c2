import { type Static, Type } from 'typebox';

/** Wards and their beds, for whoever manages them. Who lies in a bed is not said here. */

const Id = Type.String({
  pattern: '^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$',
  description: 'Stays: records, devices and the hospital’s directory name it by this.',
});
/** As `healthsync ward` and `healthsync bed` take them. */
const Label = Type.String({ minLength: 1, maxLength: 64, pattern: '^[^\\x00-\\x1f\\x7f]*$' });

export const PlannedBed = Type.Object(
  { id: Type.String(), label: Type.String(), wardId: Type.String() },
  { $id: 'PlannedBed' },
);
export type PlannedBed = Static<typeof PlannedBed>;

export const PlannedWard = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    departmentId: Type.Optional(Type.String()),
    beds: Type.Array(PlannedBed),
  },
  { $id: 'PlannedWard' },
);
export type PlannedWard = Static<typeof PlannedWard>;

/** `GET /api/ward-plan`. */
export const WardPlan = Type.Object(
  {
    wards: Type.Array(PlannedWard),
    isWhole: Type.Boolean({
      description: 'All wards there are: whoever was given some sees those, and makes no others.',
    }),
  },
  { $id: 'WardPlan' },
);
export type WardPlan = Static<typeof WardPlan>;

/** `PUT /api/wards/{id}`. Without a department: it belongs to none. */
export const ChangeWard = Type.Object(
  { name: Label, departmentId: Type.Optional(Id) },
  { $id: 'ChangeWard', additionalProperties: false },
);
export type ChangeWard = Static<typeof ChangeWard>;

/** `POST /api/wards`. */
export const NewWard = Type.Object(
  { id: Id, name: Label, departmentId: Type.Optional(Id) },
  { $id: 'NewWard', additionalProperties: false },
);
export type NewWard = Static<typeof NewWard>;

/** `PUT /api/beds/{id}`: what the wall shows, and in which ward. */
export const ChangeBed = Type.Object({ wardId: Id, label: Label }, { $id: 'ChangeBed', additionalProperties: false });
export type ChangeBed = Static<typeof ChangeBed>;

/** `POST /api/beds`. */
export const NewBed = Type.Object({ id: Id, wardId: Id, label: Label }, { $id: 'NewBed', additionalProperties: false });
export type NewBed = Static<typeof NewBed>;
