import { describe, expect, it } from 'vitest';
import { watchEntry } from './anomaly.ts';
import { NEW_PERSON, NEW_ROLE, type RoleMemory } from './anomaly-memory.ts';
import { DAY_MS, entryOf, factsAt, HOUR_MS, MINUTE_MS, MONDAY, type Said, watched } from './test-entries.ts';

type Watched = ReturnType<typeof watched>;

/** Days of ordinary work: some patients an hour, at these hours. */
function works(
  one: Watched,
  {
    days,
    hours,
    patients = 4,
    fromDay = 0,
  }: { days: number; hours: readonly number[]; patients?: number; fromDay?: number },
) {
  for (let day = fromDay; day < fromDay + days; day++)
    for (const hour of hours)
      for (let patient = 0; patient < patients; patient++)
        one.does({ atMs: MONDAY + day * DAY_MS + hour * HOUR_MS + patient * MINUTE_MS, patientId: `P${patient}` });
}
const DAY_SHIFT = [7, 8, 9, 10, 11, 12, 13, 14];
const NIGHT_SHIFT = [22, 23, 0, 1, 2, 3, 4, 5];

const opens = (one: Watched, many: number, atMs: number, said: Said = {}, facts = {}) => {
  for (let i = 0; i < many; i++) one.does({ atMs: atMs + i * 1_000, patientId: `X${i}`, ...said }, facts);
};

describe('too many patients', () => {
  it('are told of beyond what is installed, while nothing is known of somebody', () => {
    const nora = watched();
    opens(nora, 40, MONDAY + 10 * HOUR_MS);
    expect(nora.told()).toEqual([]);
    opens(nora, 42, MONDAY + 10 * HOUR_MS + 60_000);
    const [finding] = nora.told();
    expect(finding).toMatchObject({ kind: 'too-many-patients', person: { name: 'nora', userId: 'u-nora' } });
    expect(finding?.reasons[0]).toMatchObject({ code: 'patients-in-an-hour', numbers: { limit: 40 } });
    expect(finding?.evidence.length).toBeLessThanOrEqual(50);
  });

  it('are measured by one’s own habit: what is much for one is a morning for another', () => {
    const [few, many] = [watched(), watched()];
    works(few, { days: 10, hours: DAY_SHIFT, patients: 3 });
    works(many, { days: 10, hours: DAY_SHIFT, patients: 20 });
    for (const one of [few, many]) opens(one, 25, MONDAY + 10 * DAY_MS + 9 * HOUR_MS);
    expect(few.kinds()).toEqual(['too-many-patients']);
    expect(few.told()[0]?.reasons[0]?.text).toContain('they usually have at most 11');
    expect(many.told()).toEqual([]);
  });

  it('are one alert however long it lasts, and more serious as they grow', () => {
    const nora = watched();
    works(nora, { days: 10, hours: DAY_SHIFT, patients: 3 });
    opens(nora, 60, MONDAY + 10 * DAY_MS + 9 * HOUR_MS);
    const found = nora.told();
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ score: 100, count: 49 });
  });

  it('are none where most are in one’s care, nor the same few again and again, nor alarms that were taken', () => {
    const nora = watched();
    works(nora, { days: 10, hours: DAY_SHIFT, patients: 3 });
    opens(nora, 60, MONDAY + 10 * DAY_MS + 9 * HOUR_MS, {}, { isInCare: true });
    for (let i = 0; i < 500; i++)
      nora.does({ atMs: MONDAY + 11 * DAY_MS + 9 * HOUR_MS + i * 5_000, patientId: `P${i % 4}` });
    opens(nora, 60, MONDAY + 12 * DAY_MS + 9 * HOUR_MS, { action: 'alarm.acknowledged' });
    expect(nora.told()).toEqual([]);
  });

  it('are told of in any case beyond what anybody treats', () => {
    const nora = watched({ isInCare: true });
    opens(nora, 201, MONDAY + 10 * HOUR_MS);
    expect(nora.kinds()).toEqual(['too-many-patients']);
  });

  it('are none of a system’s, nor of what was refused', () => {
    const one = watched();
    opens(one, 300, MONDAY + 10 * HOUR_MS, { actor: { kind: 'service', name: 'ehr' } });
    expect(one.told()).toEqual([]);
    const other = watched();
    opens(other, 300, MONDAY + 10 * HOUR_MS, { outcome: 'denied', actor: { name: 'x' } });
    expect(other.kinds()).not.toContain('too-many-patients');
  });

  it('do not become habit by being told of: a slow thief is measured by colleagues', () => {
    const role: RoleMemory = { ...NEW_ROLE, people: ['a', 'b', 'c', 'd', 'e'], patients: hoursOf(5, 400) };
    const thief = watched();
    thief.among(role);
    for (let day = 0; day < 60; day++) {
      thief.among(role);
      opens(thief, 6 + day, MONDAY + day * DAY_MS + 9 * HOUR_MS);
    }
    expect(thief.kinds()).toContain('too-many-patients');
    expect(Math.max(...thief.memory().person.past.patients)).toBeLessThanOrEqual(30);
  });
});

/** So many hours that all ended with so many patients. */
function hoursOf(patients: number, many: number): readonly number[] {
  const counts = Array<number>(Math.round(8 * Math.log2(1 + patients)) + 1).fill(0);
  counts[counts.length - 1] = many;
  return counts;
}

describe('an unusual hour', () => {
  it('is none of a night nurse’s at three, whose nights they are', () => {
    const nora = watched();
    works(nora, { days: 20, hours: NIGHT_SHIFT });
    expect(nora.told()).toEqual([]);
  });

  it('is none of anybody’s on duty, at whatever hour, nor of what they are called to', () => {
    const nora = watched();
    works(nora, { days: 20, hours: DAY_SHIFT });
    const at = (day: number) => ({ atMs: MONDAY + day * DAY_MS + 3 * HOUR_MS, patientId: 'P9' });
    nora.does(at(21), { shift: 'on' });
    nora.does(at(22), { isInCare: true });
    nora.does({ ...at(23), detail: { emergencyAccess: 'e1' } });
    expect(nora.told()).toEqual([]);
  });

  it('is one of a day nurse’s at three, once a night', () => {
    const nora = watched();
    works(nora, { days: 20, hours: DAY_SHIFT });
    for (let i = 0; i < 30; i++)
      nora.does({ atMs: MONDAY + 21 * DAY_MS + 3 * HOUR_MS + i * MINUTE_MS, patientId: 'P9' });
    expect(nora.told()).toHaveLength(1);
    expect(nora.told()[0]).toMatchObject({ kind: 'unusual-hour', count: 30 });
    expect(nora.told()[0]?.reasons[0]).toMatchObject({ code: 'not-their-hours', numbers: { hour: 3 } });
  });

  it('is told of once or twice of whoever moves to nights, and then it is theirs', () => {
    const nora = watched();
    works(nora, { days: 30, hours: DAY_SHIFT });
    works(nora, { days: 20, hours: NIGHT_SHIFT, fromDay: 31 });
    expect(nora.told().length).toBeLessThanOrEqual(3);
    expect(nora.told().every(({ kind }) => kind === 'unusual-hour')).toBe(true);
  });

  it('weighs little where colleagues work at it', () => {
    const hours = Array<number>(24).fill(50);
    const score = (colleagues: RoleMemory) => {
      const nora = watched();
      works(nora, { days: 20, hours: DAY_SHIFT });
      nora.among(colleagues);
      nora.does({ atMs: MONDAY + 21 * DAY_MS + 3 * HOUR_MS, patientId: 'P9' });
      return nora.told()[0]?.score;
    };
    expect(score({ ...NEW_ROLE, days: 100, hours })).toBe(25);
    expect(score({ ...NEW_ROLE, days: 100 })).toBe(50);
  });

  it('is what the plan says where there is one: off duty by day is told of too', () => {
    const nora = watched();
    nora.does({ atMs: MONDAY + 14 * HOUR_MS, patientId: 'P1' }, { shift: 'off' });
    expect(nora.told()[0]?.reasons[0]).toMatchObject({ code: 'off-shift' });
  });

  it('is not judged in somebody’s first days', () => {
    const nora = watched();
    works(nora, { days: 9, hours: DAY_SHIFT });
    nora.does({ atMs: MONDAY + 9 * DAY_MS + 3 * HOUR_MS, patientId: 'P9' });
    expect(nora.told()).toEqual([]);
  });
});

describe('one’s own record, a neighbour’s, a protected one', () => {
  const look = { patientId: 'P1' };

  it('is told of when it is one’s own, and weighs more when it was changed', () => {
    const own = { relation: { kind: 'own' } } as const;
    const [reads, writes, tries] = [watched(), watched(), watched()];
    reads.does(look, own);
    writes.does({ ...look, action: 'limits.write' }, own);
    tries.does({ ...look, outcome: 'denied' }, own);
    expect(reads.told()[0]).toMatchObject({ kind: 'own-record', score: 70, patientId: 'P1' });
    expect(writes.told()[0]?.score).toBe(90);
    expect(tries.told()[0]).toMatchObject({ score: 42 });
    expect(tries.told()[0]?.reasons.map(({ code }) => code)).toContain('refused');
  });

  it('is told of when whoever watches over access searches for themselves', () => {
    const sam = watched({ roles: ['security'] });
    sam.does({ ...look, action: 'audit.read' }, { relation: { kind: 'own' } });
    expect(sam.told()[0]?.reasons[0]?.text).toContain('searched the audit');
  });

  it('counts the begin and the end of one change once', () => {
    const one = watched();
    one.does({ ...look, action: 'patient.write', detail: { phase: 'begin' } }, { isVip: true });
    expect(one.told()).toEqual([]);
    one.does({ ...look, action: 'patient.write', detail: { status: 200 } }, { isVip: true });
    expect(one.told()).toHaveLength(1);
    expect(one.told()[0]?.count).toBe(1);
  });

  it('is told of when it is specially protected and not in one’s care, by day and night', () => {
    const scores = [{ isVip: true }, { isVip: true, isInCare: true }].map((facts) => {
      const one = watched();
      one.does(look, facts);
      return one.told().map(({ kind, score }) => [kind, score]);
    });
    expect(scores).toEqual([[['vip', 75]], []]);
  });

  it('is told of when it was opened in an emergency, as less', () => {
    const one = watched();
    one.does({ ...look, detail: { emergencyAccess: 'e1' } }, { isVip: true });
    expect(one.told()[0]).toMatchObject({ kind: 'vip', score: 55 });
  });

  it('is not told of by whoever protects it or asks whether it is, but by whoever lifts that', () => {
    const kinds = [{}, { isVip: true }, { isVip: false }].map((detail) => {
      const one = watched();
      one.does({ ...look, action: 'vip.set', detail }, { isVip: true });
      return one.told().map(({ kind }) => kind);
    });
    expect(kinds).toEqual([[], [], ['vip']]);
  });

  it('is not told of when its protection is reviewed or its audit read', () => {
    const petra = watched({ roles: ['privacy-officer'], isVip: true });
    petra.does({ ...look, action: 'audit.read' });
    petra.does({ ...look, action: 'access.explain' });
    expect(petra.told()).toEqual([]);
  });

  it('is told of as little when a privacy officer opens consents, once a day, and as usual when they open more', () => {
    const petra = watched({ roles: ['privacy-officer'], isVip: true });
    for (let i = 0; i < 3; i++) petra.does({ ...look, action: 'consent.read', atMs: MONDAY + i * HOUR_MS });
    expect(petra.told()).toMatchObject([{ kind: 'vip', score: 30, count: 3 }]);
    expect(petra.told()[0]?.reasons.map(({ code }) => code)).toEqual(['vip', 'consent-work']);
    petra.does({ ...look, action: 'consent.write', atMs: MONDAY + 4 * HOUR_MS });
    expect(petra.told()).toMatchObject([{ score: 45, count: 4 }]);
    petra.does({ ...look, atMs: MONDAY + 5 * HOUR_MS });
    expect(petra.told()).toMatchObject([{ score: 75, count: 5 }]);
    const others = watched({ roles: ['physician'], isVip: true });
    others.does({ ...look, action: 'consent.read' });
    expect(others.told()).toMatchObject([{ kind: 'vip', score: 75 }]);
  });

  it('is told of at the same address, and hardly when they are in one’s care', () => {
    const relation = { kind: 'same-address' } as const;
    const [outside, inCare] = [watched(), watched()];
    outside.does(look, { relation });
    inCare.does(look, { relation, isInCare: true });
    expect(outside.told()[0]).toMatchObject({ kind: 'neighbour', score: 65 });
    expect(inCare.told()[0]).toMatchObject({ score: 25 });
  });

  it('is told of by a rare name alone as low, and not by a common one, in care or in an emergency', () => {
    const rare = { kind: 'same-family-name', patients: 1 } as const;
    const cases = [
      [{ relation: rare }, {}, ['neighbour']],
      [{ relation: { ...rare, patients: 4 } }, {}, []],
      [{ relation: rare, isInCare: true }, {}, []],
      [{ relation: rare }, { detail: { emergencyAccess: 'e1' } }, []],
    ] as const;
    for (const [facts, said, kinds] of cases) {
      const one = watched();
      one.does({ ...look, ...said }, facts);
      expect(one.kinds()).toEqual(kinds);
    }
  });

  it('is one alert a day for each patient', () => {
    const one = watched({ isVip: true });
    for (let i = 0; i < 5; i++) one.does({ ...look, atMs: MONDAY + 9 * HOUR_MS + i * HOUR_MS });
    one.does({ patientId: 'P2', atMs: MONDAY + 15 * HOUR_MS });
    one.does({ ...look, atMs: MONDAY + DAY_MS + 10 * HOUR_MS });
    expect(one.told().map(({ patientId, count }) => [patientId, count])).toEqual([
      ['P1', 5],
      ['P2', 1],
      ['P1', 1],
    ]);
    expect(one.told()[0]?.evidence).toEqual([0, 1, 2, 3, 4]);
  });
});

describe('watching', () => {
  /** A few weeks with something of everything. */
  function story(): readonly (readonly [Said, Parameters<Watched['does']>[1]])[] {
    let state = 7;
    const random = (below: number) => {
      state = (state * 48_271) % 2_147_483_647;
      return state % below;
    };
    return Array.from({ length: 800 }, (_, i) => [
      {
        atMs: MONDAY + i * 17 * MINUTE_MS - random(30) * MINUTE_MS,
        patientId: `P${random(60)}`,
        action:
          ['patient.read', 'vitals.read', 'break-glass.use', 'limits.write'][random(40) === 0 ? 2 : random(2)] ??
          'patient.read',
        outcome: random(20) === 0 ? 'denied' : 'allowed',
        detail: { bytes: random(400_000) },
        actor: { address: `10.${random(3)}.0.1` },
      },
      { isVip: random(50) === 0, isInCare: random(2) === 0 },
    ]);
  }

  it('says the same of the same entries, also when it was stored and taken up again between any two', () => {
    const whole = watched();
    for (const [said, facts] of story()) whole.does(said, facts);
    let person = NEW_PERSON;
    let role: RoleMemory | undefined = NEW_ROLE;
    const found = new Map<string, unknown>();
    for (const [position, [said, facts]] of story().entries()) {
      const entry = entryOf(position, said);
      const seen = watchEntry(entry, { person, role, facts: factsAt(entry.atMs, facts) });
      ({ person, role } = JSON.parse(JSON.stringify({ person: seen.person, role: seen.role })) as {
        person: typeof NEW_PERSON;
        role: RoleMemory;
      });
      for (const finding of seen.findings) found.set(finding.id, finding);
    }
    expect([...found.values()]).toEqual(whole.told());
    expect(whole.told().length).toBeGreaterThan(3);
  });

  it('remembers no more of somebody, whatever they do', () => {
    const busy = watched({ isVip: true });
    for (let i = 0; i < 4_000; i++)
      busy.does({
        atMs: MONDAY + i * 2_000,
        patientId: `P${i}`,
        outcome: i % 3 === 0 ? 'denied' : 'allowed',
        detail: { bytes: 9_999 },
        actor: { address: `10.${i % 9}.${i % 200}.1`, sessionId: `s${i % 90}` },
      });
    expect(JSON.stringify(busy.memory().person).length).toBeLessThan(250_000);
  });

  it('weighs what comes together more, and says what', () => {
    const one = watched();
    works(one, { days: 20, hours: DAY_SHIFT });
    one.does({ atMs: MONDAY + 21 * DAY_MS + 3 * HOUR_MS, patientId: 'P9' });
    one.does({ atMs: MONDAY + 21 * DAY_MS + 3 * HOUR_MS + MINUTE_MS, patientId: 'V' }, { isVip: true });
    const protectedOne = one.told().find(({ kind }) => kind === 'vip');
    expect(protectedOne?.score).toBe(85);
    expect(protectedOne?.reasons.at(-1)).toMatchObject({ code: 'also', text: 'Besides, within a day: unusual-hour.' });
  });

  it('names no patient but by their id, and says why in words with numbers', () => {
    for (const finding of (() => {
      const one = watched({ isVip: true });
      for (const [said, facts] of story()) one.does(said, facts);
      return one.told();
    })()) {
      expect(finding.reasons.length).toBeGreaterThan(0);
      for (const { text } of finding.reasons) expect(text).toMatch(/^[A-Z0-9].*\.$/);
      expect(finding.score).toBeGreaterThan(0);
      expect(finding.score).toBeLessThanOrEqual(100);
    }
  });

  it('takes what comes late without turning the clock back', () => {
    const nora = watched();
    works(nora, { days: 20, hours: DAY_SHIFT });
    nora.does({ atMs: MONDAY + 2 * DAY_MS + 9 * HOUR_MS, patientId: 'P1', detail: { late: true } });
    expect(nora.told()).toEqual([]);
    expect(nora.memory().person.seenMs).toBeGreaterThan(MONDAY + 19 * DAY_MS);
  });
});

describe('the audit log itself', () => {
  const found = (said: Said) => {
    const log = watched();
    log.does({ outcome: 'failed', actor: { kind: 'system', name: 'audit' }, ...said });
    return log.told();
  };

  it('is told of once a day when a verification finds something, and blames nobody', () => {
    const log = watched();
    const said = { outcome: 'failed', action: 'audit.verify', detail: { findings: 2 } } as const;
    for (const hour of [0, 1, 23]) log.does({ ...said, atMs: MONDAY + hour * HOUR_MS });
    expect(log.told()).toHaveLength(1);
    const [alert] = log.told();
    expect(alert).toMatchObject({
      kind: 'audit-altered',
      score: 95,
      count: 3,
      reasons: [{ numbers: { findings: 2 } }],
    });
    expect(alert?.person).toBeUndefined();
    log.does({ ...said, atMs: MONDAY + 25 * HOUR_MS });
    expect(log.told()).toHaveLength(2);
  });

  it('is told of when entries were altered while they waited', () => {
    expect(found({ action: 'audit.held-altered', detail: { lines: 3 } })).toMatchObject([
      { kind: 'audit-altered', reasons: [{ code: 'held-altered', numbers: { lines: 3 } }] },
    ]);
  });

  it('is not told of when a verification could only not read every place that keeps heads', () => {
    expect(found({ action: 'command.audit.verify', detail: { phase: 'end', findings: 0, unread: 1 } })).toEqual([]);
  });
});
