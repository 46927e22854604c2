import { type Static, Type } from 'typebox';

/** `GET /health/ready`: 200 when everything that is required is up, else 503; each dependency by name, no secrets. */
export const Readiness = Type.Object(
  {
    ready: Type.Boolean(),
    checks: Type.Array(
      Type.Object({
        name: Type.String(),
        state: Type.Enum(['up', 'degraded', 'down']),
        required: Type.Boolean({ description: 'Not ready while this is down.' }),
      }),
    ),
  },
  { $id: 'Readiness' },
);
export type Readiness = Static<typeof Readiness>;
