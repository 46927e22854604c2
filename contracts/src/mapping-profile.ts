import { type Static, Type } from 'typebox';

/**
 * How one vendor's JSON becomes a reading. A path is `/`-separated: a member's name, an index, or `[key=value]`, which
 * picks the one element of an array whose member `key` is `value`: `/obs/[code=147842]/value`. `~1` stands for `/` and
 * `~0` for `~` (RFC 6901).
 */
const Path = Type.String({ pattern: '^(/[^/]+)+$', maxLength: 200 });
const Scalar = Type.Union([Type.String({ maxLength: 64 }), Type.Number(), Type.Boolean(), Type.Null()]);
const closed = { additionalProperties: false };

const Unit = Type.Union([
  Type.String({ maxLength: 32, description: 'UCUM.' }),
  Type.Object(
    {
      path: Path,
      map: Type.Optional(
        Type.Record(Type.String(), Type.String({ maxLength: 32 }), { description: "The vendor's word → UCUM." }),
      ),
    },
    closed,
  ),
]);

const MappedValue = Type.Object(
  {
    vital: Type.Enum(['heartRate', 'spo2', 'respiratoryRate', 'temperature', 'systolic', 'diastolic', 'mean']),
    path: Path,
    unit: Unit,
    code: Type.Optional(
      Type.Object({ system: Type.Enum(['loinc', 'mdc']), value: Type.String({ maxLength: 20 }) }, closed),
    ),
    noValue: Type.Optional(
      Type.Array(Scalar, { maxItems: 16, description: 'What this device sends where it measured nothing.' }),
    ),
    validWhen: Type.Optional(
      Type.Object({ path: Path, is: Type.Array(Scalar, { minItems: 1, maxItems: 16 }) }, closed),
    ),
  },
  closed,
);

/** `true` and `false` list what the device sends for each; anything else is "not known". */
const Flag = Type.Object(
  { path: Path, true: Type.Array(Scalar, { maxItems: 16 }), false: Type.Array(Scalar, { maxItems: 16 }) },
  closed,
);

export const MappingProfile = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$' }),
    description: Type.String({ maxLength: 500 }),
    id: Type.Union([
      Type.Object({ path: Path }, closed),
      Type.Object(
        {
          compose: Type.Array(Path, { minItems: 1, maxItems: 4, description: 'Joined by `-`.' }),
        },
        closed,
      ),
    ]),
    at: Type.Object({ path: Path, form: Type.Enum(['rfc3339', 'epoch-s', 'epoch-ms']) }, closed),
    values: Type.Array(MappedValue, { minItems: 1, maxItems: 32 }),
    context: Type.Optional(
      Type.Object(
        {
          oxygen: Type.Optional(Flag),
          consciousness: Type.Optional(
            Type.Object({ path: Path, map: Type.Record(Type.String(), Type.Enum(['A', 'C', 'V', 'P', 'U'])) }, closed),
          ),
        },
        closed,
      ),
    ),
    status: Type.Optional(
      Type.Object(
        {
          leadsOff: Type.Optional(Flag),
          battery: Type.Optional(
            Type.Object(
              { path: Path, full: Type.Number({ exclusiveMinimum: 0, description: 'What it sends when full.' }) },
              closed,
            ),
          ),
        },
        closed,
      ),
    ),
  },
  { $id: 'MappingProfile', ...closed },
);
export type MappingProfile = Static<typeof MappingProfile>;
