import type { JudgedStatus } from './assess-state.ts';
import { NEWS2_PARAMETERS, type News2Inputs } from './news2.ts';
import type { News2Parameter, News2Score } from './patient-status.ts';
import type { News2Rule } from './rule.ts';
import type { ReasonReading } from './rule-reasons.ts';

type Total = Pick<News2Score, 'score' | 'single3'>;

/** Does the score show what the rule asks for? */
export function fires({ atLeast, single3 }: News2Rule, score: Total): boolean {
  return single3 === true ? score.single3 : score.score >= (atLeast ?? Number.POSITIVE_INFINITY);
}

/** Is what the rule asked for over by this score? A single 3 has no band: the chart scores it or does not. */
export function isWellFor({ atLeast = 0, clearAt = atLeast - 1, single3 }: News2Rule, score: Total): boolean {
  return single3 === true ? !score.single3 : score.score <= clearAt;
}

/** What makes the rule true: each parameter of 3, or every one that scores. */
export function scoringFor({ single3 }: News2Rule, { points }: Pick<News2Score, 'points'>): readonly News2Parameter[] {
  return NEWS2_PARAMETERS.filter((parameter) => (points[parameter] ?? 0) >= (single3 === true ? 3 : 1));
}

export function news2Inputs({ values, oxygen, consciousness }: JudgedStatus): News2Inputs {
  const { respiratoryRate, spo2, systolic, heartRate, temperature } = values;
  return { respiratoryRate, spo2, oxygen, systolic, heartRate, consciousness, temperature };
}

/** Which reading a parameter comes from. */
export function readingFor(status: JudgedStatus, parameter: News2Parameter): ReasonReading | undefined {
  const isVital = parameter !== 'oxygen' && parameter !== 'consciousness';
  const from = isVital ? status.values[parameter] : status[parameter];
  if (from === undefined) return undefined;
  const { readingId, deviceId, atMs, value } = from;
  return { readingId, deviceId, atMs, ...(isVital ? { vital: parameter } : undefined), value };
}
