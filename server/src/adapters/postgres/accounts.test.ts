import { beforeAll } from 'vitest';
import { accountsContract } from '../../ports/accounts.contract.ts';
import { PostgresAccounts } from './accounts.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from './test-database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});

accountsContract('PostgreSQL', async () => {
  await emptyDatabase(database);
  return new PostgresAccounts(database);
});
