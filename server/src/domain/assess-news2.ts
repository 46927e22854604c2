import { type Found, findAbsent, findPresent, type Judgement } from './assess-condition.ts';
import type { Compiled } from './assess-rules.ts';
import { type JudgedStatus, NEVER_MS, NO_CONDITIONS } from './assess-state.ts';
import {
  NEWS2_PARAMETERS,
  type News2Inputs,
  news2Points,
  news2ValidUntilMs,
  type SpO2Scale,
  scoreNews2,
} from './news2.ts';
import type { News2Parameter, News2Score } from './patient-status.ts';
import type { News2Rule } from './rule.ts';
import type { ReasonReading } from './rule-reasons.ts';
import { VITALS, type VitalName } from './vital.ts';

/** Scores anew and judges the score: something the chart would show otherwise was measured, or grew too old. */
export function rescore(judgement: Judgement, nowMs: number): void {
  const { patient, rules } = judgement;
  const { status } = patient;
  if (rules.news2NotApplicable !== undefined) {
    status.news2 = undefined;
    status.news2NotApplicable = rules.news2NotApplicable;
    patient.news2UntilMs = NEVER_MS;
    for (const { rule } of rules.compiled.news2) findAbsent(judgement, rule.id);
    return;
  }
  status.news2NotApplicable = undefined;
  const inputs = news2Inputs(status);
  const score = scoreNews2(inputs, rules.spo2Scale, nowMs);
  status.news2 = score;
  patient.news2UntilMs = Math.min(NEVER_MS, news2ValidUntilMs(inputs, score));
  judgeNews2(judgement, score, inputs);
}

/**
 * Every rule about the score, the most urgent first. A partial score is a lower bound, so it can begin an alarm. It
 * cannot end one: what ends it is the score in which parameters that grew too old still count as last measured. So an
 * alarm does not end because a cuff fell off.
 */
function judgeNews2(judgement: Judgement, score: News2Score, inputs: News2Inputs): void {
  const { patient, rules } = judgement;
  let held: News2Score | undefined;
  let isRinging = false;
  for (const compiled of rules.compiled.news2) {
    const { rule } = compiled;
    const isPresent = patient.conditions[rule.id] !== undefined;
    if (fires(rule, score)) {
      // One deterioration, one alarm: where a more urgent one rings this does not begin, but one that is there stays.
      if (!isRinging) findPresent(judgement, compiled, found(compiled, score, patient.status));
    } else if (isPresent) {
      held ??= score.missing.length === 0 ? score : scoreNews2(inputs, rules.spo2Scale, 0);
      if (!fires(rule, held)) findAbsent(judgement, rule.id);
    }
    isRinging ||= patient.conditions[rule.id] !== undefined;
  }
}

/** Is a NEWS2 alarm there? Then each score is judged, also one that is the same: a peak may be due to be told. */
export function hasNews2Condition({ patient, rules }: Judgement): boolean {
  if (patient.conditions === NO_CONDITIONS) return false;
  return rules.compiled.news2.some(({ rule }) => patient.conditions[rule.id] !== undefined);
}

/** Would this value score otherwise, or does it count again after it had grown too old? Most readings change nothing. */
export function changesScore(status: JudgedStatus, vital: VitalName, value: number, scale: SpO2Scale): boolean {
  if (vital === 'diastolic' || vital === 'mean') return false; // no part of the score
  const points = status.news2?.points;
  if (points === undefined) return true;
  const known = points[vital];
  if (known === undefined) return true;
  const onOxygen = points.oxygen === undefined ? undefined : points.oxygen > 0;
  return news2Points(vital, value, scale, onOxygen) !== known;
}

export function news2Inputs({ values, oxygen, consciousness }: JudgedStatus): News2Inputs {
  const { respiratoryRate, spo2, systolic, heartRate, temperature } = values;
  return { respiratoryRate, spo2, oxygen, systolic, heartRate, consciousness, temperature };
}

function fires({ atLeast, single3 }: News2Rule, score: News2Score): boolean {
  return single3 === true ? score.single3 : score.score >= (atLeast ?? Number.POSITIVE_INFINITY);
}

function found({ rule }: Compiled<News2Rule>, score: News2Score, status: JudgedStatus): Found {
  const partial = score.missing.length === 0 ? '' : ' partial';
  const { atLeast = 0, single3 } = rule;
  const cause: Found['cause'] =
    single3 === true
      ? { vital: 'news2', value: score.score, text: `NEWS2 ${score.score}${partial}, ${single3Label(score)} scores 3` }
      : {
          vital: 'news2',
          value: score.score,
          comparison: 'at-least',
          limit: atLeast,
          text: `NEWS2 ${score.score} ≥ ${atLeast}${partial}`,
        };
  return { cause, readings: readingsOf(score, status) };
}

function single3Label({ points }: News2Score): string {
  const parameter = NEWS2_PARAMETERS.find((each) => points[each] === 3);
  if (parameter === undefined || parameter === 'oxygen') return 'one parameter';
  return parameter === 'consciousness' ? 'ACVPU' : VITALS[parameter].label;
}

/** The parameters that score. */
function readingsOf({ points }: News2Score, status: JudgedStatus): readonly ReasonReading[] {
  return NEWS2_PARAMETERS.flatMap((parameter): ReasonReading[] => {
    const from = sourceOf(status, parameter);
    if ((points[parameter] ?? 0) === 0 || from === undefined) return [];
    const { readingId, deviceId, atMs, value } = from;
    const isVital = parameter !== 'oxygen' && parameter !== 'consciousness';
    return [{ readingId, deviceId, atMs, ...(isVital ? { vital: parameter } : undefined), value }];
  });
}

function sourceOf(status: JudgedStatus, parameter: News2Parameter) {
  return parameter === 'oxygen' || parameter === 'consciousness' ? status[parameter] : status.values[parameter];
}
