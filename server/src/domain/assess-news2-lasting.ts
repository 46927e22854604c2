import type { Judgement } from './assess-condition.ts';
import { fires, isWellFor, news2Inputs, readingFor, scoringFor } from './assess-news2-score.ts';
import type { CompiledNews2, CompiledRules } from './assess-rules.ts';
import type { PatientState } from './assess-state.ts';
import { forgetPending, interrupt, type Sustained, sustain } from './assess-sustained.ts';
import { freshnessOf } from './freshness.ts';
import { NEWS2_PARAMETERS, NEWS2_VALID_MS, type News2Inputs, news2Points, type SpO2Scale } from './news2.ts';
import type { News2Parameter, News2Score } from './patient-status.ts';
import type { ReasonReading } from './rule-reasons.ts';
import type { VitalName } from './vital.ts';

/**
 * Whether what a NEWS2 rule asks for lasted, and whether its end did. The score is a chart of observations, and its
 * parameters are measured at different times, so the evidence is that of the parameters that score:
 *
 * - It lasts when a reading that measures one of them shows it again, `sustainedMs` after the first that did. A reading
 *   of something else in between continues it, and completes nothing: one cuff pressure never looks sustained because
 *   the heart went on beating.
 * - Two observations that are more than two hours apart are no evidence: the hourly round that a 3 asks for (RCP chart
 *   4), missed once. What is usually measured less often may be as far apart as that vital's freshness allows.
 * - It is over when scores show that for `clearAfterMs`, by two readings at least. Silence ends nothing.
 * - A late value is evidence against whichever of the two is counted, never for it.
 */
export interface Observation {
  readonly judgement: Judgement;
  readonly score: News2Score;
  /** With the parameters that grew too old as last measured. */
  readonly held: News2Score;
  readonly nowMs: number;
}

export const NEWS2_EVIDENCE_GAP_MS = 7_200_000;

/** Where a rule that has to last has, with this reading. */
export function hasLasted(
  { judgement, score, nowMs }: Observation,
  compiled: CompiledNews2,
  sustainedMs: number,
):
  | { readonly sustained: Pick<Sustained, 'readings' | 'spanMs'>; readonly first: readonly ReasonReading[] }
  | undefined {
  const { patient, rules } = judgement;
  if (isWithoutReading(judgement)) return undefined;
  const isFiring = fires(compiled.rule, score);
  if (!isFiring && patient.pending?.[compiled.rule.id] === undefined) return undefined;
  const parameters = scoringFor(compiled.rule, score);
  const measured = parameters.flatMap((parameter) => measuredNow(judgement, parameter));
  const isBreach = isFiring && measured.length > 0;
  const isBand = !isBreach && fires(compiled.rule, observedLately(patient, rules.spo2Scale, nowMs));
  const sustained = sustain(patient, compiled, {
    is: isBreach ? 'breach' : isBand ? 'band' : 'well',
    atMs: nowMs,
    sustainedMs,
    gapMaxMs: Math.max(...parameters.map((parameter) => evidenceGapMs(patient, parameter)), NEWS2_EVIDENCE_GAP_MS),
    readings: measured,
  });
  if (sustained === undefined) return undefined;
  forgetPending(patient, compiled.rule.id);
  const { first, readings, spanMs } = sustained;
  return { sustained: { readings, spanMs }, first };
}

/** Has this rule, which holds, been over for long enough? */
export function hasBeenOver({ judgement, nowMs }: Observation, compiled: CompiledNews2, isOver: boolean): boolean {
  const { patient, source } = judgement;
  const { rule, ending } = compiled;
  const { clearAfterMs = 0 } = rule;
  if (!isOver) {
    forgetPending(patient, ending.rule.id);
    return false;
  }
  if (clearAfterMs > 0) {
    if (isWithoutReading(judgement)) return false;
    const { readingId, deviceId, atMs } = source;
    const over = sustain(patient, ending, {
      is: 'breach',
      atMs: nowMs,
      sustainedMs: clearAfterMs,
      gapMaxMs: NEWS2_EVIDENCE_GAP_MS,
      readings: [{ readingId, deviceId, atMs }],
    });
    if (over === undefined) return false;
  }
  forgetLasting(patient, compiled);
  return true;
}

/** A late value that would have scored otherwise: what was counted begins anew at the newest reading that showed it. */
export function interruptNews2({ patient, rules }: Judgement, vital: VitalName, value: number, atMs: number): void {
  const { news2 } = patient.status;
  const { pending } = patient;
  if (pending === undefined || news2 === undefined || vital === 'diastolic' || vital === 'mean') return;
  const onOxygen = news2.points.oxygen === undefined ? undefined : news2.points.oxygen > 0;
  const points = { ...news2.points, [vital]: news2Points(vital, value, rules.spo2Scale, onOxygen) ?? 0 };
  const then = totalOf(points);
  for (const { rule, ending } of rules.compiled.news2) {
    if (pending[rule.id] !== undefined && !fires(rule, then)) interrupt(patient, rule.id, atMs);
    if (pending[ending.rule.id] !== undefined && !isWellFor(rule, then)) interrupt(patient, ending.rule.id, atMs);
  }
}

export function isNews2Pending({ pending }: PatientState, { news2 }: CompiledRules): boolean {
  return pending !== undefined && news2.some(({ rule }) => pending[rule.id] !== undefined);
}

export function forgetLasting(patient: PatientState, { rule, ending }: CompiledNews2): void {
  forgetPending(patient, rule.id);
  forgetPending(patient, ending.rule.id);
}

/** What a changed rule or the clock makes us judge again is no observation. */
function isWithoutReading({ at }: Judgement): boolean {
  return at.step > 0;
}

function measuredNow({ patient, source }: Judgement, parameter: News2Parameter): readonly ReasonReading[] {
  const from = readingFor(patient.status, parameter);
  return from?.readingId === source.readingId && from.deviceId === source.deviceId ? [from] : [];
}

/** The score of what was observed within the time that two observations may lie apart. */
function observedLately(patient: PatientState, scale: SpO2Scale, nowMs: number): ReturnType<typeof totalOf> {
  const inputs = news2Inputs(patient.status);
  const { oxygen } = inputs;
  const points: { [Parameter in News2Parameter]?: number } = {};
  for (const parameter of NEWS2_PARAMETERS) {
    const input: News2Inputs[News2Parameter] = inputs[parameter];
    if (input === undefined || nowMs - input.atMs > evidenceGapMs(patient, parameter)) continue;
    points[parameter] = news2Points(parameter, input.value, scale, oxygen?.value) ?? 0;
  }
  return totalOf(points);
}

function totalOf(points: News2Score['points']): Pick<News2Score, 'score' | 'single3'> {
  const each = Object.values(points);
  return { score: each.reduce((sum, point) => sum + point, 0), single3: each.includes(3) };
}

/** How far apart two observations of a parameter may be to say something of the time between them. */
function evidenceGapMs({ status }: PatientState, parameter: News2Parameter): number {
  if (parameter === 'oxygen' || parameter === 'consciousness') return NEWS2_VALID_MS[parameter];
  const value = status.values[parameter];
  const staleMs = value === undefined ? 0 : freshnessOf(value.intervalMs).staleAfterMs;
  return Math.max(staleMs, NEWS2_EVIDENCE_GAP_MS);
}
