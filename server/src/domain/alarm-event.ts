import type { Alarm, AlarmChange, AlarmChangeKind, AlarmKind, Priority } from './alarm.ts';
import type { SecurityEventFacts } from './security-event.ts';

/**
 * What happened to an alarm, as other systems are told it. Everything is kept; what a receiver gets is cut down to what
 * its subscription was granted.
 */
export interface AlarmEventFacts {
  readonly alarmId: string;
  readonly change: Exclude<AlarmChangeKind, 'unchanged'>;
  readonly kind: AlarmKind;
  readonly priority: Priority;
  readonly highestPriority: Priority;
  readonly previousPriority?: Priority;
  readonly state: Alarm['state'];
  readonly condition: Alarm['condition'];
  readonly wardId?: string;
  readonly bedId?: string;
  readonly raisedAt: string;
  readonly endedAt?: string;
  readonly acknowledgedAt?: string;
  readonly snoozedUntil?: string;
  readonly escalationStep?: string;
  readonly resolvedAt?: string;
  readonly resolvedBy?: 'person' | 'condition' | 'rule';
  readonly by?: string;
  readonly owner?: string;
  readonly patientId?: string;
  readonly rule?: string;
  readonly ruleVersion?: number;
  readonly deviceId?: string;
  readonly readingId?: string;
  readonly text?: string;
  readonly value?: number;
  readonly limit?: number;
}

export type EventDetail = 'place' | 'patient' | 'values';

/** Undefined: nothing happened that is worth telling. */
export function alarmEvent(change: AlarmChange): AlarmEventFacts | undefined {
  const { kind, alarm } = change;
  if (kind === 'unchanged') return undefined;
  const { worst } = alarm;
  return {
    alarmId: alarm.id,
    change: kind,
    kind: alarm.kind,
    priority: alarm.priority,
    highestPriority: alarm.highestPriority,
    state: alarm.state,
    condition: alarm.condition,
    raisedAt: rfc3339(alarm.raisedAtMs),
    patientId: alarm.patientId,
    rule: alarm.rule,
    ruleVersion: alarm.ruleVersion,
    deviceId: alarm.deviceId,
    readingId: alarm.lastReadingId,
    text: worst.text,
    ...given({
      previousPriority: change.previousPriority,
      wardId: alarm.wardId,
      bedId: alarm.bedId,
      endedAt: moment(alarm.endedAtMs),
      acknowledgedAt: moment(alarm.acknowledgedAtMs),
      snoozedUntil: moment(alarm.snoozedUntilMs),
      escalationStep: alarm.escalationStep,
      resolvedAt: moment(alarm.resolvedAtMs),
      resolvedBy: alarm.resolvedBy,
      by: change.by,
      owner: alarm.owner,
      value: worst.value,
      limit: worst.limit,
    }),
  };
}

/** Fields beyond `place`, by what they need. Whatever is not named in `PLACE` or here leaves the house with nobody. */
const PATIENT = ['by', 'owner', 'patientId', 'rule', 'ruleVersion', 'deviceId', 'readingId'] as const;
const VALUES = ['text', 'value', 'limit'] as const;
const PLACE = [
  'alarmId',
  'change',
  'kind',
  'priority',
  'highestPriority',
  'previousPriority',
  'state',
  'condition',
  'wardId',
  'bedId',
  'raisedAt',
  'endedAt',
  'acknowledgedAt',
  'snoozedUntil',
  'escalationStep',
  'resolvedAt',
  'resolvedBy',
] as const;

const SHOWN: Readonly<Record<EventDetail, readonly (keyof AlarmEventFacts)[]>> = {
  place: PLACE,
  patient: [...PLACE, ...PATIENT],
  values: [...PLACE, ...PATIENT, ...VALUES],
};

/** What this much detail lets through. */
export function cutEvent(facts: AlarmEventFacts, detail: EventDetail): AlarmEventFacts {
  const cut = Object.fromEntries(SHOWN[detail].filter((field) => field in facts).map((field) => [field, facts[field]]));
  return cut as unknown as AlarmEventFacts;
}

/** One way an event may take to a subscription: every part that is given must agree. */
export interface EventRoute {
  /** Alarms, where nothing is said: who wants to know of security alerts says so. */
  readonly about?: readonly ('alarm' | 'security-alert')[];
  readonly changes?: readonly AlarmChangeKind[];
  readonly priorities?: readonly Priority[];
  readonly kinds?: readonly AlarmKind[];
  readonly wardIds?: readonly string[];
  /** Rule ids; one that ends in `*` means all that begin so. */
  readonly rules?: readonly string[];
}

/** By which of the routes the event goes out; undefined: by none. */
export function routeOf(
  facts: AlarmEventFacts | SecurityEventFacts,
  routes: readonly EventRoute[],
): number | undefined {
  const found = routes.findIndex((route) => ('about' in facts ? takesAlert(facts, route) : takes(facts, route)));
  return found < 0 ? undefined : found;
}

/** Of what narrows a route, only how urgent it is says something of them. */
function takesAlert({ severity }: SecurityEventFacts, { about, priorities }: EventRoute): boolean {
  return about?.includes('security-alert') === true && agrees(priorities, severity);
}

function takes(facts: AlarmEventFacts, { about, changes, priorities, kinds, wardIds, rules }: EventRoute): boolean {
  return (
    agrees(about, 'alarm') &&
    agrees(changes, facts.change) &&
    // What was high and is no longer concerns whoever follows high alarms.
    (agrees(priorities, facts.priority) || agreesIfThere(priorities, facts.previousPriority)) &&
    agrees(kinds, facts.kind) &&
    agrees(wardIds, facts.wardId) &&
    (rules === undefined || rules.some((rule) => matchesRule(rule, facts.rule)))
  );
}

function agrees<T>(wanted: readonly T[] | undefined, is: T | undefined): boolean {
  return wanted === undefined || (is !== undefined && wanted.includes(is));
}

function agreesIfThere<T>(wanted: readonly T[] | undefined, is: T | undefined): boolean {
  return is !== undefined && agrees(wanted, is);
}

function matchesRule(wanted: string, rule: string | undefined): boolean {
  if (rule === undefined) return false;
  return wanted.endsWith('*') ? rule.startsWith(wanted.slice(0, -1)) : rule === wanted;
}

function given<T extends object>(fields: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]?: Exclude<T[Key], undefined>;
  };
}

const rfc3339 = (ms: number): string => new Date(ms).toISOString();
const moment = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : rfc3339(ms));
