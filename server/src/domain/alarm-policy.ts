import type { Alarm, AlarmKind, Priority } from './alarm.ts';

/** The times of an alarm's life, as an installation sets them. */
export interface AlarmPolicy {
  /** How long an acknowledgement holds while the condition is present; 0: until the condition ends. */
  readonly acknowledgementMs: Readonly<Record<Priority, number>>;
  /** The same of an alarm about NEWS2; absent: as any other. */
  readonly news2AcknowledgementMs?: Readonly<Record<Priority, number>>;
  /** How often an alarm is reminded of while its condition is present and nobody has acknowledged it; 0: never. */
  readonly remindEveryMs: Readonly<Record<Priority, number>>;
  /** Reminders until somebody acknowledges, or it calls anew. */
  readonly remindersMax: number;
  /** What a person may choose from, by priority; none: it cannot be snoozed. Each at most `SNOOZE_MAX_MS`. */
  readonly snoozeMs: Readonly<Record<Priority, readonly number[]>>;
  /** The first that fits counts. */
  readonly autoClear: readonly AutoClearRule[];
}

/** An alarm whose condition has ended is closed after this time although nobody acknowledged it. */
export interface AutoClearRule {
  /** Either of one rule, or of one kind and priority: whoever wants high physiological alarms closed must write so. */
  readonly of: { readonly rule: string } | { readonly kind: AlarmKind; readonly priority: Priority };
  readonly afterMs: number;
}

const MINUTE_MS = 60_000;

/** Longer than any choice we offer; a snooze that outlasts an hour is a limit that should be changed. */
export const SNOOZE_MAX_MS = 60 * MINUTE_MS;

export const ALARM_POLICY: AlarmPolicy = {
  // The source documents recheck the vital after ten minutes; a patient whose high alarm outlasts that needs a second look.
  acknowledgementMs: { high: 10 * MINUTE_MS, medium: 30 * MINUTE_MS, low: 120 * MINUTE_MS },
  // A score stays high for a day or longer: that it still is called people eighteen times a day on recorded patients
  // (docs/alarm-burden.md). What calls anew is a score that rises, and the next shift (of 8 to 12 hours), who take it over.
  news2AcknowledgementMs: { high: 480 * MINUTE_MS, medium: 720 * MINUTE_MS, low: 720 * MINUTE_MS },
  // Often enough not to be forgotten, and seldom enough not to be one more noise: escalation tells others meanwhile.
  remindEveryMs: { high: 2 * MINUTE_MS, medium: 5 * MINUTE_MS, low: 30 * MINUTE_MS },
  // Of a high alarm ten minutes' worth: by then others have been told.
  remindersMax: 5,
  snoozeMs: {
    high: [5 * MINUTE_MS],
    medium: [5 * MINUTE_MS, 15 * MINUTE_MS, 30 * MINUTE_MS],
    low: [5 * MINUTE_MS, 15 * MINUTE_MS, 30 * MINUTE_MS],
  },
  // An electrode that was put back needs nobody's signature. Whatever spoke of the patient stays until somebody saw it.
  autoClear: [{ of: { kind: 'technical', priority: 'low' }, afterMs: MINUTE_MS }],
};

/**
 * Judged by the most urgent it ever was: an alarm that was high is not closed as a low one. One that several rules make
 * (NEWS2) is also known by the rule that saw its worst.
 */
export function autoClearMs(alarm: Alarm, rules: readonly AutoClearRule[]): number | undefined {
  return rules.find(({ of }) =>
    'rule' in of
      ? of.rule === alarm.rule || of.rule === alarm.worst.reasons?.rule
      : of.kind === alarm.kind && of.priority === alarm.highestPriority,
  )?.afterMs;
}

/** How long an acknowledgement of this alarm holds while its condition is present; 0: until that ends. */
export function acknowledgementMs(
  { priority, worst }: Pick<Alarm, 'priority' | 'worst'>,
  policy: Pick<AlarmPolicy, 'acknowledgementMs' | 'news2AcknowledgementMs'>,
): number {
  const { news2AcknowledgementMs: ofScores = policy.acknowledgementMs } = policy;
  return (worst.vital === 'news2' ? ofScores : policy.acknowledgementMs)[priority];
}

/**
 * What a person may choose. A high technical alarm (nobody can see this patient any more) is never silenced: there is
 * nothing else that would tell.
 */
export function snoozeChoicesMs(
  alarm: Pick<Alarm, 'kind' | 'priority'>,
  { snoozeMs }: Pick<AlarmPolicy, 'snoozeMs'>,
): readonly number[] {
  if (alarm.kind === 'technical' && alarm.priority === 'high') return [];
  return snoozeMs[alarm.priority].filter((ms) => ms > 0 && ms <= SNOOZE_MAX_MS);
}

/**
 * `technical/low=60` or `technical.battery=300`: what, and after how many seconds. A rule that would close high
 * physiological alarms unseen must name them. Undefined: not such a text.
 */
export function parseAutoClear(text: string): AutoClearRule | undefined {
  const [, what, kind, priority, seconds] = new RegExp(AUTO_CLEAR_PATTERN).exec(text) ?? [];
  if (what === undefined) return undefined;
  const afterMs = Number(seconds) * 1_000;
  return kind === undefined
    ? { of: { rule: what }, afterMs }
    : { of: { kind: kind as AlarmKind, priority: priority as Priority }, afterMs };
}

/** At most a day and some hours: what is older is for the round, not for a clock. */
export const AUTO_CLEAR_PATTERN =
  '^((physiological|technical)/(high|medium|low)|[A-Za-z][A-Za-z0-9]*(?:[.-][A-Za-z0-9-]+)+)=(\\d{1,5})$';
