import { findAbsent, findPresent, type Judgement } from './assess-condition.ts';
import type { Compiled } from './assess-rules.ts';
import { type JudgedValue, NO_CONDITIONS, type PatientState } from './assess-state.ts';
import { forgetPending, interrupt, sustain } from './assess-sustained.ts';
import { freshnessOf } from './freshness.ts';
import type { LimitRule } from './rule.ts';
import type { ReasonReading } from './rule-reasons.ts';
import { isBeyond, isWithin, limitCause } from './threshold.ts';

/** One limit against the value that has just become current. `usualMs`: how often the vital came until now. */
export function judgeLimit(
  judgement: Judgement,
  compiled: Compiled<LimitRule>,
  value: JudgedValue,
  usualMs: number,
): void {
  const { patient } = judgement;
  const { rule } = compiled;
  const { sustainedMs = 0 } = rule;
  const beyond = isBeyond(rule, value.value);
  if (!beyond && patient.conditions === NO_CONDITIONS && patient.pending === undefined) return;
  const isPresent = patient.conditions[rule.id] !== undefined;
  if (isPresent || sustainedMs === 0) {
    if (beyond)
      findPresent(judgement, compiled, { cause: limitCause(rule, value.value), readings: [seen(rule, value)] });
    else if (isWithin(rule, value.value)) findAbsent(judgement, rule.id);
    return;
  }
  const is = beyond ? 'breach' : isWithin(rule, value.value) ? 'well' : 'band';
  const sustained = sustain(patient, compiled, {
    atMs: value.atMs,
    is,
    sustainedMs,
    gapMaxMs: freshnessOf(usualMs).staleAfterMs,
    readings: [seen(rule, value)],
  });
  if (sustained === undefined) return;
  const { first, readings, spanMs } = sustained;
  forgetPending(patient, rule.id);
  findPresent(judgement, compiled, {
    cause: limitCause(rule, value.value),
    readings: [...first, seen(rule, value)],
    sustained: { readings, spanMs },
  });
}

/** A value that came too late to be current. */
export function takeLate(
  patient: PatientState,
  rules: readonly Compiled<LimitRule>[],
  value: number,
  atMs: number,
): void {
  for (const { rule } of rules) if (isWithin(rule, value)) interrupt(patient, rule.id, atMs);
}

function seen({ vital }: LimitRule, { readingId, deviceId, atMs, value }: JudgedValue): ReasonReading {
  return { readingId, deviceId, atMs, vital, value };
}
