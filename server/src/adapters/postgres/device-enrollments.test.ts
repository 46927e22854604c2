import { beforeAll, expect, it } from 'vitest';
import type { DeviceId, TenantId } from '../../domain/ids.ts';
import { deviceEnrollmentsContract } from '../../ports/device-enrollments.contract.ts';
import { PostgresDeviceEnrollments } from './device-enrollments.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from './test-database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});

deviceEnrollmentsContract('PostgreSQL', async () => {
  await emptyDatabase(database);
  return new PostgresDeviceEnrollments(database);
});

it('a code stays bound to its key and its device, and what was decided stays so, not even past the program', async () => {
  await emptyDatabase(database);
  const enrollments = new PostgresDeviceEnrollments(database);
  const invitation = { id: 'a', tenantId: 'default' as TenantId, deviceId: 'D' as DeviceId, codeSha256: 'c' };
  await enrollments.add({ ...invitation, invitedBy: 'x', invitedAtMs: 1, expiresAtMs: 2 });
  const request = { der: Uint8Array.of(1), keyFingerprint: 'k', stated: {}, address: '::1', atMs: 1, expiresAtMs: 2 };
  await enrollments.bind('a', request);
  const past = (sql: string) => database.pool.query(sql);
  await expect(past("update device_enrollment set key_fingerprint = 'other'")).rejects.toThrow(/first key/);
  await expect(past("update device_enrollment set device_id = 'other'")).rejects.toThrow(/that of its device/);
  await enrollments.decide('a', { state: 'refused', by: 'x', atMs: 1 });
  await expect(past("update device_enrollment set state = 'approved'")).rejects.toThrow(/stays decided/);
});
