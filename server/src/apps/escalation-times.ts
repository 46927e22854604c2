import { ESCALATION_TIMES, type EscalationTimes } from '../domain/escalation-times.ts';
import type { Settings } from './settings.ts';

/**
 * How long each step of an escalation waits, as it is set. In the demo nobody watches for ten minutes: what is not set
 * is shortened.
 */
export function escalationTimesOf(settings: Settings): EscalationTimes {
  const { demo, demoEscalationSeconds } = settings;
  const shortened = (seconds: number, byDefault: number) =>
    demo && demoEscalationSeconds > 0 && seconds === byDefault ? Math.min(demoEscalationSeconds, seconds) : seconds;
  return {
    nurseSeconds: shortened(settings.escalationNurseSeconds, ESCALATION_TIMES.nurseSeconds),
    leadsSeconds: shortened(settings.escalationLeadsSeconds, ESCALATION_TIMES.leadsSeconds),
    onCallSeconds: shortened(settings.escalationOnCallSeconds, ESCALATION_TIMES.onCallSeconds),
    everyoneSeconds: shortened(settings.escalationEveryoneSeconds, ESCALATION_TIMES.everyoneSeconds),
    mediumSeconds: shortened(settings.escalationMediumSeconds, ESCALATION_TIMES.mediumSeconds),
    repeatsMax: settings.escalationRepeatsMax,
  };
}
