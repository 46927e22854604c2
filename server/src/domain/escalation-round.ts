import { type Alarm, type AlarmChange, type Priority, urgencyOf } from './alarm.ts';
import { ESCALATION_STEPS, type EscalationStep } from './escalation.ts';
import type { AlarmId } from './ids.ts';
import { calls } from './told-together.ts';

/**
 * When an escalation begins and when it ends. A round belongs to one call for somebody: it begins when an alarm rings
 * that nobody has, and ends when somebody takes it, or it needs nobody any more. Decided in the alarm's own transaction.
 */
export interface EscalationRound {
  readonly alarmId: AlarmId;
  /** 1 for the alarm's first. */
  readonly round: number;
  readonly definition: EscalationDefinition;
  /** As the alarm was when it began. */
  readonly priority: Priority;
  readonly fromStep: EscalationStep;
  readonly startedBy: RoundStart;
  readonly startedAtMs: number;
  /** The latest step that was told; absent before the first. */
  readonly step?: EscalationStep;
  readonly toldAtMs?: number;
  /** When the next step is due; absent once it has ended. */
  readonly dueAtMs?: number;
  /** What an answer completes; absent while nothing waits for one. */
  readonly token?: string;
  readonly end?: RoundEnd;
  readonly endedAtMs?: number;
  readonly endedBy?: string;
}

export type EscalationDefinition = 'escalation-high' | 'escalation-medium' | 'escalation-technical';
export type RoundStart =
  | 'raised'
  | 'returned'
  | 'acknowledgement-expired'
  | 'released'
  | 'priority-raised'
  | 'snooze-ended'
  | 'person';
export type RoundEnd =
  | 'acknowledged'
  | 'recovered'
  | 'over'
  | 'superseded'
  | 'exhausted' // everybody was told, again and again, and nobody came
  | 'snoozed'
  | 'failed';

export type RoundMove =
  | { readonly kind: 'start'; readonly round: EscalationRound }
  | { readonly kind: 'end'; readonly round: EscalationRound; readonly end: RoundEnd; readonly by?: string }
  /** Somebody wants the next step now. */
  | { readonly kind: 'push'; readonly round: EscalationRound };

/** How such an alarm is escalated; undefined: not at all. Low alarms wait on the wall. */
export function definitionFor({
  kind,
  priority,
  rule,
}: Pick<Alarm, 'kind' | 'priority' | 'rule'>): EscalationDefinition | undefined {
  if (kind === 'technical')
    return priority === 'high' || rule === 'technical.lost' ? 'escalation-technical' : undefined;
  return priority === 'low' ? undefined : `escalation-${priority}`;
}

/** How the escalation itself is named in what it does. */
export const ESCALATION_ACTOR = 'Escalation';

/** Between two pushes of one alarm: whoever was told just now has not had time to answer. */
export const PUSH_AGAIN_MS = 30_000;

/**
 * What a change of an alarm means for its escalation. `last` is the alarm's latest round, running or ended. A round
 * that ends and one that begins come in this order.
 */
export function roundMoves(
  change: AlarmChange,
  last: EscalationRound | undefined,
  nowMs: number,
): readonly RoundMove[] {
  const { alarm, kind } = change;
  const running = last?.end === undefined ? last : undefined;
  if (kind === 'escalated') return change.by === ESCALATION_ACTOR ? [] : pushed(alarm, last, running, nowMs);
  const definition = definitionFor(alarm);
  const next = (last?.round ?? 0) + 1;
  const start = (by: RoundStart, fromStep: EscalationStep): RoundMove[] =>
    definition === undefined ? [] : [{ kind: 'start', round: newRound(alarm, definition, next, by, fromStep, nowMs) }];

  if (running !== undefined) {
    const end = endOf(change, definition);
    if (end !== undefined)
      return [{ kind: 'end', round: running, end, ...(change.by === undefined ? {} : { by: change.by }) }];
    if (urgencyOf(alarm.priority) <= urgencyOf(running.priority)) return [];
    // More urgent than what was told: told again, as that, from where it had come to.
    return [
      { kind: 'end', round: running, end: 'superseded' },
      ...start('priority-raised', running.step ?? running.fromStep),
    ];
  }
  const by = startOf(change);
  return by === undefined || !calls(alarm) ? [] : start(by, last?.end === 'snoozed' ? afterSnooze(last) : 'nurse');
}

function endOf({ alarm }: AlarmChange, definition: EscalationDefinition | undefined): RoundEnd | undefined {
  if (alarm.acknowledgedAtMs !== undefined) return 'acknowledged';
  if (alarm.state === 'resolved') return 'over';
  if (alarm.snoozedUntilMs !== undefined) return 'snoozed';
  // A condition that has ended is left to the vital being read again when the step's time is over.
  return definition === undefined ? 'superseded' : undefined;
}

/** Undefined: nothing that calls anew. */
function startOf({ kind, alarm, undone, previousPriority = alarm.priority }: AlarmChange): RoundStart | undefined {
  switch (kind) {
    case 'raised':
    case 'returned':
    case 'acknowledgement-expired':
    case 'released':
      return kind;
    case 'priority-changed':
      return urgencyOf(alarm.priority) > urgencyOf(previousPriority) ? 'priority-raised' : undefined;
    case 'unsnoozed':
      return 'snooze-ended';
    case 'worsened':
      return undone?.includes('snooze') === true ? 'snooze-ended' : undefined;
    case 'ended':
    case 'acknowledged':
    case 'owner-changed':
    case 'snoozed':
    case 'reminder':
    case 'escalated':
    case 'noted':
    case 'resolved':
    case 'unchanged':
      return undefined;
    default:
      return kind satisfies never;
  }
}

/**
 * A snooze puts a step off once. Whoever was told, silenced it, was told again and silenced it again has had their
 * turn: otherwise a snooze repeated in time would keep everybody else from ever hearing of it.
 */
function afterSnooze({ step, fromStep, startedBy }: EscalationRound): EscalationStep {
  const reached = step ?? fromStep;
  return startedBy === 'snooze-ended' && reached === fromStep ? stepAfter(reached) : reached;
}

export function stepAfter(step: EscalationStep): EscalationStep {
  return ESCALATION_STEPS[ESCALATION_STEPS.indexOf(step) + 1] ?? 'everyone';
}

/** Where nothing runs (a low alarm, one that recovered), a person's wish begins a round beyond the nurse. */
function pushed(
  alarm: Alarm,
  last: EscalationRound | undefined,
  running: EscalationRound | undefined,
  nowMs: number,
): readonly RoundMove[] {
  if (alarm.state === 'resolved' || alarm.acknowledgedAtMs !== undefined) return [];
  if (running !== undefined) {
    const isTooSoon =
      running.toldAtMs !== undefined && nowMs - running.toldAtMs < PUSH_AGAIN_MS && running.step !== 'nurse';
    return isTooSoon ? [] : [{ kind: 'push', round: running }];
  }
  const definition = definitionFor(alarm) ?? 'escalation-high';
  return [
    {
      kind: 'start',
      round: newRound(alarm, definition, (last?.round ?? 0) + 1, 'person', 'charge-nurse-and-doctor', nowMs),
    },
  ];
}

function newRound(
  { id, priority }: Alarm,
  definition: EscalationDefinition,
  round: number,
  startedBy: RoundStart,
  fromStep: EscalationStep,
  nowMs: number,
): EscalationRound {
  return { alarmId: id, round, definition, priority, fromStep, startedBy, startedAtMs: nowMs };
}
