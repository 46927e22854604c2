import { beforeEach, describe, expect, it } from 'vitest';
import type { PatientId, WardId } from '../domain/ids.ts';
import type { LimitRule, Rule } from '../domain/rule.ts';
import type { NewProposal, RulePlace, RuleSets, RuleSnapshot, Signed } from './rule-sets.ts';

/** What every `RuleSets` must do. `make` answers with an empty one, in which the patient P is known. */
export function ruleSetsContract(
  engine: string,
  make: () => Promise<{ readonly sets: RuleSets; snapshot(): Promise<RuleSnapshot> }>,
): void {
  describe(`${engine} for rule sets`, () => {
    let sets: RuleSets;
    let snapshot: () => Promise<RuleSnapshot>;
    beforeEach(async () => {
      const made = await make();
      sets = made.sets;
      snapshot = () => made.snapshot();
    });

    const put = (place: RulePlace, rules: readonly Rule[], more: Partial<Parameters<RuleSets['put']>[0]> = {}) =>
      sets.put({ place, rules, remove: [], propose: [], ...signed(), ...more });
    const inForce = async () =>
      (await snapshot()).sets.map(({ place, rules }) => [
        place.scope,
        ...rules.map((rule) => `${rule.id} v${rule.version}`),
      ]);
    const propose = (part: Partial<NewProposal> = {}) => put(WARD, [], { propose: [{ ...PROPOSAL, ...part }] });

    it('a place without rules of its own has none, at revision 0', async () => {
      expect(await sets.read({ place: WARD, nowMs: T })).toEqual({ revision: 0, rules: [], overrides: [] });
      expect(await sets.versions({ place: WARD, limit: 10 })).toEqual([]);
    });

    it('keeps each place by itself, numbers versions, and says who set what and why', async () => {
      await put(HOUSE, [HIGH]);
      await put(WARD, [HIGH, LOW]);
      await put(PATIENT, [{ ...HIGH, limit: 150 }]);
      await put(WARD, [{ ...HIGH, limit: 145 }], signed('b', 'too many', T + 1));
      expect(await inForce()).toEqual(
        expect.arrayContaining([
          ['house', 'heartRate.above.high v1'],
          ['ward', 'heartRate.above.high v2', 'spo2.below.low v1'],
          ['patient', 'heartRate.above.high v1'],
        ]),
      );
      const { revision, rules } = await sets.read({ place: WARD, nowMs: T });
      expect(revision).toBe(2);
      expect(rules).toEqual([
        {
          ruleId: HIGH.id,
          version: 2,
          revision: 2,
          rule: { ...HIGH, limit: 145, version: 2 },
          by: 'b',
          reason: 'too many',
          atMs: T + 1,
        },
        { ruleId: LOW.id, version: 1, revision: 1, rule: LOW, by: 'a', reason: 'because', atMs: T },
      ]);
    });

    it('a rule taken away holds no more, stays in the history, and counts on when it comes back', async () => {
      await put(WARD, [HIGH]);
      await put(WARD, [], { ...signed('b', 'not needed', T + 1), remove: [HIGH.id] });
      expect((await sets.read({ place: WARD, nowMs: T })).rules).toEqual([]);
      await put(WARD, [HIGH], signed('a', 'back', T + 2));
      const versions = await sets.versions({ place: WARD, ruleId: HIGH.id, limit: 10 });
      expect(versions.map(({ version, rule, reason }) => [version, rule !== undefined, reason])).toEqual([
        [3, true, 'back'],
        [2, false, 'not needed'],
        [1, true, 'because'],
      ]);
      expect(await sets.versions({ place: WARD, ruleId: 'other', limit: 10 })).toEqual([]);
      expect(await sets.versions({ place: WARD, limit: 2 })).toHaveLength(2);
    });

    it('the second of two editors is told, and changes nothing', async () => {
      expect(await put(WARD, [HIGH], { expectedRevision: 0 })).toEqual({ kind: 'done', revision: 1 });
      expect(await put(WARD, [LOW], { expectedRevision: 0 })).toMatchObject({
        kind: 'changed-meanwhile',
        revision: 1,
        by: expect.any(String),
        atMs: T,
      });
      expect((await sets.read({ place: WARD, nowMs: T })).rules.map(({ ruleId }) => ruleId)).toEqual([HIGH.id]);
      const both = await Promise.all([
        put(WARD, [LOW], { expectedRevision: 1 }),
        put(WARD, [{ ...LOW, limit: 91 }], { expectedRevision: 1 }),
      ]);
      expect(both.map(({ kind }) => kind).sort()).toEqual(['changed-meanwhile', 'done']);
    });

    it('keeps every kind of rule as it is', async () => {
      const kinds: readonly Rule[] = [
        { ...HIGH, clearAt: 120, sustainedMs: 15_000, note: 'post-op' },
        {
          kind: 'change',
          id: 'spo2.fall.medium',
          version: 1,
          vital: 'spo2',
          direction: 'fall',
          by: 6,
          windowMs: 60_000,
          priority: 'medium',
        },
        {
          kind: 'repeated',
          id: 'repeated.hr',
          version: 1,
          rule: HIGH.id,
          times: 3,
          windowMs: 600_000,
          priority: 'high',
        },
        {
          kind: 'combination',
          id: 'combination.x',
          version: 1,
          priority: 'low',
          when: { atLeast: 1, of: [{ oxygen: true }] },
        },
        { kind: 'news2', id: 'news2.single3.low', version: 1, single3: true, priority: 'low' },
        {
          kind: 'technical',
          id: 'technical.leadsOff',
          version: 1,
          condition: 'leads-off',
          priority: 'medium',
          off: true,
        },
      ];
      await put(HOUSE, kinds);
      const { sets: read } = await snapshot();
      expect(read[0]?.rules).toHaveLength(kinds.length);
      expect(read[0]?.rules).toEqual(expect.arrayContaining([...kinds]));
    });

    it('an override is there until it ends, by time or by a person', async () => {
      const override = { id: 'o1', place: PATIENT, rule: HIGH, fromMs: T, untilMs: T + 1_000, ...signed() };
      await sets.addOverride(override);
      expect((await sets.read({ place: PATIENT, nowMs: T })).overrides).toEqual([override]);
      expect((await sets.read({ place: PATIENT, nowMs: T + 1_000 })).overrides).toEqual([]);
      expect((await sets.read({ place: WARD, nowMs: T })).overrides).toEqual([]);
      expect((await snapshot()).overrides.map(({ id, untilMs }) => [id, untilMs])).toEqual([['o1', T + 1_000]]);
      expect(await sets.endOverride({ id: 'o1', ...signed('b', 'done', T + 5) })).toBe(true);
      expect(await sets.endOverride({ id: 'o1', ...signed('b', 'done', T + 6) })).toBe(false);
      expect((await snapshot()).overrides).toEqual([]);
      expect((await sets.findOverride('o1'))?.rule).toEqual(HIGH);
      expect(await sets.findOverride('o2')).toBeUndefined();
    });

    it('a proposal changes nothing until another person confirms it', async () => {
      await put(WARD, [HIGH]);
      await propose();
      expect(await sets.decide({ ...DECISION, byId: 'asker' })).toEqual({ kind: 'same-person' });
      expect((await sets.read({ place: WARD, nowMs: T })).rules[0]?.rule).toMatchObject({ limit: 140 });
      const [open] = await sets.proposals({ place: WARD, open: true, limit: 5, nowMs: T });
      expect(open).toMatchObject({
        id: 'p1',
        ruleId: HIGH.id,
        effect: 'wider',
        askedBy: 'a',
        state: 'open',
        place: WARD,
      });
      expect(await sets.decide(DECISION)).toMatchObject({
        kind: 'done',
        proposal: { state: 'confirmed', decidedBy: 'second' },
      });
      const { rules, revision } = await sets.read({ place: WARD, nowMs: T });
      expect(rules[0]).toMatchObject({
        version: 2,
        by: 'a',
        confirmedBy: 'second',
        reason: 'because',
        rule: { limit: 180 },
      });
      expect(revision).toBe(3);
      expect(await sets.decide(DECISION)).toMatchObject({ kind: 'not-open', proposal: { state: 'confirmed' } });
      expect(await sets.proposals({ open: true, limit: 5, nowMs: T })).toEqual([]);
      expect(await sets.proposals({ open: false, limit: 5, nowMs: T })).toHaveLength(1);
    });

    it('may be refused, also by who asked, and then never takes effect', async () => {
      await put(WARD, [HIGH]);
      await propose();
      expect(await sets.decide({ ...DECISION, byId: 'asker', confirm: false })).toMatchObject({
        kind: 'done',
        proposal: { state: 'refused' },
      });
      expect((await sets.decide(DECISION)).kind).toBe('not-open');
      expect((await sets.read({ place: WARD, nowMs: T })).rules[0]?.rule).toMatchObject({ limit: 140 });
    });

    it('is void once it is too old, or its rule was changed meanwhile', async () => {
      await put(WARD, [HIGH]);
      await propose();
      expect(await sets.decide({ ...DECISION, atMs: T + 10_000 })).toMatchObject({ proposal: { state: 'expired' } });
      expect(await sets.findProposal({ id: 'p1', nowMs: T + 10_000 })).toMatchObject({ state: 'expired' });
      await put(WARD, [{ ...HIGH, limit: 150 }]);
      expect(await sets.decide(DECISION)).toMatchObject({ kind: 'not-open', proposal: { state: 'superseded' } });
      await propose({ id: 'p2' });
      await propose({ id: 'p3' });
      expect(await sets.findProposal({ id: 'p2', nowMs: T })).toMatchObject({ state: 'superseded' });
      expect(await sets.decide({ ...DECISION, id: 'p3' })).toMatchObject({ kind: 'done' });
      expect(await sets.decide({ ...DECISION, id: 'nobody' })).toEqual({ kind: 'not-found' });
    });

    it('keeps what its author had been shown, with a version at once and with one that waited', async () => {
      const preview = {
        id: 'v1',
        by: 'a',
        atMs: T - 60_000,
        revision: 0,
        fromMs: T - 86_400_000,
        toMs: T,
        patients: 4,
        patientDays: 3.5,
        before: { alarms: 57, missed: 0 },
        after: { alarms: 3, missed: 0 },
        sustained: { events: 1, newlyMissed: 0, delayed: 1 },
      };
      await put(WARD, [LOW], { preview, propose: [PROPOSAL] });
      expect(await sets.findProposal({ id: PROPOSAL.id, nowMs: T })).toMatchObject({ preview });
      await sets.decide(DECISION);
      await put(WARD, [{ ...LOW, limit: 91 }]);
      const versions = await sets.versions({ place: WARD, limit: 10 });
      expect(versions.map(({ ruleId, version, preview: seen }) => [ruleId, version, seen?.id])).toEqual(
        expect.arrayContaining([
          [LOW.id, 2, undefined],
          [PROPOSAL.ruleId, 1, 'v1'],
          [LOW.id, 1, 'v1'],
        ]),
      );
      expect(versions.find(({ version, ruleId }) => ruleId === LOW.id && version === 1)?.preview).toEqual(preview);
    });

    it('may take a rule away, or be an override', async () => {
      await put(WARD, [HIGH]);
      const { rule: _, ...taking } = PROPOSAL;
      await put(WARD, [], { propose: [taking] });
      await sets.decide(DECISION);
      expect((await sets.read({ place: WARD, nowMs: T })).rules).toEqual([]);
      await propose({ id: 'p2', override: { fromMs: T, untilMs: T + 60_000 } });
      await sets.decide({ ...DECISION, id: 'p2', atMs: T + 500 });
      const { overrides, rules } = await sets.read({ place: WARD, nowMs: T + 500 });
      expect(rules).toEqual([]);
      expect(overrides).toMatchObject([{ id: 'p2', fromMs: T + 500, untilMs: T + 60_000, confirmedBy: 'second' }]);
    });

    it('keeps what was decided about NEWS2 of a patient, by whom and why', async () => {
      const patientId = 'P' as PatientId;
      expect(await sets.news2Versions(patientId)).toEqual([]);
      await sets.putNews2({ patientId, spo2Scale: 2, use: { kind: 'by-age' }, ...signed() });
      await sets.putNews2({
        patientId,
        spo2Scale: 2,
        use: { kind: 'off', why: 'pregnancy' },
        from: 1,
        ...signed('b', 'week 28', T + 1),
      });
      const late = await sets.putNews2({ patientId, spo2Scale: 1, use: { kind: 'by-age' }, from: 1, ...signed('c') });
      expect(late).toEqual({ kind: 'changed-meanwhile', version: 2, by: 'b', atMs: T + 1 });
      expect(await sets.news2Versions(patientId)).toEqual([
        { version: 2, spo2Scale: 2, use: { kind: 'off', why: 'pregnancy' }, by: 'b', reason: 'week 28', atMs: T + 1 },
        { version: 1, spo2Scale: 2, use: { kind: 'by-age' }, by: 'a', reason: 'because', atMs: T },
      ]);
    });

    it('taking a patient off NEWS2 waits, and is void once somebody decided otherwise', async () => {
      const patientId = 'P' as PatientId;
      const place = { scope: 'patient', patientId } as const;
      const decision = { spo2Scale: 1, use: { kind: 'off', why: 'end-of-life' } } as const;
      const ask = (id: string) =>
        sets.put({
          place,
          rules: [],
          remove: [],
          propose: [{ id, ruleId: 'news2', news2: decision, effect: 'off', askedById: 'a', expiresAtMs: T + 9_000 }],
          ...signed(),
        });
      await ask('n1');
      expect(await sets.news2Versions(patientId)).toEqual([]);
      expect(await sets.decide({ ...DECISION, id: 'n1', byId: 'a' })).toEqual({ kind: 'same-person' });
      await sets.putNews2({ patientId, spo2Scale: 2, use: { kind: 'by-age' }, ...signed() });
      expect(await sets.decide({ ...DECISION, id: 'n1' })).toMatchObject({ proposal: { state: 'superseded' } });
      await ask('n2');
      expect(await sets.decide({ ...DECISION, id: 'n2' })).toMatchObject({
        kind: 'done',
        proposal: { news2: decision },
      });
      expect((await sets.news2Versions(patientId))[0]).toMatchObject({
        version: 2,
        ...decision,
        by: 'a',
        confirmedBy: DECISION.by,
      });
    });

    it('two who confirm at once: one does', async () => {
      await put(WARD, [HIGH]);
      await propose();
      const both = await Promise.all([sets.decide(DECISION), sets.decide({ ...DECISION, byId: 'third', by: 'third' })]);
      expect(both.map(({ kind }) => kind).sort()).toEqual(['done', 'not-open']);
      expect((await sets.read({ place: WARD, nowMs: T })).rules[0]?.version).toBe(2);
    });
  });
}

const T = 1_800_000_000_000;
const HOUSE: RulePlace = { scope: 'house' };
const WARD: RulePlace = { scope: 'ward', wardId: 'W' as WardId };
const PATIENT: RulePlace = { scope: 'patient', patientId: 'P' as PatientId };
const HIGH: LimitRule = {
  kind: 'limit',
  id: 'heartRate.above.high',
  version: 1,
  vital: 'heartRate',
  comparison: 'above',
  limit: 140,
  priority: 'high',
};
const LOW: LimitRule = {
  ...HIGH,
  id: 'spo2.below.low',
  vital: 'spo2',
  comparison: 'below',
  limit: 92,
  priority: 'low',
};
const signed = (by = 'a', reason = 'because', atMs = T): Signed => ({ by, reason, atMs });
const PROPOSAL: NewProposal = {
  id: 'p1',
  ruleId: HIGH.id,
  rule: { ...HIGH, limit: 180 },
  effect: 'wider',
  askedById: 'asker',
  expiresAtMs: T + 10_000,
};
const DECISION = { id: 'p1', confirm: true, by: 'second', byId: 'second', atMs: T + 1 };
