import { beforeEach, describe, expect, it } from 'vitest';
import type { DeviceId, TenantId } from '../domain/ids.ts';
import type { DeviceCertificates } from './device-certificates.ts';
import type { DeviceCertificate, Registry } from './registry.ts';

/** What every `DeviceCertificates` must do, beside a registry on the same store. */
export function deviceCertificatesContract(
  engine: string,
  make: () => Promise<{ readonly certificates: DeviceCertificates; readonly registry: Registry }>,
): void {
  describe(`${engine} for what becomes of certificates`, () => {
    let certificates: DeviceCertificates;
    let registry: Registry;
    beforeEach(async () => {
      ({ certificates, registry } = await make());
      for (const id of [D, OTHER]) await registry.putDevice({ id, createdAtMs: T });
    });
    const find = async (serial: string) =>
      (await registry.devices()).flatMap((device) => device.certificates).find((one) => one.serial === serial);

    it('keeps with a certificate what it counts by', async () => {
      const full = { ...certificate('A1'), fingerprint: 'f', keyFingerprint: 'k', authority: 2, replaces: 'A0' };
      await registry.addCertificate(full);
      expect(await find('A1')).toEqual(full);
    });
    it('knows whose a key was, and whether it was withdrawn', async () => {
      await registry.addCertificate({ ...certificate('A1'), keyFingerprint: 'k' });
      await registry.addCertificate({ ...certificate('A2'), keyFingerprint: 'k' });
      await registry.revoke({
        deviceId: D,
        serial: 'A2',
        atMs: T,
        reason: 'x',
        code: 'keyCompromise',
        invalidFromMs: T - 9,
      });
      expect(await certificates.keyUses('k')).toHaveLength(2);
      expect(await certificates.keyUses('k')).toContainEqual({ deviceId: D, revocationCode: 'keyCompromise' });
      expect(await certificates.keyUses('other')).toEqual([]);
      expect(await find('A2')).toMatchObject({ revocationCode: 'keyCompromise', invalidFromMs: T - 9 });
    });
    it('ends what was replaced once its successor was used, and its unused siblings, and nothing else', async () => {
      for (const one of [
        certificate('old'),
        { ...certificate('lost'), replaces: 'old' },
        { ...certificate('new'), replaces: 'old' },
        certificate('apart'),
      ])
        await registry.addCertificate(one);
      expect(await certificates.revokeSuperseded(NOW)).toEqual([]);
      await certificates.firstUsed({ serial: 'new', atMs: NOW, supersedeAtMs: NOW + 100 });
      await certificates.firstUsed({ serial: 'new', atMs: NOW + 50, supersedeAtMs: NOW + 150 });
      expect(await find('old')).toMatchObject({ supersededFromMs: NOW + 100 });
      expect(await find('new')).toMatchObject({ firstUsedAtMs: NOW });
      expect(await certificates.revokeSuperseded(NOW + 99)).toEqual([]);
      const ended = await certificates.revokeSuperseded(NOW + 100);
      expect(ended.map(({ serial }) => serial).sort()).toEqual(['lost', 'old']);
      expect(await find('lost')).toMatchObject({ revokedAtMs: NOW + 100, revocationCode: 'superseded' });
      expect((await find('apart'))?.supersededFromMs).toBeUndefined();
      expect((await registry.snapshot()).revokedSerials.toSorted()).toEqual(['lost', 'old']);
    });
    it('revokes all that an authority signed; the first also what says nothing of it', async () => {
      await registry.addCertificate(certificate('A1'));
      await registry.addCertificate({ ...certificate('A2'), authority: 2 });
      const gone = { atMs: NOW, reason: 'the drill', code: 'cACompromise' } as const;
      expect(await certificates.revokeAuthority({ ...gone, authority: 1 })).toBe(1);
      expect((await registry.snapshot()).revokedSerials).toEqual(['A1']);
      expect(await certificates.revokeAuthority({ ...gone, authority: 2 })).toBe(1);
    });
    it('never gives one number to two lists', async () => {
      const numbers = await Promise.all(Array.from({ length: 8 }, () => certificates.nextListNumber(1)));
      expect(numbers.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      expect(await certificates.nextListNumber(2)).toBe(1);
    });
    it('tells everybody who reads the registry what is doubtful', async () => {
      const doubt = {
        deviceId: D,
        receivedFromMs: T,
        receivedUntilMs: T + 5,
        reason: 'stolen',
        declaredBy: 'tech',
        declaredAtMs: T + 6,
      };
      await certificates.doubt({ ...doubt, id: 'x', tenantId: 'default' as TenantId });
      expect((await registry.snapshot()).doubts).toEqual([doubt]);
    });
  });
}

const D = 'D' as DeviceId;
const OTHER = 'other' as DeviceId;
/** Whole seconds, as X.509 has them, and not over when this is read. */
const NOW = Math.floor(Date.now() / 1000) * 1000;
const T = NOW - 60_000;
let order = 0;
const certificate = (serial: string): DeviceCertificate => ({
  deviceId: D,
  serial,
  notBeforeMs: T + order++ * 1000,
  notAfterMs: NOW + 86_400_000,
});
