import { describe, expect, it, vi } from 'vitest';
import { Failure } from '../../ports/failure.ts';
import type { SystemAlarm, SystemAlarmStore } from '../../ports/system-alarms.ts';
import { openSystemAlarmDesk } from './system-alarm-desk.ts';

/** Keeps them in memory, and can be away. */
function makeStore() {
  const rows = new Map<string, SystemAlarm>();
  const world = { isAway: false };
  const store: SystemAlarmStore = {
    async put(alarm) {
      if (world.isAway) throw new Failure('database-unavailable', 'away', { retryable: true });
      rows.set(`${alarm.id} ${alarm.raisedAtMs}`, alarm);
    },
    async list({ open, limit }) {
      if (world.isAway) throw new Failure('database-unavailable', 'away', { retryable: true });
      return [...rows.values()]
        .filter(({ state }) => open === undefined || (state === 'active') === open)
        .slice(0, limit);
    },
  };
  return { store, rows, world };
}

async function openDesk(made = makeStore()) {
  const clock = { nowMs: 1_000 };
  const errors: unknown[] = [];
  const desk = await openSystemAlarmDesk({
    store: made.store,
    now: () => clock.nowMs,
    hooks: { onStoreError: (error) => errors.push(error) },
  });
  const told: [string, SystemAlarm['state'], boolean][] = [];
  desk.onChange(({ id, state }, isNew) => told.push([id, state, isNew]));
  return { ...made, desk, clock, told, errors };
}
const SMS = {
  id: 'channel.sms.failing',
  rule: 'channel.failing',
  priority: 'medium',
  text: 'SMS does not work',
} as const;
const GAP = { id: 'rota.W3.gap', rule: 'rota.gap', priority: 'low', text: 'Nobody on Sunday' } as const;

describe('alarms of the installation', () => {
  it('ring once, however often the same is noticed, and end by themselves', async () => {
    const { desk, told, clock, rows } = await openDesk();
    desk.raise(SMS);
    desk.raise(SMS);
    expect(desk.open()).toEqual([{ ...SMS, state: 'active', raisedAtMs: 1_000 }]);
    clock.nowMs = 2_000;
    desk.clear(SMS.id);
    desk.clear(SMS.id);
    expect(desk.open()).toEqual([]);
    expect(told).toEqual([
      [SMS.id, 'active', true],
      [SMS.id, 'cleared', false],
    ]);
    await desk.stop();
    expect([...rows.values()]).toEqual([{ ...SMS, state: 'cleared', raisedAtMs: 1_000, clearedAtMs: 2_000 }]);
  });

  it('begin anew when what was over comes again', async () => {
    const { desk, clock, rows } = await openDesk();
    desk.raise(SMS);
    desk.clear(SMS.id);
    clock.nowMs = 5_000;
    desk.raise(SMS);
    await desk.stop();
    expect([...rows.values()].map(({ state, raisedAtMs }) => [state, raisedAtMs])).toEqual([
      ['cleared', 1_000],
      ['active', 5_000],
    ]);
  });

  it('keep their text up to date, and ring again when they grow more urgent', async () => {
    const { desk, told } = await openDesk();
    desk.raise(SMS);
    desk.acknowledge(SMS.id, 'Ola');
    desk.raise({ ...SMS, text: 'SMS does not work (HTTP 500)' });
    expect(desk.open()[0]).toMatchObject({ text: 'SMS does not work (HTTP 500)', acknowledgedBy: 'Ola' });
    desk.raise({ ...SMS, priority: 'high' });
    expect(desk.open()[0]).not.toHaveProperty('acknowledgedBy');
    expect(desk.open()[0]).toMatchObject({ raisedAtMs: 1_000, priority: 'high' });
    desk.raise(SMS);
    expect(told.map(([, , isNew]) => isNew)).toEqual([true, false, false, true, false]);
    await desk.stop();
  });

  it('are taken by the first, and stay until they are over', async () => {
    const { desk, clock } = await openDesk();
    desk.raise(SMS);
    clock.nowMs = 3_000;
    expect(desk.acknowledge(SMS.id, 'Ola')).toMatchObject({
      acknowledgedBy: 'Ola',
      acknowledgedAtMs: 3_000,
      state: 'active',
    });
    expect(desk.acknowledge(SMS.id, 'Ben')).toMatchObject({ acknowledgedBy: 'Ola' });
    expect(desk.acknowledge('none', 'Ben')).toBeUndefined();
    expect(desk.open()).toHaveLength(1);
    await desk.stop();
  });

  it('that say what happened, and not what is, end when a person has taken note', async () => {
    const { desk } = await openDesk();
    desk.raise({ id: 'delivery.sms.failed', rule: 'delivery.failed', priority: 'medium', text: 'given up' });
    expect(desk.acknowledge('delivery.sms.failed', 'Ola')).toMatchObject({ state: 'cleared', acknowledgedBy: 'Ola' });
    expect(desk.open()).toEqual([]);
    await desk.stop();
  });

  it('ring while the database is away, and are stored when it is back', async () => {
    const made = makeStore();
    made.world.isAway = true;
    const { desk, told, errors, rows } = await openDesk(made);
    desk.raise(SMS);
    expect(told).toEqual([[SMS.id, 'active', true]]);
    await expect.poll(() => errors.length).toBeGreaterThan(1);
    expect(rows.size).toBe(0);
    made.world.isAway = false;
    await expect.poll(() => rows.size, { timeout: 5_000 }).toBe(1);
    await desk.stop();
  });

  it('are there again after a restart, with who took them', async () => {
    const made = makeStore();
    const first = await openDesk(made);
    first.desk.raise(SMS);
    first.desk.raise(GAP);
    first.desk.acknowledge(GAP.id, 'Ola');
    first.desk.clear(SMS.id);
    await first.desk.stop();
    const second = await openDesk(made);
    expect(second.desk.open()).toMatchObject([{ id: GAP.id, acknowledgedBy: 'Ola' }]);
    await second.desk.stop();
  });

  it('that begin or end while another process’s are read stay as they are here', async () => {
    const { store, desk, told } = await openDesk();
    desk.raise(GAP);
    await vi.waitFor(async () => expect(await store.list({ limit: 9 })).toHaveLength(1));
    const read = Promise.withResolvers<void>();
    const { list } = store;
    store.list = async (which) => {
      const before = await list(which);
      await read.promise;
      return before;
    };
    const refreshed = desk.refresh();
    desk.raise(SMS);
    desk.clear(GAP.id);
    await vi.waitFor(async () => expect(await list({ open: true, limit: 9 })).toMatchObject([{ id: SMS.id }]));
    read.resolve();
    await refreshed;
    expect(desk.open()).toMatchObject([{ id: SMS.id }]);
    expect(told.slice(1)).toEqual([
      [SMS.id, 'active', true],
      [GAP.id, 'cleared', false],
    ]);
  });

  it('are as was read last, however long an earlier reading took', async () => {
    const { store, rows, desk } = await openDesk();
    const row: SystemAlarm = { ...GAP, state: 'active', raisedAtMs: 500 };
    rows.set('of another', row);
    const first = Promise.withResolvers<void>();
    const { list } = store;
    let times = 0;
    store.list = async (which) => {
      const before = await list(which);
      if (times++ === 0) await first.promise;
      return before;
    };
    const early = desk.refresh();
    await vi.waitFor(() => expect(times).toBe(1));
    rows.set('of another', { ...row, state: 'cleared', clearedAtMs: 600 });
    const late = desk.refresh();
    first.resolve();
    await Promise.all([early, late]);
    expect(desk.open()).toEqual([]);
  });

  it('of another process appear and end here, and are told', async () => {
    const made = makeStore();
    const [here, there] = [await openDesk(made), await openDesk(made)];
    there.desk.raise(SMS);
    await there.desk.stop();
    await here.desk.refresh();
    expect(here.told).toEqual([[SMS.id, 'active', false]]);
    await here.desk.refresh();
    expect(here.told).toHaveLength(1);
    made.rows.clear();
    await here.desk.refresh();
    expect(here.told.at(-1)).toEqual([SMS.id, 'cleared', false]);
    await here.desk.stop();
  });
});
