import type { AlarmChange } from '../../domain/alarm.ts';
import { transitionAt } from '../../domain/test-alarm.ts';
import type { AlarmStore } from '../../ports/alarm-store.ts';
import { Failure } from '../../ports/failure.ts';
import { type AlarmDeskHooks, openAlarmDesk } from './alarm-desk.ts';

export const AWAY = new Failure('database-unavailable', 'away', { retryable: true });

export const transition: typeof transitionAt = (kind, offset, over) =>
  transitionAt(kind, offset, { value: 167, ...over });

export async function openDesk<Store extends AlarmStore>(store: Store, hooks: AlarmDeskHooks = {}, settings = {}) {
  const desk = await openAlarmDesk({
    store,
    placeOf: () => ({}),
    now: () => 5_000_000,
    monotonicMs: () => performance.now(),
    hooks,
    settings: { retryFirstMs: 1, retryMaxMs: 5, ...settings },
  });
  const told: string[] = [];
  desk.onChange(({ kind, alarm }: AlarmChange) => told.push(`${alarm.id} ${kind}`));
  return { desk, store, told };
}

export const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

export async function liveDesk<Store extends AlarmStore>(store: Store, hooks: AlarmDeskHooks = {}, settings = {}) {
  const opened = await openDesk(store, hooks, settings);
  opened.desk.goLive();
  return opened;
}
