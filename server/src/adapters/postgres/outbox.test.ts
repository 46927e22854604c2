import { beforeAll } from 'vitest';
import { testSeal } from '../../keys/test-identities.ts';
import { outboxContract } from '../../ports/outbox.contract.ts';
import { PostgresAlarmStore } from './alarm-store.ts';
import { PostgresOutbox } from './outbox.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from './test-database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});

outboxContract('PostgreSQL', async () => {
  await emptyDatabase(database);
  return { alarms: new PostgresAlarmStore(database, { seal: testSeal() }), outbox: new PostgresOutbox(database) };
});
