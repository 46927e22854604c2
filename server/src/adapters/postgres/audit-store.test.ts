import { describe, expect, it } from 'vitest';
import { auditStoreContract } from '../../ports/audit-store.contract.ts';
import { PostgresAuditStore } from './audit-store.ts';
import { emptyDatabase, openTestDatabase } from './test-database.ts';

let opened: ReturnType<typeof openTestDatabase> | undefined;

auditStoreContract('PostgreSQL', async () => {
  opened ??= openTestDatabase();
  const database = await opened;
  await emptyDatabase(database);
  return {
    store: new PostgresAuditStore(database),
    leave: async (entry) => {
      await database.pool.query('insert into audit_pending (entry) values ($1)', [JSON.stringify(entry)]);
    },
  };
});

describe('the rows of the audit log', () => {
  it('are not changed or deleted by a slip', async () => {
    opened ??= openTestDatabase();
    const { pool } = await opened;
    await expect(pool.query(`update audit_entry set actor = 'x'`)).rejects.toThrow('not changed');
    await expect(pool.query('delete from audit_entry')).rejects.toThrow('not changed');
  });
});
