import { type Static, Type } from 'typebox';

/** A technical alarm of the installation, no patient's: a channel that does not deliver, a gap in a rota. */
export const SystemAlarm = Type.Object(
  {
    id: Type.String({ description: 'Names what is wrong: `channel.smtp.failing`. The same when it comes again.' }),
    rule: Type.String(),
    priority: Type.Enum(['high', 'medium', 'low']),
    text: Type.String({ description: 'For a person: what is wrong, what to do.' }),
    state: Type.Enum(['active', 'cleared'], { description: 'Shown while active, and cleared by itself.' }),
    raisedAt: Type.String(),
    clearedAt: Type.Optional(Type.String()),
    acknowledgedAt: Type.Optional(Type.String()),
    acknowledgedBy: Type.Optional(Type.String()),
  },
  { $id: 'SystemAlarm' },
);
export type SystemAlarm = Static<typeof SystemAlarm>;

/**
 * `GET /api/system-alarms?state=active`, newest first. `POST /api/system-alarms/{id}/acknowledge` says that somebody looks
 * after it, and answers with the alarm.
 */
export const SystemAlarmList = Type.Object({ alarms: Type.Array(SystemAlarm) }, { $id: 'SystemAlarmList' });
export type SystemAlarmList = Static<typeof SystemAlarmList>;

/** Live event `system`: one was raised, changed, acknowledged or cleared. */
export const LiveSystemAlarm = Type.Object({ serverTime: Type.Integer(), alarm: SystemAlarm });
export type LiveSystemAlarm = Static<typeof LiveSystemAlarm>;
