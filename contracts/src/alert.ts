import { type Static, Type } from 'typebox';

/** Why: by which rule in which version, on which readings. Times are ms since 1970 UTC. */
const Reasons = Type.Object({
  rule: Type.String(),
  version: Type.Integer(),
  scope: Type.Enum(['default', 'house', 'ward', 'patient']),
  untilMs: Type.Optional(Type.Integer({ description: 'It was an override, until then.' })),
  readings: Type.Array(
    Type.Object({
      readingId: Type.String(),
      deviceId: Type.String(),
      atMs: Type.Integer(),
      vital: Type.Optional(Type.String()),
      value: Type.Optional(Type.Union([Type.Number(), Type.Boolean(), Type.String()])),
    }),
  ),
  sustained: Type.Optional(Type.Object({ readings: Type.Integer(), spanMs: Type.Integer() })),
  repeated: Type.Optional(
    Type.Object({
      rule: Type.String(),
      version: Type.Integer(),
      scope: Type.String(),
      times: Type.Integer(),
      windowMs: Type.Integer(),
    }),
  ),
});

const Cause = Type.Object({
  vital: Type.Optional(Type.String()),
  value: Type.Optional(Type.Number()),
  comparison: Type.Optional(Type.Enum(['above', 'below', 'at-least'])),
  limit: Type.Optional(Type.Number()),
  text: Type.String({ description: 'Alarm text without patient data: `HR 167 > 160`.' }),
  reasons: Type.Optional(Reasons),
});

const Priority = Type.Enum(['high', 'medium', 'low']);

/** As `domain/ids.ts` takes them. */
const Id = Type.String({ pattern: '^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$' });

/** One alarm as the API and the live stream show it. Times are RFC 3339 UTC. */
export const Alert = Type.Object(
  {
    id: Type.String(),
    patientId: Type.String(),
    wardId: Type.Optional(
      Type.String({ description: 'Where the patient lies now; where it rang, if they have left every bed since.' }),
    ),
    bedId: Type.Optional(Type.String()),
    bed: Type.Optional(Type.String()),
    rangIn: Type.Optional(
      Type.Object(
        {
          wardId: Type.Optional(Type.String()),
          bedId: Type.Optional(Type.String()),
          bed: Type.Optional(Type.String()),
        },
        { description: 'Where the patient lay when it rang, if that is elsewhere.' },
      ),
    ),
    rule: Type.String(),
    ruleVersion: Type.Integer(),
    kind: Type.Enum(['physiological', 'technical']),
    priority: Type.Enum(['high', 'medium', 'low'], { description: 'As it is now: urgency goes up and down.' }),
    highestPriority: Type.Enum(['high', 'medium', 'low'], { description: 'The most urgent it ever was.' }),
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
    acknowledgedAt: Type.Optional(
      Type.String({
        description: 'Absent: nobody has it. Withdrawn when it expires, is released, or urgency goes up.',
      }),
    ),
    acknowledgedBy: Type.Optional(Type.String()),
    acknowledgementExpiresAt: Type.Optional(
      Type.String({ description: 'Unless the condition has ended by then, it is unacknowledged again.' }),
    ),
    owner: Type.Optional(
      Type.String({
        description: 'Who looks after it; stays when the acknowledgement expires, until somebody takes it.',
      }),
    ),
    ownerId: Type.Optional(Type.String({ description: 'The owner’s user id, where the owner is a person here.' })),
    snooze: Type.Optional(
      Type.Object(
        { until: Type.String(), by: Type.String(), at: Type.String() },
        { description: 'Silenced by a person until then at the latest. Must be shown wherever the alarm is.' },
      ),
    ),
    reminders: Type.Integer({ description: 'How often it has been reminded of since it last called for somebody.' }),
    escalation: Type.Optional(
      Type.Object(
        { step: Type.String(), at: Type.String() },
        { description: 'The furthest step of its escalation that was reached, e.g. `physician`.' },
      ),
    ),
    notes: Type.Integer({ description: 'How many notes people have written on it.' }),
    resolvedAt: Type.Optional(Type.String()),
    resolvedBy: Type.Optional(
      Type.Enum(['person', 'condition', 'rule'], {
        description:
          'What closed it: an acknowledgement after the condition had ended, the end of the condition after an acknowledgement, or an auto-clear rule.',
      }),
    ),
  },
  { $id: 'Alert' },
);
export type Alert = Static<typeof Alert>;

/**
 * What can happen to an alarm; the same words on the live stream, in its history, in the outbox and on the event bus.
 * Those that call for somebody anew: `raised`, `returned`, `priority-changed` (upwards), `acknowledgement-expired`,
 * `released`, `unsnoozed` (by time), `reminder`.
 */
export const ALERT_CHANGES = [
  'raised',
  'worsened', // a worse value, of the same urgency
  'priority-changed', // more or less urgent than before
  'ended', // the condition; the alarm stays until somebody acknowledges it
  'returned', // the condition, before anybody had acknowledged it
  'acknowledged',
  'owner-changed', // another person took it over
  'released', // its owner gave it back: unacknowledged again
  'snoozed',
  'unsnoozed', // by its time or by a person
  'acknowledgement-expired', // the condition outlasted the acknowledgement: unacknowledged again
  'reminder', // nobody has acknowledged it yet
  'escalated', // further people were told
  'noted', // a person wrote a note; its text is asked for apart
  'resolved',
  'unchanged', // nothing to tell
] as const;

export const AlertChangeKind = Type.Enum([...ALERT_CHANGES]);
export type AlertChangeKind = Static<typeof AlertChangeKind>;

export const AlertList = Type.Object(
  {
    alerts: Type.Array(Alert),
    next: Type.Optional(Type.String({ description: 'There is more: send it as `cursor`.' })),
  },
  { $id: 'AlertList' },
);
export type AlertList = Static<typeof AlertList>;

/** A person's own words. May hold patient data: never part of an event, a message or a log line. */
export const AlertNote = Type.Object(
  { id: Type.String(), at: Type.String(), author: Type.String(), text: Type.String() },
  { $id: 'AlertNote' },
);
export type AlertNote = Static<typeof AlertNote>;

/** One thing that happened to the alarm: when, what, and who did it (absent: the condition itself, or the clock). */
export const AlertHistoryEntry = Type.Object(
  {
    at: Type.String(),
    change: AlertChangeKind,
    by: Type.Optional(Type.String()),
    priority: Priority,
    previousPriority: Type.Optional(Priority),
    condition: Type.Enum(['present', 'ended']),
    text: Type.Optional(
      Type.String({ description: 'With a change of the condition: the worst so far, `HR 190 > 160`.' }),
    ),
    until: Type.Optional(Type.String({ description: 'With `snoozed`: until when.' })),
    undone: Type.Optional(
      Type.Array(Type.Enum(['acknowledgement', 'snooze']), { description: 'What this put an end to.' }),
    ),
    previousOwner: Type.Optional(Type.String()),
    step: Type.Optional(Type.String({ description: 'With `escalated`: the step that was reached.' })),
    resolvedBy: Type.Optional(Type.Enum(['person', 'condition', 'rule'])),
  },
  { $id: 'AlertHistoryEntry' },
);
export type AlertHistoryEntry = Static<typeof AlertHistoryEntry>;

/** `GET /api/alerts/{id}`: the alarm, who was told about it, what happened to it, and its notes, each oldest first. */
export const AlertDetail = Type.Object(
  {
    alert: Alert,
    deliveries: Type.Array(
      Type.Object({
        /** What was to be told: `raised`, `escalated`, … */
        event: Type.String(),
        channel: Type.String(),
        /** `dropped`: no longer worth sending, see `detail`. Of what was told with another page: that one's. */
        state: Type.Enum(['pending', 'delivered', 'failed', 'dropped']),
        attempts: Type.Integer(),
        /** A code: why it waits, failed or was dropped. */
        detail: Type.Optional(Type.String()),
        /** What the other side said later: that it arrived, was opened, or could not be brought. */
        receipt: Type.Optional(Type.Enum(['delivered', 'failed', 'read'])),
        updatedAt: Type.String(),
        /** Told with the page of this other alarm of the same patient. */
        toldWith: Type.Optional(Type.Object({ alarmId: Type.String(), at: Type.String() })),
      }),
    ),
    history: Type.Array(AlertHistoryEntry),
    notes: Type.Optional(Type.Array(AlertNote, { description: 'Absent for those who may not read notes.' })),
  },
  { $id: 'AlertDetail' },
);
export type AlertDetail = Static<typeof AlertDetail>;

/** Longer is a report, and belongs into the record. */
const NOTE_MAX = 2_000;
const NoteText = Type.String({ minLength: 1, maxLength: NOTE_MAX });

/** `POST /api/alerts/{id}/own`: take it, from whom the caller saw it belonging to. */
export const OwnAlert = Type.Object(
  {
    from: Type.Optional(
      Type.String({ maxLength: 200, description: '`owner` as the caller saw it. Somebody else has it by now: 409.' }),
    ),
    note: Type.Optional(NoteText),
  },
  { $id: 'OwnAlert', additionalProperties: false },
);
export type OwnAlert = Static<typeof OwnAlert>;

/** `POST /api/alerts/{id}/snooze`: a choice the installation offers (5, 15 and 30 minutes unless configured). */
export const SnoozeAlert = Type.Object(
  { minutes: Type.Number({ exclusiveMinimum: 0, maximum: 60 }) },
  { $id: 'SnoozeAlert', additionalProperties: false },
);
export type SnoozeAlert = Static<typeof SnoozeAlert>;

/** `POST /api/alerts/{id}/notes`. */
export const NewAlertNote = Type.Object({ text: NoteText }, { $id: 'NewAlertNote', additionalProperties: false });
export type NewAlertNote = Static<typeof NewAlertNote>;

/** A screenful: nobody has looked at more than these. */
export const ACKNOWLEDGE_AT_ONCE_MAX = 100;

/** `POST /api/alerts/acknowledge`: many at once, and never a high one. */
export const AcknowledgeAlerts = Type.Object(
  { ids: Type.Array(Id, { minItems: 1, maxItems: ACKNOWLEDGE_AT_ONCE_MAX, uniqueItems: true }) },
  { $id: 'AcknowledgeAlerts', additionalProperties: false },
);
export type AcknowledgeAlerts = Static<typeof AcknowledgeAlerts>;

export const AcknowledgedAlerts = Type.Object(
  {
    results: Type.Array(
      Type.Object({
        id: Type.String(),
        outcome: Type.Enum(['acknowledged', 'high-priority', 'already-acknowledged', 'already-resolved', 'not-found'], {
          description: '`high-priority`: each high alarm is acknowledged by itself.',
        }),
        alert: Type.Optional(Alert),
      }),
      { description: 'In the order asked for.' },
    ),
  },
  { $id: 'AcknowledgedAlerts' },
);
export type AcknowledgedAlerts = Static<typeof AcknowledgedAlerts>;

/** `GET /api/alerts/choices`: how long this installation lets an alarm be snoozed, by its priority; empty: not at all. */
export const AlertChoices = Type.Object(
  {
    snoozeMinutes: Type.Object({
      high: Type.Array(Type.Number()),
      medium: Type.Array(Type.Number()),
      low: Type.Array(Type.Number()),
    }),
  },
  { $id: 'AlertChoices' },
);
export type AlertChoices = Static<typeof AlertChoices>;
