import type { Alarm } from '../../server/src/domain/alarm.ts';
import { definitionFor } from '../../server/src/domain/escalation-round.ts';
import type { Deliveries } from './invariants.ts';
import { FAULTS_END_MS, START_MS } from './plan.ts';
import { short, type World } from './world.ts';

/**
 * How long an alarm may call before somebody has been told, counted from when nothing goes wrong any more: a clock that
 * was a minute ahead has put off what was due by that minute; a step lasts 25 s, and the watchdog looks 30 s after that.
 */
const TOLD_WITHIN_MS = 120_000;
/** How long a step of an escalation may be overdue: the engine tries again for up to 15 s, a lease lasts as long. */
const STEP_LATE_MS = 45_000;

/** No sustained breach goes untold. */
export function callsAreTold({ time, alarms, changes, pages, escalations, plan }: World): readonly string[] {
  const found: string[] = [];
  const wellMs = START_MS + FAULTS_END_MS;
  for (const alarm of alarms.alarms.values()) {
    if (!calls(alarm)) continue;
    const begunMs = changes.findLast(({ change }) => change.alarm.id === alarm.id && BEGINS.has(change.kind))?.atMs;
    const sinceMs = begunMs ?? alarm.raisedAtMs;
    if (time.nowMs - Math.max(sinceMs, wellMs) < TOLD_WITHIN_MS) continue;
    if (!pages.some((page) => isAbout(alarm, page) && page.atMs >= sinceMs))
      found.push(`alarm ${short(alarm.id)} calls since ${since(sinceMs)} s, and nobody was told`);
  }
  // A clock that was ahead wrote times that are still to come.
  const aheadMs = Math.max(0, ...plan.clocks.map((each) => each.aheadMs));
  for (const rounds of escalations.kept.values())
    for (const { round } of rounds) {
      if (round.end !== undefined) continue;
      const dueMs = Math.max(round.dueAtMs ?? round.startedAtMs, wellMs);
      if (time.nowMs - dueMs > STEP_LATE_MS + aheadMs)
        found.push(`round ${round.round} of ${short(round.alarmId)} stands still at ${round.step ?? 'its beginning'}`);
    }
  return found;
}

const BEGINS: ReadonlySet<string> = new Set([
  'raised',
  'returned',
  'released',
  'acknowledgement-expired',
  'unsnoozed',
  'priority-changed',
]);

function calls(alarm: Alarm): boolean {
  const { state, condition, acknowledgedAtMs, snoozedUntilMs } = alarm;
  const isOpen = state === 'active' && condition === 'present';
  return isOpen && acknowledgedAtMs === undefined && snoozedUntilMs === undefined && definitionFor(alarm) !== undefined;
}

/** A summary names no alarm: it says that there are several. */
const isAbout = ({ id }: Alarm, page: { readonly alarmId?: string; readonly event: string }) =>
  page.alarmId === id || page.event === 'summary';

/** Also one that came and went: it stays open until somebody has seen it, and somebody hears of it. */
export function everyAlarmWasTold({ alarms, pages, changes }: World, deliveries: Deliveries): readonly string[] {
  const found: string[] = [];
  for (const alarm of alarms.alarms.values()) {
    if (definitionFor(alarm) === undefined || pages.some((page) => isAbout(alarm, page))) continue;
    const records = deliveries.get(alarm.id) ?? [];
    const wasRefused = records.some(({ state }) => state === 'failed');
    // Taken from the wall, or told with another alarm of the patient, before its own page was due.
    const wasSeen = records.some(
      ({ state, lastDetail }) => state === 'delivered' || lastDetail === 'taken' || lastDetail === 'over',
    );
    const wasTaken = changes.some(({ change }) => change.alarm.id === alarm.id && change.kind === 'acknowledged');
    if (!wasRefused && !(wasSeen && wasTaken)) found.push(`alarm ${short(alarm.id)} was told to nobody`);
  }
  return found;
}

const since = (ms: number) => ((ms - START_MS) / 1000).toFixed(3);
