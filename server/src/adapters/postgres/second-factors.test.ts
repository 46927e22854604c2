import { beforeAll } from 'vitest';
import { secondFactorsContract } from '../../ports/second-factors.contract.ts';
import { PostgresAccounts } from './accounts.ts';
import { PostgresSecondFactors } from './second-factors.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from './test-database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});

secondFactorsContract('PostgreSQL', async () => {
  await emptyDatabase(database);
  return { factors: new PostgresSecondFactors(database), accounts: new PostgresAccounts(database) };
});
