import { beforeAll, expect, it } from 'vitest';
import { testSeal } from '../../keys/test-identities.ts';
import { outboxContract } from '../../ports/outbox.contract.ts';
import { began, MAIL, T } from '../../ports/outbox-desk.contract.ts';
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

it('a plan that fails while the changes are locked loses nothing either', async () => {
  await emptyDatabase(database);
  const outbox = new PostgresOutbox(database);
  await new PostgresAlarmStore(database, { seal: testSeal() }).apply([began(1, 'high')]);
  const tell = [{ event: 'raised' as const, recipients: [MAIL], followUpOn: [] }];
  let asked = 0;
  const failing = async () => {
    if (++asked === 2) throw new Error('no subscribers any more');
    return tell;
  };
  await expect(outbox.fanOut(failing, T)).rejects.toThrow('no subscribers any more');
  // What was locked is free once its connection has gone.
  await expect.poll(() => outbox.fanOut(async () => tell, T)).toBe(1);
});
