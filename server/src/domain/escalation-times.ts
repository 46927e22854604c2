import type { EscalationStep } from './escalation.ts';
import type { EscalationDefinition, EscalationRound } from './escalation-round.ts';

/** How long each step waits for somebody before the next is told. */
export interface EscalationTimes {
  readonly nurseSeconds: number;
  readonly leadsSeconds: number;
  readonly onCallSeconds: number;
  /** Also between one telling of everybody and the next. */
  readonly everyoneSeconds: number;
  /** Each step of a medium alarm. */
  readonly mediumSeconds: number;
  /** How often the last step is told before it is given up, and the alarm of the installation stands instead. */
  readonly repeatsMax: number;
}

export const ESCALATION_TIMES: EscalationTimes = {
  // "Tell the nurse, wait ten minutes, recheck the vital, then the doctor" is what the source documents ask for.
  nurseSeconds: 600,
  // Whoever leads a ward carries a phone; five minutes are enough to look at it, and to walk.
  leadsSeconds: 300,
  onCallSeconds: 300,
  everyoneSeconds: 300,
  mediumSeconds: 1_800,
  // An hour of telling everybody every five minutes. Then the watchdog goes on, more slowly.
  repeatsMax: 12,
};

/** What an execution begins with: ids and times only, since operators read executions. */
export interface EscalationInput {
  readonly alarmId: string;
  readonly round: number;
  readonly fromStep: EscalationStep;
  /** Which telling of the last step comes next. */
  readonly repeat: number;
  readonly repeatsMax: number;
  readonly seconds: {
    readonly nurse: number;
    readonly leads: number;
    readonly onCall: number;
    readonly everyone: number;
  };
}

export function escalationInput(
  { alarmId, round, fromStep, definition }: Pick<EscalationRound, 'alarmId' | 'round' | 'fromStep' | 'definition'>,
  times: EscalationTimes,
): EscalationInput {
  return { alarmId, round, fromStep, repeat: 1, repeatsMax: times.repeatsMax, seconds: secondsOf(definition, times) };
}

/** Whoever is asked to look after a medium alarm may finish what they are doing. */
function secondsOf(definition: EscalationDefinition, times: EscalationTimes): EscalationInput['seconds'] {
  const { nurseSeconds, leadsSeconds, onCallSeconds, everyoneSeconds, mediumSeconds } = times;
  return definition === 'escalation-medium'
    ? { nurse: mediumSeconds, leads: mediumSeconds, onCall: mediumSeconds, everyone: mediumSeconds }
    : { nurse: nurseSeconds, leads: leadsSeconds, onCall: onCallSeconds, everyone: everyoneSeconds };
}

/** The execution's name: the same round starts once. Alarm ids have 64 characters at most, names 80. */
export function executionName({ alarmId, round }: Pick<EscalationRound, 'alarmId' | 'round'>): string {
  return `${alarmId}.${round}`;
}
