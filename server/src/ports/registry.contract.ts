import { beforeEach, describe, expect, it } from 'vitest';
import type { BedId, DeviceId, PatientId, WardId } from '../domain/ids.ts';
import type { Registry } from './registry.ts';

/** What every `Registry` must do. `makeRegistry` answers with an empty one. */
export function registryContract(engine: string, makeRegistry: () => Promise<Registry>): void {
  describe(`${engine} as a registry`, () => {
    let registry: Registry;
    beforeEach(async () => {
      registry = await makeRegistry();
      await registry.putWard({ id: W, name: 'Ward 3' });
      await registry.putBed({ id: B, wardId: W, label: 'W3-01' });
      await registry.putPatient({ id: P, bedId: B });
      await registry.putPatient({ id: Q });
      await registry.putDevice({ id: D, createdAtMs: T });
    });

    const worn = async () =>
      (await registry.snapshot()).assignments.map(({ patientId, fromMs, toMs }) => [patientId, fromMs, toMs]);

    it('shows where everybody lies, in one snapshot', async () => {
      const { wards, beds, patients, devices } = await registry.snapshot();
      expect(wards).toEqual([{ id: W, name: 'Ward 3' }]);
      expect(beds).toEqual([{ id: B, wardId: W, label: 'W3-01' }]);
      expect(patients).toEqual([
        { id: P, bedId: B, wardId: W, bed: 'W3-01', spo2Scale: 1 },
        { id: Q, spo2Scale: 1 },
      ]);
      expect(devices).toEqual([{ id: D, createdAtMs: T, certificates: [] }]);
    });

    it('keeps all that is known of a patient, and forgets what is no longer said', async () => {
      const whole = {
        id: P,
        mrn: 'MRN-1',
        familyName: "O'Brien-Žižka",
        givenName: 'Noor',
        birthDate: '1950-03-01',
        sex: 'female',
        bedId: B,
        spo2Scale: 2,
      } as const;
      await registry.putPatient(whole);
      expect(await registry.findPatient(P)).toEqual(whole);
      await registry.putPatient({ id: P });
      // But for the SpO2 scale, which a clinician prescribes and other systems do not know of.
      expect(await registry.findPatient(P)).toEqual({ id: P, spo2Scale: whole.spo2Scale });
      expect(await registry.findPatient('nobody' as PatientId)).toBeUndefined();
    });

    it('finds a patient by the record number, however it is written', async () => {
      await registry.putPatient({ id: P, mrn: 'MRN-0012', bedId: B });
      expect(await registry.patientsByMrn('mrn 0012')).toMatchObject([{ id: P, mrn: 'MRN-0012' }]);
      expect(await registry.patientsByMrn('MRN-0013')).toEqual([]);
      await registry.putPatient({ id: P, mrn: 'MRN-0013' });
      expect(await registry.patientsByMrn('MRN-0012')).toEqual([]);
    });

    it('lists the patients of some wards, or of all', async () => {
      const ids = async (wardIds?: readonly WardId[]) =>
        (await registry.patients(wardIds === undefined ? {} : { wardIds })).map(({ id }) => id);
      expect(await ids()).toEqual([P, Q]);
      expect(await ids([W])).toEqual([P]);
      expect(await ids(['other' as WardId])).toEqual([]);
      expect(await ids([])).toEqual([]);
    });

    it('ends the assignment that was open where the next one begins', async () => {
      await registry.assign({ deviceId: D, patientId: P, fromMs: T });
      await registry.assign({ deviceId: D, patientId: Q, fromMs: T + 1_000 });
      expect(await worn()).toEqual([
        [P, T, T + 1_000],
        [Q, T + 1_000, undefined],
      ]);
    });

    it('assigns the same patient again without a seam', async () => {
      await registry.assign({ deviceId: D, patientId: P, fromMs: T });
      await registry.assign({ deviceId: D, patientId: P, fromMs: T + 1_000 });
      expect(await worn()).toEqual([[P, T, undefined]]);
    });

    it('lets an assignment that begins earlier replace what came after', async () => {
      await registry.assign({ deviceId: D, patientId: P, fromMs: T });
      await registry.unassign({ deviceId: D, atMs: T + 1_000 });
      await registry.assign({ deviceId: D, patientId: P, fromMs: T + 2_000 });
      await registry.assign({ deviceId: D, patientId: Q, fromMs: T + 500 });
      expect(await worn()).toEqual([
        [P, T, T + 500],
        [Q, T + 500, undefined],
      ]);
    });

    it('belongs to nobody after it was taken off', async () => {
      await registry.assign({ deviceId: D, patientId: P, fromMs: T });
      await registry.unassign({ deviceId: D, atMs: T + 1_000 });
      expect(await worn()).toEqual([[P, T, T + 1_000]]);
      await registry.assign({ deviceId: D, patientId: Q, fromMs: T + 5_000 });
      await registry.unassign({ deviceId: D, atMs: T + 5_000 });
      expect(await worn()).toEqual([[P, T, T + 1_000]]);
    });

    it('gives a device to one patient only, however many assign it at once', async () => {
      const patients = Array.from({ length: 8 }, (_, i) => `P-${i}` as PatientId);
      for (const id of patients) await registry.putPatient({ id });
      await Promise.all(
        patients.map((patientId, i) => registry.assign({ deviceId: D, patientId, fromMs: T + i * 10 })),
      );
      const { assignments } = await registry.snapshot();
      for (const [index, assignment] of assignments.entries())
        expect(assignment.toMs).toBe(assignments[index + 1]?.fromMs);
    });

    it('refuses to assign a device or a patient it does not know', async () => {
      const refused = { code: 'database-rejected', retryable: false };
      await expect(registry.assign({ deviceId: D, patientId: 'X' as PatientId, fromMs: T })).rejects.toMatchObject(
        refused,
      );
      await expect(registry.assign({ deviceId: 'X' as DeviceId, patientId: P, fromMs: T })).rejects.toMatchObject(
        refused,
      );
    });

    it('keeps a device when it is put again, and changes its profile', async () => {
      await registry.putDeviceConfig({ deviceId: D, config: '{"rate":1}' });
      await registry.putDevice({ id: D, profile: 'acme', createdAtMs: T + 1 });
      expect(await registry.devices()).toEqual([
        { id: D, profile: 'acme', createdAtMs: T, config: '{"rate":1}', certificates: [] },
      ]);
    });

    it('revokes one certificate, or all of a device and its tokens', async () => {
      await registry.putDevice({ id: 'other' as DeviceId, createdAtMs: T });
      for (const serial of ['A1', 'B2', 'C3']) await registry.addCertificate(certificate(D, serial));
      await registry.addCertificate(certificate('other' as DeviceId, 'D4'));
      await registry.addDeviceToken({ deviceId: D, sha256: 'aa', createdAtMs: NOW, expiresAtMs: NOW + DAY });
      const revoke = { deviceId: D, atMs: NOW, reason: 'lost' };
      expect(await registry.revoke({ ...revoke, serial: 'B2' })).toBe(1);
      expect(await registry.revoke({ ...revoke, serial: 'D4' })).toBe(0);
      expect((await registry.snapshot()).revokedSerials).toEqual(['B2']);
      expect((await registry.snapshot()).deviceTokens).toHaveLength(1);
      expect(await registry.revoke({ ...revoke, atMs: NOW + 1 })).toBe(3);
      const { revokedSerials, deviceTokens, devices } = await registry.snapshot();
      expect([...revokedSerials].sort()).toEqual(['A1', 'B2', 'C3']);
      expect(deviceTokens).toEqual([]);
      const kept = devices.find(({ id }) => id === D)?.certificates.find(({ serial }) => serial === 'B2');
      expect(kept).toEqual({ ...certificate(D, 'B2'), revokedAtMs: NOW, revocationReason: 'lost' });
    });

    it('leaves out tokens that have expired', async () => {
      await registry.addDeviceToken({ deviceId: D, sha256: 'old', createdAtMs: NOW - DAY, expiresAtMs: NOW - 1 });
      await registry.addDeviceToken({ deviceId: D, sha256: 'new', createdAtMs: NOW, expiresAtMs: NOW + DAY });
      expect((await registry.snapshot()).deviceTokens).toEqual([
        { sha256: 'new', deviceId: D, expiresAtMs: NOW + DAY },
      ]);
    });

    it('tells of every change, many at once as few', async () => {
      let calls = 0;
      const stop = await registry.watch(() => calls++);
      for (let i = 0; i < 20; i++) await registry.putWard({ id: `W-${i}` as WardId, name: 'new' });
      await expect.poll(() => calls).toBeGreaterThan(0);
      expect(calls).toBeLessThan(20);
      await stop();
    });

    it('tells of a change of every kind', async () => {
      const changes: readonly (() => Promise<unknown>)[] = [
        () => registry.putWard({ id: W, name: 'renamed' }),
        () => registry.putBed({ id: B, wardId: W, label: 'W3-02' }),
        () => registry.putPatient({ id: P }),
        () => registry.putDevice({ id: D, profile: 'p', createdAtMs: T }),
        () => registry.assign({ deviceId: D, patientId: P, fromMs: T }),
        () => registry.unassign({ deviceId: D, atMs: T + 1 }),
        () => registry.addCertificate(certificate(D, 'A1')),
        () => registry.revoke({ deviceId: D, atMs: NOW, reason: 'lost' }),
        () => registry.addDeviceToken({ deviceId: D, sha256: 'aa', createdAtMs: NOW, expiresAtMs: NOW + DAY }),
      ];
      let calls = 0;
      const stop = await registry.watch(() => calls++);
      for (const change of changes) {
        const before = calls;
        await change();
        await expect.poll(() => calls).toBeGreaterThan(before);
      }
      await stop();
    });
  });
}

const T = Date.UTC(2026, 10, 22, 1, 2, 3, 456);
/** Expiry is judged by the store's own clock. */
const NOW = Date.now();
const DAY = 86_400_000;
const W = 'W3' as WardId;
const B = 'W3-01' as BedId;
const P = 'P-a' as PatientId;
const Q = 'P-b' as PatientId;
const D = 'D-a' as DeviceId;

const certificate = (deviceId: DeviceId, serial: string) => ({
  deviceId,
  serial,
  notBeforeMs: NOW - 1_000,
  notAfterMs: NOW + 90 * DAY,
});
