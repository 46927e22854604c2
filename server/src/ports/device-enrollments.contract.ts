import { beforeEach, describe, expect, it } from 'vitest';
import type { DeviceId, PatientId, TenantId, UserId } from '../domain/ids.ts';
import type { DeviceEnrollments, NewEnrollment } from './device-enrollments.ts';

/** What every `DeviceEnrollments` must do. `make` answers with an empty one. */
export function deviceEnrollmentsContract(engine: string, make: () => Promise<DeviceEnrollments>): void {
  describe(`${engine} for devices on their way in`, () => {
    let enrollments: DeviceEnrollments;
    beforeEach(async () => {
      enrollments = await make();
    });
    const bound = (keyFingerprint: string) => ({ ...REQUEST, keyFingerprint, expiresAtMs: T + 5_000 });

    it('gives back what was added, by its id and by its code', async () => {
      const { codeSha256, ...rest } = FULL;
      await enrollments.add(FULL);
      await enrollments.add(plain('b'));
      expect(await enrollments.find('a')).toEqual({ ...rest, state: 'invited' });
      expect(await enrollments.findByCode(codeSha256)).toEqual({ ...rest, state: 'invited' });
      expect(await enrollments.findByCode('c-none')).toBeUndefined();
      expect(await enrollments.find('none')).toBeUndefined();
    });
    it('binds a code to the first key that comes with it, and gives it time', async () => {
      await enrollments.add(plain('a'));
      const outcomes = await Promise.all(['k1', 'k2', 'k3'].map((key) => enrollments.bind('a', bound(key))));
      expect(outcomes.filter(Boolean)).toHaveLength(1);
      const found = await enrollments.find('a');
      expect(found).toMatchObject({ state: 'waiting', expiresAtMs: T + 5_000 });
      expect(found?.request).toMatchObject({ ...REQUEST, der: expect.any(Uint8Array) });
      expect(found?.request?.keyFingerprint).toBe(`k${outcomes.indexOf(true) + 1}`);
      expect([...(found?.request?.der ?? [])]).toEqual([1, 2, 3]);
    });
    it('is decided once, by whoever is first, and only what waits', async () => {
      await enrollments.add(plain('a'));
      const decide = (state: 'approved' | 'refused' | 'withdrawn', by = 'x') =>
        enrollments.decide('a', { state, by, atMs: T + 1, reason: 'because' });
      expect([await decide('approved'), await decide('refused')]).toEqual([false, false]);
      await enrollments.bind('a', bound('k'));
      expect(await decide('withdrawn')).toBe(false);
      const outcomes = await Promise.all([decide('approved', 'one'), decide('refused', 'two')]);
      expect(outcomes.filter(Boolean)).toHaveLength(1);
      const by = outcomes[0] ? 'one' : 'two';
      expect(await enrollments.find('a')).toMatchObject({ decidedBy: by, decidedAtMs: T + 1, reason: 'because' });
    });
    it('takes back a code that nobody has used', async () => {
      await enrollments.add(plain('a'));
      expect(await enrollments.decide('a', { state: 'withdrawn', by: 'x', atMs: T, reason: 'lost' })).toBe(true);
      expect(await enrollments.bind('a', bound('k'))).toBe(false);
      expect((await enrollments.find('a'))?.state).toBe('withdrawn');
    });
    it('keeps one certificate, of what was approved', async () => {
      await enrollments.add(plain('a'));
      await enrollments.bind('a', bound('k'));
      expect(await enrollments.complete('a', { serial: '01', certificatePem: 'early' })).toBe(false);
      await enrollments.decide('a', { state: 'approved', by: 'x', atMs: T });
      const outcomes = await Promise.all(
        ['01', '02'].map((serial) => enrollments.complete('a', { serial, certificatePem: `pem ${serial}` })),
      );
      expect(outcomes.filter(Boolean)).toHaveLength(1);
      const serial = outcomes[0] ? '01' : '02';
      expect(await enrollments.find('a')).toMatchObject({ state: 'issued', serial, certificatePem: `pem ${serial}` });
    });
    it('lists what waits first, then the newest, of one organisation', async () => {
      for (const [index, id] of ['old', 'waits', 'new'].entries())
        await enrollments.add({ ...plain(id), invitedAtMs: T + index });
      await enrollments.add({ ...plain('theirs'), tenantId: 'other' as TenantId });
      await enrollments.bind('waits', bound('k'));
      const ids = async (limit: number) => (await enrollments.list({ tenantId: TENANT, limit })).map(({ id }) => id);
      expect(await ids(10)).toEqual(['waits', 'new', 'old']);
      expect(await ids(1)).toEqual(['waits']);
    });
  });
}

const T = Date.parse('2026-11-22T03:00:00Z');
const TENANT = 'default' as TenantId;
const plain = (id: string): NewEnrollment => ({
  id,
  tenantId: TENANT,
  deviceId: 'D1' as DeviceId,
  codeSha256: `c-${id}`,
  invitedBy: 'tech',
  invitedAtMs: T,
  expiresAtMs: T + 1_000,
});
const FULL: NewEnrollment = {
  ...plain('a'),
  patientId: 'P1' as PatientId,
  profile: 'acme',
  invitedById: 'u-1' as UserId,
};
const REQUEST = {
  der: Uint8Array.of(1, 2, 3),
  stated: { maker: 'Acme', serialNumber: 'SN' },
  address: '10.0.0.1',
  atMs: T + 10,
};
