import { describe, expect, it } from 'vitest';
import type { Cause } from './alarm.ts';
import { NOTIFICATION_EVENTS } from './channel.ts';
import type { AlarmId } from './ids.ts';
import { MESSAGE_LEVELS, type MessageLevel } from './message-policy.ts';
import {
  type MessageFacts,
  summaryWords,
  systemWords,
  testWords,
  verificationWords,
  wordsOf,
} from './message-words.ts';
import { VITAL_NAMES } from './vital.ts';

const CAUSE: Cause = { vital: 'heartRate', value: 187, comparison: 'above', limit: 163, text: 'HR 187 > 163' };
const FACTS: MessageFacts = {
  event: 'raised',
  alarm: {
    id: 'a1' as AlarmId,
    priority: 'high',
    kind: 'physiological',
    rule: 'heartRate.above.high',
    cause: CAUSE,
    worst: CAUSE,
    condition: 'present',
    raisedAtMs: Date.UTC(2026, 10, 22, 3, 4, 5),
  },
  bed: 'W3-01',
  patientName: 'Ada Lovelace',
  wallUrl: 'https://ward.example:8443/',
};
const facts = (over: Partial<MessageFacts> = {}, alarm: Partial<MessageFacts['alarm']> = {}): MessageFacts => ({
  ...FACTS,
  ...over,
  alarm: { ...FACTS.alarm, ...alarm },
});

describe('the words of a level', () => {
  it('minimal: how urgent and which bed', () => {
    const { subject, text, fields } = wordsOf(FACTS, 'minimal');
    expect(subject).toBe('High alarm, bed W3-01');
    expect(text).toBe('High alarm, bed W3-01\nRaised 2026-11-22T03:04:05.000Z.\nSee https://ward.example:8443/\n');
    expect(fields).toEqual({
      change: 'raised',
      priority: 'high',
      kind: 'physiological',
      raisedAt: '2026-11-22T03:04:05.000Z',
      alarmId: 'a1',
      bed: 'W3-01',
    });
  });
  it('standard: also what kind', () => {
    const { text, fields } = wordsOf(FACTS, 'standard');
    expect(text).toContain('\nHeart rate high.\n');
    expect(fields).toMatchObject({ condition: 'heart rate high' });
  });
  it('detailed: also value and limit, the worst where it grew worse', () => {
    expect(wordsOf(FACTS, 'detailed')).toMatchObject({ fields: { value: 187, limit: 163 } });
    const worst = { ...CAUSE, value: 199, text: 'HR 199 > 163' };
    const worse = wordsOf(facts({ event: 'worsened' }, { worst }), 'detailed');
    expect(worse.fields).toMatchObject({ value: 199 });
    expect(worse.text).toContain('HR 199 > 163.');
  });
  it('rich: also the name', () => {
    expect(wordsOf(FACTS, 'rich').text).toContain('\nAda Lovelace\n');
    expect(wordsOf(FACTS, 'rich').fields).toMatchObject({ patient: 'Ada Lovelace' });
  });
  it('say so where no bed is assigned', () => {
    const { bed: _, ...homeless } = FACTS;
    expect(wordsOf(homeless, 'minimal').subject).toBe('High alarm, no bed assigned');
  });
  it.each([
    ['worsened', 'High alarm worse, bed W3-01'],
    ['returned', 'High alarm again, bed W3-01'],
    ['ended', 'High alarm over, not acknowledged, bed W3-01'],
    ['escalated', 'High alarm not answered, bed W3-01'],
    ['reminder', 'High alarm still open, bed W3-01'],
    ['acknowledged', 'High alarm acknowledged, bed W3-01'],
    ['resolved', 'High alarm resolved, bed W3-01'],
  ] as const)('name what happened: %s', (event, subject) =>
    expect(wordsOf(facts({ event }), 'minimal').subject).toBe(subject),
  );
  it.each([
    [{ kind: 'technical', rule: 'technical.lost', cause: { text: 'NO DATA' } }, 'no data'],
    [{ kind: 'technical', rule: 'technical.battery', cause: { text: 'BATTERY LOW' } }, 'battery low'],
    [{ kind: 'technical', rule: 'house.rule', cause: { text: 'x' } }, 'measurement in trouble'],
    [{ cause: { ...CAUSE, vital: 'spo2', comparison: 'below' } }, 'oxygen saturation low'],
    [{ cause: { ...CAUSE, vital: 'news2', comparison: 'at-least' } }, 'early warning score high'],
    [{ cause: { text: 'SpO2 81 and RR 31' } }, 'several vital signs together'],
  ] as const)('name the condition from closed lists only (%#)', (alarm, condition) =>
    expect(wordsOf(facts({}, alarm as Partial<MessageFacts['alarm']>), 'standard').fields).toMatchObject({ condition }),
  );
  it('say from the second level on who took it, and never before', () => {
    const taken = facts({ event: 'acknowledged' }, { owner: 'Noor (noor)' });
    expect(JSON.stringify(wordsOf(taken, 'minimal'))).not.toContain('Noor');
    expect(wordsOf(taken, 'standard').text).toContain('Heart rate high, taken by Noor (noor).');
    expect(wordsOf(facts({}, { owner: 'Noor (noor)' }), 'rich').text).not.toContain('Noor');
  });
});

describe('nothing beyond its level', () => {
  /** Each planted fact, and the first level that may say it. */
  const FIRST: Readonly<Record<string, MessageLevel>> = {
    condition: 'standard',
    owner: 'standard',
    value: 'detailed',
    limit: 'detailed',
    cause: 'detailed',
    name: 'rich',
  };

  it('is in a message, whatever the alarm holds (1,500 invented ones)', () => {
    const leaks: (readonly [MessageLevel, string])[] = [];
    let seed = 20261122;
    const random = () => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return seed / 2 ** 32;
    };
    const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
    const unique = (mark: string) => `${mark}${Math.floor(random() * 1e9).toString(36)}`;
    for (let i = 0; i < 1_500; i++) {
      // Numbers that no time, bed or priority can contain by chance.
      const value = 777_000 + Math.floor(random() * 999);
      const limit = 888_000 + Math.floor(random() * 999);
      const planted = {
        cause: unique('CAUSETEXT'),
        name: unique('NAME'),
        owner: unique('OWNER'),
        value: String(value),
        limit: String(limit),
      };
      const never = {
        patient: unique('PATIENTID'),
        reading: unique('READINGID'),
        device: unique('DEVICEID'),
        rule: unique('RULEID'),
        by: unique('ACKBY'),
      };
      const vital = pick([...VITAL_NAMES, 'news2', undefined] as const);
      const comparison = pick(['above', 'below', 'at-least', undefined] as const);
      const cause: Cause = {
        ...(vital === undefined ? {} : { vital }),
        ...(comparison === undefined ? {} : { comparison }),
        value,
        limit,
        text: `${planted.cause} ${value} ${limit}`,
      };
      // Whatever else an alarm carries comes along, as it does from the store.
      const alarm = {
        id: 'alarm-id' as AlarmId,
        priority: pick(['high', 'medium', 'low'] as const),
        kind: pick(['physiological', 'technical'] as const),
        rule: never.rule,
        cause,
        worst: { ...cause, text: `${planted.cause} worst ${value}` },
        condition: pick(['present', 'ended'] as const),
        raisedAtMs: Math.floor(random() * 2e12),
        owner: planted.owner,
        patientId: never.patient,
        readingId: never.reading,
        deviceId: never.device,
        acknowledgedBy: never.by,
      };
      const shown: MessageFacts = { event: pick(NOTIFICATION_EVENTS), alarm, bed: 'W3-01', patientName: planted.name };
      for (const level of MESSAGE_LEVELS) {
        const said = JSON.stringify(wordsOf(shown, level));
        for (const secret of Object.values(never)) if (said.includes(secret)) leaks.push([level, secret]);
        for (const [fact, text] of Object.entries(planted))
          if (
            MESSAGE_LEVELS.indexOf(level) < MESSAGE_LEVELS.indexOf(FIRST[fact] as MessageLevel) &&
            said.includes(text)
          )
            leaks.push([level, fact]);
      }
      const other = { ...alarm, cause: { text: 'x' }, worst: { text: 'y' }, rule: 'z', owner: 'o' };
      const [said, saidOfOther] = [alarm, other].map((each) =>
        JSON.stringify(wordsOf({ ...shown, alarm: each }, 'minimal')),
      );
      if (said !== saidOfOther) leaks.push(['minimal', 'something']);
    }
    expect(leaks).toEqual([]);
  });
});

describe('other messages', () => {
  it('a summary counts, and names no bed', () =>
    expect(summaryWords({ count: 7, highest: 'medium', wallUrl: 'https://w/' })).toEqual({
      subject: '7 more alarms, the most urgent medium',
      text: '7 more alarms, the most urgent medium. See https://w/\n',
      fields: { change: 'summary', count: 7, priority: 'medium' },
    }));
  it('one of the installation says what is wrong', () => {
    const { subject, text } = systemWords({ id: 'x', priority: 'high', text: 'No channel works.', raisedAtMs: 0 });
    expect(subject).toBe('High alarm of the installation');
    expect(text).toContain('No channel works.');
  });
  it('a code is in the words, with how long it holds', () =>
    expect(verificationWords('012345', 15).text).toContain('Your code is 012345. It holds for 15 minutes.'));
  it('a test says first that it is none', () => {
    expect(testWords('smtp').subject).toBe('HealthSync test: no alarm');
    expect(testWords('smtp').text).toContain('Nothing needs to be done.');
  });
});
