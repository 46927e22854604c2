import { type Static, Type } from 'typebox';

/** Who is told of an alarm, step by step, until somebody takes it. Times are RFC 3339 UTC. */

export const EscalationStepName = Type.Enum(['nurse', 'charge-nurse-and-doctor', 'on-call', 'everyone']);
export type EscalationStepName = Static<typeof EscalationStepName>;

export const EscalationRecipient = Type.Object(
  {
    userId: Type.Optional(Type.String({ description: 'Absent: a house recipient, such as a shared mailbox.' })),
    name: Type.Optional(Type.String({ description: 'Display name.' })),
    role: Type.String({ description: '`nurse`, `charge-nurse`, `doctor`, `on-call`, `everyone`, `house`.' }),
    channel: Type.String({ description: 'Never the address.' }),
    why: Type.String({ description: 'For a person: `nurse of bed W3-01, night shift`.' }),
    /** What became of it, once it was told. `held`: by quiet hours, until `heldUntil`. */
    state: Type.Enum(['planned', 'held', 'pending', 'delivered', 'read', 'failed', 'dropped'], {
      description: '`dropped`: not worth sending any more, since somebody had the alarm.',
    }),
    heldUntil: Type.Optional(Type.String()),
    updatedAt: Type.Optional(Type.String()),
    toldWith: Type.Optional(
      Type.Object(
        { alarmId: Type.String(), at: Type.String({ description: 'When that page was ordered.' }) },
        {
          description:
            'Told with the page of this other alarm of the same patient, a moment before; `state` is what became of that page.',
        },
      ),
    ),
  },
  { $id: 'EscalationRecipient' },
);
export type EscalationRecipient = Static<typeof EscalationRecipient>;

export const EscalationWarning = Type.Object(
  {
    code: Type.Enum([
      'nobody-assigned', // the role has no person now
      'nobody-reachable', // there are people, none with a contact
      'no-nurse',
      'no-charge-nurse',
      'no-doctor',
      'nobody-on-call',
      'layer-empty', // the next layer of the rota stepped in
      'unreachable', // this person has no verified contact
      'unknown-person',
    ]),
    userId: Type.Optional(Type.String()),
    text: Type.String(),
  },
  { $id: 'EscalationWarning' },
);
export type EscalationWarning = Static<typeof EscalationWarning>;

export const EscalationStep = Type.Object(
  {
    step: EscalationStepName,
    /** 1 for the first time; `everyone` repeats. */
    repeat: Type.Integer(),
    state: Type.Enum(['told', 'waiting', 'planned', 'skipped'], {
      description: '`waiting`: told, and its time runs; `skipped`: nobody could be told, the next came at once.',
    }),
    at: Type.String({ description: 'When it was told, or would be.' }),
    /** Until when it waits for somebody. */
    until: Type.Optional(Type.String()),
    recipients: Type.Array(EscalationRecipient),
    warnings: Type.Array(EscalationWarning),
  },
  { $id: 'EscalationStep' },
);
export type EscalationStep = Static<typeof EscalationStep>;

/**
 * `GET /api/alerts/{id}/escalation`, and the answer of `POST /api/alerts/{id}/escalate`, by which a person has
 * the next step told now. A round begins when the alarm rings, and again when an
 * acknowledgement expires.
 */
export const Escalation = Type.Object(
  {
    alarmId: Type.String(),
    /** Who has the alarm now. */
    owner: Type.Optional(Type.String()),
    state: Type.Enum(['none', 'running', 'ended'], { description: '`none`: such alarms are not escalated.' }),
    /** The next step, for a countdown. */
    next: Type.Optional(Type.Object({ step: EscalationStepName, at: Type.String() })),
    rounds: Type.Array(
      Type.Object({
        round: Type.Integer(),
        definition: Type.String(),
        execution: Type.String({ description: 'Its history: `GET /api/workflows/executions/{id}`.' }),
        startedAt: Type.String(),
        startedBy: Type.Enum([
          'raised',
          'returned',
          'acknowledgement-expired',
          'released',
          'priority-raised',
          'snooze-ended',
          'person',
        ]),
        endedAt: Type.Optional(Type.String()),
        end: Type.Optional(
          Type.Enum(['acknowledged', 'recovered', 'over', 'superseded', 'exhausted', 'snoozed', 'failed']),
        ),
        endedBy: Type.Optional(Type.String()),
        steps: Type.Array(EscalationStep),
      }),
    ),
  },
  { $id: 'Escalation' },
);
export type Escalation = Static<typeof Escalation>;

/**
 * `GET /api/escalation/preview?patient=&priority=&kind=&at=`: who would be told, when, if this rang now and nobody
 * answered. Made by walking the same definition with the same decisions as a running escalation.
 */
export const EscalationPreview = Type.Object(
  {
    patientId: Type.String(),
    priority: Type.Enum(['high', 'medium', 'low']),
    at: Type.String(),
    /** Absent: such alarms are not escalated. */
    definition: Type.Optional(Type.String()),
    steps: Type.Array(EscalationStep),
  },
  { $id: 'EscalationPreview' },
);
export type EscalationPreview = Static<typeof EscalationPreview>;

/** `POST /api/alerts/{id}/escalate`: the reason, if any, becomes a note of the alarm. */
export const PostEscalate = Type.Object(
  { reason: Type.Optional(Type.String({ maxLength: 500 })) },
  { $id: 'PostEscalate', additionalProperties: false },
);
export type PostEscalate = Static<typeof PostEscalate>;
