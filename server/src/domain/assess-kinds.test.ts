import { describe, expect, it } from 'vitest';
import { assessRules } from './assess-rules.ts';
import type { ChangeRule, CombinationRule, LimitRule, RepeatedRule, Rule } from './rule.ts';
import { onlyRules, T0, testPatient } from './test-patient.ts';

describe('a change', () => {
  const fall: ChangeRule = {
    kind: 'change',
    id: 'spo2.fall.medium',
    version: 1,
    vital: 'spo2',
    direction: 'fall',
    by: 5,
    windowMs: 60_000,
    priority: 'medium',
  };
  it('rings when the value falls by that much within the window, and names both readings', () => {
    const p = testPatient(onlyRules(fall));
    p.send({ at: 0, vitals: { spo2: 98 } });
    p.send({ at: 30, vitals: { spo2: 95 } });
    expect(p.send({ at: 50, vitals: { spo2: 93 } })).toEqual(['spo2.fall.medium began']);
    expect(p.told[0]?.cause).toMatchObject({
      value: 93,
      text: 'SpO₂ ↓5 ≥ 5 (98 → 93)',
      reasons: {
        readings: [
          { readingId: 'rD1-0', value: 98 },
          { readingId: 'rD1-50', value: 93 },
        ],
      },
    });
  });
  it('does not ring for a fall that took longer', () => {
    const p = testPatient(onlyRules(fall));
    const told = Array.from({ length: 20 }, (_, i) => p.send({ at: i * 20, vitals: { spo2: 98 - i } })).flat();
    expect(told).toEqual([]);
  });
  it('ends when the height it fell from has left the window', () => {
    const p = testPatient(onlyRules(fall));
    p.send({ at: 0, vitals: { spo2: 98 } });
    p.send({ at: 10, vitals: { spo2: 90 } });
    expect(p.send({ at: 40, vitals: { spo2: 90 } })).toEqual([]);
    expect(p.send({ at: 61, vitals: { spo2: 90 } })).toEqual(['spo2.fall.medium ended']);
  });
  it('a rise is measured from the lowest', () => {
    const rise = {
      ...fall,
      id: 'heartRate.rise.low',
      vital: 'heartRate',
      direction: 'rise',
      by: 30,
      priority: 'low',
    } as const;
    const p = testPatient(onlyRules(rise));
    for (const [at, heartRate] of [
      [0, 80],
      [10, 70],
      [20, 90],
    ] as const)
      p.send({ at, vitals: { heartRate } });
    expect(p.send({ at: 30, vitals: { heartRate: 100 } })).toEqual(['heartRate.rise.low began']);
  });
  it('where it must be sustained one outlier does not ring', () => {
    const p = testPatient(onlyRules({ ...fall, sustainedMs: 3_000 }));
    for (let at = 0; at < 5; at++) p.send({ at, vitals: { spo2: 98 } });
    expect(p.send({ at: 5, vitals: { spo2: 80 } })).toEqual([]);
    expect(p.send({ at: 6, vitals: { spo2: 98 } })).toEqual([]);
    const low = [7, 8, 9, 10].flatMap((at) => p.send({ at, vitals: { spo2: 90 } }));
    expect(low).toEqual(['spo2.fall.medium began']);
  });
  it('a late value begins nothing, and counts for those after it', () => {
    const p = testPatient(onlyRules(fall));
    p.send({ at: 20, vitals: { spo2: 92 } });
    expect(p.send({ at: 10, received: 21, vitals: { spo2: 98 } })).toEqual([]);
    expect(p.send({ at: 22, vitals: { spo2: 92 } })).toEqual(['spo2.fall.medium began']);
  });
  it('remembers no more than its slices, however long the window', () => {
    const p = testPatient(onlyRules({ ...fall, by: 50, windowMs: 3_600_000 }));
    for (let at = 0; at < 7_200; at += 10) p.send({ at, vitals: { spo2: 90 + (at % 8) } });
    expect(p.state().windows?.[fall.id]?.slices.length).toBeLessThanOrEqual(33);
  });
});

describe('repetition', () => {
  const base: LimitRule = {
    kind: 'limit',
    id: 'heartRate.above.low',
    version: 1,
    vital: 'heartRate',
    comparison: 'above',
    limit: 120,
    priority: 'low',
  };
  const thrice: RepeatedRule = {
    kind: 'repeated',
    id: 'repeated.hr',
    version: 7,
    rule: base.id,
    times: 3,
    windowMs: 600_000,
    priority: 'high',
  };
  const breach = (p: ReturnType<typeof testPatient>, at: number) => {
    p.send({ at, vitals: { heartRate: 125 } });
    p.send({ at: at + 1, vitals: { heartRate: 80 } });
    return p.told.findLast(({ kind }) => kind === 'began');
  };
  it('the third breach within the window is more urgent, and says why', () => {
    const p = testPatient(onlyRules(base, thrice));
    expect(breach(p, 0)?.priority).toBe('low');
    expect(breach(p, 100)?.priority).toBe('low');
    const third = breach(p, 200);
    expect(third).toMatchObject({ rule: base.id, priority: 'high' });
    expect(third?.cause.reasons?.repeated).toEqual({
      rule: 'repeated.hr',
      version: 7,
      scope: 'patient',
      times: 3,
      windowMs: 600_000,
    });
    expect(p.told.at(-1)).toMatchObject({ kind: 'ended', priority: 'high' });
  });
  it('breaches further apart stay as they are', () => {
    const p = testPatient(onlyRules(base, thrice));
    expect([0, 400, 800, 1_200].map((at) => breach(p, at)?.priority)).toEqual(['low', 'low', 'low', 'low']);
  });
  it('it stays more urgent while it lasts', () => {
    const p = testPatient(onlyRules(base, thrice));
    breach(p, 0);
    breach(p, 100);
    p.send({ at: 200, vitals: { heartRate: 125 } });
    expect(p.send({ at: 201, vitals: { heartRate: 126 } })).toEqual([]);
    expect(p.send({ at: 215, vitals: { heartRate: 140 } })).toEqual(['heartRate.above.low worsened']);
    expect(p.told.at(-1)?.priority).toBe('high');
  });
  it('a second copy and a late breach are not counted', () => {
    const p = testPatient(onlyRules(base, thrice));
    breach(p, 0);
    p.send({ at: 0, received: 50, vitals: { heartRate: 125 } });
    p.send({ at: 0.5, received: 51, vitals: { heartRate: 130 } });
    expect(breach(p, 100)?.priority).toBe('low');
  });
});

describe('a combination', () => {
  const shock: CombinationRule = {
    kind: 'combination',
    id: 'combination.shock',
    version: 2,
    priority: 'high',
    when: {
      atLeast: 2,
      of: [
        { vital: 'heartRate', comparison: 'above', limit: 110, clearAt: 100 },
        { vital: 'systolic', comparison: 'below', limit: 95 },
      ],
    },
  };
  it('AND rings when the last of them is true, with the text and readings of all', () => {
    const p = testPatient(onlyRules(shock));
    p.send({ at: 0, vitals: { systolic: 90, heartRate: 80 } });
    expect(p.send({ at: 1, vitals: { heartRate: 112 } })).toEqual(['combination.shock began']);
    expect(p.told[0]?.cause).toMatchObject({
      text: 'HR 112 > 110, SYS 90 < 95',
      reasons: {
        version: 2,
        readings: [
          { readingId: 'rD1-1', vital: 'heartRate' },
          { readingId: 'rD1-0', vital: 'systolic' },
        ],
      },
    });
    expect(p.send({ at: 2, vitals: { heartRate: 105 } })).toEqual([]);
    expect(p.send({ at: 3, vitals: { heartRate: 100 } })).toEqual(['combination.shock ended']);
  });
  it('what is missing or too old is neither true nor false: it begins nothing and ends nothing', () => {
    const p = testPatient(onlyRules(shock));
    expect(p.send({ at: 0, vitals: { heartRate: 130 } })).toEqual([]);
    p.send({ at: 1, vitals: { systolic: 90 } });
    expect(p.told).toHaveLength(1);
    expect(p.send({ at: 3_700, vitals: { heartRate: 130 } })).toEqual([]);
    const old = testPatient(onlyRules(shock));
    old.send({ at: 0, vitals: { systolic: 90 } });
    expect(old.send({ at: 3_700, vitals: { heartRate: 130 } })).toEqual([]);
  });
  it('but ends where the others decide: one that is false is enough', () => {
    const p = testPatient(onlyRules(shock));
    p.send({ at: 0, vitals: { systolic: 90, heartRate: 130 } });
    expect(p.send({ at: 3_700, vitals: { heartRate: 80 } })).toEqual(['combination.shock ended']);
  });
  it('OR rings with the first', () => {
    const either = { ...shock, when: { ...shock.when, atLeast: 1 } };
    const p = testPatient(onlyRules(either));
    expect(p.send({ at: 0, vitals: { heartRate: 80 } })).toEqual([]);
    expect(p.send({ at: 1, vitals: { systolic: 94 } })).toEqual(['combination.shock began']);
  });
  it('two of three is qSOFA, with what people observe', () => {
    const qsofa: CombinationRule = {
      ...shock,
      id: 'combination.qsofa',
      priority: 'low',
      when: {
        atLeast: 2,
        of: [
          { vital: 'respiratoryRate', comparison: 'above', limit: 21 },
          { vital: 'systolic', comparison: 'below', limit: 101 },
          { consciousness: ['C', 'V', 'P', 'U'] },
        ],
      },
    };
    const p = testPatient(onlyRules(qsofa));
    expect(p.send({ at: 0, vitals: { respiratoryRate: 22 }, context: { consciousness: 'A' } })).toEqual([]);
    expect(p.send({ at: 1, context: { consciousness: 'C' } })).toEqual(['combination.qsofa began']);
    expect(p.told[0]?.cause.text).toBe('RR 22 > 21, ACVPU C');
  });
  it('groups may be nested: a low saturation, and oxygen or fast breathing', () => {
    const nested: CombinationRule = {
      ...shock,
      id: 'combination.hypoxia',
      when: {
        atLeast: 2,
        of: [
          { vital: 'spo2', comparison: 'below', limit: 92 },
          { atLeast: 1, of: [{ oxygen: true }, { vital: 'respiratoryRate', comparison: 'above', limit: 24 }] },
        ],
      },
    };
    const p = testPatient(onlyRules(nested));
    expect(p.send({ at: 0, vitals: { spo2: 90, respiratoryRate: 18 }, context: { oxygen: false } })).toEqual([]);
    expect(p.send({ at: 1, vitals: { spo2: 90, respiratoryRate: 18 }, context: { oxygen: true } })).toEqual([
      'combination.hypoxia began',
    ]);
    expect(p.told[0]?.cause.text).toBe('SpO₂ 90 < 92, on oxygen');
  });
  it('that must be sustained is interrupted by a late value that was well', () => {
    const p = testPatient(onlyRules({ ...shock, sustainedMs: 3_000 }));
    p.send({ at: 0, vitals: { systolic: 90 } });
    p.send({ at: 1, vitals: { heartRate: 115 } });
    p.send({ at: 3, vitals: { heartRate: 115 } });
    p.send({ at: 2, received: 3.1, vitals: { heartRate: 80 } });
    expect([4, 5].flatMap((at) => p.send({ at, vitals: { heartRate: 115 } }))).toEqual([]);
    expect(p.send({ at: 6, vitals: { heartRate: 115 } })).toEqual(['combination.shock began']);
  });
  it('that must be sustained is not interrupted by a second copy of an older leads off: they have been put on since', () => {
    const p = testPatient(onlyRules({ ...shock, sustainedMs: 3_000 }));
    const off = { at: 0.5, device: 'D2', status: { leadsOff: true } };
    p.send({ at: 0, vitals: { systolic: 90, heartRate: 115 } });
    p.send(off);
    p.send({ at: 1, device: 'D2', vitals: { systolic: 90 } });
    p.send({ ...off, received: 1.1 });
    expect(p.send({ at: 2, vitals: { heartRate: 115 } })).toEqual([]);
    expect(p.send({ at: 3, vitals: { heartRate: 115 } })).toEqual(['combination.shock began']);
  });
  it('may have to be sustained', () => {
    const p = testPatient(onlyRules({ ...shock, sustainedMs: 3_000 }));
    p.send({ at: 0, vitals: { systolic: 90 } });
    expect([1, 2, 3].flatMap((at) => p.send({ at, vitals: { heartRate: 115 } }))).toEqual([]);
    expect(p.send({ at: 4, vitals: { heartRate: 115 } })).toEqual(['combination.shock began']);
  });
});

describe('NEWS2 as rules', () => {
  it('a single 3 rings where a ward wants it, and says which parameter', () => {
    const single: Rule = { kind: 'news2', id: 'news2.single3.low', version: 1, single3: true, priority: 'low' };
    const p = testPatient(assessRules({ own: [single] }));
    expect(p.send({ at: 0, vitals: { respiratoryRate: 26 } })).toEqual(['news2.score began']);
    expect(p.told[0]?.cause.text).toBe('NEWS2 3 partial, RR scores 3');
    // A more urgent one takes over: no second alarm, and the one that is there grows more urgent.
    expect(p.send({ at: 1, vitals: { spo2: 90, systolic: 85 } })).toEqual(['news2.score worsened']);
    expect(p.told.map(({ priority }) => priority)).toEqual(['low', 'high']);
  });
  it('thresholds are the ward’s', () => {
    const four: Rule = { kind: 'news2', id: 'news2.at-least.medium', version: 1, atLeast: 4, priority: 'medium' };
    const p = testPatient(onlyRules(four));
    expect(p.send({ at: 0, vitals: { respiratoryRate: 26, heartRate: 95 } })).toEqual(['news2.score began']);
  });
  it('where it does not apply there is no score and no alarm, and it is said so', () => {
    const p = testPatient(assessRules({ news2NotApplicable: 'under-16' }));
    expect(p.send({ at: 0, vitals: { respiratoryRate: 40, spo2: 80, heartRate: 150 } })).toEqual([
      'spo2.below.high began',
    ]);
    expect(p.state().status).toMatchObject({ news2NotApplicable: 'under-16' });
    expect(p.state().status.news2).toBeUndefined();
  });
  it('taken off, its alarm ends and its score goes; put back, it is scored at once', () => {
    const p = testPatient();
    p.send({ at: 0, vitals: { respiratoryRate: 30, spo2: 90, heartRate: 120 } });
    expect(p.again(1, assessRules({ news2NotApplicable: 'pregnancy' }))).toEqual(['news2.score ended']);
    expect(p.state().status.news2).toBeUndefined();
    expect(p.again(2, assessRules({}))).toEqual(['news2.score began']);
    expect(p.state().status.news2NotApplicable).toBeUndefined();
  });
  it('names the readings that score, each of its own moment', () => {
    const p = testPatient();
    p.send({ at: 0, vitals: { systolic: 85 } });
    p.send({ at: 5, device: 'D2', vitals: { respiratoryRate: 26, spo2: 97 } });
    expect(p.told[0]?.cause.reasons?.readings).toEqual([
      { readingId: 'rD2-5', deviceId: 'D2', atMs: T0 + 5_000, vital: 'respiratoryRate', value: 26 },
      { readingId: 'rD1-0', deviceId: 'D1', atMs: T0, vital: 'systolic', value: 85 },
    ]);
  });
});

describe('technical rules', () => {
  it('the battery’s thresholds are data', () => {
    const battery: Rule = {
      kind: 'technical',
      id: 'technical.battery',
      version: 2,
      condition: 'battery',
      below: 0.3,
      clearAt: 0.4,
      priority: 'medium',
    };
    const p = testPatient(onlyRules(battery));
    expect(p.send({ at: 0, status: { battery: 0.29 } })).toEqual(['technical.battery began']);
    expect(p.send({ at: 1, status: { battery: 0.39 } })).toEqual([]);
    expect(p.send({ at: 2, status: { battery: 0.4 } })).toEqual(['technical.battery ended']);
    expect(p.told[0]).toMatchObject({ priority: 'medium', alarmKind: 'technical', ruleVersion: 2 });
  });
  it('switched off they do not ring, and what is there ends', () => {
    const off: Rule = {
      kind: 'technical',
      id: 'technical.leadsOff',
      version: 2,
      condition: 'leads-off',
      off: true,
      priority: 'low',
    };
    const p = testPatient();
    p.send({ at: 0, status: { leadsOff: true } });
    expect(p.again(1, assessRules({ own: [off] }))).toEqual(['technical.leadsOff ended']);
    expect(p.state().status.leadsOff).toBe(true);
    expect(p.send({ at: 2, status: { leadsOff: true } })).toEqual([]);
  });
});
