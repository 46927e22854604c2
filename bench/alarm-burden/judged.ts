import type { ConditionTransition } from '../../server/src/domain/alarm.ts';
import { evaluation } from '../../server/src/domain/evaluate.ts';
import type { PatientId } from '../../server/src/domain/ids.ts';
import type { AssignedReading } from '../../server/src/domain/reading.ts';
import { vitalsLookedAt } from '../../server/src/domain/ringing.ts';
import { isBeyond } from '../../server/src/domain/threshold.ts';
import { MEASUREMENTS_APART_MAX_MS, type Span } from './events.ts';
import type { RuleSet } from './rule-sets.ts';

/** What one rule set rang for one patient. */
export interface Judged {
  readonly transitions: readonly ConditionTransition[];
  /** Each alarm's time, cut where its priority changed. */
  readonly spans: readonly Span[];
}

/** The very judging of the live path (`domain/assess.ts`), on one patient's readings in order. */
export function judge(set: RuleSet, patientId: PatientId, readings: readonly AssignedReading[]): Judged {
  const transitions: ConditionTransition[] = [];
  const tell = (transition: ConditionTransition) => transitions.push(transition);
  const judging =
    set.inARow === undefined ? evaluation(patientId, set.rules, tell) : inARow(set, set.inARow, patientId, tell);
  for (const reading of readings) judging.take(reading);
  return { transitions, spans: spansOf(set, transitions) };
}

function spansOf({ rules }: RuleSet, transitions: readonly ConditionTransition[]): readonly Span[] {
  const looksAt = vitalsLookedAt(rules.compiled);
  const open = new Map<string, Span>();
  const spans: Span[] = [];
  for (const { kind, rule, priority, atMs } of transitions) {
    const known = open.get(rule);
    if (kind !== 'ended' && known?.priority === priority) continue;
    if (known !== undefined) {
      known.untilMs = atMs;
      open.delete(rule);
    }
    if (kind === 'ended') continue;
    const span: Span = {
      vitals: looksAt.get(rule) ?? new Set(),
      priority,
      begunMs: known?.begunMs ?? atMs,
      fromMs: atMs,
      untilMs: Number.POSITIVE_INFINITY,
    };
    open.set(rule, span);
    spans.push(span);
  }
  return spans;
}

/** How many values are beyond a limit, and in how many readings there is one. */
export function readingsBeyond(
  { rules }: RuleSet,
  readings: readonly AssignedReading[],
): { readonly values: number; readonly readings: readonly AssignedReading[] } {
  let count = 0;
  const limits = Object.values(rules.compiled.limits).flatMap((each) => each ?? []);
  const beyond = readings.filter(({ vitals }) => {
    const found = limits.filter(({ rule }) => {
      const value = vitals[rule.vital];
      return value !== undefined && isBeyond(rule, value);
    });
    count += found.length;
    return found.length > 0;
  });
  return { values: count, readings: beyond };
}

/** A limit that rings at the n-th measurement in a row beyond it, none far from the one before. */
function inARow(
  { rules }: RuleSet,
  times: number,
  patientId: PatientId,
  tell: (transition: ConditionTransition) => void,
) {
  const limits = Object.values(rules.compiled.limits).flatMap((each) => each ?? []);
  const counts = limits.map(() => ({ count: 0, lastMs: 0 }));
  return {
    take({ vitals, atMs, id: readingId, deviceId }: AssignedReading) {
      limits.forEach(({ rule }, index) => {
        const value = vitals[rule.vital];
        const seen = counts[index];
        if (value === undefined || seen === undefined) return;
        const wasPresent = seen.count >= times;
        const isFar = !wasPresent && atMs - seen.lastMs > MEASUREMENTS_APART_MAX_MS;
        seen.count = isBeyond(rule, value) ? (isFar ? 1 : seen.count + 1) : 0;
        seen.lastMs = atMs;
        const isPresent = seen.count >= times;
        if (isPresent === wasPresent) return;
        tell({
          kind: isPresent ? 'began' : 'ended',
          patientId,
          rule: rule.id,
          ruleVersion: rule.version,
          alarmKind: 'physiological',
          priority: rule.priority,
          cause: { text: rule.id },
          readingId,
          deviceId,
          atMs,
          alarmId: `${rule.id}.${atMs}` as ConditionTransition['alarmId'],
          position: { partition: 0, offset: atMs, step: 0 },
        });
      });
    },
  };
}
