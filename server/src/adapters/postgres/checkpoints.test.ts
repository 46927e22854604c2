import { beforeAll } from 'vitest';
import { checkpointsContract } from '../../ports/checkpoints.contract.ts';
import { PostgresCheckpoints } from './checkpoints.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from './test-database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});

checkpointsContract('PostgreSQL', async () => {
  await emptyDatabase(database);
  return new PostgresCheckpoints(database);
});
