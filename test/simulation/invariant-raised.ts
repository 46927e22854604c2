import type { AssignedReading } from '../../server/src/domain/reading.ts';
import type { LimitRule } from '../../server/src/domain/rule.ts';
import { FAULTS_END_MS, START_MS } from './plan.ts';
import { HEART_RATE, RESPIRATION, SPO2 } from './ward.ts';
import { type Committed, short, type World } from './world.ts';

/** A reading that is durable once nothing goes wrong any more is judged and its alarm stored within this. */
const RAISED_WITHIN_MS = 20_000;

/**
 * What the log holds is what rang: by a model of a few lines that knows nothing of the program. Heart rate and respiration
 * ring at once, so each of their breaches must have begun and ended with exactly its own reading; SpO2 must be sustained, so it may ring
 * only where the log shows that it was, and must where it was for long.
 */
export function breachesBecomeAlarms(world: World): readonly string[] {
  return world.plan.patients.flatMap(({ name }) => {
    const readings = world.readings.filter(({ patientId }) => patientId === name);
    const changes = world.changes.filter(({ change }) => change.alarm.patientId === name);
    return [
      ...[HEART_RATE, RESPIRATION].flatMap((rule) =>
        atOnce(
          rule,
          readings,
          changes.filter(({ change }) => change.alarm.rule === rule.id),
        ),
      ),
      ...spo2(
        readings,
        changes.filter(({ change }) => change.alarm.rule === SPO2.id),
      ),
    ];
  });
}

function atOnce(
  { vital, limit }: LimitRule,
  readings: readonly AssignedReading[],
  changes: readonly Committed[],
): readonly string[] {
  const expected: { readonly what: string; readonly reading: AssignedReading }[] = [];
  let isBeyond = false;
  for (const reading of inTurn(readings)) {
    const is = (reading.vitals[vital] ?? 0) > limit;
    if (is !== isBeyond) expected.push({ what: is ? 'began' : 'ended', reading });
    isBeyond = is;
  }
  const rang = changes.flatMap(({ change, atMs }) => {
    const what = BEGAN.has(change.kind) ? 'began' : isEnd(change) ? 'ended' : undefined;
    return what === undefined ? [] : [{ what, id: change.alarm.lastReadingId, atMs }];
  });
  const found: string[] = [];
  for (const [index, { what, reading }] of expected.entries()) {
    const actual = rang[index];
    if (actual === undefined) found.push(`${vital} ${what} with ${reading.id}, and no alarm says so`);
    else if (actual.what !== what || actual.id !== reading.id)
      found.push(`${vital} ${what} with ${reading.id}, and the alarm says ${actual.what} with ${actual.id}`);
    else if (actual.atMs - Math.max(reading.receivedAtMs, START_MS + FAULTS_END_MS) > RAISED_WITHIN_MS)
      found.push(`${vital} ${what} with ${reading.id}, and the alarm said so too late`);
    else continue;
    return found;
  }
  for (const { what, id } of rang.slice(expected.length))
    found.push(`an alarm ${what} with ${id}, and ${vital} did not`);
  return found;
}

function spo2(readings: readonly AssignedReading[], changes: readonly Committed[]): readonly string[] {
  const found: string[] = [];
  const sustainedMs = SPO2.sustainedMs ?? 0;
  const isLow = ({ vitals }: AssignedReading) => (vitals.spo2 ?? 100) < SPO2.limit;
  for (const { change } of changes) {
    if (!BEGAN.has(change.kind)) continue;
    const at = readings.findIndex(({ id }) => id === change.alarm.lastReadingId);
    // All that had arrived until then, by when it was measured: an unbroken stretch must lead up to it.
    const known = readings.slice(0, at + 1).sort((a, b) => a.atMs - b.atMs);
    const last = known.findIndex(({ id }) => id === change.alarm.lastReadingId);
    let first = last;
    while (first > 0 && isLow(known[first - 1] as AssignedReading)) first--;
    const spanMs = (known[last]?.atMs ?? 0) - (known[first]?.atMs ?? 0);
    if (at < 0 || !isLow(readings[at] as AssignedReading) || spanMs < sustainedMs)
      found.push(`alarm ${short(change.alarm.id)} began with ${change.alarm.lastReadingId}, low for ${spanMs} ms only`);
  }
  let run: AssignedReading[] = [];
  for (const reading of inTurn(readings)) {
    const previous = run.at(-1);
    const isBroken = previous !== undefined && reading.atMs - previous.atMs > 5_000;
    run = isLow(reading) ? [...(isBroken ? [] : run), reading] : [];
    const spanMs = reading.atMs - (run[0]?.atMs ?? reading.atMs);
    const ids = new Set(run.map(({ id }) => id));
    if (spanMs < 3 * sustainedMs) continue;
    const isPresent = presentAfter(changes, ids, readings);
    if (!isPresent) found.push(`SpO2 was low for ${spanMs} ms until ${reading.id}, and no alarm says so`);
    if (!isPresent) break;
  }
  return found;
}

/** Whether an alarm began with one of these readings, or was present from before. */
function presentAfter(
  changes: readonly Committed[],
  ids: ReadonlySet<string>,
  readings: readonly AssignedReading[],
): boolean {
  // By when each arrived first: a second copy comes later than the alarm that its first one began.
  const order = new Map<string, number>();
  for (const [index, { id }] of readings.entries()) if (!order.has(id)) order.set(id, index);
  const first = Math.min(...[...ids].map((id) => order.get(id) ?? 0));
  let isPresent = false;
  for (const { change } of changes) {
    if (BEGAN.has(change.kind) && ids.has(change.alarm.lastReadingId)) return true;
    if ((order.get(change.alarm.lastReadingId) ?? 0) >= first) continue;
    if (BEGAN.has(change.kind)) isPresent = true;
    else if (isEnd(change)) isPresent = false;
  }
  return isPresent;
}

/** The readings that were the newest measured when they arrived: a late one, or a second copy, says nothing new. */
function inTurn(readings: readonly AssignedReading[]): readonly AssignedReading[] {
  let newestMs = 0;
  return readings.filter(({ atMs }) => {
    const isNewest = atMs > newestMs;
    if (isNewest) newestMs = atMs;
    return isNewest;
  });
}

const BEGAN: ReadonlySet<string> = new Set(['raised', 'returned']);

function isEnd({ kind, alarm }: Committed['change']): boolean {
  return kind === 'ended' || (kind === 'resolved' && alarm.resolvedBy === 'condition');
}
