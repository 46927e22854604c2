import { afterAll, beforeAll } from 'vitest';
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
