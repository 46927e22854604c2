import type { Cause, ConditionTransition, Priority } from './alarm.ts';
import { type AssessRules, type Compiled, PRIORITY_RANK } from './assess-rules.ts';
import { type Condition, NO_CONDITIONS, type PatientState, type Position, type ReadingSource } from './assess-state.ts';
import type { AlarmId } from './ids.ts';
import { roundToChart } from './news2.ts';
import { alarmKindOf } from './rule.ts';
import { REASON_READINGS_MAX, type ReasonReading, type Reasons } from './rule-reasons.ts';

/**
 * One round of judging a patient: what was found is turned into conditions that begin, change and end. What is told and
 * what the patient's state says are changed together, so that whatever fails in between, the two agree.
 */
export interface Judgement {
  readonly patient: PatientState;
  readonly rules: AssessRules;
  readonly at: Position;
  /** What happens now: the reading that is judged, or for silence the one it stands on. */
  readonly source: ReadingSource;
  readonly alarmIdOf: AlarmIdOf;
  readonly told: ConditionTransition[];
}

/** A hash of at least 128 bits, as text that is a safe id; given from outside, as the domain has no cryptography. */
export type AlarmIdOf = (key: string) => AlarmId;

/** What a rule saw, before its reasons are added. */
export interface Found {
  readonly cause: Omit<Cause, 'reasons'>;
  readonly readings: readonly ReasonReading[];
  readonly sustained?: Reasons['sustained'];
}

/** The rule's condition is there. `name`: of a condition that several rules make together. */
export function findPresent(judgement: Judgement, rule: Compiled, found: Found, name: string = rule.rule.id): void {
  const condition = judgement.patient.conditions[name];
  if (condition === undefined) begin(judgement, rule, found, name);
  else goOn(judgement, rule, condition, found, name);
}

/** Of a condition that several rules make together: these hold now. */
export function holdBy(patient: PatientState, name: string, holding: readonly string[]): void {
  const condition = patient.conditions[name];
  if (condition === undefined || isSameList(condition.holding, holding)) return;
  patient.conditions = { ...patient.conditions, [name]: { ...condition, holding } };
}

/** It was looked at, and the condition of this name is not there. (A value that is missing says nothing: do not call.) */
export function findAbsent(judgement: Judgement, ruleId: string): void {
  const { patient, source } = judgement;
  const condition = patient.conditions[ruleId];
  if (condition === undefined) return;
  let step = 0;
  // The peak between two tellings must not be lost with the end.
  if (isWorse(condition.worst, condition.told))
    tell(judgement, 'worsened', ruleId, condition, condition.worst, condition.worstSource, step++);
  tell(judgement, 'ended', ruleId, condition, condition.worst, source, step);
  const { [ruleId]: _, ...others } = patient.conditions;
  patient.conditions = isEmpty(others) ? NO_CONDITIONS : others;
}

/**
 * How often one condition may tell that it got worse, in event time. Without a bound a heart rate that climbs by a beat
 * each second would be a transaction per second and patient; 10 s is far below the time a person takes to react.
 */
export const WORSENED_EVERY_MS = 10_000;

function begin(judgement: Judgement, compiled: Compiled, found: Found, name: string): void {
  const { patient, at, source } = judgement;
  const { rule, scope } = compiled;
  // The offset tells apart two records of one reading; the step, what began without a reading. Ids are printable
  // without a line break, so the joined key is unambiguous.
  const alarmId = judgement.alarmIdOf(
    [
      patient.status.patientId,
      name,
      source.deviceId,
      source.readingId,
      at.offset,
      isWithoutReading(at) ? at.step : 0,
    ].join('\n'),
  );
  const repeated = countBeginning(judgement, compiled);
  const cause = withReasons(compiled, found, repeated?.reasons);
  const condition: Condition = {
    alarmId,
    ruleVersion: rule.version,
    scope,
    kind: alarmKindOf(rule),
    priority: repeated?.priority ?? rule.priority,
    ...(repeated === undefined ? undefined : { repeated: repeated.reasons }),
    worst: cause,
    worstSource: source,
    told: cause,
    toldAtMs: source.atMs,
  };
  patient.conditions = { ...patient.conditions, [name]: condition };
  tell(judgement, 'began', name, condition, cause, source, 0);
}

function goOn(judgement: Judgement, compiled: Compiled, condition: Condition, found: Found, id: string): void {
  const { patient, source } = judgement;
  const priority = priorityNow(compiled, condition);
  if (priority !== condition.priority) {
    changePriority(judgement, compiled, condition, priority, found, id);
    return;
  }
  const worsened = isWorse(found.cause, condition.worst);
  const isDue = source.atMs - condition.toldAtMs >= WORSENED_EVERY_MS;
  if (!worsened && !(isDue && isWorse(condition.worst, condition.told))) return;
  const worst = worsened ? withReasons(compiled, found, condition.repeated) : condition.worst;
  const worstSource = worsened ? source : condition.worstSource;
  const next: Condition = isDue
    ? { ...condition, worst, worstSource, told: worst, toldAtMs: source.atMs }
    : { ...condition, worst, worstSource };
  patient.conditions = { ...patient.conditions, [id]: next };
  if (isDue) tell(judgement, 'worsened', id, next, worst, worstSource, 0);
}

/** The rule was changed under a condition that is there, or another holds: told at once, however short ago the last was. */
function changePriority(
  judgement: Judgement,
  compiled: Compiled,
  condition: Condition,
  priority: Priority,
  found: Found,
  id: string,
): void {
  const { patient, source } = judgement;
  const { version } = compiled.rule;
  const kind = PRIORITY_RANK[priority] > PRIORITY_RANK[condition.priority] ? 'worsened' : 'eased';
  const cause = withReasons(compiled, found, condition.repeated);
  const worsened = isWorse(cause, condition.worst);
  const next: Condition = {
    ...condition,
    priority,
    ruleVersion: version,
    scope: compiled.scope,
    worst: worsened ? cause : condition.worst,
    worstSource: worsened ? source : condition.worstSource,
    told: worsened ? cause : condition.worst,
    toldAtMs: source.atMs,
  };
  patient.conditions = { ...patient.conditions, [id]: next };
  tell(judgement, kind, id, next, cause, source, 0);
}

/** What its rule says now, unless repetition has made it more urgent. */
function priorityNow({ rule }: Compiled, { priority, repeated }: Condition): Priority {
  return repeated !== undefined && PRIORITY_RANK[priority] > PRIORITY_RANK[rule.priority] ? priority : rule.priority;
}

/** Remembers this beginning where a rule counts it; answers if it has now come often enough to be more urgent. */
function countBeginning(
  { patient, rules, source }: Judgement,
  { rule }: Compiled,
): { readonly priority: Priority; readonly reasons: NonNullable<Reasons['repeated']> } | undefined {
  const counting = rules.compiled.repeated.get(rule.id);
  if (counting === undefined) return undefined;
  patient.beginnings ??= {};
  const known = patient.beginnings[rule.id] ?? [];
  const longestMs = Math.max(...counting.map((each) => each.rule.windowMs));
  const kept = known.filter((atMs) => source.atMs - atMs < longestMs).slice(1 - BEGINNINGS_MAX);
  patient.beginnings[rule.id] = [...kept, source.atMs];
  let most: ReturnType<typeof countBeginning>;
  for (const { rule: repeated, scope } of counting) {
    const { id, version, windowMs, times, priority } = repeated;
    const count = 1 + kept.filter((atMs) => source.atMs - atMs < windowMs).length;
    const before = most?.priority ?? rule.priority;
    if (count >= times && PRIORITY_RANK[priority] > PRIORITY_RANK[before])
      most = { priority, reasons: { rule: id, version, scope, times: count, windowMs } };
  }
  return most;
}

/** As often as a rule may ask for (`RepeatedShape.times`). */
const BEGINNINGS_MAX = 20;

function withReasons({ rule, scope, untilMs }: Compiled, found: Found, repeated: Reasons['repeated']): Cause {
  return {
    ...found.cause,
    reasons: {
      rule: rule.id,
      version: rule.version,
      scope,
      ...(untilMs === undefined ? undefined : { untilMs }),
      readings: found.readings.slice(0, REASON_READINGS_MAX),
      ...(found.sustained === undefined ? undefined : { sustained: found.sustained }),
      ...(repeated === undefined ? undefined : { repeated }),
    },
  };
}

function tell(
  { patient, at, told }: Judgement,
  kind: ConditionTransition['kind'],
  rule: string,
  condition: Condition,
  cause: Cause,
  source: ReadingSource,
  step: number,
): void {
  told.push({
    kind,
    patientId: patient.status.patientId,
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

/** Worse by what is shown: a change no chart would show is none. What has no value does not grow worse. */
function isWorse(candidate: Found['cause'], than: Cause): boolean {
  const [a, b] = [shownValue(candidate), shownValue(than)];
  if (a === undefined || b === undefined) return false;
  return candidate.comparison === 'below' ? a < b : a > b;
}

function shownValue({ vital, value }: Found['cause']): number | undefined {
  if (vital === undefined || value === undefined) return undefined;
  return vital === 'news2' ? value : roundToChart(vital, value);
}

function isSameList(a: readonly string[] | undefined, b: readonly string[]): boolean {
  return a !== undefined && a.length === b.length && a.every((each, index) => each === b[index]);
}

function isEmpty(record: object): boolean {
  for (const _ in record) return false;
  return true;
}

/** Reading-driven steps are 0 and 1; those without a reading are moments. */
function isWithoutReading(at: Position): boolean {
  return at.step > 0;
}
