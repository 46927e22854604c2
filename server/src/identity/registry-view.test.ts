import { describe, expect, it } from 'vitest';
import type { BedId, DeviceId, PatientId, WardId } from '../domain/ids.ts';
import type { Registry, RegistrySnapshot } from '../ports/registry.ts';
import { openRegistryView, registryView } from './registry-view.ts';

const d1 = 'D1' as DeviceId;
const d2 = 'D2' as DeviceId;
const p1 = 'P1' as PatientId;
const ward = 'W3' as WardId;

const certificate = (deviceId: DeviceId, serial: string) => ({ deviceId, serial, notBeforeMs: 0, notAfterMs: 9e12 });
const SNAPSHOT: RegistrySnapshot = {
  wards: [{ id: ward, name: 'Three' }],
  beds: [{ id: 'B1' as BedId, wardId: ward, label: 'W3-01' }],
  patients: [{ id: p1, bedId: 'B1' as BedId, wardId: ward, bed: 'W3-01', spo2Scale: 2 }],
  devices: [
    { id: d1, createdAtMs: 0, config: '{"rate":1}', certificates: [certificate(d1, '00AB12'), certificate(d1, 'CD')] },
    { id: d2, profile: 'acme', createdAtMs: 0, certificates: [certificate(d2, 'EF')] },
  ],
  assignments: [{ deviceId: d1, patientId: p1, fromMs: 100, toMs: 200 }],
  revokedSerials: ['CD'],
  deviceTokens: [{ sha256: 'ab'.repeat(32), deviceId: d2, expiresAtMs: 1000 }],
};

describe('a registry view', () => {
  const view = registryView(SNAPSHOT, 5);

  it('lets in a device that shows a certificate issued to it, however the serial number is written', () => {
    expect(view.deviceAccess('D1', 'AB12')).toBe('allowed');
    expect(view.deviceAccess('D1', '0x00ab12')).toBe('allowed');
  });

  it('refuses a revoked certificate, another device’s certificate, one never issued, and an unknown device', () => {
    expect(view.deviceAccess('D1', 'CD')).toBe('revoked');
    expect(view.deviceAccess('D1', 'EF')).toBe('revoked');
    expect(view.deviceAccess('D1', '0123')).toBe('revoked');
    expect(view.deviceAccess('D9', 'AB12')).toBe('unknown-device');
    expect(view.isRevoked('00cd')).toBe(true);
  });

  it('finds the wearer at a moment, and the place of a patient', () => {
    expect(view.patientAt('D1', 150)).toBe('P1');
    expect(view.patientAt('D1', 200)).toBeUndefined();
    expect(view.patientAt('D9', 150)).toBeUndefined();
    expect(view.place('P1')).toMatchObject({ bed: 'W3-01', spo2Scale: 2 });
    expect(view.patientsIn(ward)).toHaveLength(1);
  });

  it('takes a device token until the moment it expires', () => {
    expect(view.deviceOfToken('ab'.repeat(32), 999)).toBe('D2');
    expect(view.deviceOfToken('ab'.repeat(32), 1000)).toBeUndefined();
    expect(view.deviceOfToken('00'.repeat(32), 0)).toBeUndefined();
  });

  it('is not fooled by names that objects inherit', () => {
    for (const name of ['__proto__', 'constructor', 'toString']) expect(view.device(name)).toBeUndefined();
  });
});

describe('following the registry', () => {
  it('rereads on every change and tells of the new view', async () => {
    const registry = changingRegistry();
    const seen: number[] = [];
    const open = await openRegistryView(registry, {
      now: () => 0,
      onChange: (v) => seen.push(v.snapshot.wards.length),
    });
    registry.wards = 3;
    registry.change();
    await open.refresh();
    expect(seen.at(-1)).toBe(3);
    expect(open.current().snapshot.wards).toHaveLength(3);
    await open.close();
    expect(registry.isWatched).toBe(false);
  });

  it('keeps the last good view while the registry is away, and follows again by itself', async () => {
    const registry = changingRegistry();
    const errors: unknown[] = [];
    const back = Promise.withResolvers<void>();
    const open = await openRegistryView(registry, {
      now: () => 0,
      retryAfterMs: 1,
      onError: (error) => {
        errors.push(error);
        registry.isAway = errors.length < 3;
      },
      onChange: (view) => view.snapshot.wards.length === 7 && back.resolve(),
    });
    registry.isAway = true;
    registry.wards = 7;
    registry.change();
    await back.promise;
    expect(errors).toHaveLength(3);
    await open.close();
  });

  it('gives whoever asks for a reread one that began after they asked', async () => {
    const registry = changingRegistry();
    const open = await openRegistryView(registry, { now: () => 0 });
    const first = open.refresh();
    registry.wards = 5;
    const [, second, third] = await Promise.all([first, open.refresh(), open.refresh()]);
    expect(second.snapshot.wards).toHaveLength(5);
    expect(third).toBe(second);
    await open.close();
  });

  it('refuses to open without a first snapshot, and stops watching', async () => {
    const registry = changingRegistry();
    registry.isAway = true;
    await expect(openRegistryView(registry, { now: () => 0 })).rejects.toThrow('away');
    expect(registry.isWatched).toBe(false);
  });
});

function changingRegistry() {
  const registry = {
    wards: 1,
    isAway: false,
    isWatched: false,
    change: () => {},
    async snapshot(): Promise<RegistrySnapshot> {
      if (registry.isAway) throw new Error('away');
      const wards = Array.from({ length: registry.wards }, (_, i) => ({ id: `W${i}` as WardId, name: '' }));
      await new Promise(setImmediate);
      return { ...SNAPSHOT, wards };
    },
    async watch(onChange: () => void) {
      registry.isWatched = true;
      registry.change = onChange;
      return async () => {
        registry.isWatched = false;
      };
    },
  };
  // Only these two of the port's methods are asked by a view.
  return registry as typeof registry & Registry;
}
