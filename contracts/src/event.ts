import { type Static, Type } from 'typebox';
import { ALERT_CHANGES } from './alert.ts';
import { SecurityAlertKind, SecurityAlertState, SecuritySeverity, SecurityVerdict } from './security-alert.ts';

/**
 * What happens to alarms, as events for other systems: CloudEvents 1.0.2 in structured mode
 * (`application/cloudevents+json`), one POST per event to every subscription that wants it, in order; and by
 * `GET /api/events` from any position. Type `org.healthsync.alarm.<change>.v1`: the number grows when a receiver of the
 * old one would misread the new one, and until then fields and changes are only added (`docs/events/`).
 */
const Priority = Type.Enum(['high', 'medium', 'low']);

/** Changes that are told as events; `unchanged` is none. */
export const EVENT_CHANGES = ALERT_CHANGES.filter((change) => change !== 'unchanged');

/**
 * How much an event says. `place`: where and how urgent, nothing of the patient; `patient`: also whose alarm and by which
 * rule and reading; `values`: also what was measured.
 */
export const EventDetail = Type.Enum(['place', 'patient', 'values']);
export type EventDetail = Static<typeof EventDetail>;

/** `data` of version 1. Times are RFC 3339 UTC. */
export const AlarmEventData = Type.Object(
  {
    alarmId: Type.String(),
    change: Type.Enum([...EVENT_CHANGES]),
    kind: Type.Enum(['physiological', 'technical']),
    priority: Priority,
    highestPriority: Priority,
    previousPriority: Type.Optional(Priority),
    state: Type.Enum(['active', 'resolved']),
    condition: Type.Enum(['present', 'ended']),
    wardId: Type.Optional(Type.String({ description: 'Where the patient lay when it rang.' })),
    bedId: Type.Optional(Type.String()),
    raisedAt: Type.String(),
    endedAt: Type.Optional(Type.String()),
    acknowledgedAt: Type.Optional(Type.String()),
    snoozedUntil: Type.Optional(Type.String()),
    escalationStep: Type.Optional(Type.String()),
    resolvedAt: Type.Optional(Type.String()),
    resolvedBy: Type.Optional(Type.Enum(['person', 'condition', 'rule'])),
    by: Type.Optional(Type.String({ description: 'Who did it. With `patient` and `values`.' })),
    owner: Type.Optional(Type.String({ description: 'With `patient` and `values`.' })),
    patientId: Type.Optional(Type.String({ description: 'With `patient` and `values`.' })),
    rule: Type.Optional(Type.String({ description: 'With `patient` and `values`.' })),
    ruleVersion: Type.Optional(Type.Integer({ description: 'With `patient` and `values`.' })),
    deviceId: Type.Optional(Type.String({ description: 'With `patient` and `values`.' })),
    readingId: Type.Optional(Type.String({ description: 'With `patient` and `values`.' })),
    text: Type.Optional(Type.String({ description: 'The worst so far, `HR 190 > 160`. With `values`.' })),
    value: Type.Optional(Type.Number({ description: 'With `values`.' })),
    limit: Type.Optional(Type.Number({ description: 'With `values`.' })),
  },
  { $id: 'AlarmEventData' },
);
export type AlarmEventData = Static<typeof AlarmEventData>;

/** CloudEvents 1.0.2, with its `sequence` extension: the position to come back with. */
export const AlarmEvent = Type.Object(
  {
    specversion: Type.Literal('1.0'),
    id: Type.String({ description: 'The same for every delivery of this event.' }),
    source: Type.String(),
    type: Type.String({ pattern: '^org\\.healthsync\\.alarm\\.[a-z-]+\\.v1$' }),
    subject: Type.String({ description: 'The alarm’s id.' }),
    time: Type.String(),
    datacontenttype: Type.Literal('application/json'),
    dataschema: Type.String(),
    sequence: Type.String({ description: 'Its position: a whole number, growing by commit.' }),
    data: AlarmEventData,
  },
  { $id: 'AlarmEvent' },
);
export type AlarmEvent = Static<typeof AlarmEvent>;

/** `data` of version 1: that there is an alert, how serious, and how it ended. Whom it is about is read in the house. */
export const SecurityAlertEventData = Type.Object(
  {
    alertId: Type.String(),
    change: Type.Enum(['raised', 'worsened', 'looked-at', 'closed']),
    kind: SecurityAlertKind,
    severity: SecuritySeverity,
    score: Type.Integer(),
    state: SecurityAlertState,
    reasons: Type.Array(Type.String(), { description: 'Codes; more may be added.' }),
    count: Type.Integer(),
    firstAt: Type.String(),
    lastAt: Type.String(),
    verdict: Type.Optional(SecurityVerdict),
  },
  { $id: 'SecurityAlertEventData' },
);

/** Sent to subscriptions with a route that says `about: ["security-alert"]`, and to no others. */
export const SecurityAlertEvent = Type.Object(
  {
    specversion: Type.Literal('1.0'),
    id: Type.String({ description: 'The same for every delivery of this event.' }),
    source: Type.String(),
    type: Type.String({ pattern: '^org\\.healthsync\\.security-alert\\.[a-z-]+\\.v1$' }),
    subject: Type.String({ description: 'The alert’s id.' }),
    time: Type.String(),
    datacontenttype: Type.Literal('application/json'),
    dataschema: Type.String(),
    sequence: Type.String({ description: 'Its position among all events.' }),
    data: SecurityAlertEventData,
  },
  { $id: 'SecurityAlertEvent' },
);
export type SecurityAlertEvent = Static<typeof SecurityAlertEvent>;

/** `GET /api/events`: a page, oldest first. */
export const AlarmEventPage = Type.Object(
  {
    events: Type.Array(AlarmEvent),
    next: Type.Integer({ description: 'Send it as `after` to go on, now or when there is more.' }),
    isEnd: Type.Boolean({ description: 'There was nothing more when this was read.' }),
  },
  { $id: 'AlarmEventPage' },
);
export type AlarmEventPage = Static<typeof AlarmEventPage>;

/** One route: an event takes it when every part that is given says so. */
export const EventRoute = Type.Object(
  {
    about: Type.Optional(
      Type.Array(Type.Enum(['alarm', 'security-alert']), {
        minItems: 1,
        uniqueItems: true,
        description: 'Alarms, where nothing is said. Of security alerts only `priorities` narrows.',
      }),
    ),
    changes: Type.Optional(Type.Array(Type.Enum([...EVENT_CHANGES]), { minItems: 1, uniqueItems: true })),
    priorities: Type.Optional(Type.Array(Priority, { minItems: 1, uniqueItems: true })),
    kinds: Type.Optional(Type.Array(Type.Enum(['physiological', 'technical']), { minItems: 1, uniqueItems: true })),
    wardIds: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { minItems: 1, maxItems: 200 })),
    rules: Type.Optional(
      Type.Array(Type.String({ pattern: '^[A-Za-z0-9._-]{1,100}\\*?$' }), {
        minItems: 1,
        maxItems: 50,
        description: 'Rule ids; one that ends in `*` means all that begin so.',
      }),
    ),
  },
  { $id: 'EventRoute', additionalProperties: false },
);
export type EventRoute = Static<typeof EventRoute>;

/** `POST /api/event-subscriptions`. */
export const NewEventSubscription = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 100 }),
    url: Type.String({
      maxLength: 2048,
      description: '`https:`, and not in the house unless the settings name its host.',
    }),
    detail: Type.Optional(EventDetail),
    party: Type.Optional(
      Type.String({
        pattern: '^[a-z0-9][a-z0-9._@-]{0,63}$',
        description:
          'Who receives it, where that is a party outside with whom patients consent to share: of whoever does not, only `place` is sent. Needed for more than `place`, unless `HEALTHSYNC_OUTGOING_HOSTS` names the host as one of the house.',
      }),
    ),
    routes: Type.Array(EventRoute, {
      minItems: 1,
      maxItems: 20,
      description: 'An event is sent when it takes one of them; `[{}]` is every event.',
    }),
    from: Type.Optional(
      Type.Union([Type.Literal('now'), Type.Integer({ minimum: 0 })], {
        description: 'After which position to begin; `now` (the default): with the next event.',
      }),
    ),
  },
  { $id: 'NewEventSubscription', additionalProperties: false },
);
export type NewEventSubscription = Static<typeof NewEventSubscription>;

/** `PATCH /api/event-subscriptions/{id}`. */
export const ChangeEventSubscription = Type.Object(
  {
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
    url: Type.Optional(Type.String({ maxLength: 2048 })),
    detail: Type.Optional(EventDetail),
    routes: Type.Optional(Type.Array(EventRoute, { minItems: 1, maxItems: 20 })),
    isPaused: Type.Optional(Type.Boolean()),
  },
  { $id: 'ChangeEventSubscription', additionalProperties: false, minProperties: 1 },
);
export type ChangeEventSubscription = Static<typeof ChangeEventSubscription>;

/** `POST /api/event-subscriptions/{id}/replay`: again from there on. */
export const ReplayEvents = Type.Union(
  [
    Type.Object({ after: Type.Integer({ minimum: 0 }) }, { additionalProperties: false }),
    Type.Object({ from: Type.String({ maxLength: 40, description: 'RFC 3339.' }) }, { additionalProperties: false }),
  ],
  { $id: 'ReplayEvents' },
);
export type ReplayEvents = Static<typeof ReplayEvents>;

export const EventSubscription = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    /** Host only: the path of an address may be a secret. */
    host: Type.String(),
    detail: EventDetail,
    party: Type.Optional(Type.String()),
    routes: Type.Array(EventRoute),
    position: Type.Integer({ description: 'The last event that was delivered, or passed by.' }),
    behind: Type.Integer({ description: 'Events after that.' }),
    state: Type.Enum(['active', 'failing', 'paused', 'refused'], {
      description: '`refused`: the receiver said it wants no more (410, or another answer that needs a person).',
    }),
    lastDeliveredAt: Type.Optional(Type.String()),
    lastFailure: Type.Optional(Type.String()),
    failingSince: Type.Optional(Type.String()),
    createdBy: Type.String(),
    createdAt: Type.String(),
  },
  { $id: 'EventSubscription' },
);
export type EventSubscription = Static<typeof EventSubscription>;

export const EventSubscriptionList = Type.Object(
  { subscriptions: Type.Array(EventSubscription) },
  { $id: 'EventSubscriptionList' },
);
export type EventSubscriptionList = Static<typeof EventSubscriptionList>;

/** Of a new subscription, or a new secret: told once. */
export const EventSubscriptionSecret = Type.Object(
  {
    subscription: EventSubscription,
    secret: Type.String({ description: '`whsec_…`: signs every delivery (Standard Webhooks). It is not shown again.' }),
  },
  { $id: 'EventSubscriptionSecret' },
);
export type EventSubscriptionSecret = Static<typeof EventSubscriptionSecret>;
