import { type Static, Type } from 'typebox';

/** A number in the vital's canonical unit, or a number with its UCUM unit; `null` where nothing was measured. */
const Value = Type.Union([
  Type.Null(),
  Type.Number(),
  Type.Object({ value: Type.Number(), unit: Type.String({ maxLength: 32 }) }, { additionalProperties: false }),
]);

/** One reading as a device sends it, on `devices/{id}/readings` or to `POST /ingest/readings`. */
export const WireReading = Type.Object(
  {
    id: Type.String({ minLength: 1, maxLength: 64, description: 'Unique per device; makes delivery idempotent.' }),
    deviceId: Type.Optional(Type.String({ description: 'If present, must be the device that authenticated.' })),
    at: Type.String({ description: 'RFC 3339 with zone: when it was measured.' }),
    vitals: Type.Object(
      {
        heartRate: Type.Optional(Value),
        spo2: Type.Optional(Value),
        respiratoryRate: Type.Optional(Value),
        temperature: Type.Optional(Value),
        systolic: Type.Optional(Value),
        diastolic: Type.Optional(Value),
        mean: Type.Optional(Value),
      },
      { additionalProperties: false, description: 'Canonical units: /min, %, /min, Cel, mm[Hg].' },
    ),
    context: Type.Optional(
      Type.Object(
        {
          oxygen: Type.Optional(Type.Boolean({ description: 'On supplemental oxygen.' })),
          consciousness: Type.Optional(Type.Enum(['A', 'C', 'V', 'P', 'U'])),
        },
        { additionalProperties: false },
      ),
    ),
    status: Type.Optional(
      Type.Object(
        {
          leadsOff: Type.Optional(Type.Boolean()),
          battery: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { $id: 'Reading', additionalProperties: false },
);
export type WireReading = Static<typeof WireReading>;

/** What became of one reading; in the order the readings were sent. */
export const IngestResult = Type.Object(
  {
    id: Type.Optional(Type.String()),
    outcome: Type.Enum(['accepted', 'duplicate', 'rejected']),
    errors: Type.Optional(
      Type.Array(Type.Object({ code: Type.String(), field: Type.String(), detail: Type.String() })),
    ),
    kept: Type.Optional(
      Type.Literal(true, {
        description:
          'With `rejected`: only the entries named in `errors` were left out; the rest of the reading is stored.',
      }),
    ),
  },
  { $id: 'IngestResult' },
);
export type IngestResult = Static<typeof IngestResult>;
export const IngestResponse = Type.Object({ results: Type.Array(IngestResult) }, { $id: 'IngestResponse' });
export type IngestResponse = Static<typeof IngestResponse>;
