import { beforeAll } from 'vitest';
import { userDirectoryContract } from '../../ports/user-directory.contract.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from './test-database.ts';
import { PostgresUserDirectory } from './user-directory.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});

userDirectoryContract('PostgreSQL', async () => {
  await emptyDatabase(database);
  return new PostgresUserDirectory(database);
});
