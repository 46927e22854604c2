import { beforeEach, describe, expect, it } from 'vitest';
import type { ConditionTransition } from '../domain/alarm.ts';
import { ALARM_POLICY } from '../domain/alarm-policy.ts';
import type { AlarmId, PatientId } from '../domain/ids.ts';
import type { AlarmStore } from './alarm-store.ts';
import { type AlarmStoreWorld, aliveContract } from './alarm-store-life.contract.ts';
import { at, B, began, ended, HR, kinds, P, Q, T, W, worsened } from './test-transitions.ts';

/** What every `AlarmStore` must do, and leave in its `Outbox`; `now` is what it must take the time from. */
export function alarmStoreContract(
  engine: string,
  makeWorld: (options: { readonly now: () => number }) => Promise<AlarmStoreWorld>,
): void {
  describe(`${engine} as an alarm store`, () => {
    let world: AlarmStoreWorld;
    let nowMs = T;
    beforeEach(async () => {
      nowMs = T;
      world = await makeWorld({ now: () => nowMs });
    });

    const apply = (...transitions: readonly ConditionTransition[]) => world.alarms.apply(transitions);
    const acknowledge = (id: AlarmId, by = 'nurse-1') => world.alarms.acknowledge({ id, by, atMs: T + 60_000 });
    const list = (query: Partial<Parameters<AlarmStore['list']>[0]> = {}) =>
      world.alarms.list({ limit: 100, ...query });

    it('raises an alarm where the patient lies, with all that caused it', async () => {
      await world.place(P, { wardId: W, bedId: B });
      const transition = began(7);
      const changes = await apply(transition);
      const alarm = {
        id: transition.alarmId,
        patientId: P,
        wardId: W,
        bedId: B,
        rule: HR,
        ruleVersion: 3,
        kind: 'physiological',
        priority: 'high',
        highestPriority: 'high',
        state: 'active',
        condition: 'present',
        cause: transition.cause,
        worst: transition.cause,
        deviceId: 'D-a',
        readingId: 'r-7',
        lastReadingId: 'r-7',
        raisedAtMs: T + 7_000,
        reminders: 0,
        remindAtMs: T + ALARM_POLICY.remindEveryMs.high,
        notes: 0,
        revision: 1,
      };
      expect(changes).toEqual([{ kind: 'raised', alarm, atMs: T + 7_000 }]);
      expect(await world.alarms.find(transition.alarmId)).toEqual(alarm);
    });

    it('raises it for a patient who lies nowhere', async () => {
      const [change] = await apply(began(1, { patientId: 'P-unknown' as PatientId }));
      expect(change?.kind).toBe('raised');
      expect(change?.alarm).not.toHaveProperty('wardId');
    });

    it('changes nothing when what was applied comes again', async () => {
      const first = [began(1), ended(3)];
      await apply(...first);
      const alarms = await list();
      expect(await apply(...first)).toEqual([]);
      expect(await apply(began(2))).toEqual([]);
      expect(await apply(ended(3), began(4)).then(kinds)).toEqual(['returned']);
      expect(await list()).toHaveLength(alarms.length);
    });

    it('orders what follows without a reading by its step', async () => {
      expect(kinds(await apply(began(1, { position: at(1, 1) })))).toEqual(['raised']);
      expect(kinds(await apply(ended(1, { position: at(1, 1) })))).toEqual([]);
      expect(kinds(await apply(ended(1, { position: at(1, 2) })))).toEqual(['ended']);
    });

    it('keeps one open alarm per patient and rule, through a whole life', async () => {
      expect(kinds(await apply(began(1)))).toEqual(['raised']);
      expect(kinds(await apply(worsened(2, 190)))).toEqual(['worsened']);
      expect(kinds(await apply(ended(3)))).toEqual(['ended']);
      expect(kinds(await apply(began(4)))).toEqual(['returned']);
      expect(kinds(await apply(ended(5)))).toEqual(['ended']);
      const [alarm, ...others] = await list();
      expect(others).toEqual([]);
      expect(alarm).toMatchObject({
        readingId: 'r-1',
        lastReadingId: 'r-5',
        worst: { value: 190 },
        endedAtMs: T + 5_000,
      });
      expect(await acknowledge(began(1).alarmId)).toMatchObject({ kind: 'acknowledged', change: { kind: 'resolved' } });
      expect(kinds(await apply(began(6)))).toEqual(['raised']);
      expect((await list()).map(({ state }) => state)).toEqual(['active', 'resolved']);
    });

    it('applies a whole life, and the next one, in one batch', async () => {
      await apply(began(1));
      await acknowledge(began(1).alarmId);
      expect(kinds(await apply(ended(2), began(3), ended(4)))).toEqual(['resolved', 'raised', 'ended']);
      expect((await list()).map(({ readingId, state }) => [readingId, state])).toEqual([
        ['r-3', 'active'],
        ['r-1', 'resolved'],
      ]);
    });

    it('keeps rules and patients apart', async () => {
      const spo2 = { rule: 'spo2.below.high', alarmId: 'A-spo2' as AlarmId };
      const other = { patientId: Q, alarmId: 'A-q' as AlarmId };
      expect(kinds(await apply(began(1), began(1, spo2), began(1, other)))).toEqual(['raised', 'raised', 'raised']);
      expect(kinds(await apply(ended(2, { ...spo2 })))).toEqual(['ended']);
      expect((await list({ patientId: P })).map(({ condition }) => condition).sort()).toEqual(['ended', 'present']);
    });

    it('resolves an acknowledged alarm when its condition ends', async () => {
      await apply(began(1));
      expect(await acknowledge(began(1).alarmId)).toMatchObject({
        kind: 'acknowledged',
        change: { kind: 'acknowledged' },
      });
      expect(kinds(await apply(ended(2)))).toEqual(['resolved']);
      expect(await world.alarms.find(began(1).alarmId)).toMatchObject({
        state: 'resolved',
        acknowledgedBy: 'nurse-1',
        acknowledgedAtMs: T + 60_000,
        resolvedAtMs: T + 2_000,
      });
    });

    it('gives an alarm one owner, however many reach for it at once', async () => {
      await apply(began(1));
      const people = Array.from({ length: 5 }, (_, i) => `nurse-${i}`);
      const outcomes = await Promise.all(people.map((by) => acknowledge(began(1).alarmId, by)));
      expect(outcomes.map(({ kind }) => kind).sort()).toEqual([
        ...Array(1).fill('acknowledged'),
        ...Array(4).fill('already-acknowledged'),
      ]);
      const owner = (await world.alarms.find(began(1).alarmId))?.acknowledgedBy;
      for (const outcome of outcomes)
        if (outcome.kind === 'already-acknowledged') expect(outcome.alarm.acknowledgedBy).toBe(owner);
    });

    it('tells why an alarm cannot be taken', async () => {
      await apply(began(1), ended(2));
      await acknowledge(began(1).alarmId);
      expect(await acknowledge(began(1).alarmId)).toMatchObject({ kind: 'already-resolved' });
      expect(await acknowledge('A-none' as AlarmId)).toEqual({ kind: 'not-found' });
      expect(await world.alarms.find('A-none' as AlarmId)).toBeUndefined();
    });

    it('raises once when two processes apply the same at the same time', async () => {
      const changes = (await Promise.all([apply(began(1)), apply(began(1)), apply(began(1))])).flat();
      expect(kinds(changes)).toEqual(['raised']);
      expect(await list()).toHaveLength(1);
    });

    it('lists newest first, by patient, ward, state and time', async () => {
      await world.place(P, { wardId: W, bedId: B });
      await apply(began(1), began(5, { patientId: Q, alarmId: 'A-q' as AlarmId }), ended(6));
      await acknowledge(began(1).alarmId);
      const ids = async (query: Parameters<typeof list>[0]) => (await list(query)).map(({ id }) => id);
      const [p, q] = [began(1).alarmId, 'A-q'];
      expect(await ids({})).toEqual([q, p]);
      expect(await ids({ limit: 1 })).toEqual([q]);
      expect(await ids({ patientId: P })).toEqual([p]);
      expect(await ids({ wardIds: [W] })).toEqual([p]);
      expect(await ids({ wardIds: [] })).toEqual([]);
      expect(await ids({ wardIds: [], besides: [Q] })).toEqual([q]);
      expect(await ids({ wardIds: [W], besides: [Q] })).toEqual([q, p]);
      expect(await ids({ wardIds: [W], besides: [Q], open: false })).toEqual([p]);
      expect(await ids({ open: true })).toEqual([q]);
      expect(await ids({ open: false })).toEqual([p]);
      expect(await ids({ fromMs: T + 1_000, toMs: T + 5_000 })).toEqual([p]);
      expect(await ids({ fromMs: T + 1_001 })).toEqual([q]);
    });

    aliveContract(() => ({
      world,
      setNow(ms) {
        nowMs = ms;
      },
    }));

    it('leaves every change in the outbox once, and nothing that was only repeated', async () => {
      const seen: string[] = [];
      const fanOut = () =>
        world.outbox.fanOut(async (changes) => {
          seen.push(...kinds(changes));
          return changes.map(() => ({ recipients: [], followUpOn: [] }));
        }, T);
      await apply(began(1), worsened(2, 190), worsened(3, 190), ended(4));
      await apply(began(1), ended(4));
      await acknowledge(began(1).alarmId);
      expect(await fanOut()).toBe(0);
      expect(seen).toEqual(['raised', 'worsened', 'ended', 'resolved']);
      expect(await fanOut()).toBe(0);
      expect(seen).toHaveLength(4);
    });
  });
}
