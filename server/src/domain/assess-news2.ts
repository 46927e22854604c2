import { type Found, findAbsent, findPresent, holdBy, type Judgement } from './assess-condition.ts';
import { forgetLasting, hasBeenOver, hasLasted, isNews2Pending, type Observation } from './assess-news2-lasting.ts';
import { fires, isWellFor, news2Inputs, readingFor } from './assess-news2-score.ts';
import { type CompiledNews2, PRIORITY_RANK } from './assess-rules.ts';
import { type Condition, type JudgedStatus, NEVER_MS, NO_CONDITIONS } from './assess-state.ts';
import {
  NEWS2_PARAMETERS,
  type News2Inputs,
  news2Points,
  news2ValidUntilMs,
  type SpO2Scale,
  scoreNews2,
} from './news2.ts';
import type { News2Parameter, News2Score } from './patient-status.ts';
import { NEWS2_ALARM } from './rule.ts';
import type { ReasonReading, Reasons } from './rule-reasons.ts';
import { VITALS, type VitalName } from './vital.ts';

/** Scores anew and judges the score: something the chart would show otherwise was measured, or grew too old. */
export function rescore(judgement: Judgement, nowMs: number): void {
  const { patient, rules } = judgement;
  const { status } = patient;
  if (rules.news2NotApplicable !== undefined) {
    status.news2 = undefined;
    status.news2NotApplicable = rules.news2NotApplicable;
    patient.news2UntilMs = NEVER_MS;
    for (const compiled of rules.compiled.news2) forgetLasting(patient, compiled);
    findAbsent(judgement, NEWS2_ALARM);
    return;
  }
  status.news2NotApplicable = undefined;
  const inputs = news2Inputs(status);
  const score = scoreNews2(inputs, rules.spo2Scale, nowMs);
  status.news2 = score;
  patient.news2UntilMs = Math.min(NEVER_MS, news2ValidUntilMs(inputs, score));
  judgeNews2(judgement, score, inputs, nowMs);
}

/**
 * One deterioration is one alarm: present while any rule about the score holds, as urgent as the most urgent of them. So
 * a score that rises from 5 to 7 raises the priority of the alarm that is there, and one that hovers at a boundary
 * neither ends it nor begins it anew.
 */
function judgeNews2(judgement: Judgement, score: News2Score, inputs: News2Inputs, nowMs: number): void {
  const { patient, rules } = judgement;
  const present = patient.conditions[NEWS2_ALARM];
  // A partial score is a lower bound, so it can begin an alarm. It cannot end one: what ends it is the score in which
  // parameters that grew too old still count as last measured. So an alarm does not end because a cuff fell off.
  const isJudgedByHeld = present !== undefined && score.missing.length > 0;
  const held = isJudgedByHeld ? scoreNews2(inputs, rules.spo2Scale, 0) : score;
  const observation: Observation = { judgement, score, held, nowMs };
  let most: { readonly compiled: CompiledNews2; readonly found: Found } | undefined;
  const holding: string[] = [];
  // Every rule is looked at, also those below the most urgent: what has lasted is counted for each.
  for (const compiled of rules.compiled.news2) {
    const lasting = isHolding(present, compiled) ? goesOn(observation, compiled) : begins(observation, compiled);
    if (lasting === undefined) continue;
    holding.push(compiled.rule.id);
    most ??= { compiled, found: found(compiled, score, patient.status, lasting) };
  }
  if (most === undefined) {
    findAbsent(judgement, NEWS2_ALARM);
    return;
  }
  findPresent(judgement, most.compiled, most.found, NEWS2_ALARM);
  holdBy(patient, NEWS2_ALARM, holding);
}

/** What a rule that holds may say of how long it was seen to. */
interface Lasting {
  readonly sustained?: Reasons['sustained'];
  readonly first?: readonly ReasonReading[];
}

function begins(observation: Observation, compiled: CompiledNews2): Lasting | undefined {
  const { sustainedMs = 0 } = compiled.rule;
  if (sustainedMs > 0) return hasLasted(observation, compiled, sustainedMs);
  return fires(compiled.rule, observation.score) ? {} : undefined;
}

function goesOn(observation: Observation, compiled: CompiledNews2): Lasting | undefined {
  const { rule } = compiled;
  const isOver = !fires(rule, observation.score) && isWellFor(rule, observation.held);
  return hasBeenOver(observation, compiled, isOver) ? undefined : {};
}

/** Of an alarm taken over from the store it is not known which rules held: those that ring as it does, or less. */
function isHolding(present: Condition | undefined, { rule }: CompiledNews2): boolean {
  if (present === undefined) return false;
  return present.holding?.includes(rule.id) ?? PRIORITY_RANK[rule.priority] <= PRIORITY_RANK[present.priority];
}

/** Is a NEWS2 alarm there, or on its way? Then each score is judged, also one that is the same: it may have lasted. */
export function isNews2UnderWay({ patient, rules }: Judgement): boolean {
  if (patient.conditions !== NO_CONDITIONS && patient.conditions[NEWS2_ALARM] !== undefined) return true;
  return patient.pending !== undefined && isNews2Pending(patient, rules.compiled);
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

function found({ rule }: CompiledNews2, score: News2Score, status: JudgedStatus, lasting: Lasting): Found {
  const partial = score.missing.length === 0 ? '' : ' partial';
  const { atLeast = 0, single3 } = rule;
  const { first = [], sustained } = lasting;
  const isFiring = fires(rule, score);
  const value = score.score;
  const cause: Found['cause'] =
    single3 === true
      ? { vital: 'news2', value, text: `NEWS2 ${value}${partial}, ${isFiring ? single3Text(score) : 'after a 3'}` }
      : {
          vital: 'news2',
          value,
          comparison: 'at-least',
          limit: atLeast,
          text: isFiring ? `NEWS2 ${value} ≥ ${atLeast}${partial}` : `NEWS2 ${value}${partial}, after ≥ ${atLeast}`,
        };
  return {
    cause,
    readings: [...first, ...scoring(score).flatMap((parameter) => readingFor(status, parameter) ?? [])],
    ...(sustained === undefined ? undefined : { sustained }),
  };
}

function single3Text({ points }: News2Score): string {
  const parameter = NEWS2_PARAMETERS.find((each) => points[each] === 3);
  if (parameter === undefined || parameter === 'oxygen') return 'one parameter scores 3';
  return `${parameter === 'consciousness' ? 'ACVPU' : VITALS[parameter].label} scores 3`;
}

/** The parameters that score. */
function scoring({ points }: News2Score): readonly News2Parameter[] {
  return NEWS2_PARAMETERS.filter((parameter) => (points[parameter] ?? 0) > 0);
}
