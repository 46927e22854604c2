import { beforeAll, expect, it } from 'vitest';
import { testConsent } from '../../domain/test-consent.ts';
import { consentsContract } from '../../ports/consents.contract.ts';
import { PostgresConsents } from './consents.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from './test-database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});

consentsContract('PostgreSQL', async () => {
  await emptyDatabase(database);
  return new PostgresConsents(database);
});

it('what was recorded cannot be rewritten, moved to another patient or taken away, not even past the program', async () => {
  await emptyDatabase(database);
  const consents = new PostgresConsents(database);
  await consents.keep(testConsent());
  const past = (sql: string) => database.pool.query(sql);
  await expect(past("update consent_version set state = 'revoked'")).rejects.toThrow(/not rewritten/);
  await expect(past('delete from consent_version')).rejects.toThrow(/not rewritten/);
  await expect(consents.keep(testConsent({ version: 2, patientId: 'P2' as never }))).rejects.toThrow();
  await expect(consents.keep(testConsent({ id: 'b', purpose: 'sharing' }))).rejects.toThrow();
  expect(await consents.versions('a')).toEqual([testConsent()]);
});
