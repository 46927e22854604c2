import type { Alarm } from '../../server/src/domain/alarm.ts';
import { nextDueMs } from '../../server/src/domain/alarm-time.ts';
import { definitionFor } from '../../server/src/domain/escalation-round.ts';
import type { DeliveryRecord } from '../../server/src/ports/outbox.ts';
import type { Deliveries } from './deliveries.ts';
import { FAULTS_END_MS, type Plan, START_MS } from './plan.ts';
import { BOARD } from './ward.ts';
import { type Page, short, type World } from './world.ts';

/**
 * How long a high alarm may call before somebody has been told, counted from when nothing goes wrong any more: a lease
 * lasts 20 s, attempts are 15 s apart at most, a step lasts 12 s, and the watchdog comes 20 s after the last. A clock that
 * was ahead has put off by as much what was due.
 */
const withinMs = (plan: Plan) => 40_000 + aheadOf(plan);
/**
 * Where nothing goes wrong at all, the first word is only on its way; or, for 2 s and until the next poll 8 s later, waits
 * for that of another alarm of the same patient, to be told with it.
 */
const FIRST_WORD_MS = 11_000;
const aheadOf = ({ clocks }: Plan) => Math.max(0, ...clocks.map((each) => each.aheadMs));
/** How long a step of an escalation may be overdue: the engine tries again for up to 15 s, a lease lasts as long. */
const STEP_LATE_MS = 45_000;

/** No sustained breach goes untold. */
export async function callsAreTold(world: World): Promise<readonly string[]> {
  const { time, alarms, changes, outbox, plan } = world;
  const found: string[] = [];
  for (const alarm of alarms.alarms.values()) {
    if (alarm.priority !== 'high' || !calls(alarm)) continue;
    const begunMs = changes.findLast(({ change }) => change.alarm.id === alarm.id && BEGINS.has(change.kind))?.atMs;
    const sinceMs = begunMs ?? alarm.raisedAtMs;
    if (time.nowMs - Math.max(sinceMs, WELL_MS) < withinMs(plan)) continue;
    if (toldAtMs(world, alarm, await outbox.deliveries(alarm.id), sinceMs - JUST_TOLD_MS) === undefined)
      found.push(`alarm ${short(alarm.id)} calls since ${since(sinceMs)} s, and nobody was told`);
  }
  return found;
}

/** Whoever was told of it within this is not told again (`notification-worth.ts`). */
const JUST_TOLD_MS = 60_000;

/** Each step comes in its time. */
export function escalationsGoOn({ time, escalations, plan }: World): readonly string[] {
  const found: string[] = [];
  for (const rounds of escalations.kept.values())
    for (const { round } of rounds) {
      if (round.end !== undefined) continue;
      const dueMs = Math.max(round.dueAtMs ?? round.startedAtMs, WELL_MS);
      if (time.nowMs - dueMs > STEP_LATE_MS + aheadOf(plan))
        found.push(`round ${round.round} of ${short(round.alarmId)} stands still at ${round.step ?? 'its beginning'}`);
    }
  return found;
}

/** And what time does to an alarm is done: snoozes and acknowledgements end, reminders come. */
export function timePasses({ time, alarms, plan }: World): readonly string[] {
  const found: string[] = [];
  for (const alarm of alarms.alarms.values()) {
    const dueMs = Math.max(nextDueMs(alarm) ?? Number.POSITIVE_INFINITY, WELL_MS);
    if (time.nowMs - dueMs > CLOCK_LATE_MS + aheadOf(plan))
      found.push(`alarm ${short(alarm.id)}: what was due at ${since(dueMs)} s has not been done`);
  }
  return found;
}

/** The alarm clock looks every 15 s where no notice has woken it, and waits 5 s for a database that was away. */
const CLOCK_LATE_MS = 25_000;

const WELL_MS = START_MS + FAULTS_END_MS;

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

/**
 * When somebody who may come received it first: by its own page, with another alarm of the patient that they had just been
 * called to, or with several others in a summary, which names none. Undefined: nobody has.
 */
function toldAtMs(
  { pages, toldTogether }: World,
  { id }: Alarm,
  records: readonly DeliveryRecord[],
  sinceMs: number,
): number | undefined {
  const isForPerson = ({ recipient }: Page) => recipient !== BOARD;
  const own = pages.find(
    (page) => page.atMs >= sinceMs && isForPerson(page) && (page.alarmId === id || page.event === 'summary'),
  );
  const ids = new Set(records.map(({ deliveryId }) => deliveryId));
  const withOther = toldTogether.find(
    (each) => each.atMs >= sinceMs && ids.has(each.deliveryId) && pages.some(({ key }) => key === each.with),
  );
  const all = [own?.atMs, withOther?.atMs].filter((ms) => ms !== undefined);
  return all.length === 0 ? undefined : Math.min(...all);
}

/** Also one that came and went: it stays open until somebody has seen it, and somebody hears of it. */
export function everyAlarmWasTold(world: World, deliveries: Deliveries): readonly string[] {
  const found: string[] = [];
  for (const alarm of world.alarms.alarms.values()) {
    if (definitionFor(alarm) === undefined) continue;
    const records = deliveries.get(alarm.id) ?? [];
    const own = world.changes.filter(({ change }) => change.alarm.id === alarm.id);
    const raisedMs = own[0]?.atMs ?? 0;
    const takenMs = own.find(({ change }) => TAKES.has(change.kind))?.atMs ?? Number.POSITIVE_INFINITY;
    const toldMs = toldAtMs(world, alarm, records, 0);
    const wasRefused = records.some(({ state }) => state === 'failed');
    const { plan } = world;
    const dueMs = plan.isCalm ? raisedMs + FIRST_WORD_MS : Math.max(raisedMs, WELL_MS) + withinMs(plan);
    if (toldMs === undefined) {
      // Seen on the wall, and taken, before its page was due.
      const isSeen = takenMs < dueMs || alarm.priority !== 'high';
      if (!wasRefused && !(isSeen && takenMs < Number.POSITIVE_INFINITY))
        found.push(`alarm ${short(alarm.id)} was told to nobody`);
    } else if (own[0]?.change.alarm.priority === 'high' && toldMs > dueMs && takenMs > dueMs && !wasRefused)
      found.push(`alarm ${short(alarm.id)} was told ${(toldMs - raisedMs) / 1_000} s after it was raised`);
  }
  return found;
}

const TAKES: ReadonlySet<string> = new Set(['acknowledged', 'snoozed', 'resolved']);

const since = (ms: number) => ((ms - START_MS) / 1000).toFixed(3);
