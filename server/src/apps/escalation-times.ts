import type { EscalationTimes } from '../domain/escalation-times.ts';
import type { Settings } from './settings.ts';

/** How long each step of an escalation waits, as it is set. */
export function escalationTimesOf(settings: Settings): EscalationTimes {
  return {
    nurseSeconds: settings.escalationNurseSeconds,
    leadsSeconds: settings.escalationLeadsSeconds,
    onCallSeconds: settings.escalationOnCallSeconds,
    everyoneSeconds: settings.escalationEveryoneSeconds,
    mediumSeconds: settings.escalationMediumSeconds,
    repeatsMax: settings.escalationRepeatsMax,
  };
}
