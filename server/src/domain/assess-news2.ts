import type { Cause } from './alarm.ts';
import { findAbsent, findPresent, type Judgement, type RuleFacts } from './assess-condition.ts';
import type { ReadingSource } from './assess-state.ts';
import { NEWS2_EMERGENCY, NEWS2_URGENT, type News2Inputs, type SpO2Scale, scoreNews2 } from './news2.ts';
import type { News2Score, PatientStatus } from './patient-status.ts';

/**
 * NEWS2 alarms: 7 and more is an emergency (high), 5–6 urgent (medium), as the RCP's chart 4 responds. A single
 * parameter of 3 is shown but does not ring: it asks for hourly observation by a nurse, and 87–99 % of alarms already
 * call for nothing (PMC4456276).
 */
export const NEWS2_HIGH: RuleFacts = { id: 'news2.at-least.high', version: 1, kind: 'physiological', priority: 'high' };
export const NEWS2_MEDIUM: RuleFacts = {
  id: 'news2.at-least.medium',
  version: 1,
  kind: 'physiological',
  priority: 'medium',
};

/**
 * A partial score is a lower bound, so it can begin an alarm. It cannot end one: what ends it is the score in which
 * parameters that grew too old still count as last measured. So an alarm does not end because a cuff fell off.
 */
export function judgeNews2(
  judgement: Judgement,
  score: News2Score,
  inputs: News2Inputs,
  scale: SpO2Scale,
  source: ReadingSource,
): void {
  const highWasPresent = judgement.conditions[NEWS2_HIGH.id] !== undefined;
  const mediumWasPresent = judgement.conditions[NEWS2_MEDIUM.id] !== undefined;
  if (score.score < NEWS2_URGENT && !highWasPresent && !mediumWasPresent) return;
  const held = score.missing.length === 0 ? score.score : scoreNews2(inputs, scale, 0).score;

  if (score.score >= NEWS2_EMERGENCY) findPresent(judgement, NEWS2_HIGH, cause(score, NEWS2_EMERGENCY), source);
  else if (highWasPresent && held < NEWS2_EMERGENCY) findAbsent(judgement, NEWS2_HIGH.id, source);

  // One deterioration, one alarm: where the high one rings, the medium one does not begin, but one that is there stays.
  const highIsPresent = judgement.conditions[NEWS2_HIGH.id] !== undefined;
  if (score.score >= NEWS2_URGENT && !highIsPresent)
    findPresent(judgement, NEWS2_MEDIUM, cause(score, NEWS2_URGENT), source);
  else if (mediumWasPresent && held < NEWS2_URGENT) findAbsent(judgement, NEWS2_MEDIUM.id, source);
}

export function news2Inputs({ values, oxygen, consciousness }: Pick<PatientStatus, 'values' | Context>): News2Inputs {
  const { respiratoryRate, spo2, systolic, heartRate, temperature } = values;
  return { respiratoryRate, spo2, oxygen, systolic, heartRate, consciousness, temperature };
}

type Context = 'oxygen' | 'consciousness';

function cause(score: News2Score, limit: number): Cause {
  const partial = score.missing.length === 0 ? '' : ' partial';
  return {
    vital: 'news2',
    value: score.score,
    comparison: 'at-least',
    limit,
    text: `NEWS2 ${score.score} ≥ ${limit}${partial}`,
  };
}
