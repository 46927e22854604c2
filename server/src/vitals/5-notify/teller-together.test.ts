import { describe, expect, it } from 'vitest';
import type { Priority } from '../../domain/alarm.ts';
import type { AlarmId, PatientId, UserId } from '../../domain/ids.ts';
import type { DeliveryRecord } from '../../ports/outbox.ts';
import { BUSY, channel, DELIVERED, makeWorld, NOW, raise, start, until, type World } from './test-teller.ts';

/** Alarms of one patient, each paged to Nia by her phone, as an escalation orders it. */
async function page(world: World, n: number, priority: Priority = 'high'): Promise<void> {
  const alarmId = `alarm-${n}` as AlarmId;
  await raise(world, `${n}`, { patientId: 'P' as PatientId, rule: `rule-${n}`, priority, alarmId });
  const to = { channel: 'test', recipient: '+4930', userId: 'nia' as UserId };
  await world.outbox.enqueue([{ ...to, alarmId, event: 'raised', dedupeKey: `nurse ${n}` }], NOW);
}
const RETRY = { firstMs: 10, maxMs: 10, attemptsMax: 50, giveUpAfterMs: 3_600_000 };
const quiet = { subscriptions: [], settings: { followUpWaitMs: 5, retry: RETRY } };
const passing = (clock: { nowMs: number }) =>
  setInterval(() => {
    clock.nowMs += 10;
  }, 1);
const records = async ({ outbox }: World, count: number): Promise<readonly DeliveryRecord[]> =>
  (await Promise.all(Array.from({ length: count }, (_, n) => outbox.deliveries(`alarm-${n + 1}`)))).flat();
const allTold = (world: World, count: number) => async () =>
  (await records(world, count)).every(({ state }) => state === 'delivered');

describe('one deterioration that makes four alarms', () => {
  it('is one page to each person, and every alarm says with which', async () => {
    const world = makeWorld();
    const { notifier, sent } = channel(() => DELIVERED, 'sms');
    for (const n of [1, 2, 3, 4]) await page(world, n, n === 4 ? 'medium' : 'high');
    const { clock } = start(world, [notifier], quiet);
    const waiting = passing(clock);
    await until(allTold(world, 4));
    clearInterval(waiting);
    expect(sent).toHaveLength(1);
    expect((await records(world, 4)).map(({ toldWith }) => toldWith?.alarmId)).toEqual([
      undefined,
      'alarm-1',
      'alarm-1',
      'alarm-1',
    ]);
  });

  it('what is more urgent goes out all the same', async () => {
    const world = makeWorld();
    const { notifier, sent } = channel(() => DELIVERED, 'sms');
    start(world, [notifier], quiet);
    await page(world, 1, 'medium');
    await until(() => sent.length === 1);
    await page(world, 2, 'high');
    await until(() => sent.length === 2);
  });

  it('where the one page fails, the next goes out by itself', async () => {
    const world = makeWorld();
    const refused = { kind: 'permanent', reason: 'no such number' } as const;
    const { notifier, sent } = channel((attempt) => (attempt === 1 ? refused : DELIVERED), 'sms');
    for (const n of [1, 2, 3]) await page(world, n);
    const { clock } = start(world, [notifier], quiet);
    const waiting = passing(clock);
    await until(async () => (await records(world, 3)).every(({ state }) => state !== 'pending'));
    clearInterval(waiting);
    expect((await records(world, 3)).map(({ state, toldWith }) => [state, toldWith?.alarmId])).toEqual([
      ['failed', undefined],
      ['delivered', undefined],
      ['delivered', 'alarm-2'],
    ]);
    expect(sent).toHaveLength(2);
  });

  it('one that is in trouble is not waited for, and both arrive when the channel works again', async () => {
    const world = makeWorld();
    const state = { isDown: true };
    const { notifier, sent } = channel(() => (state.isDown ? BUSY : DELIVERED), 'sms');
    const { clock } = start(world, [notifier], quiet);
    await page(world, 1);
    await until(() => sent.length === 1);
    await page(world, 2);
    await until(() => sent.length === 2);
    state.isDown = false;
    const waiting = passing(clock);
    await until(allTold(world, 2));
    clearInterval(waiting);
  });

  it('whoever takes only the one is paged for the rest, once', async () => {
    const world = makeWorld();
    const { notifier, sent } = channel(() => DELIVERED, 'sms');
    for (const n of [1, 2, 3]) await page(world, n);
    const { clock } = start(world, [notifier], quiet);
    const waiting = passing(clock);
    await until(allTold(world, 3));
    await world.alarms.acknowledge({ id: 'alarm-1' as AlarmId, by: 'Nia', atMs: clock.nowMs });
    await until(() => sent.length === 2);
    await until(async () => (await records(world, 3)).filter(({ toldWith }) => toldWith !== undefined).length === 1);
    clearInterval(waiting);
    expect((await records(world, 3)).map(({ toldWith }) => toldWith?.alarmId)).toEqual([
      undefined,
      undefined,
      'alarm-2',
    ]);
    expect(sent).toHaveLength(2);
  });

  it('is told alarm by alarm where that is wanted', async () => {
    const world = makeWorld();
    const { notifier, sent } = channel(() => DELIVERED, 'sms');
    start(world, [notifier], { ...quiet, settings: { ...quiet.settings, togetherMs: 0 } });
    for (const n of [1, 2, 3]) await page(world, n);
    await until(() => sent.length === 3);
  });
});

it('while every channel is down the alarm stays, the house rings, and telling resumes by itself', async () => {
  const world = makeWorld();
  const state = { isDown: true };
  const sms = channel(() => (state.isDown ? BUSY : DELIVERED), 'sms');
  const mail = channel(() => (state.isDown ? BUSY : DELIVERED), 'smtp');
  const channels = [sms.notifier, { ...mail.notifier, channel: 'mail' }];
  await page(world, 1);
  await world.outbox.enqueue(
    [{ alarmId: 'alarm-1' as AlarmId, event: 'raised', channel: 'mail', recipient: 'n@w.example', dedupeKey: 'mail' }],
    NOW,
  );
  const { clock, raised } = start(world, channels, quiet);
  const waiting = passing(clock);
  await until(() => raised.size === 2);
  expect([...raised.values()].map(({ priority }) => priority)).toEqual(['high', 'high']);
  expect(await world.alarms.find('alarm-1' as AlarmId)).toMatchObject({ state: 'active', condition: 'present' });
  state.isDown = false;
  await until(async () => (await records(world, 1)).every((each) => each.state !== 'pending'));
  clearInterval(waiting);
});
