import { findAbsent, findPresent, type Judgement } from './assess-condition.ts';
import type { Compiled } from './assess-rules.ts';
import type { JudgedValue, PatientState, Slice } from './assess-state.ts';
import { forgetPending, interrupt, sustain } from './assess-sustained.ts';
import { freshnessOf } from './freshness.ts';
import type { ChangeRule } from './rule.ts';
import type { ReasonReading } from './rule-reasons.ts';
import { VITALS } from './vital.ts';

/**
 * A value that has risen or fallen too much within the window: it is compared with the lowest (highest) one of the
 * window, of which each thirty-second part remembers its extreme. So a window of an hour costs what one of a minute does,
 * and an extreme is forgotten at most a thirty-second part too early: it may ring that much late, never wrongly.
 */
export function judgeChange(
  judgement: Judgement,
  compiled: Compiled<ChangeRule>,
  value: JudgedValue,
  usualMs: number,
): void {
  const { patient } = judgement;
  const { rule } = compiled;
  const extreme = extremeOf(patient, compiled, value.atMs);
  remember(patient, compiled, value);
  const change = extreme === undefined ? 0 : signed(rule, value.value - extreme.value);
  const isThere = extreme !== undefined && change >= rule.by;
  const { sustainedMs = 0 } = rule;
  if (patient.conditions[rule.id] !== undefined || sustainedMs === 0) {
    if (isThere) findPresent(judgement, compiled, found(rule, extreme, value, change));
    else findAbsent(judgement, rule.id);
    return;
  }
  if (!isThere && patient.pending === undefined) return;
  const is = isThere ? 'breach' : 'well';
  const readings = [seen(rule, value)];
  const sustained = sustain(patient, compiled, {
    atMs: value.atMs,
    is,
    sustainedMs,
    gapMaxMs: freshnessOf(usualMs).staleAfterMs,
    readings,
  });
  if (sustained === undefined || extreme === undefined) return;
  forgetPending(patient, rule.id);
  const { readings: count, spanMs } = sustained;
  findPresent(judgement, compiled, {
    ...found(rule, extreme, value, change),
    sustained: { readings: count, spanMs },
  });
}

/** A value that came too late to be current still is what later ones are compared with. */
export function rememberLate(patient: PatientState, rules: readonly Compiled<ChangeRule>[], value: LateValue): void {
  for (const compiled of rules) {
    const { rule } = compiled;
    const extreme = patient.windows?.[rule.id]?.extreme;
    // It had come back by then: what seemed to last was interrupted.
    if (extreme !== undefined && signed(rule, value.value - extreme.value) < rule.by)
      interrupt(patient, rule.id, value.atMs);
    remember(patient, compiled, value);
  }
}
export type LateValue = Omit<Slice, 'number'>;

function extremeOf(patient: PatientState, { rule, key }: Compiled<ChangeRule>, atMs: number): Slice | undefined {
  const window = patient.windows?.[rule.id];
  if (window === undefined || window.key !== key) return undefined;
  const known = window.extreme;
  if (known !== undefined && known.atMs < atMs && known.atMs >= atMs - rule.windowMs) return known;
  let extreme: Slice | undefined;
  for (const slice of window.slices)
    if (
      slice.atMs < atMs &&
      slice.atMs >= atMs - rule.windowMs &&
      (extreme === undefined || isFurther(rule, slice, extreme))
    )
      extreme = slice;
  window.extreme = extreme;
  return extreme;
}

function remember(patient: PatientState, { rule, key }: Compiled<ChangeRule>, value: LateValue): void {
  patient.windows ??= {};
  let window = patient.windows[rule.id];
  if (window === undefined || window.key !== key) {
    window = { key, slices: [], extreme: undefined };
    patient.windows[rule.id] = window;
  }
  const { slices } = window;
  const number = Math.floor(value.atMs / (rule.windowMs / SLICES));
  const { readingId, deviceId, atMs } = value;
  const slice: Slice = { number, atMs, value: value.value, readingId, deviceId };
  const index = slices.findLastIndex((each) => each.number <= number);
  const known = slices[index];
  if (known === undefined || known.number < number) slices.splice(index + 1, 0, slice);
  else if (isFurther(rule, slice, known)) slices[index] = slice;
  if (window.extreme !== undefined && isFurther(rule, slice, window.extreme)) window.extreme = slice;
  while (slices.length > SLICES + 1) slices.shift();
}

const SLICES = 32;

function isFurther({ direction }: ChangeRule, slice: Slice, than: Slice): boolean {
  return direction === 'rise' ? slice.value < than.value : slice.value > than.value;
}

function signed({ direction }: ChangeRule, difference: number): number {
  return direction === 'rise' ? difference : -difference;
}

function found(rule: ChangeRule, extreme: Slice, value: JudgedValue, change: number) {
  const { vital, by, direction } = rule;
  const { label, decimals } = VITALS[vital];
  const [from, to] = [extreme.value, value.value].map((each) => each.toFixed(decimals));
  const arrow = direction === 'rise' ? '↑' : '↓';
  return {
    cause: {
      vital,
      value: value.value,
      comparison: direction === 'rise' ? 'above' : 'below',
      // The value from which on it counts as changed too much.
      limit: direction === 'rise' ? extreme.value + by : extreme.value - by,
      text: `${label} ${arrow}${change.toFixed(decimals)} ≥ ${by} (${from} → ${to})`,
    },
    readings: [seen(rule, extreme), seen(rule, value)],
  } as const;
}

function seen({ vital }: ChangeRule, { readingId, deviceId, atMs, value }: LateValue): ReasonReading {
  return { readingId, deviceId, atMs, vital, value };
}
