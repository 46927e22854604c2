import { type Static, Type } from 'typebox';
import { FromVersion } from './problem.ts';

/**
 * On-call rotas. A rota has layers (`first`, `second` …) and in each the people take turns; whoever is on call in the
 * first layer is called first. Wall-clock times are those of the rota's own time zone; moments are RFC 3339 UTC.
 */

const Id = Type.String({ pattern: '^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$' });
const TimeOfDay = Type.String({ pattern: '^([01]\\d|2[0-3]):[0-5]\\d$', description: '`19:00`, local' });
const Weekdays = Type.Array(Type.Integer({ minimum: 1, maximum: 7 }), {
  minItems: 1,
  maxItems: 7,
  description: '1 is Monday (ISO 8601).',
});

/** On these weekdays from then to then; an end at or before the begin is on the next day. */
export const WeeklyWindow = Type.Object(
  { weekdays: Weekdays, from: TimeOfDay, to: TimeOfDay },
  { $id: 'WeeklyWindow', additionalProperties: false },
);
export type WeeklyWindow = Static<typeof WeeklyWindow>;

export const RotaLayer = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 64 }),
    people: Type.Array(Id, { minItems: 1, maxItems: 60, description: 'User ids, in the order of their turns.' }),
    startsOn: Type.String({
      pattern: '^\\d{4}-\\d\\d-\\d\\d$',
      description: 'Local date of the first handover; its weekday is the weekday of every handover.',
    }),
    handoverAt: TimeOfDay,
    turnDays: Type.Integer({ minimum: 1, maximum: 28, description: '7: a week each.' }),
    hours: Type.Optional(
      Type.Array(WeeklyWindow, { maxItems: 14, description: 'When the layer is needed; absent: always.' }),
    ),
  },
  { $id: 'RotaLayer', additionalProperties: false },
);
export type RotaLayer = Static<typeof RotaLayer>;

/** `PUT /api/rotas/{id}`: makes it, or makes its next version. */
export const PutRota = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 100 }),
    wardIds: Type.Array(Id, { maxItems: 200, description: 'Whose alarms it is called for; empty: every ward.' }),
    zone: Type.String({ minLength: 1, maxLength: 64, description: 'IANA time zone, such as `Europe/Berlin`.' }),
    layers: Type.Array(RotaLayer, { minItems: 1, maxItems: 6 }),
    reason: Type.String({ minLength: 3, maxLength: 500 }),
    version: FromVersion,
  },
  { $id: 'PutRota', additionalProperties: false },
);
export type PutRota = Static<typeof PutRota>;

/** Something that will go wrong with a rota if nobody acts, in the order of when. */
export const RotaWarning = Type.Object(
  {
    code: Type.Enum([
      'gap', // nobody is on call
      'double-booked', // one person in two layers or on two rotas at once
      'unknown-person', // no such user, or disabled
      'unreachable', // no verified contact
      'overlapping-overrides', // the one made last counts
    ]),
    layer: Type.Optional(Type.String()),
    userId: Type.Optional(Type.String()),
    from: Type.Optional(Type.String()),
    to: Type.Optional(Type.String()),
    text: Type.String({ description: 'For a person.' }),
  },
  { $id: 'RotaWarning' },
);
export type RotaWarning = Static<typeof RotaWarning>;

export const RotaOverride = Type.Object(
  {
    id: Type.String(),
    layer: Type.String(),
    userId: Type.String({ description: 'Who takes the time over.' }),
    from: Type.String(),
    to: Type.String(),
    reason: Type.String(),
    madeBy: Type.String(),
    madeAt: Type.String(),
  },
  { $id: 'RotaOverride' },
);
export type RotaOverride = Static<typeof RotaOverride>;

/** `POST /api/rotas/{id}/overrides`. */
export const PostOverride = Type.Object(
  {
    layer: Type.String({ minLength: 1, maxLength: 64 }),
    userId: Id,
    from: Type.String({ maxLength: 40, description: 'RFC 3339 with zone, or milliseconds since 1970 UTC.' }),
    to: Type.String({ maxLength: 40 }),
    reason: Type.String({ minLength: 3, maxLength: 500 }),
  },
  { $id: 'PostOverride', additionalProperties: false },
);
export type PostOverride = Static<typeof PostOverride>;

export const Rota = Type.Object(
  {
    id: Type.String(),
    version: Type.Integer(),
    name: Type.String(),
    wardIds: Type.Array(Type.String()),
    zone: Type.String(),
    layers: Type.Array(RotaLayer),
    setBy: Type.String(),
    setAt: Type.String(),
    reason: Type.String(),
    retired: Type.Boolean(),
  },
  { $id: 'Rota' },
);
export type Rota = Static<typeof Rota>;

/** Who is on call in a layer, and until when that is so. Without `userId`: nobody. */
export const OnCall = Type.Object(
  {
    layer: Type.String(),
    userId: Type.Optional(Type.String()),
    name: Type.Optional(Type.String({ description: 'Display name.' })),
    by: Type.Enum(['rotation', 'override', 'nobody', 'not-needed']),
    until: Type.Optional(Type.String()),
  },
  { $id: 'OnCall' },
);
export type OnCall = Static<typeof OnCall>;

/** `GET /api/rotas`: each with who is on call now and what is wrong in the coming four weeks. */
export const RotaList = Type.Object(
  {
    rotas: Type.Array(Type.Object({ rota: Rota, now: Type.Array(OnCall), warnings: Type.Array(RotaWarning) })),
  },
  { $id: 'RotaList' },
);
export type RotaList = Static<typeof RotaList>;

/** `GET /api/rotas/{id}/versions`: newest first. */
export const RotaVersions = Type.Object({ versions: Type.Array(Rota) }, { $id: 'RotaVersions' });
export type RotaVersions = Static<typeof RotaVersions>;

/** One stretch in which one person (or nobody) is on call in a layer. */
export const RotaSpan = Type.Object({
  layer: Type.String(),
  userId: Type.Optional(Type.String()),
  name: Type.Optional(Type.String()),
  by: Type.Enum(['rotation', 'override', 'nobody']),
  overrideId: Type.Optional(Type.String()),
  from: Type.String(),
  to: Type.String(),
});
export type RotaSpan = Static<typeof RotaSpan>;

/**
 * `GET /api/rotas/{id}/schedule?from=&to=` (at most 366 days; by default four weeks from now), and the answer of
 * `PUT /api/rotas/{id}` and of `POST /api/rotas/check`, which saves nothing.
 */
export const RotaSchedule = Type.Object(
  {
    rota: Rota,
    from: Type.String(),
    to: Type.String(),
    spans: Type.Array(RotaSpan),
    overrides: Type.Array(RotaOverride),
    warnings: Type.Array(RotaWarning),
  },
  { $id: 'RotaSchedule' },
);
export type RotaSchedule = Static<typeof RotaSchedule>;

/** `GET /api/on-call?ward=&at=`: who is on call, rota by rota. */
export const OnCallNow = Type.Object(
  {
    at: Type.String(),
    rotas: Type.Array(
      Type.Object({
        id: Type.String(),
        name: Type.String(),
        wardIds: Type.Array(Type.String()),
        onCall: Type.Array(OnCall),
      }),
    ),
  },
  { $id: 'OnCallNow' },
);
export type OnCallNow = Static<typeof OnCallNow>;

/** `GET /api/staff?ward=`: whom rotas and care teams may name. `reachable`: has a verified contact. */
export const StaffList = Type.Object(
  {
    staff: Type.Array(
      Type.Object({
        userId: Type.String(),
        name: Type.String(),
        roles: Type.Array(Type.String()),
        wardIds: Type.Array(Type.String()),
        reachable: Type.Boolean(),
      }),
    ),
  },
  { $id: 'StaffList' },
);
export type StaffList = Static<typeof StaffList>;
