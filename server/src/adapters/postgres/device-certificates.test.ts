import { afterAll, beforeAll, expect, it } from 'vitest';
import { testIdentities } from '../../keys/test-identities.ts';
import { deviceCertificatesContract } from '../../ports/device-certificates.contract.ts';
import { PostgresDeviceCertificates } from './device-certificates.ts';
import { Listener } from './listener.ts';
import { PostgresRegistry } from './registry.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from './test-database.ts';

let database: TestDatabase;
let listener: Listener;
beforeAll(async () => {
  database = await openTestDatabase();
  listener = new Listener(database);
});
afterAll(() => listener.close());

deviceCertificatesContract('PostgreSQL', async () => {
  await emptyDatabase(database);
  return {
    certificates: new PostgresDeviceCertificates(database),
    registry: new PostgresRegistry(database, listener, testIdentities()),
  };
});

it('announces no change of the registry, of which all is read anew, where nothing was superseded', async () => {
  let announced = 0;
  const { promise: heard, resolve } = Promise.withResolvers<void>();
  const silent = { onGap: () => {} };
  const stop = await Promise.all([
    listener.listen('healthsync_registry', { ...silent, onNotice: () => announced++ }),
    listener.listen('healthsync_access', { ...silent, onNotice: () => resolve() }),
  ]);
  expect(await new PostgresDeviceCertificates(database).revokeSuperseded(Date.now())).toEqual([]);
  // Notices come in the order of their transactions: what was announced before this has been heard by then.
  await database.pool.query(`select pg_notify('healthsync_access', '')`);
  await heard;
  expect(announced).toBe(0);
  for (const end of stop) await end();
});
