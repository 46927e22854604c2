import type { Alarm, AlarmChange, AlarmChangeKind } from './alarm.ts';

/** A change as it is remembered: without the alarm, which has gone on since. */
export interface AlarmHistoryEntry
  extends Pick<AlarmChange, 'kind' | 'atMs' | 'by' | 'previousPriority' | 'previousOwner' | 'undone'>,
    Pick<Alarm, 'priority' | 'condition' | 'resolvedBy'> {
  /** The worst so far, with a change of the condition. */
  readonly text?: string;
  /** With `snoozed`. */
  readonly snoozedUntilMs?: number;
  /** With `escalated`. */
  readonly escalationStep?: string;
}

const OF_THE_CONDITION: ReadonlySet<AlarmChangeKind> = new Set([
  'raised',
  'worsened',
  'priority-changed',
  'returned',
  'ended',
]);

export function historyEntry(change: AlarmChange): AlarmHistoryEntry {
  const { kind, atMs, by, previousPriority, previousOwner, undone, alarm } = change;
  const { priority, condition, resolvedBy, snoozedUntilMs, escalationStep } = alarm;
  return {
    kind,
    atMs,
    priority,
    condition,
    ...(by === undefined ? {} : { by }),
    ...(OF_THE_CONDITION.has(kind) ? { text: alarm.worst.text } : {}),
    ...(previousPriority === undefined ? {} : { previousPriority }),
    ...(previousOwner === undefined ? {} : { previousOwner }),
    ...(undone === undefined ? {} : { undone }),
    ...(kind === 'snoozed' && snoozedUntilMs !== undefined ? { snoozedUntilMs } : {}),
    ...(kind === 'escalated' && escalationStep !== undefined ? { escalationStep } : {}),
    ...(kind === 'resolved' && resolvedBy !== undefined ? { resolvedBy } : {}),
  };
}
