import { beforeAll } from 'vitest';
import { rejectedReadingsContract } from '../../ports/rejected-readings.contract.ts';
import { PostgresRejectedReadings } from './rejected-readings.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from './test-database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});

rejectedReadingsContract('PostgreSQL', async (capacity) => {
  await emptyDatabase(database);
  return new PostgresRejectedReadings(database, { capacity });
});
