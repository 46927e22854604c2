import { describe, expect, it } from 'vitest';
import { assessRules } from './assess-rules.ts';
import type { LimitRule } from './rule.ts';
import { onlyRules, T0, testPatient } from './test-patient.ts';

const rule = (part: Partial<LimitRule> = {}): LimitRule => ({
  kind: 'limit',
  id: 'heartRate.above.high',
  version: 3,
  vital: 'heartRate',
  comparison: 'above',
  limit: 130,
  priority: 'high',
  ...part,
});
const BEGAN = 'heartRate.above.high began';
const ENDED = 'heartRate.above.high ended';

/** A heart rate each second from `from` on. */
function feed(p: ReturnType<typeof testPatient>, from: number, ...rates: readonly number[]) {
  return rates.flatMap((heartRate, index) => p.send({ at: from + index, vitals: { heartRate } }));
}

describe('hysteresis', () => {
  it('given a limit of 130 that clears at 120, when the value wavers around 130, then it rings once', () => {
    const p = testPatient(onlyRules(rule({ clearAt: 120 })));
    expect(feed(p, 0, 129, 131, 129, 131, 121, 131, 120)).toEqual([BEGAN, ENDED]);
  });
  it('without it the same values ring three times', () => {
    const p = testPatient(onlyRules(rule()));
    expect(feed(p, 0, 129, 131, 129, 131, 121, 131, 120).filter((each) => each === BEGAN)).toHaveLength(3);
  });
  it('a value within the band begins nothing', () => {
    expect(feed(testPatient(onlyRules(rule({ clearAt: 120 }))), 0, 119, 125, 129, 130)).toEqual([]);
  });
  it('works below a limit as well', () => {
    const low = rule({ id: 'spo2.below.high', vital: 'spo2', comparison: 'below', limit: 88, clearAt: 91 });
    const p = testPatient(onlyRules(low));
    const spo2 = [88, 87.9, 89, 90.9, 91].flatMap((value, at) => p.send({ at, vitals: { spo2: value } }));
    expect(spo2).toEqual(['spo2.below.high began', 'spo2.below.high ended']);
  });
});

describe('a sustained limit', () => {
  const sustained = (part: Partial<LimitRule> = {}) => testPatient(onlyRules(rule({ sustainedMs: 5_000, ...part })));

  it('rings with the reading that completes it, and says by which readings and for how long', () => {
    const p = sustained();
    expect(feed(p, 0, 80, 140, 141, 142, 143, 144)).toEqual([]);
    expect(p.send({ at: 6, vitals: { heartRate: 145 } })).toEqual([BEGAN]);
    expect(p.told[0]).toMatchObject({
      readingId: 'rD1-6',
      atMs: T0 + 6_000,
      ruleVersion: 3,
      cause: {
        value: 145,
        text: 'HR 145 > 130',
        reasons: {
          rule: 'heartRate.above.high',
          version: 3,
          scope: 'patient',
          sustained: { readings: 6, spanMs: 5_000 },
          readings: [
            { readingId: 'rD1-1', atMs: T0 + 1_000, vital: 'heartRate', value: 140 },
            { readingId: 'rD1-6', atMs: T0 + 6_000, vital: 'heartRate', value: 145 },
          ],
        },
      },
    });
  });
  it('is interrupted by one value within the limit', () => {
    expect(feed(sustained(), 0, 140, 140, 140, 140, 129, 140, 140, 140, 140, 140)).toEqual([]);
  });
  it('goes on within the band of hysteresis, and completes by a reading beyond the limit only', () => {
    const p = sustained({ clearAt: 120 });
    expect(feed(p, 0, 140, 125, 125, 125, 125, 125, 125)).toEqual([]);
    expect(p.send({ at: 7, vitals: { heartRate: 131 } })).toEqual([BEGAN]);
  });
  it('a single old reading never looks sustained, however late it comes and whatever the clock says', () => {
    const p = sustained();
    expect(p.send({ at: 0, received: 1_800, vitals: { heartRate: 170 } })).toEqual([]);
    expect(p.silence(3_600)).not.toContain(BEGAN);
    expect(p.send({ at: 3_599, vitals: { heartRate: 171 } })).not.toContain(BEGAN);
  });
  it('the clock alone completes nothing', () => {
    const p = sustained();
    feed(p, 0, 140, 140, 140);
    for (let at = 3; at < 25; at++) expect(p.silence(at)).toEqual([]);
  });
  it('a gap in which the value went stale is no evidence', () => {
    const p = sustained();
    feed(p, 0, 80, 80, 80, 140, 140);
    // Heard every second: stale after 5 s.
    expect(p.send({ at: 10, vitals: { heartRate: 140 } })).toEqual([]);
    expect(feed(p, 11, 140, 140, 140, 140)).toEqual([]);
    expect(p.send({ at: 15, vitals: { heartRate: 140 } })).toEqual([BEGAN]);
  });
  it('a gap in which it did not is borne', () => {
    const p = sustained();
    feed(p, 0, 80, 80, 80, 140);
    expect(p.send({ at: 8, vitals: { heartRate: 140 } })).toEqual([BEGAN]);
  });
  it('leads off begins it anew', () => {
    const p = sustained();
    feed(p, 0, 140, 140, 140, 140);
    p.send({ at: 4, vitals: { heartRate: 0 }, status: { leadsOff: true } });
    expect(feed(p, 5, 140, 140, 140, 140, 140)).toEqual([]);
    expect(p.send({ at: 10, vitals: { heartRate: 140 } })).toEqual([BEGAN]);
  });
  it('leads off of another device leaves it', () => {
    const p = sustained();
    feed(p, 0, 140, 140, 140, 140, 140);
    p.send({ at: 4.5, device: 'D2', status: { leadsOff: true } });
    expect(p.send({ at: 5, vitals: { heartRate: 140 } })).toEqual([BEGAN]);
  });
  it('a value that was not measured neither continues nor interrupts it', () => {
    const p = sustained();
    feed(p, 0, 140, 140, 140);
    p.send({ at: 3, vitals: { spo2: 97 } });
    p.send({ at: 4, vitals: {} });
    expect(p.send({ at: 5, vitals: { heartRate: 140 } })).toEqual([BEGAN]);
  });
  it('a late value that was well interrupts it; a late breach adds nothing', () => {
    const p = sustained();
    feed(p, 0, 140, 140);
    p.send({ at: 4, vitals: { heartRate: 140 } });
    p.send({ at: 3, received: 4.1, vitals: { heartRate: 90 } });
    p.send({ at: 2, received: 4.2, vitals: { heartRate: 140 } });
    expect(feed(p, 5, 140, 140, 140, 140)).toEqual([]);
    expect(p.send({ at: 9, vitals: { heartRate: 140 } })).toEqual([BEGAN]);
    expect(p.told[0]?.cause.reasons?.readings[0]?.readingId).toBe('rD1-4');
  });
  it('a second copy of any reading changes nothing', () => {
    const p = sustained();
    for (const at of [0, 1, 2, 3, 4]) {
      p.send({ at, vitals: { heartRate: 140 } });
      expect(p.send({ at, received: at + 60, vitals: { heartRate: 140 } })).toEqual([]);
    }
    expect(p.send({ at: 5, vitals: { heartRate: 140 } })).toEqual([BEGAN]);
    expect(p.told[0]?.cause.reasons?.sustained).toEqual({ readings: 6, spanMs: 5_000 });
  });
  it('a clock that jumps ahead completes nothing', () => {
    const p = sustained();
    feed(p, 0, 80, 140, 140);
    expect(p.send({ at: 60, received: 3, vitals: { heartRate: 140 } })).toEqual([]);
  });
  it('once it rings it ends at once, and must be sustained again to return', () => {
    const p = sustained();
    feed(p, 0, 140, 140, 140, 140, 140);
    expect(feed(p, 5, 140, 129, 140, 140)).toEqual([BEGAN, ENDED]);
  });
  it('of a vital measured every quarter of an hour, two measurements that cover the time are enough', () => {
    const low = rule({
      id: 'systolic.below.high',
      vital: 'systolic',
      comparison: 'below',
      limit: 90,
      sustainedMs: 600_000,
    });
    const p = testPatient(onlyRules(low));
    p.send({ at: 0, vitals: { systolic: 120 } });
    expect(p.send({ at: 900, vitals: { systolic: 85 } })).toEqual([]);
    expect(p.send({ at: 1_800, vitals: { systolic: 84 } })).toEqual(['systolic.below.high began']);
  });
  it('what was seen under another version of the rule is no evidence under this one', () => {
    const p = sustained();
    feed(p, 0, 140, 140, 140, 140);
    const tighter = assessRules({ own: [rule({ limit: 135, sustainedMs: 4_000, version: 4 })] });
    expect(p.again(4, tighter)).toEqual([]);
    expect(p.state().pending?.['heartRate.above.high']).toMatchObject({ sinceMs: T0 + 3_000, readings: 1 });
  });
  it('is part of the checkpoint', () => {
    const p = sustained();
    feed(p, 0, 140, 140);
    expect(JSON.parse(JSON.stringify(p.state()))).toEqual(p.state());
    expect(p.state().pending).toBeDefined();
  });
});

describe('a condition that is there when its rule changes', () => {
  it('ends where the rule is switched off', () => {
    const p = testPatient(onlyRules(rule()));
    feed(p, 0, 140);
    expect(p.again(1, assessRules({ own: [rule({ off: true, version: 4 })] }))).toEqual([ENDED]);
  });
  it('stays within the new band of hysteresis', () => {
    const p = testPatient(onlyRules(rule()));
    feed(p, 0, 140);
    expect(p.again(1, assessRules({ own: [rule({ limit: 150, clearAt: 130, version: 4 })] }))).toEqual([]);
    expect(p.again(2, assessRules({ own: [rule({ limit: 150, version: 5 })] }))).toEqual([ENDED]);
  });
  it('tells at once that it is less urgent now', () => {
    const news = (priority: 'high' | 'low') =>
      assessRules({ own: [{ kind: 'news2', id: 'news2.at-least.high', version: 2, atLeast: 3, priority }] });
    const p = testPatient(news('high'));
    expect(p.send({ at: 0, vitals: { respiratoryRate: 26 } })).toEqual(['news2.score began']);
    expect(p.again(1, news('low'))).toEqual(['news2.score eased']);
    expect(p.told.at(-1)).toMatchObject({ priority: 'low' });
    expect(p.again(2, news('high'))).toEqual(['news2.score worsened']);
  });
});
