import type { AlarmChange, ConditionTransition } from '../../domain/alarm.ts';
import type { AlarmId, DeviceId, PatientId, ReadingId } from '../../domain/ids.ts';
import type { AlarmStore } from '../../ports/alarm-store.ts';
import { Failure } from '../../ports/failure.ts';
import { type AlarmDeskHooks, openAlarmDesk } from './alarm-desk.ts';

export const AWAY = new Failure('database-unavailable', 'away', { retryable: true });

export function transition(
  kind: ConditionTransition['kind'],
  offset: number,
  more: Partial<ConditionTransition> = {},
): ConditionTransition {
  return {
    kind,
    patientId: 'P1' as PatientId,
    rule: 'heartRate.above.high',
    ruleVersion: 1,
    alarmKind: 'physiological',
    priority: 'high',
    cause: { vital: 'heartRate', value: 167, comparison: 'above', limit: 160, text: 'HR 167 > 160' },
    readingId: `r${offset}` as ReadingId,
    deviceId: 'D1' as DeviceId,
    atMs: offset * 1_000,
    alarmId: `a${offset}` as AlarmId,
    position: { partition: 0, offset, step: 0 },
    ...more,
  };
}

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
