import { type Static, Type } from 'typebox';
import { RuleId, type RuleInput } from './rule.ts';

/**
 * The alarm-burden preview: what a change of rules would have meant, seen on what was really measured. It is computed
 * beside the server's own work, so an answer comes by asking again: `POST` begins it, `GET` says how far it is.
 * Everything in it is counted from every reading that was used; patients are named by id only.
 */

const Priority = Type.Enum(['high', 'medium', 'low']);
const Count = Type.Integer({ minimum: 0 });
const Amount = Type.Number({ minimum: 0 });

/** `POST /api/rules/preview`: `scope`, `scopeId` and `rules` exactly as with `PUT …/rules`: the complete own list. */
export const PostAlarmBurden = Type.Object(
  {
    scope: Type.Enum(['house', 'ward', 'patient']),
    scopeId: Type.Optional(Type.String({ maxLength: 64, description: 'None for the house.' })),
    rules: Type.Array(
      Type.Unsafe<RuleInput>(
        Type.Object({
          id: RuleId,
          kind: Type.Enum(['limit', 'change', 'repeated', 'combination', 'news2', 'technical']),
        }),
      ),
      { maxItems: 100 },
    ),
    ward: Type.Optional(
      Type.String({
        maxLength: 64,
        description: 'With the house’s rules: on whose patients. Needed unless `dataset`.',
      }),
    ),
    days: Type.Optional(Type.Integer({ minimum: 1, maximum: 14, description: 'The last so many days. Default 7.' })),
    dataset: Type.Optional(
      Type.String({
        maxLength: 64,
        description: 'Instead of the ward’s history: one of `GET /api/rules/preview/datasets`.',
      }),
    ),
  },
  { $id: 'PostAlarmBurden', additionalProperties: false },
);
export type PostAlarmBurden = Static<typeof PostAlarmBurden>;

const ByPriority = Type.Object({ all: Amount, high: Amount, medium: Amount, low: Amount });

/** What one set of rules would have rung. */
export const AlarmBurden = Type.Object(
  {
    /** Of the patient: physiological alarms. Those of the measurement are counted in `technical`, never among these. */
    alarms: ByPriority,
    alarmsPerPatientDay: ByPriority,
    technical: Type.Object({ alarms: Count, perPatientDay: Amount }),
    /** Minutes in which a patient had a physiological alarm, summed over patients, two alarms at once counted once. */
    minutesInAlarm: Amount,
    minutesInAlarmPerPatientDay: Amount,
    /** The most alarms first. */
    byRule: Type.Array(
      Type.Object({
        ruleId: RuleId,
        kind: Type.Enum(['physiological', 'technical']),
        priority: Priority,
        alarms: Count,
        perPatientDay: Amount,
        patients: Count,
        minutes: Amount,
      }),
      { maxItems: 200 },
    ),
    /** The ten patients with most physiological alarms; none that had none. Empty for who may not read vital signs. */
    busiest: Type.Array(
      Type.Object({ patientId: Type.String(), bedId: Type.Optional(Type.String()), alarms: Count, perDay: Amount }),
      { maxItems: 10 },
    ),
  },
  { $id: 'AlarmBurden' },
);
export type AlarmBurden = Static<typeof AlarmBurden>;

/** How one set of rules did on the sustained events. */
const Caught = Type.Object({
  caught: Count,
  missed: Count,
  /** From the first reading beyond the limit to the alarm; of those caught. Absent: none was. */
  delayMs: Type.Optional(Type.Object({ p50: Amount, max: Amount })),
});

const CriticalLimit = {
  vital: Type.Enum(['heartRate', 'spo2', 'respiratoryRate', 'temperature', 'systolic', 'diastolic', 'mean']),
  comparison: Type.Enum(['above', 'below']),
  limit: Type.Number({ description: 'The limit itself is still within.' }),
};

/** Breaches of fixed critical limits that last: the same whatever the rules say, so that they can be held against them. */
export const SustainedEvents = Type.Object(
  {
    /** Such an event lasts at least so long, by at least two readings and without a gap. */
    lastsMs: Count,
    events: Count,
    before: Caught,
    after: Caught,
    /** Caught before, missed after: what a change must not do. */
    newlyMissed: Count,
    newlyCaught: Count,
    /** Caught by both, but later than before; and by how much. */
    delayed: Count,
    delayedByMs: Type.Optional(Type.Object({ p50: Amount, max: Amount })),
    earlier: Count,
    /** Caught by both, but with a less urgent alarm than before. */
    lessUrgent: Count,
    byLimit: Type.Array(
      Type.Object({
        ...CriticalLimit,
        events: Count,
        missedBefore: Count,
        missedAfter: Count,
      }),
    ),
    /** The twenty that changed for the worse most: newly missed first, then by added delay. Empty as `busiest`. */
    worst: Type.Array(
      Type.Object({
        patientId: Type.String(),
        bedId: Type.Optional(Type.String()),
        ...CriticalLimit,
        at: Type.String({ description: 'Its first reading beyond the limit.' }),
        lastedMs: Count,
        /** Absent: missed. */
        delayBeforeMs: Type.Optional(Amount),
        delayAfterMs: Type.Optional(Amount),
      }),
      { maxItems: 20 },
    ),
  },
  { $id: 'SustainedEvents' },
);
export type SustainedEvents = Static<typeof SustainedEvents>;

/** What makes the figures worth less than they look. */
export const AlarmBurdenWarning = Type.Object(
  {
    code: Type.Enum([
      /** Nothing was measured, or less than a patient-day of it. */
      'no-data',
      'little-data',
      /** Measured for less than half of the time. */
      'gaps',
      /** The asked time was not all used: it would have taken too long. `basis` says which part was. */
      'newest-part-only',
      /** Not every patient of the data set was used. */
      'first-part-only',
      /** Readings so far apart that what lasts for seconds or minutes cannot show. */
      'coarse-data',
      /** The new rules equal those in force. */
      'no-change',
      /** A time-limited override holds now, and was taken to have held all the time. */
      'overrides',
    ]),
    detail: Type.String(),
  },
  { $id: 'AlarmBurdenWarning' },
);
export type AlarmBurdenWarning = Static<typeof AlarmBurdenWarning>;

export const AlarmBurdenComparison = Type.Object(
  {
    /** What was looked at: the same for both. */
    basis: Type.Object({
      source: Type.Enum(['history', 'dataset']),
      dataset: Type.Optional(Type.String()),
      /** Of a data set: days since each record began, written as if that had been 1970-01-01T00:00Z. */
      from: Type.String(),
      to: Type.String(),
      /** Of the place whose rules would change: what "before" is. */
      revision: Count,
      patients: Count,
      /** Measured time: gaps in which a patient's values went stale do not count. */
      patientDays: Amount,
      readings: Count,
      tookMs: Count,
    }),
    before: AlarmBurden,
    after: AlarmBurden,
    sustained: SustainedEvents,
    /** Physiological alarms by the hour in which they began, hours without any measurement left out. */
    timeline: Type.Array(
      Type.Object({
        at: Type.String(),
        patientHours: Amount,
        before: Count,
        after: Count,
      }),
      { maxItems: 400 },
    ),
    warnings: Type.Array(AlarmBurdenWarning),
    /** For people: how the figures were got, a sentence each. */
    how: Type.Array(Type.String()),
  },
  { $id: 'AlarmBurdenComparison' },
);
export type AlarmBurdenComparison = Static<typeof AlarmBurdenComparison>;

/**
 * `POST /api/rules/preview` answers 202 with it (429 `preview-busy` when too many wait; 400 as the PUT would refuse the
 * rules), `GET /api/rules/preview/{id}` how it stands: ask about once a second until it is neither queued nor running.
 * `DELETE` cancels. Who asked sees it, for an hour; a new one of the same person replaces their last that has not ended.
 */
export const AlarmBurdenPreview = Type.Object(
  {
    id: Type.String(),
    state: Type.Enum(['queued', 'running', 'done', 'failed', 'cancelled']),
    progress: Type.Object({
      /** 0 to 1. */
      share: Type.Number({ minimum: 0, maximum: 1 }),
      patients: Count,
      patientsDone: Count,
      readings: Count,
    }),
    askedAt: Type.String(),
    /** With `done`. */
    comparison: Type.Optional(AlarmBurdenComparison),
    /** With `failed`: for people. */
    problem: Type.Optional(Type.Object({ code: Type.String(), detail: Type.String() })),
  },
  { $id: 'AlarmBurdenPreview' },
);
export type AlarmBurdenPreview = Static<typeof AlarmBurdenPreview>;

/** `GET /api/rules/preview/datasets`: the recorded patients this installation has; empty unless it was given a folder. */
export const AlarmBurdenDatasets = Type.Object(
  { datasets: Type.Array(Type.Object({ name: Type.String() })) },
  { $id: 'AlarmBurdenDatasets' },
);
export type AlarmBurdenDatasets = Static<typeof AlarmBurdenDatasets>;
