import { type Alarm, type AlarmChange, urgencyOf } from '../../domain/alarm.ts';

/** What people can see of an alarm; the rest changes without being news. */
const VISIBLE = [
  'id',
  'state',
  'condition',
  'priority',
  'acknowledgedAtMs',
  'acknowledgedBy',
  'owner',
  'ownerId',
  'snoozedUntilMs',
  'snoozedBy',
  'reminders',
  'escalationStep',
  'escalatedAtMs',
  'notes',
  'wardId',
  'bedId',
] as const satisfies readonly (keyof Alarm)[];

export function looksSame(a: Alarm, b: Alarm): boolean {
  return VISIBLE.every((field) => a[field] === b[field]) && a.worst.text === b.worst.text;
}

/** What must have happened for one to become the other; for whoever was not told, because another process did it. */
export function difference(before: Alarm, after: Alarm, nowMs: number): AlarmChange {
  const change = (kind: AlarmChange['kind'], by?: string): AlarmChange => ({
    kind,
    alarm: after,
    atMs: nowMs,
    ...(by === undefined ? {} : { by }),
    ...(before.id === after.id && before.priority !== after.priority ? { previousPriority: before.priority } : {}),
  });
  if (before.id !== after.id) return change('raised');
  if (after.state === 'resolved')
    return change('resolved', after.resolvedBy === 'person' ? after.acknowledgedBy : undefined);
  if (before.condition !== after.condition) return change(after.condition === 'ended' ? 'ended' : 'returned');
  // More urgent undoes what people did: that is the news, and not that it was undone.
  if (urgencyOf(after.priority) > urgencyOf(before.priority)) return change('priority-changed');
  if (before.acknowledgedAtMs !== after.acknowledgedAtMs) {
    if (after.acknowledgedAtMs !== undefined) return change('acknowledged', after.acknowledgedBy);
    return after.owner === undefined ? change('released', before.owner) : change('acknowledgement-expired');
  }
  if (before.owner !== after.owner)
    return after.owner === undefined ? change('released', before.owner) : change('owner-changed', after.owner);
  if (before.priority !== after.priority) return change('priority-changed');
  if (before.snoozedUntilMs !== after.snoozedUntilMs && after.snoozedUntilMs !== undefined)
    return change('snoozed', after.snoozedBy);
  if (before.worst.text !== after.worst.text) return change('worsened');
  if (before.snoozedUntilMs !== after.snoozedUntilMs) return change('unsnoozed');
  if (before.escalatedAtMs !== after.escalatedAtMs) return change('escalated');
  if (after.reminders > before.reminders) return change('reminder');
  if (before.notes !== after.notes) return change('noted');
  return change('unchanged');
}
