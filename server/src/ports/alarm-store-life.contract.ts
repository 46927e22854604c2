import { describe, expect, it } from 'vitest';
import type { Alarm, AlarmChange, ConditionTransition } from '../domain/alarm.ts';
import type { AlarmAct } from '../domain/alarm-act.ts';
import { type AlarmPlace, placeInWorklist, worklistRank } from '../domain/alarm-order.ts';
import { ALARM_POLICY } from '../domain/alarm-policy.ts';
import type { AlarmId, BedId, PatientId, UserId, WardId } from '../domain/ids.ts';
import { type ActRequest, type AlarmStore, UNPLACED_WARD } from './alarm-store.ts';
import type { Outbox } from './outbox.ts';
import { began, ended, kinds, MINUTE, P, Q, T, W, worsened } from './test-transitions.ts';

/** An empty alarm store, its outbox, and a way to put a patient to bed. */
export interface AlarmStoreWorld {
  readonly alarms: AlarmStore;
  readonly outbox: Outbox;
  place(patientId: PatientId, place: { readonly wardId: WardId; readonly bedId: BedId }): Promise<void>;
}

/** What people and time do to alarms. */
export function aliveContract(current: () => { readonly world: AlarmStoreWorld; setNow(ms: number): void }): void {
  const store = () => current().world.alarms;
  const apply = (...transitions: readonly ConditionTransition[]) => store().apply(transitions);
  const id = began(1).alarmId;
  const anna = { by: 'Anna (anna)', byId: 'u-anna' as UserId };
  const ben = { by: 'Ben (ben)', byId: 'u-ben' as UserId };
  const act = (act: AlarmAct, who: Pick<ActRequest, 'by' | 'byId'> = anna, atMs = T, alarmId = id) =>
    store().act({ id: alarmId, act, ...who, atMs });
  const pass = async (nowMs: number) => {
    current().setNow(nowMs);
    return store().passTime({ nowMs, limit: 100 });
  };
  const medium = (n: number, over: Partial<ConditionTransition> = {}) => began(n, { priority: 'medium', ...over });

  describe('people', () => {
    it('take an alarm by their identity, and may take it over with a word why', async () => {
      await apply(began(1));
      expect(await act({ kind: 'acknowledge' })).toMatchObject({
        kind: 'done',
        change: { kind: 'acknowledged', by: anna.by, byId: anna.byId, alarm: { owner: anna.by, ownerId: anna.byId } },
      });
      const over = { kind: 'own', from: anna.by } as const;
      expect(await act({ ...over, note: 'on my round' }, ben)).toMatchObject({
        kind: 'done',
        change: {
          kind: 'owner-changed',
          previousOwner: anna.by,
          alarm: { owner: ben.by, ownerId: ben.byId, notes: 1 },
        },
      });
      expect(await store().find(id)).toMatchObject({ owner: ben.by, acknowledgedBy: anna.by, notes: 1 });
      expect(await store().notes(id)).toMatchObject([
        { author: ben.by, authorId: ben.byId, text: 'on my round', atMs: T },
      ]);
    });

    it('who reach at once for a colleague’s alarm: one has it, the others are told who', async () => {
      await apply(began(1));
      await act({ kind: 'acknowledge' });
      const people = Array.from({ length: 4 }, (_, i) => ({ by: `N${i}`, byId: `u-${i}` as UserId }));
      const outcomes = await Promise.all(people.map((who) => act({ kind: 'own', from: anna.by, note: 'mine' }, who)));
      const owner = (await store().find(id))?.owner;
      expect(outcomes.filter(({ kind }) => kind === 'done')).toHaveLength(1);
      for (const outcome of outcomes)
        if (outcome.kind === 'refused')
          expect([outcome.reason, outcome.alarm.owner]).toEqual(['owned-by-other', owner]);
      expect(await store().notes(id)).toHaveLength(1);
    });

    it('give an alarm back: it calls for somebody else', async () => {
      await apply(began(1));
      await act({ kind: 'acknowledge' });
      expect(await act({ kind: 'release' }, ben)).toMatchObject({ kind: 'refused', reason: 'not-owner' });
      expect(await act({ kind: 'release' })).toMatchObject({
        kind: 'done',
        change: { kind: 'released', previousOwner: anna.by, undone: ['acknowledgement'] },
      });
      const alarm = await store().find(id);
      for (const field of ['owner', 'ownerId', 'acknowledgedBy', 'acknowledgedAtMs', 'acknowledgementExpiresAtMs'])
        expect(alarm).not.toHaveProperty(field);
      expect(await act({ kind: 'acknowledge' }, ben)).toMatchObject({ kind: 'done' });
    });

    it('write notes, also on what is over; the words stay out of every event', async () => {
      await apply(began(1), ended(2));
      await act({ kind: 'acknowledge' });
      expect(await act({ kind: 'note', note: 'Mr Doe was out of bed' }, ben, T + 5)).toMatchObject({
        change: { kind: 'noted', alarm: { notes: 1, state: 'resolved' } },
      });
      const [first] = await store().notes(id);
      expect(first).toMatchObject({ text: 'Mr Doe was out of bed', author: ben.by, atMs: T + 5 });
      expect(await act({ kind: 'note', note: 'and back' })).toMatchObject({ kind: 'done', noteId: expect.any(String) });
      expect((await store().notes(id)).map(({ text }) => text)).toEqual(['Mr Doe was out of bed', 'and back']);
      const told: AlarmChange[] = [];
      await current().world.outbox.fanOut(async (changes) => {
        told.push(...changes);
        return changes.map(() => ({ recipients: [], followUpOn: [] }));
      }, T);
      expect(kinds(told)).toEqual(['raised', 'ended', 'resolved', 'noted', 'noted']);
      expect(JSON.stringify([told, await store().history(id), await store().find(id)])).not.toContain('Doe');
    });

    it('are told of an alarm that is not there', async () => {
      expect(await act({ kind: 'note', note: 'x' })).toEqual({ kind: 'not-found' });
      expect(await store().notes(id)).toEqual([]);
      expect(await store().history(id)).toEqual([]);
    });

    it('acknowledge many at once, but no high one, and each answer says why', async () => {
      const other = (n: number, over: Partial<ConditionTransition>) =>
        began(n, { patientId: `P-${n}` as PatientId, ...over });
      await apply(
        other(1, { priority: 'medium' }),
        other(2, {}),
        other(3, { priority: 'low' }),
        other(4, { priority: 'low' }),
      );
      await store().acknowledge({ id: 'A-3' as AlarmId, ...ben, atMs: T });
      const ids = ['A-4', 'A-2', 'A-none', 'A-3', 'A-1'] as AlarmId[];
      const outcomes = await store().acknowledgeMany({ ids, ...anna, atMs: T });
      expect(outcomes.map((outcome) => [outcome.id, outcome.kind])).toEqual([
        ['A-4', 'acknowledged'],
        ['A-2', 'high-priority'],
        ['A-none', 'not-found'],
        ['A-3', 'already-acknowledged'],
        ['A-1', 'acknowledged'],
      ]);
      const owners = (await store().list({ limit: 9 })).map((alarm) => [alarm.id, alarm.owner]).sort();
      expect(owners).toEqual([
        ['A-1', anna.by],
        ['A-2', undefined],
        ['A-3', ben.by],
        ['A-4', anna.by],
      ]);
    });
  });

  describe('time', () => {
    it('ends a snooze, once, whoever asks and however late', async () => {
      await apply(medium(1));
      await act({ kind: 'snooze', forMs: 5 * MINUTE });
      expect(await store().find(id)).toMatchObject({
        snoozedUntilMs: T + 5 * MINUTE,
        snoozedAtMs: T,
        snoozedBy: anna.by,
      });
      expect(await store().nextDueMs()).toBe(T + 5 * MINUTE);
      expect(await pass(T + 5 * MINUTE - 1)).toEqual([]);
      const late = T + 47 * MINUTE;
      const changes = (await Promise.all([pass(late), pass(late), pass(late)])).flat();
      expect(kinds(changes)).toEqual(['unsnoozed']);
      expect(await store().find(id)).not.toHaveProperty('snoozedUntilMs');
      expect(await store().nextDueMs()).toBe(late + ALARM_POLICY.remindEveryMs.medium);
    });

    it('ends an acknowledgement that the condition outlasts; the owner stays known', async () => {
      await apply(began(1));
      await act({ kind: 'acknowledge' });
      const expiryMs = T + ALARM_POLICY.acknowledgementMs.high;
      expect(await store().nextDueMs()).toBe(expiryMs);
      expect(await pass(expiryMs)).toMatchObject([
        { kind: 'acknowledgement-expired', undone: ['acknowledgement'], atMs: expiryMs, alarm: { owner: anna.by } },
      ]);
      expect(await store().find(id)).not.toHaveProperty('acknowledgedAtMs');
      expect(await act({ kind: 'acknowledge' }, ben, expiryMs)).toMatchObject({
        change: { kind: 'acknowledged', previousOwner: anna.by, alarm: { owner: ben.by } },
      });
    });

    it('reminds of what nobody took, a bounded number of times', async () => {
      await apply(began(1));
      const told: string[] = [];
      for (let ms = T; ms < T + 60 * MINUTE; ms += MINUTE) told.push(...kinds(await pass(ms)));
      expect(told).toEqual(Array(ALARM_POLICY.remindersMax).fill('reminder'));
      expect(await store().nextDueMs()).toBeUndefined();
    });

    it('closes by rule what ended and needs nobody; what speaks of a patient waits for somebody', async () => {
      const battery = { rule: 'technical.battery', alarmKind: 'technical', priority: 'low' } as const;
      await apply(began(1, battery), began(2), ended(3, battery), ended(4));
      expect(await store().nextDueMs()).toBe(T + MINUTE);
      expect(await pass(T + 24 * 60 * MINUTE)).toMatchObject([
        { kind: 'resolved', alarm: { id: 'A-1', state: 'resolved', resolvedBy: 'rule' } },
      ]);
      expect((await store().list({ open: true, limit: 9 })).map((alarm) => alarm.id)).toEqual(['A-2']);
      expect(await apply(began(9, battery)).then(kinds)).toEqual(['raised']);
    });

    it('does nothing to an alarm whose condition came back before its rule could close it', async () => {
      const battery = { rule: 'technical.battery', alarmKind: 'technical', priority: 'low' } as const;
      await apply(began(1, battery), ended(2, battery));
      current().setNow(T + 30_000);
      expect(kinds(await apply(began(3, battery)))).toEqual(['returned']);
      expect(await pass(T + MINUTE)).toEqual([]);
    });

    it('takes those due for longest first, as many as asked', async () => {
      for (const n of [1, 2, 3]) {
        current().setNow(T + n * 1_000);
        await apply(began(n, { patientId: `P-${n}` as PatientId }));
      }
      const nowMs = T + 10 * MINUTE;
      const first = await store().passTime({ nowMs, limit: 2 });
      expect(first.map(({ alarm }) => alarm.id)).toEqual(['A-1', 'A-2']);
      const rest = await store().passTime({ nowMs, limit: 2 });
      expect(rest.map(({ alarm }) => alarm.id)).toEqual(['A-3']);
    });
  });

  it('grows more urgent as news: neither acknowledgement nor snooze outlives it; less urgent keeps both', async () => {
    await apply(medium(1));
    await act({ kind: 'acknowledge' });
    const [up] = await apply(began(2, { kind: 'worsened' }));
    expect(up).toMatchObject({ kind: 'priority-changed', previousPriority: 'medium', undone: ['acknowledgement'] });
    await act({ kind: 'acknowledge' });
    const [down] = await apply(medium(3, { kind: 'eased' }));
    expect(down).toMatchObject({ kind: 'priority-changed', previousPriority: 'high' });
    expect(await store().find(id)).toMatchObject({
      priority: 'medium',
      highestPriority: 'high',
      acknowledgedBy: anna.by,
    });
  });

  it('remembers everything that happened to it: when, what and who', async () => {
    await apply(medium(1));
    await act({ kind: 'snooze', forMs: 5 * MINUTE }, anna, T + 1);
    await act({ kind: 'unsnooze' }, ben, T + 2);
    await act({ kind: 'escalate', step: 'physician' }, { by: 'HealthSync' }, T + 3);
    await apply(began(2, { kind: 'worsened' }));
    await act({ kind: 'acknowledge' }, ben, T + 4);
    await apply(ended(3));
    expect(await store().history(id)).toEqual([
      { kind: 'raised', atMs: T + 1_000, priority: 'medium', condition: 'present', text: 'HR 167 > 160' },
      {
        kind: 'snoozed',
        atMs: T + 1,
        by: anna.by,
        priority: 'medium',
        condition: 'present',
        snoozedUntilMs: T + 1 + 5 * MINUTE,
      },
      { kind: 'unsnoozed', atMs: T + 2, by: ben.by, priority: 'medium', condition: 'present' },
      {
        kind: 'escalated',
        atMs: T + 3,
        by: 'HealthSync',
        priority: 'medium',
        condition: 'present',
        escalationStep: 'physician',
      },
      {
        kind: 'priority-changed',
        atMs: T + 2_000,
        priority: 'high',
        previousPriority: 'medium',
        condition: 'present',
        text: 'HR 167 > 160',
      },
      { kind: 'acknowledged', atMs: T + 4, by: ben.by, priority: 'high', condition: 'present' },
      { kind: 'resolved', atMs: T + 3_000, priority: 'high', condition: 'ended', resolvedBy: 'condition' },
    ]);
  });

  it('counts every writing, so that an older answer is known from a newer one', async () => {
    await apply(began(1), worsened(2, 180));
    await act({ kind: 'note', note: 'x' });
    await apply(began(3));
    expect((await store().find(id))?.revision).toBe(4);
  });

  describe('lists', () => {
    const place = (patient: string, ward: string, bed: string) =>
      current().world.place(patient as PatientId, { wardId: ward as WardId, bedId: bed as BedId });
    const ids = async (query: Partial<Parameters<AlarmStore['list']>[0]>) =>
      (await store().list({ limit: 100, ...query })).map((alarm) => alarm.id);

    it('go by where the patient lies now', async () => {
      await place('P-a', 'W3', 'W3-01');
      await apply(began(1), began(2, { patientId: Q }));
      await place('P-a', 'W4', 'W4-01');
      expect(await ids({ wardIds: [W] })).toEqual([]);
      expect(await ids({ wardIds: ['W4' as WardId] })).toEqual(['A-1']);
      expect(await ids({ wardIds: [UNPLACED_WARD] })).toEqual(['A-2']);
    });

    it('narrow to priorities, to what nobody took, and to what is mine', async () => {
      const [p, q] = [{ patientId: P }, { patientId: Q }];
      await apply(began(1, p), medium(2, { ...q, rule: 'x.y' }), medium(3, { ...q, priority: 'low' }));
      await store().acknowledge({ id: 'A-2' as AlarmId, ...anna, atMs: T });
      expect(await ids({ priorities: ['high', 'low'] })).toEqual(['A-3', 'A-1']);
      expect(await ids({ unacknowledged: true })).toEqual(['A-3', 'A-1']);
      expect(await ids({ unacknowledged: false })).toEqual(['A-2']);
      expect(await ids({ ownerId: anna.byId })).toEqual(['A-2']);
      expect(await ids({ ownerId: ben.byId })).toEqual([]);
    });

    it('as a worklist: what calls for somebody first; page by page nothing twice and nothing left out', async () => {
      const names = ['high', 'medium', 'low'] as const;
      let n = 0;
      for (const alarmKind of ['technical', 'physiological'] as const)
        for (const priority of names)
          for (const state of ['present', 'ended', 'snoozed', 'taken', 'resolved', 'present']) {
            const each = { patientId: `P-${++n}` as PatientId, priority, alarmKind };
            await apply(began(n, each));
            const alarmId = `A-${n}` as AlarmId;
            if (state === 'ended' || state === 'resolved') await apply(ended(n + 1_000, each));
            if (state === 'taken' || state === 'resolved') await act({ kind: 'acknowledge' }, anna, T, alarmId);
            if (state === 'snoozed') await act({ kind: 'snooze', forMs: 5 * MINUTE }, anna, T, alarmId);
          }
      const pages: Alarm[] = [];
      for (let after: AlarmPlace | undefined; ; ) {
        const page = await store().list({ order: 'worklist', limit: 7, ...(after === undefined ? {} : { after }) });
        pages.push(...page);
        const last = page.at(-1);
        if (last === undefined) break;
        after = placeInWorklist(last);
      }
      expect(new Set(pages.map((alarm) => alarm.id)).size).toBe(36);
      expect(pages).toHaveLength(36);
      const expected = [...pages].sort(
        (a, b) => worklistRank(a) - worklistRank(b) || a.raisedAtMs - b.raisedAtMs || (a.id < b.id ? -1 : 1),
      );
      expect(pages.map((alarm) => alarm.id)).toEqual(expected.map((alarm) => alarm.id));
      expect(pages[0]).toMatchObject({ priority: 'high', kind: 'physiological', condition: 'present' });
      expect(pages.at(-1)?.state).toBe('resolved');

      const newest: string[] = [];
      for (let after: AlarmPlace | undefined; ; ) {
        const page = await store().list({ limit: 5, ...(after === undefined ? {} : { after }) });
        newest.push(...page.map((alarm) => alarm.id));
        const last = page.at(-1);
        if (last === undefined) break;
        after = placeInWorklist(last);
      }
      expect(newest).toEqual(Array.from({ length: 36 }, (_, i) => `A-${36 - i}`));
    });
  });
}
