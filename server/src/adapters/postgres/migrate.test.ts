import { describe, expect, it } from 'vitest';
import { connect } from './connection.ts';
import { migrate, readMigrations } from './migrate.ts';
import { openTestDatabase } from './test-database.ts';

describe('migrations', () => {
  it('are recorded, and applied again change nothing', async () => {
    const { pool } = await openTestDatabase();
    const before = await pool.query('select * from schema_migration');
    await migrate(pool);
    const after = await pool.query('select * from schema_migration');
    expect(after.rows).toEqual(before.rows);
    expect(after.rows).toHaveLength(readMigrations().length);
  });

  it('wait for each other when several processes start at once on an empty database', async () => {
    const { pool, address } = await openTestDatabase();
    await pool.query('drop schema public cascade; create schema public');
    const processes = [connect(address), connect(address), connect(address)];
    await Promise.all(processes.map((each) => migrate(each.pool)));
    const { rows } = await pool.query('select number from schema_migration order by number');
    expect(rows).toEqual(readMigrations().map(({ number }) => ({ number })));
    await Promise.all(processes.map((each) => each.close()));
  });

  it('refuse a database made by a newer version', async () => {
    const { pool } = await openTestDatabase();
    await pool.query(`insert into schema_migration (number, name, sha256) values (9999, 'later', '')`);
    await expect(migrate(pool)).rejects.toMatchObject({ code: 'database-rejected', retryable: false });
  });

  it('refuse to go on where an applied file was edited', async () => {
    const { pool } = await openTestDatabase();
    await pool.query(`update schema_migration set sha256 = 'other' where number = 1`);
    await expect(migrate(pool)).rejects.toMatchObject({ code: 'database-rejected' });
  });
});
