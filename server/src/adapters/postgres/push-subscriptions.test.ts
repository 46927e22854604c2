import { beforeAll } from 'vitest';
import type { UserId } from '../../domain/ids.ts';
import { pushSubscriptionsContract } from '../../ports/push-subscriptions.contract.ts';
import { PostgresAccounts } from './accounts.ts';
import { PostgresPushSubscriptions } from './push-subscriptions.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from './test-database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});

pushSubscriptionsContract('PostgreSQL', async () => {
  await emptyDatabase(database);
  const accounts = new PostgresAccounts(database);
  for (const id of ['u1', 'u2'])
    await accounts.putUser({ id: id as UserId, name: id, displayName: id, roles: ['nurse'], wardIds: [] });
  return new PostgresPushSubscriptions(database);
});
