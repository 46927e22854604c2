import type { AlarmKind, Cause, ConditionTransition, Priority } from './alarm.ts';
import type { Condition, Conditions, Position, ReadingSource } from './assess-state.ts';
import type { AlarmId, PatientId } from './ids.ts';
import { roundToChart } from './news2.ts';

/**
 * One round of judging a patient: what was found is turned into conditions that begin, worsen and end. Lives only within
 * one call of `assess`, and is the one thing in it that is changed in place.
 */
export interface Judgement {
  readonly patientId: PatientId;
  readonly at: Position;
  readonly alarmIdOf: AlarmIdOf;
  conditions: Conditions;
  readonly transitions: ConditionTransition[];
}

/** A hash of at least 128 bits, as text that is a safe id; given from outside, as the domain has no cryptography. */
export type AlarmIdOf = (key: string) => AlarmId;

export interface RuleFacts {
  readonly id: string;
  readonly version: number;
  readonly kind: AlarmKind;
  readonly priority: Priority;
}

/** The rule's condition is there. */
export function findPresent(judgement: Judgement, rule: RuleFacts, cause: Cause, source: ReadingSource): void {
  const condition = judgement.conditions[rule.id];
  if (condition === undefined) begin(judgement, rule, cause, source);
  else goOn(judgement, rule.id, condition, cause, source);
}

/** It was looked at, and the rule's condition is not there. (A value that is missing says nothing: do not call.) */
export function findAbsent(judgement: Judgement, rule: string, source: ReadingSource): void {
  const condition = judgement.conditions[rule];
  if (condition === undefined) return;
  let step = 0;
  // The peak between two tellings must not be lost with the end.
  if (isWorse(condition.worst, condition.told))
    tell(judgement, 'worsened', rule, condition, condition.worst, condition.worstSource, step++);
  tell(judgement, 'ended', rule, condition, condition.worst, source, step);
  const { [rule]: _, ...others } = judgement.conditions;
  judgement.conditions = others;
}

/**
 * How often one condition may tell that it got worse, in event time. Without a bound a heart rate that climbs by a beat
 * each second would be a transaction per second and patient; 10 s is far below the time a person takes to react.
 */
export const WORSENED_EVERY_MS = 10_000;

function begin(judgement: Judgement, rule: RuleFacts, cause: Cause, source: ReadingSource): void {
  const { patientId, at } = judgement;
  // The offset tells apart two records of one reading; the step, what began without a reading. Ids are printable
  // without a line break, so the joined key is unambiguous.
  const alarmId = judgement.alarmIdOf(
    [patientId, rule.id, source.deviceId, source.readingId, at.offset, isWithoutReading(at) ? at.step : 0].join('\n'),
  );
  const { version: ruleVersion, kind, priority } = rule;
  const condition: Condition = {
    alarmId,
    ruleVersion,
    kind,
    priority,
    worst: cause,
    worstSource: source,
    told: cause,
    toldAtMs: source.atMs,
  };
  judgement.conditions = { ...judgement.conditions, [rule.id]: condition };
  tell(judgement, 'began', rule.id, condition, cause, source, 0);
}

function goOn(judgement: Judgement, rule: string, condition: Condition, cause: Cause, source: ReadingSource): void {
  const worsened = isWorse(cause, condition.worst);
  const worst = worsened ? cause : condition.worst;
  const worstSource = worsened ? source : condition.worstSource;
  const isDue = source.atMs - condition.toldAtMs >= WORSENED_EVERY_MS && isWorse(worst, condition.told);
  if (!worsened && !isDue) return;
  const next: Condition = isDue
    ? { ...condition, worst, worstSource, told: worst, toldAtMs: source.atMs }
    : { ...condition, worst, worstSource };
  judgement.conditions = { ...judgement.conditions, [rule]: next };
  if (isDue) tell(judgement, 'worsened', rule, next, worst, worstSource, 0);
}

function tell(
  judgement: Judgement,
  kind: ConditionTransition['kind'],
  rule: string,
  condition: Condition,
  cause: Cause,
  source: ReadingSource,
  step: number,
): void {
  const { patientId, at } = judgement;
  judgement.transitions.push({
    kind,
    patientId,
    rule,
    ruleVersion: condition.ruleVersion,
    alarmKind: condition.kind,
    priority: condition.priority,
    cause,
    readingId: source.readingId,
    deviceId: source.deviceId,
    atMs: source.atMs,
    alarmId: condition.alarmId,
    position: { partition: at.partition, offset: at.offset, step: at.step + step },
  });
}

/** Worse by what is shown: a change no chart would show is none. Technical conditions do not grow worse. */
function isWorse(candidate: Cause, than: Cause): boolean {
  const [a, b] = [shownValue(candidate), shownValue(than)];
  if (a === undefined || b === undefined) return false;
  return candidate.comparison === 'below' ? a < b : a > b;
}

function shownValue({ vital, value }: Cause): number | undefined {
  if (vital === undefined || value === undefined) return undefined;
  return vital === 'news2' ? value : roundToChart(vital, value);
}

/** Reading-driven steps are 0 and 1; those without a reading are moments. */
function isWithoutReading(at: Position): boolean {
  return at.step > 0;
}
