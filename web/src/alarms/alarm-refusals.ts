import type { Alert, AlertChoices } from '@healthsync/contracts/alert';
import { isUnacknowledged } from '../live/alarm-rank.ts';

/**
 * Why something cannot be done with an alarm now, in words; undefined: it can. The server decides by the same rules
 * (`domain/alarm-act.ts`, `alarm-policy.ts`); here they keep a key from opening what would only be refused.
 */
export function snoozeRefusal(alert: Alert, choices: AlertChoices['snoozeMinutes'] | undefined): string | undefined {
  if (alert.state === 'resolved') return 'It is over: there is nothing to snooze.';
  if (!isUnacknowledged(alert)) return `${ownerOf(alert)} has it: there is nothing to snooze.`;
  if (alert.condition === 'ended') return 'It has ended and is quiet: acknowledge it instead of snoozing it.';
  if (alert.snooze !== undefined) return 'It is snoozed already.';
  if (alert.kind === 'technical' && alert.priority === 'high')
    return 'A high technical alarm is never snoozed: nothing else would tell.';
  if (choices?.[alert.priority].length === 0)
    return `A ${alert.priority} alarm cannot be snoozed here: acknowledge it.`;
  return undefined;
}

export function escalateRefusal(alert: Alert): string | undefined {
  if (alert.state === 'resolved') return 'It is over: nobody needs to be told.';
  if (!isUnacknowledged(alert)) return `${ownerOf(alert)} has it: an alarm calls others once it is given back.`;
  return undefined;
}

const ownerOf = (alert: Alert): string => alert.owner ?? alert.acknowledgedBy ?? 'Somebody';
