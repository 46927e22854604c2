import { type Alarm, type AlarmChange, type ConditionTransition, nextAlarm } from '../../server/src/domain/alarm.ts';
import { actOn } from '../../server/src/domain/alarm-act.ts';
import { ALARM_POLICY, type AlarmPolicy } from '../../server/src/domain/alarm-policy.ts';
import { nextDueMs, scheduled, timePassed } from '../../server/src/domain/alarm-time.ts';
import { type EscalationRound, roundMoves } from '../../server/src/domain/escalation-round.ts';

/**
 * Who is called, when people do their part: each alarm lives as it does in the product (latching, acknowledgement that
 * expires, rounds of the shipped escalation), and a nurse answers each call after two minutes.
 */
export interface Calls {
  /** A person is told of something new: an alarm, one that came back, one that grew more urgent. */
  readonly news: readonly Call[];
  /** Told again, as the condition outlasted the acknowledgement. */
  readonly again: number;
}

export interface Call {
  readonly atMs: number;
  readonly rule: string;
}

const ANSWERS_AFTER_MS = 120_000;
/** What begins within this time of a call that nobody has answered yet is told with it, unless it is more urgent. */
const TOLD_WITH_MS = 120_000;
const NURSE = { by: 'nurse' };
const URGENCY = { low: 0, medium: 1, high: 2 } as const;

export function callsFor(
  transitions: readonly ConditionTransition[],
  untilMs: number,
  policy: AlarmPolicy = ALARM_POLICY,
): Calls {
  const alarms = new Map<string, Alarm>();
  const rounds = new Map<string, EscalationRound>();
  const answers = new Map<string, number>();
  const news: Call[] = [];
  let again = 0;
  let last: { readonly atMs: number; readonly urgency: number } | undefined;

  function settle(decided: AlarmChange, before: Alarm | undefined, nowMs: number, isOutlasted = false): void {
    const change = scheduled(decided, before, policy, nowMs);
    const { alarm } = change;
    if (alarm.state === 'resolved') alarms.delete(alarm.rule);
    else alarms.set(alarm.rule, alarm);
    if (change.kind === 'unchanged') return;
    for (const move of roundMoves(change, rounds.get(alarm.id), nowMs)) {
      if (move.kind === 'end') rounds.set(alarm.id, { ...move.round, end: move.end });
      if (move.kind !== 'start') continue;
      rounds.set(alarm.id, move.round);
      call(move.round, alarm.rule, nowMs, isOutlasted);
    }
  }

  function call({ priority }: EscalationRound, rule: string, atMs: number, isOutlasted: boolean): void {
    answers.set(rule, atMs + ANSWERS_AFTER_MS);
    if (isOutlasted) {
      again++;
      return;
    }
    const urgency = URGENCY[priority];
    if (last !== undefined && atMs - last.atMs < TOLD_WITH_MS && urgency <= last.urgency) return;
    last = { atMs, urgency };
    news.push({ atMs, rule });
  }

  /** What time and the nurse do until then, in order. */
  function pass(toMs: number): void {
    for (;;) {
      let due: { readonly atMs: number; readonly alarm: Alarm; readonly isAnswer: boolean } | undefined;
      for (const alarm of alarms.values()) {
        const answerMs = answers.get(alarm.rule);
        const timeMs = nextDueMs(alarm);
        for (const [atMs, isAnswer] of [
          [answerMs, true],
          [timeMs, false],
        ] as const)
          if (atMs !== undefined && atMs <= toMs && (due === undefined || atMs < due.atMs))
            due = { atMs, alarm, isAnswer };
      }
      if (due === undefined) return;
      const { atMs, alarm, isAnswer } = due;
      if (isAnswer) {
        answers.delete(alarm.rule);
        const decision = actOn(alarm, { kind: 'acknowledge' }, NURSE, atMs, policy);
        if (decision.kind === 'done') settle(decision.change, alarm, atMs);
        continue;
      }
      const change = timePassed(alarm, atMs);
      if (change === undefined) return;
      settle(change, alarm, atMs, change.kind === 'acknowledgement-expired');
    }
  }

  for (const transition of transitions) {
    pass(transition.atMs);
    const open = alarms.get(transition.rule);
    const change = nextAlarm(open, transition, {});
    if (change !== undefined) settle(change, open, transition.atMs);
  }
  pass(untilMs);
  return { news, again };
}
