import { beforeAll, expect, it } from 'vitest';
import type { PatientId, TenantId, UserId } from '../../domain/ids.ts';
import { emergencyAccessesContract } from '../../ports/emergency-accesses.contract.ts';
import { PostgresEmergencyAccesses } from './emergency-accesses.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from './test-database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});

emergencyAccessesContract('PostgreSQL', async () => {
  await emptyDatabase(database);
  return new PostgresEmergencyAccesses(database);
});

it('what was answered for cannot be rewritten, not even past the program', async () => {
  await emptyDatabase(database);
  await new PostgresEmergencyAccesses(database).begin({
    id: 'a',
    tenantId: 'default' as TenantId,
    userId: 'u1' as UserId,
    signed: 'Nora',
    patientId: 'P1' as PatientId,
    reason: 'resuscitation in the corridor',
    proof: 'password',
    beganAtMs: 1_000,
    endsAtMs: 2_000,
  });
  for (const change of ["reason = 'something else'", "user_id = 'u2'", "ends_at = '2030-01-01'"])
    await expect(database.pool.query(`update emergency_access set ${change}`)).rejects.toThrow(/not rewritten/);
});
