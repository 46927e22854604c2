import { describe, expect, it } from 'vitest';
import type { DeviceId } from '../../domain/ids.ts';
import { compileProfile, type MappingProfile } from '../../domain/mapping-profile.ts';
import { Failure } from '../../ports/failure.ts';
import { createAdmission } from './admission.ts';
import { mappingProfiles } from './mapping-profiles.ts';
import { createRejectedQuarantine } from './rejected-quarantine.ts';
import { replayRejected } from './rejected-replay.ts';
import { admitted, GOOD, memoryLog, memoryRejected, NOW, testView } from './test-admission.ts';

/** An installation that can be mended, with one reading refused. */
async function refuse(value: unknown, deviceId: string, profiles = mappingProfiles(new Map())) {
  const world = { view: testView(), profiles, nowMs: NOW };
  const log = memoryLog();
  const rejected = memoryRejected();
  const quarantine = createRejectedQuarantine({ store: rejected, now: () => world.nowMs });
  const admission = createAdmission({
    log,
    view: () => world.view,
    profiles: { names: [], map: (name, message) => world.profiles.map(name, message) },
    quarantine,
    now: () => world.nowMs,
  });
  const arrival = { deviceId: deviceId as DeviceId, transport: 'mqtt', receivedAtMs: NOW } as const;
  await admitted(admission, arrival, Buffer.from(JSON.stringify(value)));
  expect(rejected.kept).toHaveLength(1);
  const replay = (id = '1') => replayRejected({ rejected, admission, now: () => world.nowMs, id, by: 'operator' });
  return { world, log, rejected, replay };
}

const assigned = (deviceId: string) =>
  testView({ assignments: [{ deviceId: deviceId as DeviceId, patientId: 'P1' as never, fromMs: 0 }] });

describe('replaying a refused reading', () => {
  it('accepts it for the patient who wore the device then, once that is known', async () => {
    const { world, log, rejected, replay } = await refuse({ ...GOOD, deviceId: 'D3' }, 'D3');
    world.nowMs += 3_600_000;
    world.view = assigned('D3');
    expect(await replay()).toEqual({ kind: 'accepted', readingId: 'r-1' });
    expect(log.readings).toMatchObject([{ id: 'r-1', patientId: 'P1', receivedAtMs: NOW, vitals: GOOD.vitals }]);
    expect(rejected.kept[0]?.state).toBe('replayed');
  });

  it('stores nothing twice when it is replayed twice', async () => {
    const { world, log, replay } = await refuse({ ...GOOD, deviceId: 'D3' }, 'D3');
    world.view = assigned('D3');
    await replay();
    expect(await replay()).toMatchObject({ kind: 'duplicate' });
    expect(log.readings).toHaveLength(1);
  });

  it('refuses it again, unmarked and not listed twice, while nothing was mended', async () => {
    const { rejected, replay } = await refuse({ ...GOOD, deviceId: 'D3' }, 'D3');
    expect(await replay()).toMatchObject({ kind: 'rejected', problems: [{ code: 'no-assignment' }] });
    expect(rejected.kept).toMatchObject([{ state: 'open' }]);
  });

  it('does not make a wrong clock right by waiting', async () => {
    const { world, replay } = await refuse({ ...GOOD, at: '2026-11-22T02:00:00Z' }, 'D1');
    world.nowMs += 7_200_000;
    expect(await replay()).toMatchObject({ kind: 'rejected', problems: [{ code: 'clock-ahead' }] });
  });

  it('adds what was left out of a reading that was kept in part, and only that', async () => {
    const { world, log, replay } = await refuse({ id: 'x', at: GOOD.at, hr: 170, t: 98.6 }, 'X1', vendor('Cel'));
    expect(log.readings.map(({ id, vitals }) => ({ id, vitals }))).toEqual([{ id: 'x', vitals: { heartRate: 170 } }]);
    expect(await replay()).toMatchObject({ kind: 'rejected', problems: [{ field: 'vitals.temperature' }] });

    world.profiles = vendor('[degF]');
    expect(await replay()).toEqual({ kind: 'accepted', readingId: 'replay-1' });
    expect(log.readings.slice(1).map(({ id, vitals }) => ({ id, vitals }))).toEqual([
      { id: 'replay-1', vitals: { temperature: 37 } },
    ]);
    expect(await replay()).toMatchObject({ kind: 'duplicate' });
  });

  it('stores the rest of a reading whose patient is known now, though one value is still refused', async () => {
    const { world, log, rejected, replay } = await refuse(
      { ...GOOD, deviceId: 'D3', vitals: { heartRate: 170, spo2: 255 } },
      'D3',
    );
    world.view = assigned('D3');
    expect(await replay()).toMatchObject({ kind: 'rejected', kept: true, problems: [{ field: 'vitals.spo2' }] });
    expect(log.readings.map(({ id, vitals }) => ({ id, vitals }))).toEqual([{ id: 'r-1', vitals: { heartRate: 170 } }]);
    expect(rejected.kept).toHaveLength(1);
  });

  it('knows of no other', async () => {
    const { replay } = await refuse({}, 'D1');
    expect(await replay('99')).toEqual({ kind: 'not-found' });
  });

  it('stays open while the log cannot take it', async () => {
    const { world, log, rejected, replay } = await refuse({ ...GOOD, deviceId: 'D3' }, 'D3');
    world.view = assigned('D3');
    log.held = Promise.reject(new Failure('log-full', 'full', { retryable: true }));
    expect(await replay()).toMatchObject({ kind: 'unavailable' });
    expect(rejected.kept[0]?.state).toBe('open');
  });
});

/** A vendor's form, with the unit the profile's author believed the temperature to be in. */
function vendor(unit: string) {
  const profile: MappingProfile = {
    name: 'nobody-installed-this',
    description: '',
    id: { path: '/id' },
    at: { path: '/at', form: 'rfc3339' },
    values: [
      { vital: 'heartRate', path: '/hr', unit: '/min' },
      { vital: 'temperature', path: '/t', unit },
    ],
  };
  return mappingProfiles(new Map([[profile.name, compileProfile(profile) ?? expect.fail()]]));
}
