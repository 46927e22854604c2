import { describe, expect, it } from 'vitest';
import type { PatientId, WardId } from '../../domain/ids.ts';
import type { PatientStatus } from '../../domain/patient-status.ts';
import { registryView } from '../../identity/registry-view.ts';
import type { SystemAlarm } from '../../ports/system-alarms.ts';
import { makeAlarm, makeStatus } from '../test-server.ts';
import { createLiveHub, type LiveReader } from './hub.ts';

/** A house of one ward with so many patients, and a hub whose ticks a test waits for. */
function house(
  patients: number,
  bounds: Parameters<typeof createLiveHub>[0]['bounds'] = {},
  systemAlarms: () => readonly SystemAlarm[] = () => [],
) {
  const statuses = new Map<string, PatientStatus>();
  const wardId = 'W1' as WardId;
  const places = Array.from({ length: patients }, (_, index) => {
    const id = `P${index}` as PatientId;
    statuses.set(id, makeStatus(id, 80, 1_000));
    return { id, wardId, bed: `B${index}`, spo2Scale: 1 as const };
  });
  const view = registryView(
    {
      wards: [{ id: wardId, name: 'One' }],
      beds: [],
      patients: places,
      devices: [],
      assignments: [],
      revokedSerials: [],
      deviceTokens: [],
    },
    0,
  );
  const hub = createLiveHub({
    sources: {
      view: () => view,
      statusOf: (id) => statuses.get(id),
      openAlarms: () => [],
      systemAlarms,
      isOffline: () => false,
    },
    now: () => 1_500,
    bounds: { tickMs: 20, beatMs: 10_000, ...bounds },
  });
  return { hub, statuses };
}

function reader(overrides: Partial<LiveReader> = {}) {
  const written: Buffer[] = [];
  const state = { pending: 0, hasEnded: false };
  const one: LiveReader = {
    owner: 'u',
    wards: 'all',
    wantsVitals: true,
    write: (bytes) => void written.push(bytes),
    pendingBytes: () => state.pending,
    end: () => {
      state.hasEnded = true;
    },
    ...overrides,
  };
  const names = () => written.map((bytes) => /event: ([\w-]+)/.exec(bytes.toString())?.[1]);
  return { one, written, names, state };
}

const turns = async (check: () => boolean) => {
  for (let i = 0; i < 500 && !check(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(check()).toBe(true);
};

describe('the live hub', () => {
  it('what may no longer be shown is gone from open streams with the next tick', async () => {
    const { hub, statuses } = house(1);
    const { one, written, names } = reader();
    hub.attach(one);
    await turns(() => names().includes('snapshot'));
    const [[id] = []] = statuses;
    if (id === undefined) throw new Error('nobody is here');
    statuses.delete(id);
    hub.touched([id as PatientId]);
    await turns(() => names().includes('vitals'));
    const told = written.map(String).find((text) => text.includes('event: vitals')) ?? '';
    expect(told).toContain('"values":{}');
    hub.close();
  });
  it('serialises once: every reader is given the same bytes', async () => {
    const { hub } = house(40);
    const readers = [reader(), reader({ wards: new Set(['W1' as WardId]) })];
    for (const { one } of readers) hub.attach(one);
    await turns(() => readers.every(({ written }) => written.length === 1));
    hub.alarmChanged({ kind: 'raised', atMs: 0, alarm: makeAlarm({ id: 'A', patientId: 'P1' }) });
    expect(readers[0]?.written[1]).toBe(readers[1]?.written[1]);
    hub.touched(['P1' as PatientId]);
    await turns(() => readers[1]?.names().at(-1) === 'vitals');
    expect(readers[0]?.written.at(-1)).toBe(readers[1]?.written.at(-1));
    hub.close();
  });

  it('a change while a large snapshot is made in slices is in it, and an alarm too', async () => {
    const { hub, statuses } = house(900, { tilesPerSlice: 100 });
    const { one, written, names } = reader();
    hub.attach(one);
    expect(written.length).toBe(0);
    statuses.set('P3', makeStatus('P3', 199, 1_400));
    hub.touched(['P3' as PatientId]);
    await turns(() => written.length > 0);
    expect(names()[0]).toBe('snapshot');
    const snapshot = JSON.parse(/^data: (.*)$/m.exec(written[0]?.toString() ?? '')?.[1] ?? '');
    expect(snapshot.tiles.length).toBe(900);
    expect(snapshot.tiles.find((tile: { patientId: string }) => tile.patientId === 'P3').values.heartRate.v).toBe(199);
    hub.close();
  });

  it('a large ward’s vitals come in events of bounded size, every patient once', async () => {
    const { hub } = house(450, { tilesPerSlice: 100 });
    const { one, written, names } = reader();
    hub.attach(one);
    await turns(() => names().length > 0);
    hub.touched(Array.from({ length: 450 }, (_, index) => `P${index}` as PatientId));
    await turns(() => names().filter((name) => name === 'vitals').length >= 5);
    const told = written
      .filter((_, index) => names()[index] === 'vitals')
      .map((bytes) => JSON.parse(/^data: (.*)$/m.exec(bytes.toString())?.[1] ?? '').tiles)
      .map((tiles: { patientId: string }[]) => tiles.map((tile) => tile.patientId));
    expect(Math.max(...told.map((tiles) => tiles.length))).toBeLessThanOrEqual(100);
    expect(new Set(told.flat()).size).toBe(told.flat().length);
    hub.close();
  });

  it('a reader who fell behind misses vitals, still gets alarms, and then a fresh snapshot', async () => {
    const { hub } = house(2, { behindBytes: 1_000, dropBytes: 100_000, behindMaxMs: 60_000 });
    const { one, names, state } = reader();
    hub.attach(one);
    await turns(() => names().length > 0);
    state.pending = 5_000;
    // The count that matters is what was added since the snapshot.
    hub.alarmChanged({ kind: 'raised', atMs: 0, alarm: makeAlarm({ id: 'A', patientId: 'P1' }) });
    const before = names().length;
    hub.touched(['P1' as PatientId]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(names().slice(before)).not.toContain('vitals');
    hub.alarmChanged({ kind: 'worsened', atMs: 0, alarm: makeAlarm({ id: 'A', patientId: 'P1' }) });
    expect(names().at(-1)).toBe('alert');
    state.pending = 0;
    await turns(() => names().at(-1) === 'snapshot');
    hub.close();
  });

  it('an alarm of the installation reaches every reader at once, whatever their ward, and is in every snapshot', async () => {
    const open: SystemAlarm[] = [];
    const { hub } = house(1, {}, () => open);
    const [everywhere, elsewhere] = [reader(), reader({ wards: new Set(['W9' as WardId]) })];
    hub.attach(everywhere.one);
    hub.attach(elsewhere.one);
    await turns(() => everywhere.names().length === 1 && elsewhere.names().length === 1);
    const alarm = {
      id: 'channel.sms.failing',
      rule: 'channel.failing',
      priority: 'high',
      text: 'SMS does not work',
      state: 'active',
      raisedAtMs: 1_000,
    } as const;
    open.push(alarm);
    hub.systemAlarmChanged(alarm);
    expect([everywhere.names().at(-1), elsewhere.names().at(-1)]).toEqual(['system', 'system']);
    expect(elsewhere.written.at(-1)?.toString()).toContain('"id":"channel.sms.failing"');
    const later = reader();
    hub.attach(later.one);
    await turns(() => later.names().length === 1);
    expect(later.written[0]?.toString()).toContain('"system":[{"id":"channel.sms.failing"');
    hub.close();
  });

  it('a snapshot larger than every bound is not held against its reader', async () => {
    const { hub } = house(50, { behindBytes: 1_000, dropBytes: 2_000 });
    const { one, names, state } = reader();
    const counting: LiveReader = {
      ...one,
      write(bytes) {
        one.write(bytes);
        state.pending += bytes.length;
      },
      pendingBytes: () => state.pending,
    };
    hub.attach(counting);
    await turns(() => names().length > 0);
    expect(state.pending).toBeGreaterThan(2_000);
    hub.alarmChanged({ kind: 'raised', atMs: 0, alarm: makeAlarm({ id: 'A', patientId: 'P1' }) });
    expect(names().at(-1)).toBe('alert');
    expect(state.hasEnded).toBe(false);
    for (let i = 0; i < 10; i++)
      hub.alarmChanged({ kind: 'raised', atMs: 0, alarm: makeAlarm({ id: `A${i}`, patientId: 'P1' }) });
    expect([state.hasEnded, names().at(-1)]).toEqual([true, 'overflow']);
    expect(hub.readers()).toBe(0);
    hub.close();
  });

  it('remembers nothing while nobody watches, and stops its clocks', async () => {
    const { hub } = house(3);
    const { one, names } = reader();
    const leave = hub.attach(one);
    await turns(() => names().length > 0);
    leave?.();
    const before = names().length;
    hub.touched(['P1' as PatientId]);
    hub.alarmChanged({ kind: 'raised', atMs: 0, alarm: makeAlarm({ id: 'A', patientId: 'P1' }) });
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(names().length).toBe(before);
    expect(hub.readers()).toBe(0);
  });
});
