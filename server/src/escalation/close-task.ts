import type { Alarm } from '../domain/alarm.ts';
import type { AlarmStore } from '../ports/alarm-store.ts';
import type { Escalations } from '../ports/escalations.ts';
import type { SystemAlarms } from '../ports/system-alarms.ts';
import { parseRoundKey } from './task-payload.ts';
import type { PlaceOf } from './tell-task.ts';

export interface CloseTaskParts {
  readonly alarms: Pick<AlarmStore, 'find'>;
  readonly escalations: Pick<Escalations, 'end'>;
  readonly systemAlarms: SystemAlarms;
  readonly placeOf: PlaceOf;
  readonly now: () => number;
}

/**
 * The function `escalation-close`: everybody was told, again and again, and nobody came. From here on an alarm of the
 * installation rings, and the watchdog goes on telling everybody, more slowly.
 */
export function createCloseTask({ alarms, escalations, systemAlarms, placeOf, now }: CloseTaskParts) {
  return async function close(payload: unknown): Promise<{ readonly end: string }> {
    const of = parseRoundKey(payload);
    const end = await escalations.end({ ...of, end: 'exhausted', atMs: now() });
    const alarm = await alarms.find(of.alarmId);
    if (alarm !== undefined && alarm.state === 'active' && alarm.acknowledgedAtMs === undefined)
      systemAlarms.raise({
        id: unansweredId(alarm),
        rule: 'escalation.unanswered',
        priority: 'high',
        text: `Bed ${placeOf(alarm).bed ?? 'not assigned'}: nobody answers an alarm although everybody was told. Go and look.`,
      });
    return { end };
  };
}

/** Cleared when somebody has taken the alarm, or it is over. */
export const unansweredId = ({ id }: Pick<Alarm, 'id'>): string => `escalation.unanswered.${id}`;
