import type { RuleInput } from '@healthsync/contracts/rule';
import { describe, expect, it } from 'vitest';
import { idFor, originText, ruleIdText, ruleText, span } from './rule-words.ts';

const limit: RuleInput = {
  id: 'heartRate.above.high',
  kind: 'limit',
  priority: 'high',
  vital: 'heartRate',
  comparison: 'above',
  limit: 160,
  clearAt: 155,
  sustainedMs: 15_000,
};

describe('a rule in words', () => {
  it('says the limit, how long, and where it clears', () => {
    expect(ruleText(limit)).toBe('HR > 160 /min, for 15 s, clears at 155');
  });

  it('says a combination as one would: and, or, so many of', () => {
    const facts = [
      { vital: 'respiratoryRate', comparison: 'above', limit: 21 },
      { vital: 'systolic', comparison: 'below', limit: 101 },
      { consciousness: ['C', 'V'] },
    ] as const;
    const rule = (atLeast: number): RuleInput =>
      ({ id: 'q', kind: 'combination', priority: 'medium', when: { atLeast, of: facts } }) as unknown as RuleInput;
    expect(ruleText(rule(2))).toBe('2 of: RR > 21; BP systolic < 101; consciousness C or V');
    expect(ruleText(rule(3))).toBe('RR > 21 and BP systolic < 101 and consciousness C or V');
    expect(ruleText(rule(1))).toBe('RR > 21 or BP systolic < 101 or consciousness C or V');
  });

  it('names another rule in its words, and never by its id where that can be said', () => {
    expect(ruleIdText('heartRate.above.high', [limit])).toBe('HR > 160 /min, for 15 s, clears at 155');
    expect(ruleIdText('spo2.below.high')).toBe('SpO₂ below its limit, high');
    expect(ruleIdText('news2.at-least.medium')).toBe('NEWS2');
    expect(ruleIdText('technical.leads-off')).toBe('Leads off');
    // What nobody foresaw is said as it is.
    expect(ruleIdText('our-own.rule')).toBe('our-own.rule');
  });

  it('says how long a score must last and where it clears', () => {
    const news2 = { id: 'news2.at-least.medium', kind: 'news2', priority: 'medium', atLeast: 5, clearAt: 3 } as const;
    expect(ruleText({ ...news2, sustainedMs: 1_800_000 })).toBe('NEWS2 ≥ 5, for 30 min, clears at 3');
  });

  it('says durations in the unit in which they are short', () => {
    expect([span(15_000), span(600_000), span(86_400_000)]).toEqual(['15 s', '10 min', '24 h']);
  });

  it('says who set it, who confirmed it, and until when', () => {
    const text = originText({ scope: 'patient', version: 2, setBy: 'Dr Osei', confirmedBy: 'Kim', reason: 'Athlete' });
    expect(text).toBe('this patient v2, Dr Osei and Kim: Athlete');
  });
});

describe('the id of a new rule', () => {
  it('says what the limit is, and does not take the place of another by mistake', () => {
    expect(idFor(limit, new Set())).toBe('heartRate.above.high');
    expect(idFor(limit, new Set(['heartRate.above.high']))).toBe('heartRate.above.high.2');
  });
});
