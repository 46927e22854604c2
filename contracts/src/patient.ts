import { type Static, Type } from 'typebox';
import { Tile } from './live.ts';
import { FromVersion, Version } from './problem.ts';
import { News2Prescription, RuleProposal } from './rule.ts';

export const LimitRule = Type.Object(
  {
    id: Type.String(),
    version: Type.Integer(),
    vital: Type.String(),
    comparison: Type.Enum(['above', 'below']),
    limit: Type.Number(),
    priority: Type.Enum(['high', 'medium', 'low']),
    off: Type.Optional(Type.Boolean()),
    clearAt: Type.Optional(Type.Number({ description: 'Hysteresis: it ends only at this value or further within.' })),
    sustainedMs: Type.Optional(Type.Integer({ description: 'It rings once readings show it for this long.' })),
    source: Type.Enum(['default', 'house', 'ward', 'patient']),
    until: Type.Optional(Type.String({ description: 'An override: until then.' })),
  },
  { $id: 'LimitRule' },
);
export type LimitRule = Static<typeof LimitRule>;

/** `GET /api/patients/{id}`: names only to those with `patient.read`. */
export const PatientDetail = Type.Object(
  {
    id: Type.String(),
    mrn: Type.Optional(Type.String()),
    familyName: Type.Optional(Type.String()),
    givenName: Type.Optional(Type.String()),
    birthDate: Type.Optional(Type.String()),
    sex: Type.Optional(Type.String()),
    bedId: Type.Optional(Type.String()),
    bed: Type.Optional(Type.String()),
    wardId: Type.Optional(Type.String()),
    wardName: Type.Optional(Type.String()),
    isVip: Type.Optional(Type.Literal(true, { description: 'Specially protected.' })),
    spo2Scale: Type.Enum([1, 2]),
    limits: Type.Array(LimitRule),
    news2: Type.Optional(News2Prescription),
    tile: Type.Optional(Tile),
  },
  { $id: 'PatientDetail' },
);
export type PatientDetail = Static<typeof PatientDetail>;

/** `GET /api/ward-names`: for whoever is signed in; how many beds there are, and who lies in them, is not theirs to know. */
export const WardNames = Type.Object(
  { wards: Type.Array(Type.Object({ id: Type.String(), name: Type.String() })) },
  { $id: 'WardNames' },
);
export type WardNames = Static<typeof WardNames>;

/** `GET /api/patients?ward=`: for naming tiles and searching. */
export const PatientList = Type.Object(
  {
    patients: Type.Array(
      Type.Object({
        id: Type.String(),
        mrn: Type.Optional(Type.String()),
        familyName: Type.Optional(Type.String()),
        givenName: Type.Optional(Type.String()),
        bed: Type.Optional(Type.String()),
        wardId: Type.Optional(Type.String()),
        isVip: Type.Optional(
          Type.Literal(true, { description: 'Specially protected: named only to those who care for them.' }),
        ),
      }),
    ),
  },
  { $id: 'PatientList' },
);
export type PatientList = Static<typeof PatientList>;

/** `POST /api/patients/find`: in the body, because addresses are written to logs. */
export const FindPatient = Type.Object(
  {
    mrn: Type.String({
      minLength: 1,
      maxLength: 64,
      description: 'The record number as people write it: case, spaces and separators do not count.',
    }),
  },
  { $id: 'FindPatient', additionalProperties: false },
);

/** Times in which a device that the patient wore may have been somebody else’s: what it sent is kept, and doubtful. */
const Doubts = Type.Optional(
  Type.Array(
    Type.Object({
      deviceId: Type.String(),
      /** When it was received, by the server’s clock. */
      from: Type.String(),
      until: Type.String(),
      reason: Type.String(),
      declaredBy: Type.String(),
      declaredAt: Type.String(),
    }),
  ),
);

/** `GET /api/patients/{id}/vitals?from=&to=&limit=`: readings, oldest first. */
export const VitalsHistoryResponse = Type.Object(
  {
    readings: Type.Array(
      Type.Object({
        id: Type.String(),
        deviceId: Type.String(),
        at: Type.String(),
        receivedAt: Type.String(),
        vitals: Type.Record(Type.String(), Type.Number()),
        context: Type.Object({ oxygen: Type.Optional(Type.Boolean()), consciousness: Type.Optional(Type.String()) }),
        status: Type.Object({ leadsOff: Type.Optional(Type.Boolean()), battery: Type.Optional(Type.Number()) }),
        /** Received while its device’s key may have been somebody else’s; absent: no. */
        doubtful: Type.Optional(Type.Literal(true)),
      }),
    ),
    doubts: Doubts,
    /** Pass as `from` for the next page; absent on the last. */
    next: Type.Optional(Type.String()),
  },
  { $id: 'VitalsHistory' },
);
export type VitalsHistoryResponse = Static<typeof VitalsHistoryResponse>;

/**
 * `GET /api/patients/{id}/trend?from=&to=&buckets=`: one series per vital. Columns of equal length; a bucket without a
 * value is absent, so that gaps stay gaps.
 */
export const TrendResponse = Type.Object(
  {
    from: Type.Integer(),
    to: Type.Integer(),
    bucketMs: Type.Integer(),
    doubts: Doubts,
    series: Type.Record(
      Type.String(),
      Type.Object({
        at: Type.Array(Type.Integer()),
        mean: Type.Array(Type.Number()),
        min: Type.Array(Type.Number()),
        max: Type.Array(Type.Number()),
      }),
    ),
  },
  { $id: 'Trend' },
);
export type TrendResponse = Static<typeof TrendResponse>;

/** `GET /api/wards/{id}/sparklines?minutes=15`: heart rate of each bed, for filling the wall's sparklines at first paint. */
export const SparklineResponse = Type.Object(
  {
    bucketMs: Type.Integer(),
    patients: Type.Record(Type.String(), Type.Object({ at: Type.Array(Type.Integer()), v: Type.Array(Type.Number()) })),
  },
  { $id: 'Sparklines' },
);
export type SparklineResponse = Static<typeof SparklineResponse>;

/** `PUT /api/patients/{id}/limits`. */
export const PutLimits = Type.Object(
  {
    reason: Type.String({ minLength: 3, maxLength: 500 }),
    rules: Type.Array(
      Type.Object(
        {
          vital: Type.String(),
          comparison: Type.Enum(['above', 'below']),
          limit: Type.Number(),
          priority: Type.Enum(['high', 'medium', 'low']),
          off: Type.Optional(Type.Boolean()),
          clearAt: Type.Optional(Type.Number()),
          sustainedMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 3_600_000 })),
        },
        { additionalProperties: false },
      ),
      { maxItems: 42 },
    ),
    version: FromVersion,
  },
  { $id: 'PutLimits', additionalProperties: false },
);
export type PutLimits = Static<typeof PutLimits>;

/** `GET /api/patients/{id}/limits`: the limits in force, the patient's own and those they leave standing. */
export const PatientLimits = Type.Object(
  {
    rules: Type.Array(LimitRule),
    version: Version,
    waiting: Type.Optional(
      Type.Array(RuleProposal, {
        description: 'With a PUT: what a second person must confirm; until then the old limit holds.',
      }),
    ),
  },
  { $id: 'PatientLimits' },
);
export type PatientLimits = Static<typeof PatientLimits>;

/** `GET /api/wards`. */
export const WardList = Type.Object(
  {
    wards: Type.Array(
      Type.Object({
        id: Type.String(),
        name: Type.String(),
        departmentId: Type.Optional(Type.String()),
        beds: Type.Integer(),
      }),
    ),
  },
  { $id: 'WardList' },
);
export type WardList = Static<typeof WardList>;
