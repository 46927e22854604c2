import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Listener } from '../adapters/postgres/listener.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from '../adapters/postgres/test-database.ts';
import type { AlarmId, UserId } from '../domain/ids.ts';
import { openTestWard, SLOW, type TestWard, WARD } from './test-ward.ts';

let database: TestDatabase;
let listener: Listener;
let ward: TestWard;

beforeAll(async () => {
  database = await openTestDatabase();
  listener = new Listener(database);
});
afterAll(() => listener.close());
beforeEach(async () => {
  await emptyDatabase(database);
  ward = await openTestWard(database, listener);
});
afterEach(async () => {
  await ward.stopEngine();
  expect(ward.failures).toEqual([]);
});

const rounds = async (id: AlarmId) =>
  (await ward.escalations.rounds(id)).map(({ startedBy, end, steps }) => [
    startedBy,
    steps.map(({ step, repeat }) => (repeat === 1 ? step : `${step} ${repeat}`)).join(', '),
    end ?? 'running',
  ]);
const acknowledge = (id: AlarmId) => ward.alarms.acknowledge({ id, by: 'Nia', atMs: ward.now() });
const STEP = { timeout: 10_000, interval: 20 };

describe('an alarm nobody takes', () => {
  it('is told outwards, step by step, again and again, until it rings as an alarm of the installation', async () => {
    await ward.startEngine();
    const id = await ward.condition('began');
    await expect.poll(() => ward.ringing.has('escalation.unanswered.A1'), { timeout: 20_000 }).toBe(true);
    expect(await ward.told(id)).toEqual([
      'nurse.1 nia',
      'charge-nurse-and-doctor.1 chris',
      'charge-nurse-and-doctor.1 dora',
      'on-call.1 otto',
      ...['chris', 'dora', 'nia', 'olga', 'otto'].map((who) => `everyone.1 ${who}`),
      ...['chris', 'dora', 'nia', 'olga', 'otto'].map((who) => `everyone.2 ${who}`),
    ]);
    await expect
      .poll(() => rounds(id), STEP)
      .toEqual([['raised', 'nurse, charge-nurse-and-doctor, on-call, everyone, everyone 2', 'exhausted']]);
    expect(await ward.workflow.find('escalation-high:A1.1')).toMatchObject({ status: 'FAILED', error: 'NobodyCame' });
    expect(await ward.alarms.find(id)).toMatchObject({ state: 'active', escalationStep: 'everyone' });
  });

  it('says with each step until when it waits', async () => {
    await ward.startEngine();
    const id = await ward.condition('began');
    await expect.poll(() => ward.told(id), STEP).toHaveLength(3);
    const [round] = await ward.escalations.rounds(id);
    const nurse = round?.steps[0];
    expect(nurse?.untilMs).toBe((nurse?.atMs ?? 0) + 1_000);
    // The step under way: on a busy machine the next one may have come meanwhile.
    expect(round?.dueAtMs).toBe((round?.steps.at(-1)?.atMs ?? 0) + 1_000);
    await acknowledge(id);
  });
});

describe('an acknowledgement', () => {
  it('ends the escalation at once, wherever it came from', async () => {
    await ward.startEngine();
    const id = await ward.condition('began');
    await expect.poll(() => ward.told(id), STEP).toEqual(['nurse.1 nia']);
    // A moment after she is told; an acknowledgement in between ends a round that has not noted its step.
    await expect.poll(() => rounds(id), STEP).toEqual([['raised', 'nurse', 'running']]);
    await acknowledge(id);
    await expect.poll(() => rounds(id), STEP).toEqual([['raised', 'nurse', 'acknowledged']]);
    await expect.poll(async () => (await ward.workflow.find('escalation-high:A1.1'))?.status, STEP).toBe('SUCCEEDED');
    expect(await ward.told(id)).toEqual(['nurse.1 nia']);
  });

  it('that comes before anybody was told leaves nobody to be told', async () => {
    const id = await ward.condition('began');
    await acknowledge(id);
    await ward.startEngine();
    await expect.poll(async () => (await ward.workflow.find('escalation-high:A1.1'))?.status, STEP).toBe('SUCCEEDED');
    expect(await ward.told(id)).toEqual([]);
  });

  it('that expires begins it anew', async () => {
    await ward.startEngine();
    const id = await ward.condition('began');
    await expect.poll(() => ward.told(id), STEP).toHaveLength(1);
    await acknowledge(id);
    const alarm = await ward.alarms.find(id);
    await ward.alarms.passTime({ nowMs: (alarm?.acknowledgementExpiresAtMs ?? 0) + 1, limit: 10 });
    await expect.poll(() => ward.told(id), STEP).toHaveLength(2);
    await expect
      .poll(() => rounds(id), STEP)
      .toMatchObject([
        ['raised', 'nurse', 'acknowledged'],
        ['acknowledgement-expired', 'nurse', 'running'],
      ]);
    const { rows } = await database.pool.query('select event from delivery order by ordered_at');
    expect(rows).toEqual([{ event: 'raised' }, { event: 'reminder' }]);
    await acknowledge(id);
  });
});

describe('a patient who recovers', () => {
  it('closes the escalation with a note when the vital is read again, and leaves the alarm to be seen', async () => {
    await ward.startEngine();
    const id = await ward.condition('began');
    await expect.poll(() => ward.told(id), STEP).toHaveLength(1);
    await ward.condition('ended');
    ward.heard(90);
    await expect.poll(() => rounds(id), STEP).toEqual([['raised', 'nurse', 'recovered']]);
    await expect.poll(() => ward.alarms.notes(id), STEP).toMatchObject([{ author: 'Escalation' }]);
    expect(await ward.alarms.find(id)).toMatchObject({ state: 'active', condition: 'ended' });
    expect(await ward.told(id)).toHaveLength(1);
  });

  it('is not believed where nothing recent was heard: the next are told', async () => {
    await ward.startEngine();
    const id = await ward.condition('began');
    await expect.poll(() => ward.told(id), STEP).toHaveLength(1);
    await ward.condition('ended');
    await expect.poll(() => ward.told(id), STEP).toHaveLength(3);
    await acknowledge(id);
  });

  it('and is in danger again begins a new round with the nurse', async () => {
    await ward.startEngine();
    const id = await ward.condition('began');
    await expect.poll(() => ward.told(id), STEP).toHaveLength(1);
    await ward.condition('ended');
    ward.heard(90);
    await expect.poll(() => rounds(id), STEP).toEqual([['raised', 'nurse', 'recovered']]);
    await ward.condition('began');
    await expect.poll(() => rounds(id), STEP).toMatchObject([{}, ['returned', 'nurse', 'running']]);
    await acknowledge(id);
  });
});

describe('a missing person', () => {
  it('is passed over at once, and reported', async () => {
    await ward.stopEngine();
    ward = await openTestWard(database, listener, { times: SLOW, seed: false });
    await ward.teams.endAssignment({ wardId: WARD, id: 'assigned-nia', by: 'test', atMs: 5 });
    await ward.startEngine();
    const id = await ward.condition('began');
    await expect.poll(() => ward.told(id), STEP).toHaveLength(2);
    await expect.poll(() => rounds(id), STEP).toEqual([['raised', 'nurse, charge-nurse-and-doctor', 'running']]);
    await expect.poll(() => [...ward.ringing.keys()], STEP).toEqual(['escalation.nobody.W3']);
    const [round] = await ward.escalations.rounds(id);
    expect(round?.steps[0]?.warnings.map(({ code }) => code)).toEqual(['no-nurse', 'nobody-assigned']);
    expect(round?.steps[0]).not.toHaveProperty('untilMs');
  });
});

describe('several missing people', () => {
  it('are passed over in one go, and each step of theirs is written down', async () => {
    await ward.stopEngine();
    ward = await openTestWard(database, listener, { times: SLOW, seed: false });
    for (const who of ['nia', 'chris', 'dora'])
      await ward.teams.endAssignment({ wardId: WARD, id: `assigned-${who}`, by: 'test', atMs: 5 });
    await ward.startEngine();
    const id = await ward.condition('began');
    await expect.poll(() => ward.told(id), STEP).toEqual(['on-call.1 otto']);
    await expect
      .poll(() => rounds(id), STEP)
      .toEqual([['raised', 'nurse, charge-nurse-and-doctor, on-call', 'running']]);
    const [round] = await ward.escalations.rounds(id);
    expect(round?.steps.map(({ recipients, untilMs }) => [recipients.length, untilMs !== undefined])).toEqual([
      [0, false],
      [0, false],
      [1, true],
    ]);
    expect([...ward.ringing.values()].join()).toContain(
      'nobody could be told of an alarm as nurse, nor as charge nurse',
    );
    const execution = await ward.workflow.find('escalation-high:A1.1');
    const history = (await ward.workflow.history(execution?.key ?? 0)).join('\n');
    expect([...history.matchAll(/Tell[A-Z]\w+/g)].map(([name]) => name)).toEqual(
      expect.arrayContaining(['TellNurse', 'TellOnCall']),
    );
    expect(history).not.toContain('TellLeads');
  });
});

describe('an escalation that is pushed, silenced or made more urgent', () => {
  beforeEach(async () => {
    ward = await openTestWard(database, listener, { times: SLOW, seed: false });
    await ward.startEngine();
  });

  it('goes to the next step at once when somebody wants it', async () => {
    const id = await ward.condition('began');
    await expect.poll(() => ward.told(id), STEP).toHaveLength(1);
    const by = { by: 'Nia', byId: 'nia' as UserId };
    await ward.alarms.act({ id, act: { kind: 'escalate', step: 'charge-nurse-and-doctor' }, ...by, atMs: ward.now() });
    await expect.poll(() => ward.told(id), STEP).toHaveLength(3);
    // Who asked for it is not told that a page about another alarm is enough.
    const { rows } = await database.pool.query(
      'select recipient, insists from delivery where alarm_id = $1 order by recipient',
      [id],
    );
    expect(rows).toEqual([
      { recipient: 'chris@ward.example', insists: true },
      { recipient: 'dora@ward.example', insists: true },
      { recipient: 'nia@ward.example', insists: false },
    ]);
    await ward.alarms.act({ id, act: { kind: 'escalate', step: 'on-call' }, ...by, atMs: ward.now() });
    expect(await ward.told(id)).toHaveLength(3);
  });

  it('begins for a low alarm only when somebody wants it', async () => {
    const id = await ward.condition('began', { priority: 'low' });
    await expect.poll(() => rounds(id), STEP).toEqual([]);
    await ward.alarms.act({ id, act: { kind: 'escalate', step: 'on-call' }, by: 'Nia', atMs: ward.now() });
    await expect.poll(() => ward.told(id), STEP).toHaveLength(2);
    await expect.poll(() => rounds(id), STEP).toEqual([['person', 'charge-nurse-and-doctor', 'running']]);
  });

  it('waits while it is snoozed, and goes on after', async () => {
    const id = await ward.condition('began');
    await expect.poll(() => ward.told(id), STEP).toHaveLength(1);
    const snooze = () => ward.alarms.act({ id, act: { kind: 'snooze', forMs: 300_000 }, by: 'Nia', atMs: ward.now() });
    await snooze();
    await ward.alarms.passTime({ nowMs: ward.now() + 300_001, limit: 10 });
    await expect.poll(() => ward.told(id), STEP).toHaveLength(2);
    await snooze();
    await ward.alarms.passTime({ nowMs: ward.now() + 300_001, limit: 10 });
    await expect.poll(() => ward.told(id), STEP).toHaveLength(4);
    await expect
      .poll(() => rounds(id), STEP)
      .toEqual([
        ['raised', 'nurse', 'snoozed'],
        ['snooze-ended', 'nurse', 'snoozed'],
        ['snooze-ended', 'charge-nurse-and-doctor', 'running'],
      ]);
  });

  it('is told again as what it has become when it grows more urgent', async () => {
    const id = await ward.condition('began', { priority: 'medium' });
    await expect.poll(() => ward.told(id), STEP).toHaveLength(1);
    await ward.condition('worsened', { priority: 'high' });
    await expect.poll(() => ward.told(id), STEP).toHaveLength(2);
    await expect
      .poll(() => rounds(id), STEP)
      .toEqual([
        ['raised', 'nurse', 'superseded'],
        ['priority-raised', 'nurse', 'running'],
      ]);
    expect((await ward.escalations.rounds(id)).map(({ definition }) => definition)).toEqual([
      'escalation-medium',
      'escalation-high',
    ]);
    expect(await ward.workflow.find('escalation-high:A1.2')).toMatchObject({ status: 'RUNNING' });
  });
});

describe('an alarm and its escalation', () => {
  it('are one: what is rolled back has neither', async () => {
    await database.pool.query('alter table alarm_condition add constraint broken check (log_offset < 0)');
    await expect(ward.condition('began')).rejects.toMatchObject({ code: 'database-rejected' });
    await database.pool.query('alter table alarm_condition drop constraint broken');
    expect(await rounds('A1' as AlarmId)).toEqual([]);
    expect(await ward.workflow.list({ limit: 9 })).toEqual([]);
  });

  it('part only where the escalation cannot be begun: the alarm is stored all the same', async () => {
    await database.pool.query('alter table escalation add constraint broken check (round > 99)');
    const id = await ward.condition('began');
    await database.pool.query('alter table escalation drop constraint broken');
    expect(await ward.alarms.find(id)).toMatchObject({ state: 'active' });
    await expect.poll(() => rounds(id), STEP).toEqual([]);
    expect(ward.failures.splice(0)).toMatchObject([{ code: 'database-rejected' }]);
    expect(await ward.rounds.adopt()).toBe(1);
    expect(await ward.rounds.adopt()).toBe(0);
    await expect.poll(() => rounds(id), STEP).toEqual([['raised', '', 'running']]);
  });

  it('of many alarms at once each has its own', async () => {
    for (let n = 1; n <= 20; n++) await ward.condition('began', { alarmId: `A${n}`, rule: `heartRate.above.${n}` });
    await ward.startEngine();
    const { rows } = await database.pool.query<{ n: number }>(
      'select count(distinct execution)::int as n from escalation',
    );
    expect(rows).toEqual([{ n: 20 }]);
    await expect.poll(() => ward.told('A20' as AlarmId), STEP).toEqual(['nurse.1 nia']);
    for (let n = 1; n <= 20; n++) await acknowledge(`A${n}` as AlarmId);
  });
});
