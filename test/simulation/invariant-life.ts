import type { AlarmChange } from '../../server/src/domain/alarm.ts';
import { short, type World } from './world.ts';

/**
 * What is true of every alarm's life: it is latched until its condition has ended and somebody has acknowledged it, one
 * person has it, none that somebody has escalates, and nothing happens to it after its end.
 */
export function alarmsLiveAsTheyShould({ changes, acts }: World): readonly string[] {
  const found: string[] = [];
  const lives = Map.groupBy(changes, ({ change }) => change.alarm.id);
  for (const [id, life] of lives) {
    let before: AlarmChange | undefined;
    for (const { change } of life) {
      const wrong = wrongWith(change, before);
      if (wrong !== undefined) found.push(`alarm ${short(id)}: ${wrong}`);
      before = change;
    }
  }
  for (const { who, alarmId, act, outcome } of acts) {
    if (act !== 'acknowledge' || outcome !== 'done') continue;
    const isWritten = lives.get(alarmId)?.some(({ change }) => change.by === who) === true;
    if (!isWritten) found.push(`${who} was told to have ${short(alarmId)}, and no history says so`);
  }
  return found;
}

function wrongWith({ kind, alarm, by }: AlarmChange, before: AlarmChange | undefined): string | undefined {
  if (before === undefined) return kind === 'raised' && alarm.revision === 1 ? undefined : `begins with ${kind}`;
  const was = before.alarm;
  // What changes nothing that is told counts too.
  if (alarm.revision <= was.revision) return 'decided on what had gone on meanwhile';
  if (was.state === 'resolved') return kind === 'noted' ? undefined : `${kind} after its end`;
  if (kind === 'raised') return 'raised twice';
  if (kind === 'acknowledged' && was.acknowledgedAtMs !== undefined) return 'acknowledged although somebody had it';
  if (kind === 'escalated' && was.acknowledgedAtMs !== undefined) return 'escalated although somebody had it';
  if (kind !== 'resolved') return undefined;
  if (alarm.condition !== 'ended') return 'over although its condition is present';
  if (alarm.resolvedBy === 'person') return by === undefined ? 'closed by nobody' : undefined;
  if (alarm.resolvedBy === 'condition')
    return was.acknowledgedAtMs === undefined ? 'over although nobody has acknowledged it' : undefined;
  return alarm.kind === 'technical' && alarm.highestPriority === 'low' ? undefined : 'closed unseen by a rule';
}
