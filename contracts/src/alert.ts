import { type Static, Type } from 'typebox';

const Cause = Type.Object({
  vital: Type.Optional(Type.String()),
  value: Type.Optional(Type.Number()),
  comparison: Type.Optional(Type.Enum(['above', 'below', 'at-least'])),
  limit: Type.Optional(Type.Number()),
  text: Type.String({ description: 'Alarm text without patient data: `HR 167 > 160`.' }),
});

/** One alarm as the API and the live stream show it. Times are RFC 3339 UTC. */
export const Alert = Type.Object(
  {
    id: Type.String(),
    patientId: Type.String(),
    wardId: Type.Optional(Type.String()),
    bedId: Type.Optional(Type.String()),
    bed: Type.Optional(Type.String()),
    rule: Type.String(),
    ruleVersion: Type.Integer(),
    kind: Type.Enum(['physiological', 'technical']),
    priority: Type.Enum(['high', 'medium', 'low']),
    state: Type.Enum(['active', 'resolved'], {
      description: 'Active until the condition has ended and somebody has acknowledged it (latching).',
    }),
    condition: Type.Enum(['present', 'ended']),
    cause: Cause,
    worst: Cause,
    deviceId: Type.String(),
    readingId: Type.String({ description: 'The reading that began it.' }),
    lastReadingId: Type.String(),
    raisedAt: Type.String(),
    endedAt: Type.Optional(Type.String()),
    acknowledgedAt: Type.Optional(Type.String()),
    acknowledgedBy: Type.Optional(Type.String()),
    resolvedAt: Type.Optional(Type.String()),
  },
  { $id: 'Alert' },
);
export type Alert = Static<typeof Alert>;

export const AlertList = Type.Object({ alerts: Type.Array(Alert) }, { $id: 'AlertList' });
export type AlertList = Static<typeof AlertList>;

/** `GET /api/alerts/{id}`: the alarm and who was told about it, oldest first. */
export const AlertDetail = Type.Object(
  {
    alert: Alert,
    deliveries: Type.Array(
      Type.Object({
        channel: Type.String(),
        state: Type.Enum(['pending', 'delivered', 'failed']),
        attempts: Type.Integer(),
        updatedAt: Type.String(),
      }),
    ),
  },
  { $id: 'AlertDetail' },
);
export type AlertDetail = Static<typeof AlertDetail>;
