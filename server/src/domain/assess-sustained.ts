import type { Compiled } from './assess-rules.ts';
import type { PatientState, Pending } from './assess-state.ts';
import type { DeviceId } from './ids.ts';
import type { ReasonReading, Reasons } from './rule-reasons.ts';

/**
 * What has to be seen for a while before it rings. "Sustained" is a claim about the time between two readings, so it
 * needs evidence from that time:
 *
 * - At least two readings, and the last at least `sustainedMs` after the first, by event time. It completes by a reading
 *   only, never by the clock: silence proves nothing (and has its own alarm).
 * - A gap in which the vital went stale (`freshness.ts`: five of its usual intervals, 5 s at least) is no evidence: what
 *   comes after it begins anew. So neither a single old reading nor two far apart ever look sustained.
 * - A reading with the leads off says nobody measured: what that device had shown begins anew. A sentinel is a value that
 *   was not measured: it neither continues nor ends anything, and the gap it leaves counts as one.
 * - A late value is no evidence for a breach, but it is evidence against one: where it lies within the time in question
 *   and was well again, the breach is counted from the newest reading that showed it. This may ring later than perfect
 *   order would have (by no more than the lateness); it never rings for a breach that was interrupted.
 * - Within the band of hysteresis a breach that has begun goes on, and one that has not does not begin; it completes by a
 *   reading beyond the limit.
 */
export function sustain(patient: PatientState, rule: Counted, sighting: Sighting): Sustained | undefined {
  const { id } = rule.rule;
  const known = patient.pending?.[id];
  if (sighting.is === 'well') {
    if (known !== undefined) forgetPending(patient, id);
    return undefined;
  }
  const { atMs } = sighting;
  const gapMs = known === undefined ? 0 : atMs - known.lastMs;
  if (
    known === undefined ||
    known.key !== rule.key ||
    gapMs < 0 ||
    gapMs > sighting.gapMaxMs ||
    wereLeadsOff(patient, known, atMs)
  ) {
    if (sighting.is === 'breach') startPending(patient, rule, atMs, sighting.readings);
    else if (known !== undefined) forgetPending(patient, id);
    return undefined;
  }
  known.lastMs = atMs;
  if (gapMs > 0) known.readings++;
  known.latest = sighting.readings;
  if (sighting.is !== 'breach' || atMs - known.sinceMs < sighting.sustainedMs || known.readings < 2) return undefined;
  return { readings: known.readings, spanMs: atMs - known.sinceMs, first: known.first };
}

export type Sustained = NonNullable<Reasons['sustained']> & { readonly first: readonly ReasonReading[] };

/** What is counted: a rule, or the end of one (`assess-news2-lasting.ts`). */
export type Counted = Pick<Compiled, 'key'> & { readonly rule: { readonly id: string } };

export interface Sighting {
  /** `band`: within the limit, and not yet well again. */
  readonly is: 'breach' | 'band' | 'well';
  /** When, by event time. */
  readonly atMs: number;
  readonly sustainedMs: number;
  /** A longer gap since the last sighting is no evidence. */
  readonly gapMaxMs: number;
  readonly readings: readonly ReasonReading[];
}

/** Something measured within the time in question speaks against it: a late value that was well, or leads off. */
export function interrupt(patient: PatientState, ruleId: string, atMs: number): void {
  const known = patient.pending?.[ruleId];
  if (known === undefined || atMs <= known.sinceMs || atMs > known.lastMs) return;
  known.sinceMs = known.lastMs;
  known.readings = 1;
  known.first = known.latest;
}

export function forgetPending(patient: PatientState, ruleId: string): void {
  if (patient.pending?.[ruleId] === undefined) return;
  const { [ruleId]: _, ...others } = patient.pending;
  patient.pending = isEmpty(others) ? undefined : others;
}

/**
 * The newest that is known of a device's leads is that they were off then: what it had shown until then begins anew. Not
 * for a second copy of that: the device may have begun to show something after it.
 */
export function forgetPendingOf(patient: PatientState, deviceId: DeviceId, atMs: number): void {
  for (const id in patient.pending) {
    const { first, latest, sinceMs, lastMs } = patient.pending[id] as Pending;
    if (atMs <= sinceMs || ![...first, ...latest].some((reading) => reading.deviceId === deviceId)) continue;
    if (atMs > lastMs) forgetPending(patient, id);
    else interrupt(patient, id, atMs);
  }
}

/** Have the leads of who showed it been off since? */
function wereLeadsOff({ devices }: PatientState, { first, latest, lastMs }: Pending, atMs: number): boolean {
  return devices.some(
    ({ deviceId, leadsOffAtMs }) =>
      leadsOffAtMs > lastMs &&
      leadsOffAtMs < atMs &&
      [...first, ...latest].some((reading) => reading.deviceId === deviceId),
  );
}

function startPending(patient: PatientState, rule: Counted, atMs: number, first: readonly ReasonReading[]): void {
  patient.pending ??= {};
  patient.pending[rule.rule.id] = { key: rule.key, sinceMs: atMs, lastMs: atMs, readings: 1, first, latest: first };
}

function isEmpty(record: object): boolean {
  for (const _ in record) return false;
  return true;
}
