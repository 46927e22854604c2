import { findAbsent, findPresent, type Judgement } from './assess-condition.ts';
import { type CompiledCombination, factsOf } from './assess-rules.ts';
import type { JudgedValue, Observed, PatientState } from './assess-state.ts';
import { forgetPending, interrupt, sustain } from './assess-sustained.ts';
import { freshnessOf } from './freshness.ts';
import { NEWS2_VALID_MS } from './news2.ts';
import type { Fact, FactGroup } from './rule.ts';
import type { ReasonReading } from './rule-reasons.ts';
import { isBeyond, isWithin, limitText } from './threshold.ts';
import type { VitalName } from './vital.ts';

/**
 * Several facts together. A fact about something missing or too old is neither true nor false, and so may the whole be:
 * then it neither begins nor ends anything.
 */
export function judgeCombination(judgement: Judgement, compiled: CompiledCombination): void {
  const { patient } = judgement;
  const { rule } = compiled;
  const { sustainedMs = 0 } = rule;
  const isPresent = patient.conditions[rule.id] !== undefined;
  const isUnderWay = isPresent || patient.pending?.[rule.id] !== undefined;
  const seen: Seen = { texts: [], readings: [] };
  const holds = groupHolds(rule.when, (member) =>
    'of' in member
      ? groupHolds(member, (fact) => factHolds(patient, fact, isUnderWay, seen))
      : factHolds(patient, member, isUnderWay, seen),
  );
  if (holds === undefined) return;
  const cause = { text: seen.texts.join(', ') };
  if (isPresent || sustainedMs === 0) {
    if (holds) findPresent(judgement, compiled, { cause, readings: seen.readings });
    else findAbsent(judgement, rule.id);
    return;
  }
  const is = holds ? 'breach' : 'well';
  const gapMaxMs = shortestStaleMs(patient, compiled.vitals);
  // It is looked at when one of its values is new, and speaks of the newest moment: of that one value or of another.
  const sustained = sustain(patient, compiled, {
    atMs: patient.eventMs,
    is,
    sustainedMs,
    gapMaxMs,
    readings: seen.readings,
  });
  if (sustained === undefined) return;
  forgetPending(patient, rule.id);
  const { first, readings, spanMs } = sustained;
  findPresent(judgement, compiled, {
    cause,
    readings: [...first, ...seen.readings],
    sustained: { readings, spanMs },
  });
}

/**
 * A late value that is well by a fact of a combination that is under way: it was interrupted then. Where another fact
 * would have been enough it was not, and it rings later than it might have; it never rings for what was interrupted.
 */
export function interruptCombination(
  patient: PatientState,
  { rule }: CompiledCombination,
  vital: VitalName,
  value: number,
  atMs: number,
): void {
  if (patient.pending?.[rule.id] === undefined) return;
  const isWell = factsOf(rule).some((fact) => 'vital' in fact && fact.vital === vital && isWithin(fact, value));
  if (isWell) interrupt(patient, rule.id, atMs);
}

/** What was true, in words and by which readings. */
interface Seen {
  readonly texts: string[];
  readonly readings: ReasonReading[];
}

function groupHolds<Member>(
  { atLeast, of }: FactGroup<Member>,
  holds: (member: Member) => boolean | undefined,
): boolean | undefined {
  let yes = 0;
  let unknown = 0;
  for (const member of of) {
    const is = holds(member);
    if (is === true) yes++;
    else if (is === undefined) unknown++;
  }
  if (yes >= atLeast) return true;
  return yes + unknown < atLeast ? false : undefined;
}

function factHolds(patient: PatientState, fact: Fact, isUnderWay: boolean, seen: Seen): boolean | undefined {
  const { status } = patient;
  if ('vital' in fact) {
    const value = status.values[fact.vital];
    if (!isFresh(patient, value, fact)) return undefined;
    const isTrue = isUnderWay ? !isWithin(fact, value.value) : isBeyond(fact, value.value);
    if (isTrue) {
      seen.texts.push(limitText(fact, value.value));
      const { readingId, deviceId, atMs } = value;
      seen.readings.push({ readingId, deviceId, atMs, vital: fact.vital, value: value.value });
    }
    return isTrue;
  }
  const observed: Observed<unknown> | undefined = 'oxygen' in fact ? status.oxygen : status.consciousness;
  if (!isFresh(patient, observed, fact)) return undefined;
  const isTrue =
    'oxygen' in fact
      ? observed.value === fact.oxygen
      : (fact.consciousness as readonly unknown[]).includes(observed.value);
  if (isTrue) {
    const { readingId, deviceId, atMs, value } = observed;
    seen.texts.push('oxygen' in fact ? (value === true ? 'on oxygen' : 'on air') : `ACVPU ${String(value)}`);
    seen.readings.push({ readingId, deviceId, atMs, value: value as string | boolean });
  }
  return isTrue;
}

/** As old as NEWS2 lets that parameter stand, unless the rule says otherwise. */
function isFresh<T extends JudgedValue | Observed<unknown>>(
  { eventMs }: PatientState,
  value: T | undefined,
  fact: Fact,
): value is T {
  return value !== undefined && eventMs - value.atMs <= (fact.maxAgeMs ?? maxAgeOf(fact));
}

export function maxAgeOf(fact: Fact): number {
  if ('oxygen' in fact) return NEWS2_VALID_MS.oxygen;
  if ('consciousness' in fact) return NEWS2_VALID_MS.consciousness;
  // Diastolic and mean pressure are taken with the systolic one.
  return fact.vital === 'diastolic' || fact.vital === 'mean' ? NEWS2_VALID_MS.systolic : NEWS2_VALID_MS[fact.vital];
}

/** It is looked at as often as its most frequent vital speaks: a gap in which that one goes stale is a gap of all. */
function shortestStaleMs({ status }: PatientState, vitals: readonly VitalName[]): number {
  let shortest = Number.POSITIVE_INFINITY;
  for (const vital of vitals) {
    const value = status.values[vital];
    if (value !== undefined) shortest = Math.min(shortest, freshnessOf(value.intervalMs).staleAfterMs);
  }
  return shortest;
}
