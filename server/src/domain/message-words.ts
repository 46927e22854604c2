import type { Alarm, Priority } from './alarm.ts';
import type { NotificationEvent } from './channel.ts';
import { allows, type MessageLevel } from './message-policy.ts';
import { VITALS, type VitalName } from './vital.ts';

/** What is known when a message is written; the level decides what of it is used. */
export interface MessageFacts {
  readonly event: NotificationEvent;
  readonly alarm: Pick<
    Alarm,
    'id' | 'priority' | 'kind' | 'rule' | 'cause' | 'worst' | 'raisedAtMs' | 'owner' | 'condition'
  >;
  /** What the wall calls the bed: `W3-01`. */
  readonly bed?: string;
  readonly patientName?: string;
  /** Where to look, if the installation has an address. */
  readonly wallUrl?: string;
}

export interface MessageWords {
  readonly subject: string;
  readonly text: string;
  /** The same for machines: nothing that the text may not hold. */
  readonly fields: Readonly<Record<string, string | number | boolean>>;
}

/** An alarm in the words of a level. Everything that leaves the house about a patient is written here. */
export function wordsOf(facts: MessageFacts, level: MessageLevel): MessageWords {
  const { alarm, bed, event, wallUrl } = facts;
  const subject = `${headline(facts)}, ${bed === undefined ? 'no bed assigned' : `bed ${bed}`}`;
  const raisedAt = new Date(alarm.raisedAtMs).toISOString();
  const { lines, fields } = beyondMinimal(facts, level);
  const text = [subject, ...lines, `Raised ${raisedAt}.`, ...(wallUrl === undefined ? [] : [`See ${wallUrl}`])];
  return {
    subject,
    text: `${text.join('\n')}\n`,
    fields: {
      change: event,
      priority: alarm.priority,
      kind: alarm.kind,
      raisedAt,
      alarmId: alarm.id,
      ...(bed === undefined ? {} : { bed }),
      ...fields,
    },
  };
}

function beyondMinimal({ alarm, event, patientName }: MessageFacts, level: MessageLevel) {
  const name = allows(level, 'rich') ? patientName : undefined;
  const condition = allows(level, 'standard') ? conditionOf(alarm) : undefined;
  const seen = allows(level, 'detailed') ? (event === 'worsened' ? alarm.worst : alarm.cause) : undefined;
  const taker = event === 'acknowledged' ? alarm.owner : undefined;
  return {
    lines: [
      ...(name === undefined ? [] : [name]),
      ...(condition === undefined
        ? []
        : [`${sentence(condition)}${taker === undefined ? '' : `, taken by ${taker}`}.`]),
      ...(seen === undefined ? [] : [`${seen.text}.`]),
    ],
    fields: {
      ...(name === undefined ? {} : { patient: name }),
      ...(condition === undefined ? {} : { condition }),
      ...(seen?.value === undefined ? {} : { value: seen.value }),
      ...(seen?.limit === undefined ? {} : { limit: seen.limit }),
    },
  };
}

/** `High alarm`, `Medium technical alarm again`. */
function headline({ event, alarm }: MessageFacts): string {
  const name = `${sentence(alarm.priority)} ${alarm.kind === 'technical' ? 'technical alarm' : 'alarm'}`;
  return `${name}${HEADLINE_END[event]}`;
}

const HEADLINE_END: Readonly<Record<NotificationEvent, string>> = {
  raised: '',
  worsened: ' worse',
  returned: ' again',
  ended: ' over, not acknowledged',
  acknowledged: ' acknowledged',
  resolved: ' resolved',
  escalated: ' not answered',
  reminder: ' still open',
  summary: '',
  verification: '',
  test: '',
};

/**
 * What kind of condition, made from the closed lists of vitals and of our own technical rules: a rule's name and text are
 * data that anybody with the right may write, and might hold a value or a name.
 */
function conditionOf({ kind, rule, cause }: MessageFacts['alarm']): string {
  if (kind === 'technical') return TECHNICAL[rule] ?? 'measurement in trouble';
  if (cause.vital === 'news2') return 'early warning score high';
  if (cause.vital === undefined || cause.comparison === undefined) return 'several vital signs together';
  return `${SPOKEN[cause.vital]} ${cause.comparison === 'below' ? 'low' : 'high'}`;
}

const TECHNICAL: Readonly<Record<string, string>> = {
  'technical.lost': 'no data',
  'technical.leadsOff': 'leads off',
  'technical.battery': 'battery low',
};

const SPOKEN: Readonly<Record<VitalName, string>> = {
  heartRate: 'heart rate',
  spo2: 'oxygen saturation',
  respiratoryRate: 'respiratory rate',
  temperature: 'temperature',
  systolic: 'systolic blood pressure',
  diastolic: 'diastolic blood pressure',
  mean: 'mean blood pressure',
};

/** Which vital a trend chart would show; undefined: none. */
export function vitalToChart({ cause }: Pick<Alarm, 'cause'>): VitalName | undefined {
  return cause.vital !== undefined && cause.vital in VITALS ? (cause.vital as VitalName) : undefined;
}

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

/** Several alarms as one. No bed: they are of several, and which ones the wall shows. */
export function summaryWords(summary: {
  readonly count: number;
  readonly highest: Priority;
  readonly wallUrl?: string;
}): MessageWords {
  const { count, highest, wallUrl } = summary;
  const subject = `${count} more alarms, the most urgent ${highest}`;
  return {
    subject,
    text: `${subject}. See ${wallUrl ?? 'the wall'}\n`,
    fields: { change: 'summary', count, priority: highest },
  };
}

/** An alarm of the installation: its text holds no patient data by its own contract. */
export function systemWords(
  alarm: {
    readonly id: string;
    readonly priority: Priority;
    readonly subject?: string;
    readonly text: string;
    readonly raisedAtMs: number;
  },
  wallUrl?: string,
): MessageWords {
  const { subject = `${sentence(alarm.priority)} alarm of the installation` } = alarm;
  const raisedAt = new Date(alarm.raisedAtMs).toISOString();
  const when = alarm.subject === undefined ? `Raised ${raisedAt}.` : `It was ${raisedAt}.`;
  const lines = [subject, alarm.text, when, ...(wallUrl === undefined ? [] : [`See ${wallUrl}`])];
  return {
    subject,
    text: `${lines.join('\n')}\n`,
    fields: {
      change: 'raised',
      priority: alarm.priority,
      kind: 'system',
      raisedAt,
      alarmId: alarm.id,
      what: alarm.text,
    },
  };
}

export function verificationWords(code: string, minutes: number): MessageWords {
  const subject = 'HealthSync: confirm this address';
  const text = `${subject}\nYour code is ${code}. It holds for ${minutes} minutes. If you did not ask for it, do nothing.\n`;
  return { subject, text, fields: { change: 'verification', code } };
}

export function testWords(channel: string): MessageWords {
  const subject = 'HealthSync test: no alarm';
  const text = `${subject}\nThis is only a test of the channel ${channel}. Nothing needs to be done.\n`;
  return { subject, text, fields: { change: 'test', channel } };
}
