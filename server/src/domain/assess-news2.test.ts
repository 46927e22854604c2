import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileRules } from './assess-rules.ts';
import { revive } from './assess-state.ts';
import type { PatientId } from './ids.ts';
import { NEWS2_ALARM, type News2Rule } from './rule.ts';
import { onlyRules, T0, testPatient } from './test-patient.ts';

const MINUTE = 60;
const high: News2Rule = {
  kind: 'news2',
  id: 'news2.at-least.high',
  version: 1,
  atLeast: 7,
  clearAt: 5,
  clearAfterMs: 600_000,
  priority: 'high',
};
const medium: News2Rule = { ...high, id: 'news2.at-least.medium', atLeast: 5, clearAt: 3, priority: 'medium' };
const single3: News2Rule = {
  kind: 'news2',
  id: 'news2.single3.medium',
  version: 1,
  single3: true,
  sustainedMs: 60_000,
  clearAfterMs: 600_000,
  priority: 'medium',
};

/** Breathing 25 scores 3, SpO2 93 2, and the pulse what is wanted beyond: a score of 5, 6 or 7. */
const scores = (score: 3 | 4 | 5 | 6 | 7) => ({
  respiratoryRate: score >= 5 ? 25 : 22,
  spo2: score >= 5 ? 93 : 95,
  heartRate: { 3: 80, 4: 100, 5: 80, 6: 100, 7: 120 }[score],
  systolic: 120,
  temperature: 37,
});
const WELL = { respiratoryRate: 16, spo2: 97, heartRate: 70, systolic: 120, temperature: 37 };
const AWAKE = { oxygen: false, consciousness: 'A' } as const;

type Patient = ReturnType<typeof testPatient>;
function hold(p: Patient, vitals: Readonly<Record<string, number>>, from: number, seconds: number, every = 1) {
  const told: string[] = [];
  for (let at = from; at < from + seconds; at += every) told.push(...p.send({ at, vitals, context: AWAKE }));
  return told;
}

describe('one deterioration, one alarm', () => {
  it('a score that rises from 5 to 7 raises the priority of the alarm that is there', () => {
    const p = testPatient(onlyRules(high, medium));
    expect(p.send({ at: 0, vitals: scores(5), context: AWAKE })).toEqual(['news2.score began']);
    expect(p.send({ at: 1, vitals: scores(7), context: AWAKE })).toEqual(['news2.score worsened']);
    const [began, worsened] = p.told;
    expect([began?.priority, worsened?.priority]).toEqual(['medium', 'high']);
    expect(worsened?.alarmId).toBe(began?.alarmId);
    expect(worsened?.cause).toMatchObject({ text: 'NEWS2 7 ≥ 7', reasons: { rule: high.id } });
  });
  it('eases when the more urgent rule has been over for long enough, and goes on as the milder', () => {
    const p = testPatient(onlyRules(high, medium));
    hold(p, scores(7), 0, 10);
    expect(hold(p, scores(5), 10, 600)).toEqual([]);
    expect(hold(p, scores(5), 610, 10)).toEqual(['news2.score eased']);
    expect(p.told.at(-1)).toMatchObject({ priority: 'medium', cause: { text: 'NEWS2 5 ≥ 5' } });
    expect(hold(p, scores(7), 620, 5)).toEqual(['news2.score worsened']);
  });
  it('a single 3 and a total are one alarm too', () => {
    const p = testPatient(onlyRules(high, medium, single3));
    expect(hold(p, { ...WELL, respiratoryRate: 26 }, 0, 70)).toEqual(['news2.score began']);
    // A higher score is told as worse, and a more urgent one as that.
    expect(p.send({ at: 70, vitals: scores(5), context: AWAKE })).toEqual(['news2.score worsened']);
    expect(new Set(p.told.map(({ alarmId }) => alarmId)).size).toBe(1);
    expect(p.send({ at: 71, vitals: scores(7), context: AWAKE })).toEqual(['news2.score worsened']);
  });
  it('a rule that is taken away while another holds does not end the alarm', () => {
    const p = testPatient(onlyRules(high, medium));
    hold(p, scores(7), 0, 5);
    expect(p.again(6, onlyRules(medium))).toEqual(['news2.score eased']);
    expect(p.again(7, onlyRules({ ...medium, version: 2 }))).toEqual([]);
    expect(p.again(8, onlyRules())).toEqual(['news2.score ended']);
  });
});

describe('the end of a NEWS2 alarm', () => {
  it('a score that hovers at the boundary rings once', () => {
    const p = testPatient(onlyRules(high, medium));
    const told = Array.from({ length: 60 }, (_, at) =>
      p.send({ at, vitals: scores(at % 2 === 0 ? 5 : 4), context: AWAKE }),
    );
    expect(told.flat()).toEqual(['news2.score began']);
  });
  it('without hysteresis the same score rings again and again, as the rule says', () => {
    const { clearAt: _, clearAfterMs: __, ...plain } = medium;
    const p = testPatient(onlyRules(plain));
    const told = Array.from({ length: 4 }, (_, at) => p.send({ at, vitals: scores(at % 2 === 0 ? 5 : 4) }));
    expect(told.flat()).toEqual(['news2.score began', 'news2.score ended', 'news2.score began', 'news2.score ended']);
  });
  it('comes only when the score was at clearAt or below for as long as the rule says', () => {
    const p = testPatient(onlyRules(medium));
    hold(p, scores(5), 0, 5);
    expect(hold(p, scores(4), 5, 900)).toEqual([]);
    expect(hold(p, scores(3), 905, 600)).toEqual([]);
    expect(hold(p, scores(3), 1_505, 2)).toEqual(['news2.score ended']);
  });
  it('is put off by each score above clearAt', () => {
    const p = testPatient(onlyRules(medium));
    hold(p, scores(5), 0, 5);
    hold(p, WELL, 5, 590);
    p.send({ at: 595, vitals: scores(4), context: AWAKE });
    expect(hold(p, WELL, 596, 600)).toEqual([]);
    expect(hold(p, WELL, 1_196, 2)).toEqual(['news2.score ended']);
  });
  it('silence is no evidence: neither the clock nor one reading after hours ends it', () => {
    const p = testPatient(onlyRules(medium));
    hold(p, scores(5), 0, 5);
    p.send({ at: 6, vitals: WELL, context: AWAKE });
    expect(p.silence(3_600)).toEqual([]);
    expect(p.send({ at: 4 * 3_600, vitals: WELL, context: AWAKE })).toEqual([]);
    expect(p.send({ at: 4 * 3_600 + 600, vitals: WELL, context: AWAKE })).toEqual(['news2.score ended']);
  });
  it('two rounds an hour apart end it: measurements on a chart are evidence', () => {
    const p = testPatient(onlyRules(medium));
    p.send({ at: 0, vitals: scores(5), context: AWAKE });
    expect(p.send({ at: 3_600, vitals: WELL, context: AWAKE })).toEqual([]);
    expect(p.send({ at: 7_200, vitals: WELL, context: AWAKE })).toEqual(['news2.score ended']);
  });
  it('a late value that was not well puts it off', () => {
    const p = testPatient(onlyRules(medium));
    hold(p, scores(5), 0, 5);
    hold(p, scores(3), 5, 500);
    p.send({ at: 300.5, received: 505, vitals: { heartRate: 135 } });
    expect(hold(p, scores(3), 505, 500)).toEqual([]);
    expect(hold(p, scores(3), 1_005, 120)).toEqual(['news2.score ended']);
  });
});

describe('a NEWS2 rule that has to last', () => {
  const rule = onlyRules(single3);
  it('rings when the parameter is measured again, a minute after it first scored 3', () => {
    const p = testPatient(rule);
    expect(hold(p, { ...WELL, respiratoryRate: 26 }, 0, 60)).toEqual([]);
    expect(p.send({ at: 60, vitals: { ...WELL, respiratoryRate: 26 }, context: AWAKE })).toEqual(['news2.score began']);
    expect(p.told[0]?.cause.reasons?.sustained).toEqual({ readings: 61, spanMs: 60_000 });
  });
  it('does not ring for half a minute of coughing', () => {
    const p = testPatient(rule);
    expect([...hold(p, { ...WELL, respiratoryRate: 40 }, 0, 30), ...hold(p, WELL, 30, 300)]).toEqual([]);
  });
  it('one cuff pressure does not look sustained because the heart goes on beating; a second one rings', () => {
    const p = testPatient(rule);
    p.send({ at: 0, vitals: { ...WELL, systolic: 85 }, context: AWAKE });
    expect(hold(p, { heartRate: 70, spo2: 97, respiratoryRate: 16 }, 1, 15 * MINUTE)).toEqual([]);
    expect(p.send({ at: 15 * MINUTE + 1, vitals: { ...WELL, systolic: 86 } })).toEqual(['news2.score began']);
  });
  it('two hourly rounds are enough, from the first two on; two that are further apart are not', () => {
    const hourly = testPatient(rule);
    expect(hold(hourly, { ...WELL, respiratoryRate: 26 }, 0, 3_600, 3_600)).toEqual([]);
    expect(hold(hourly, { ...WELL, respiratoryRate: 26 }, 3_600, 3_600, 3_600)).toEqual(['news2.score began']);
    const seldom = testPatient(rule);
    expect(hold(seldom, { ...WELL, respiratoryRate: 26 }, 0, 4 * 3_600, 3 * 3_600)).toEqual([]);
  });
  it('a late value that was well interrupts it', () => {
    const p = testPatient(rule);
    hold(p, { ...WELL, respiratoryRate: 26 }, 0, 50);
    p.send({ at: 40.5, received: 50, vitals: { respiratoryRate: 16 } });
    expect(hold(p, { ...WELL, respiratoryRate: 26 }, 51, 40)).toEqual([]);
    expect(hold(p, { ...WELL, respiratoryRate: 26 }, 91, 30)).toEqual(['news2.score began']);
  });
});

describe('properties', () => {
  const step = fc.record({
    gap: fc.constantFrom(1, 1, 1, 5, 60, 600),
    respiratoryRate: fc.constantFrom(16, 22, 25),
    spo2: fc.constantFrom(97, 95, 93, 91),
    heartRate: fc.constantFrom(70, 100, 120, 135),
  });
  const streams = fc.array(step, { minLength: 1, maxLength: 80 });
  const play = (steps: readonly { readonly gap: number; readonly respiratoryRate: number }[], p: Patient) => {
    let at = 0;
    return steps.flatMap(({ gap, ...vitals }) => {
      at += gap;
      p.send({ at, vitals: { ...WELL, ...vitals }, context: AWAKE });
      const { conditions, status } = p.state();
      return [{ score: status.news2?.score ?? 0, priority: conditions[NEWS2_ALARM]?.priority }];
    });
  };

  it('a score that rings always has its alarm, at least as urgent as its rule', () => {
    fc.assert(
      fc.property(streams, (steps) => {
        for (const { score, priority } of play(steps, testPatient(onlyRules(high, medium, single3)))) {
          if (score >= 7) expect(priority).toBe('high');
          else if (score >= 5) expect(priority).toBeDefined();
        }
      }),
    );
  });
  it('hysteresis never rings more often, and never leaves out a beginning', () => {
    const plain = [high, medium].map(({ clearAt: _, clearAfterMs: __, ...rule }): News2Rule => rule);
    fc.assert(
      fc.property(streams, (steps) => {
        const [without, withIt] = [testPatient(onlyRules(...plain)), testPatient(onlyRules(high, medium))];
        const [before, after] = [play(steps, without), play(steps, withIt)];
        before.forEach(({ priority }, index) => {
          if (priority !== undefined) expect(after[index]?.priority).toBeDefined();
          if (priority === 'high') expect(after[index]?.priority).toBe('high');
        });
        const begun = (p: Patient) => p.told.filter(({ kind }) => kind === 'began').length;
        expect(begun(withIt)).toBeLessThanOrEqual(begun(without));
      }),
    );
  });
  it('a state that was written and read in between comes to the same', () => {
    fc.assert(
      fc.property(streams, fc.nat(79), (steps, at) => {
        const rules = onlyRules(high, medium, single3);
        const whole = testPatient(rules);
        play(steps, whole);
        const parted = testPatient(rules);
        play(steps.slice(0, at), parted);
        expect(revive(JSON.parse(JSON.stringify(parted.state())))).toEqual(parted.state());
      }),
      { numRuns: 30 },
    );
  });
});

describe('what was there before', () => {
  it('a checkpoint with a condition for each rule goes on as one alarm, the most urgent', () => {
    const p = testPatient(onlyRules(high, medium));
    hold(p, scores(7), 0, 3);
    const state = JSON.parse(JSON.stringify(p.state()));
    const { holding: _, ...condition } = state.conditions[NEWS2_ALARM];
    state.conditions = {
      'news2.at-least.medium': { ...condition, priority: 'medium', alarmId: 'm' },
      'news2.at-least.high': { ...condition, alarmId: 'h' },
    };
    const { conditions } = revive(state);
    expect(Object.entries(conditions).map(([name, { alarmId }]) => [name, alarmId])).toEqual([[NEWS2_ALARM, 'h']]);
  });
  it('rules are judged in order of urgency, whatever order they come in', () =>
    expect(
      compileRules([medium, single3, high].map((rule) => ({ rule, scope: 'default' }))).news2.map(
        ({ rule }) => rule.id,
      ),
    ).toEqual([high.id, medium.id, single3.id]));
  it('test values score what they are called', () => {
    for (const score of [3, 4, 5, 6, 7] as const) {
      const p = testPatient(onlyRules(high));
      p.send({ at: 0, vitals: scores(score), context: AWAKE });
      expect([p.state().status.patientId, p.state().status.news2?.score]).toEqual(['P1' as PatientId, score]);
      expect(p.state().status.last?.atMs).toBe(T0);
    }
  });
});
