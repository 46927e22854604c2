import { describe, expect, it } from 'vitest';
import type { Alarm, AlarmChange, AlarmChangeKind, Priority } from './alarm.ts';
import type { AlarmId, DepartmentId, DeviceId, PatientId, ReadingId, UserId, WardId } from './ids.ts';
import {
  happeningOf,
  ofWards,
  parseTopic,
  RETURNED_AFTER_MS,
  type ReachablePerson,
  recipientsOf,
  type Subscription,
  type Topic,
  topicName,
} from './topic.ts';

const CAUSE = { vital: 'heartRate', value: 187, comparison: 'above', limit: 160, text: 'HR 187 > 160' } as const;
const ALARM: Alarm = {
  id: 'a1' as AlarmId,
  patientId: 'P' as PatientId,
  wardId: 'W3' as WardId,
  rule: 'heartRate.above.high',
  ruleVersion: 1,
  kind: 'physiological',
  priority: 'high',
  highestPriority: 'high',
  state: 'active',
  condition: 'present',
  cause: CAUSE,
  worst: CAUSE,
  deviceId: 'D' as DeviceId,
  readingId: 'r' as ReadingId,
  lastReadingId: 'r' as ReadingId,
  raisedAtMs: 0,
  reminders: 0,
  notes: 0,
  revision: 1,
};
const change = (
  alarm: Partial<Alarm> = {},
  kind: AlarmChangeKind = 'raised',
  over: Partial<AlarmChange> = {},
): AlarmChange => ({ kind, alarm: { ...ALARM, ...alarm }, atMs: 0, ...over });

const to = (topic: string, over: Partial<Subscription> = {}): Subscription => ({
  id: topic,
  topic: parseTopic(topic) as Topic,
  subscriber: { kind: 'endpoint', channel: 'mail', recipient: 'ward@x' },
  ...over,
});
const recipients = (
  of: AlarmChange,
  subscriptions: readonly Subscription[],
  people: ReadonlyMap<UserId, ReachablePerson> = new Map(),
  wardNow?: WardId,
) => {
  const happening = happeningOf(of, wardNow);
  return happening === undefined ? [] : recipientsOf(happening, subscriptions, people);
};
const hears = (of: AlarmChange, topic: string, over: Partial<Subscription> = {}, wardNow?: string) =>
  recipients(of, [to(topic, over)], new Map(), wardNow as WardId | undefined).length === 1;

describe('a topic', () => {
  it.each([
    ['alarms', { class: 'alarms' }],
    ['alarms.high', { class: 'alarms', priority: 'high' }],
    ['alarms.*.W3', { class: 'alarms', wardId: 'W3' }],
    ['technical.medium.W3', { class: 'technical', priority: 'medium', wardId: 'W3' }],
    ['alarms.*.high', { class: 'alarms', wardId: 'high' }],
    ['alarms.low.icu.east', { class: 'alarms', priority: 'low', wardId: 'icu.east' }],
    ['system.high', { class: 'system', priority: 'high' }],
    ['alarms.high.@cardiology', { class: 'alarms', priority: 'high', departmentId: 'cardiology' }],
    ['technical.*.@icu.east', { class: 'technical', departmentId: 'icu.east' }],
  ])('%s is read, and written the same', (text, topic) => {
    expect(parseTopic(text)).toEqual(topic);
    expect(topicName(topic as Topic)).toBe(text);
  });
  it.each([
    ['alarms.*', 'alarms'],
    ['alarms.*.*', 'alarms'],
    ['alarms.high.*', 'alarms.high'],
  ])('%s is the long form of %s', (long, short) => expect(topicName(parseTopic(long) as Topic)).toBe(short));
  it.each([
    '',
    'alarm',
    'alarms.',
    'alarms.urgent',
    'alarms.W3',
    'alarms.high.',
    'alarms.high..x',
    'system.high.W3',
    'system.*.*',
    'alarms.high.a b',
    'alarms.high.@',
    'system.high.@cardiology',
  ])('%j is none', (text) => expect(parseTopic(text)).toBeUndefined());
});

describe('a subscriber hears', () => {
  it.each([
    ['alarms', true],
    ['alarms.high', true],
    ['alarms.medium', false],
    ['alarms.*.W3', true],
    ['alarms.*.W4', false],
    ['alarms.high.W3', true],
    ['alarms.low.W3', false],
    ['technical', false],
    ['system', false],
  ])('under %s of a new high alarm in W3: %s', (topic, expected) => expect(hears(change(), topic)).toBe(expected));

  it('of the wards of a department, as they belong to it now', () => {
    const wards = [
      { id: 'W3' as WardId, departmentId: 'cardiology' as DepartmentId },
      { id: 'W4' as WardId },
      { id: 'W5' as WardId, departmentId: 'surgery' as DepartmentId },
    ];
    const heard = (topic: string) => recipients(change(), ofWards([to(topic)], wards)).length === 1;
    expect([heard('alarms.high.@cardiology'), heard('alarms.*.@surgery'), heard('alarms.*.@nowhere')]).toEqual([
      true,
      false,
      false,
    ]);
    expect(recipients(change(), [to('alarms.high.@cardiology')])).toEqual([]);
    expect(ofWards([to('alarms.high.W4')], wards)).toEqual([to('alarms.high.W4')]);
  });

  it('of technical alarms apart', () => {
    const lost = change({ kind: 'technical', rule: 'technical.lost', priority: 'medium' });
    expect([hears(lost, 'technical'), hears(lost, 'technical.medium.W3'), hears(lost, 'alarms')]).toEqual([
      true,
      true,
      false,
    ]);
  });
  it.each([
    ['high', true],
    ['medium', true],
    ['low', false],
  ] as const)('from a priority on: of %s, %s', (priority, expected) =>
    expect(hears(change({ priority }), 'alarms', { minPriority: 'medium' })).toBe(expected),
  );
  it('of a patient who was moved, in the old ward and in the new', () => {
    expect(hears(change(), 'alarms.*.W3', {}, 'W4')).toBe(true);
    expect(hears(change(), 'alarms.*.W4', {}, 'W4')).toBe(true);
    expect(hears(change(), 'alarms.*.W5', {}, 'W4')).toBe(false);
  });
  it('of an alarm whose ward nobody knows, whatever the ward', () => {
    const { wardId: _, ...homeless } = ALARM;
    expect(hears({ kind: 'raised', alarm: homeless, atMs: 0 }, 'alarms.*.W9')).toBe(true);
  });
  it('once, however many topics fit', () =>
    expect(recipients(change(), [to('alarms'), to('alarms.high'), to('alarms.*.W3')])).toHaveLength(1));
});

describe('by default', () => {
  const news = (...args: Parameters<typeof change>) => hears(change(...args), 'alarms');
  it('a new alarm is told, once', () => {
    expect(news()).toBe(true);
    for (const kind of [
      'worsened',
      'ended',
      'acknowledged',
      'resolved',
      'reminder',
      'escalated',
      'released',
      'acknowledgement-expired',
    ] as const)
      expect([kind, news({}, kind)]).toEqual([kind, false]);
  });
  it('one that becomes more urgent is told again, to those who hear of that urgency', () => {
    const risen = change({ priority: 'high' }, 'priority-changed', { previousPriority: 'medium' });
    expect(hears(risen, 'alarms.high')).toBe(true);
    expect(happeningOf(risen)?.event).toBe('worsened');
    const fallen = change({ priority: 'medium' }, 'priority-changed', { previousPriority: 'high' });
    expect(happeningOf(fallen)).toBeUndefined();
  });
  it('one that returns after ten minutes away is told again, and not each time a value wavers', () => {
    expect(news({}, 'returned', { awayMs: RETURNED_AFTER_MS })).toBe(true);
    expect(news({}, 'returned', { awayMs: RETURNED_AFTER_MS - 1 })).toBe(false);
    expect(news({}, 'returned')).toBe(false);
    expect(news({ priority: 'high' }, 'returned', { awayMs: 1, previousPriority: 'low' })).toBe(true);
  });
  it.each(['snoozed', 'unsnoozed', 'noted', 'unchanged'] as const)('%s is nobody’s news at all', (kind) =>
    expect(happeningOf(change({}, kind))).toBeUndefined(),
  );
});

it('whoever asks for other events gets those, and only those', () => {
  const events = ['acknowledged', 'reminder'] as const;
  expect(hears(change({}, 'acknowledged'), 'alarms', { events })).toBe(true);
  expect(hears(change({}, 'owner-changed'), 'alarms', { events })).toBe(true);
  expect(hears(change({}, 'acknowledgement-expired'), 'alarms', { events })).toBe(true);
  expect(hears(change(), 'alarms', { events })).toBe(false);
});

describe('a person who subscribes', () => {
  const noor = 'U-1' as UserId;
  const person = (over: Partial<ReachablePerson> = {}): ReadonlyMap<UserId, ReachablePerson> =>
    new Map([
      [
        noor,
        {
          wardIds: [],
          mayHearOfPatients: true,
          contacts: [
            { channel: 'mail', address: 'noor@x' },
            { channel: 'sms', address: '+4930', minPriority: 'high' },
          ],
          ...over,
        },
      ],
    ]);
  const subscription = to('alarms', { subscriber: { kind: 'user', userId: noor } });
  const told = (priority: Priority, people = person(), wardNow?: WardId) =>
    recipients(change({ priority }), [subscription], people, wardNow).map(({ channel }) => channel);

  it('is told by every contact whose own priority is reached', () => {
    expect(told('high')).toEqual(['mail', 'sms']);
    expect(told('medium')).toEqual(['mail']);
    expect(recipients(change(), [subscription], person())[0]).toEqual({
      channel: 'mail',
      recipient: 'noor@x',
      userId: noor,
    });
  });
  it('is told of their own wards only, whatever the topic says', () => {
    expect(told('high', person({ wardIds: ['W4' as WardId] }))).toEqual([]);
    expect(told('high', person({ wardIds: ['W4' as WardId] }), 'W4' as WardId)).toEqual(['mail', 'sms']);
  });
  it('is told of no patient when their roles no longer allow it, but of the installation', () => {
    const people = person({ mayHearOfPatients: false, wardIds: ['W9' as WardId] });
    expect(told('high', people)).toEqual([]);
    const system = { event: 'raised', class: 'system', priority: 'high', wardIds: [], isNews: true } as const;
    const mine = to('system', { subscriber: { kind: 'user', userId: noor } });
    expect(recipientsOf(system, [mine], people)).toHaveLength(2);
  });
  it('is not told when disabled or gone', () => expect(told('high', new Map())).toEqual([]));
});
