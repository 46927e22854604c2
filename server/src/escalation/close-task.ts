import type { Alarm } from '../domain/alarm.ts';
import type { EscalationStep } from '../domain/escalation.ts';
import type { EscalationDefinition } from '../domain/escalation-round.ts';
import type { AlarmStore } from '../ports/alarm-store.ts';
import type { Escalations } from '../ports/escalations.ts';
import type { SystemAlarms } from '../ports/system-alarms.ts';
import { parseRoundKey } from './task-payload.ts';
import type { PlaceOf } from './tell-task.ts';

export interface CloseTaskParts {
  readonly alarms: Pick<AlarmStore, 'find'>;
  readonly escalations: Pick<Escalations, 'rounds' | 'end'>;
  /** The steps that a definition tells, outwards. */
  readonly stepsOf: (definition: EscalationDefinition) => readonly EscalationStep[];
  readonly systemAlarms: SystemAlarms;
  readonly placeOf: PlaceOf;
  readonly now: () => number;
}

/**
 * The function `escalation-close`: everybody was told, again and again, and nobody came. From here on an alarm of the
 * installation rings, and the watchdog goes on telling everybody, more slowly.
 */
export function createCloseTask({ alarms, escalations, stepsOf, systemAlarms, placeOf, now }: CloseTaskParts) {
  return async function close(payload: unknown): Promise<{ readonly isOver: boolean }> {
    const of = parseRoundKey(payload);
    const round = (await escalations.rounds(of.alarmId)).find((each) => each.round === of.round);
    // Its time may have passed again and again while no engine was there to tell it: then nothing was in vain yet.
    const last = round === undefined ? undefined : stepsOf(round.definition).at(-1);
    const wasTold = round?.steps.some(({ step }) => step === last) === true;
    if (round !== undefined && round.end === undefined && !wasTold) return { isOver: false };
    await escalations.end({ ...of, end: 'exhausted', atMs: now() });
    const alarm = await alarms.find(of.alarmId);
    if (alarm !== undefined && alarm.state === 'active' && alarm.acknowledgedAtMs === undefined) {
      const { bed, tenantId } = placeOf(alarm);
      systemAlarms.raise({
        ...(tenantId !== undefined && { tenantId }),
        id: unansweredId(alarm),
        rule: 'escalation.unanswered',
        priority: 'high',
        text: `Bed ${bed ?? 'not assigned'}: nobody answers an alarm although everybody was told. Go and look.`,
      });
    }
    return { isOver: true };
  };
}

/** Cleared when somebody has taken the alarm, or it is over. */
export const unansweredId = ({ id }: Pick<Alarm, 'id'>): string => `escalation.unanswered.${id}`;
