import type { Alert } from '@healthsync/contracts/alert';
import type { LiveSnapshot } from '@healthsync/contracts/live';
import { describe, expect, it } from 'vitest';
import { createLiveStore } from './live-store.ts';
import { createServerClock } from './server-clock.ts';
import { testAlert } from './test-alert.ts';

function makeStore() {
  return createLiveStore(createServerClock({ monotonic: () => 0, wall: () => 0 }));
}

const snapshot = (alerts: Alert[]): LiveSnapshot => ({ serverTime: 1, wards: [], tiles: [], alerts });

describe('the live store', () => {
  it('keeps alarms while the feed is down, and lets a snapshot decide afterwards', () => {
    const store = makeStore();
    store.applySnapshot(snapshot([testAlert()]));
    store.setFeed({ kind: 'down', sinceMs: 0 });
    expect(store.alarms()).toHaveLength(1);
    store.applySnapshot(snapshot([]));
    expect(store.alarms()).toHaveLength(0);
  });

  it('tells of an alarm once: raised, not again with the snapshot after a reconnection', () => {
    const store = makeStore();
    const told: string[] = [];
    store.onRaised((alerts, from) => told.push(`${from} ${alerts.map(({ id }) => id).join()}`));
    store.applyAlert({ serverTime: 1, change: 'raised', alert: testAlert() });
    store.applySnapshot(snapshot([testAlert(), testAlert({ id: 'A2' })]));
    expect(told).toEqual(['event A1', 'snapshot A2']);
  });

  it('is not set back by an event that was under way when somebody acknowledged', () => {
    const store = makeStore();
    const taken = testAlert({ acknowledgedAt: '2026-11-22T01:00:05Z', acknowledgedBy: 'Dr Osei' });
    store.applyAlert({ serverTime: 1, change: 'acknowledged', alert: taken });
    store.applyAlert({ serverTime: 1, change: 'worsened', alert: testAlert() });
    expect(store.alarms()[0]?.acknowledgedBy).toBe('Dr Osei');
  });

  it('takes in the answer to a request, unless the stream has spoken of the alarm since', () => {
    const store = makeStore();
    store.applyAlert({ serverTime: 1, change: 'raised', alert: testAlert() });
    const heard = store.heardOf('A1');
    store.applyAnswer(testAlert({ acknowledgedAt: '2026-11-22T01:00:05Z' }), heard);
    expect(store.alarms()[0]?.acknowledgedAt).toBeDefined();
    // The acknowledgement has run out meanwhile: its answer comes too late to be believed.
    store.applyAlert({ serverTime: 2, change: 'acknowledgement-expired', alert: testAlert() });
    store.applyAnswer(testAlert({ acknowledgedAt: '2026-11-22T01:00:05Z' }), heard);
    expect(store.alarms()[0]?.acknowledgedAt).toBeUndefined();
    store.applySnapshot(snapshot([testAlert({ owner: 'Dr Osei' })]));
    store.applyAnswer(testAlert(), heard);
    expect(store.alarms()[0]?.owner).toBe('Dr Osei');
  });

  it('calls again when an acknowledgement or a snooze runs out, and when urgency goes up, not when it goes down', () => {
    const store = makeStore();
    const called: string[] = [];
    store.applyAlert({ serverTime: 1, change: 'raised', alert: testAlert({ priority: 'medium' }) });
    store.onRaised((alerts) => called.push(...alerts.map(({ priority }) => priority)));
    store.applyAlert({ serverTime: 2, change: 'priority-changed', alert: testAlert() });
    store.applyAlert({ serverTime: 3, change: 'priority-changed', alert: testAlert({ priority: 'low' }) });
    const snooze = { until: '2026-11-22T01:05:00Z', by: 'Kim', at: '2026-11-22T01:00:00Z' };
    store.applyAlert({ serverTime: 4, change: 'snoozed', alert: testAlert({ priority: 'low', snooze }) });
    expect(called).toEqual(['high']);
    store.applyAlert({ serverTime: 5, change: 'unsnoozed', alert: testAlert({ priority: 'low' }) });
    store.applyAlert({ serverTime: 6, change: 'acknowledgement-expired', alert: testAlert() });
    expect(called).toEqual(['high', 'low', 'high']);
  });

  it('forgets an alarm that is resolved', () => {
    const store = makeStore();
    store.applyAlert({ serverTime: 1, change: 'raised', alert: testAlert() });
    store.applyAlert({ serverTime: 2, change: 'resolved', alert: testAlert({ state: 'resolved' }) });
    expect(store.alarms()).toEqual([]);
  });
});

describe('the server clock', () => {
  it('trusts the message that travelled least, and says how wrong the browser is', () => {
    let monotonic = 1_000;
    const clock = createServerClock({ monotonic: () => monotonic, wall: () => 53_000 + monotonic });
    clock.hear(50_900);
    monotonic = 2_000;
    clock.hear(51_995);
    monotonic = 3_000;
    clock.hear(52_700);
    expect(clock.now()).toBe(52_995);
    expect(clock.skewMs()).toBe(3_005);
  });

  it('follows a server whose clock was set back', () => {
    const clock = createServerClock({ monotonic: () => 0, wall: () => 0 });
    clock.hear(10_000);
    for (let i = 0; i < 8; i += 1) clock.hear(4_000);
    expect(clock.now()).toBe(4_000);
  });
});
