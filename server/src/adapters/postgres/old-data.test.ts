import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { PostgresOldData } from './old-data.ts';
import { emptyDatabase, openTestDatabase } from './test-database.ts';

const database = await openTestDatabase();
const oldData = new PostgresOldData(database);
const { pool } = database;
afterAll(() => database.close());
beforeEach(() => emptyDatabase(database));

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 10, 22);
const daysAgo = (days: number) => new Date(NOW - days * DAY_MS);
const forget = (kind: Parameters<typeof oldData.forget>[0], days: number, limit = 100) =>
  oldData.forget(kind, { beforeMs: NOW - days * DAY_MS, limit });

async function alarm(id: string, resolvedDaysAgo?: number): Promise<void> {
  const isOver = resolvedDaysAgo !== undefined;
  await pool.query(
    `insert into alarm (id, patient_id, rule, rule_version, kind, priority, highest_priority, state, condition, cause, worst,
       device_id, reading_id, last_reading_id, raised_at, resolved_at)
     select $1, $1, 'r', 1, 'physiological', 'high', 'high', $2, 'ended', '{}', '{}', 'D', 'r', 'r', $3, $4`,
    [id, isOver ? 'resolved' : 'active', daysAgo(200), isOver ? daysAgo(resolvedDaysAgo) : null],
  );
}

async function delivery(id: string, of: string, more: { state?: string; days?: number; told_with?: string } = {}) {
  const { state = 'delivered', days = 100, told_with = null } = more;
  await pool.query(
    `insert into delivery (id, alarm_id, channel, recipient, state, next_at, updated_at, told_with)
     values ($1, $2, 'smtp', $1, $3, $4, $4, $5)`,
    [id, of, state, daysAgo(days), told_with],
  );
}

const left = async () =>
  (await pool.query<{ id: string }>('select id from delivery order by id')).rows.map(({ id }) => id);

describe('old deliveries', () => {
  it('go once they and their alarm are over as long, and never while anything waits', async () => {
    await alarm('over', 95);
    await alarm('lately', 5);
    await alarm('open');
    await delivery('gone', 'over');
    await delivery('waits', 'over', { state: 'pending' });
    await delivery('young', 'over', { days: 10 });
    await delivery('of-open', 'open');
    await delivery('of-lately', 'lately');
    expect(await forget('deliveries', 90)).toBe(1);
    expect(await left()).toEqual(['of-lately', 'of-open', 'waits', 'young']);
    expect(await forget('deliveries', 90)).toBe(0);
  });

  it('one that another still names goes after it', async () => {
    await alarm('over', 95);
    await delivery('a-page', 'over');
    await delivery('b-told-with', 'over', { told_with: 'a-page' });
    expect([await forget('deliveries', 90), await left()]).toEqual([1, ['a-page']]);
    expect([await forget('deliveries', 90), await left()]).toEqual([1, []]);
  });

  it('the event they came from goes with the last of them', async () => {
    await pool.query(
      `insert into outbox_event (alarm_id, change, fanned_out_at) values ('A', '{}', $1), ('B', '{}', null), ('C', '{}', $2)`,
      [daysAgo(100), daysAgo(3)],
    );
    expect(await forget('deliveries', 90)).toBe(1);
    const { rows } = await pool.query('select alarm_id from outbox_event order by id');
    expect(rows).toEqual([{ alarm_id: 'B' }, { alarm_id: 'C' }]);
  });
});

describe('old days of vitals', () => {
  const day = async (name: string, from: string, to: string) => {
    await pool.query(`create table ${name} (like vitals including defaults)`);
    await pool.query(`alter table vitals attach partition ${name} for values from ('${from}') to ('${to}')`);
  };
  const days = async () =>
    (
      await pool.query<{ name: string }>(
        `select relname as name from pg_inherits join pg_class on oid = inhrelid where inhparent = 'vitals'::regclass order by 1`,
      )
    ).rows.map(({ name }) => name);

  it('are dropped whole, the oldest first, and never one that is not over as long', async () => {
    await day('vitals_20261001', '2026-10-01Z', '2026-10-02Z');
    await day('vitals_20261022', '2026-10-22Z', '2026-10-23Z');
    await day('vitals_20261023', '2026-10-23Z', '2026-10-24Z');
    expect(await forget('vitals', 30, 1)).toBe(1);
    expect(await days()).toEqual(['vitals_20261022', 'vitals_20261023']);
    // The 22nd ended at midnight, thirty days before; the 23rd did not.
    await oldData.forget('vitals', { beforeMs: Date.UTC(2026, 9, 23), limit: 9 });
    expect(await days()).toEqual(['vitals_20261023']);
  });

  it('that somebody reads stay until the next round', async () => {
    await day('vitals_20261001', '2026-10-01Z', '2026-10-02Z');
    const reader = await pool.connect();
    try {
      await reader.query('begin');
      await reader.query('select count(*) from vitals');
      await expect(forget('vitals', 30)).rejects.toMatchObject({ retryable: true });
      await reader.query('rollback');
    } finally {
      reader.release();
    }
    expect([await forget('vitals', 30), (await days()).includes('vitals_20261001')]).toEqual([1, false]);
  });
});

describe('old histories of workflows', () => {
  it('go with their execution, once it has ended', async () => {
    await pool.query(
      `insert into workflow_definition (digest, name, source, is_current) values ($1, 'd', '{}', true)`,
      ['a'.repeat(64)],
    );
    const { rows } = await pool.query<{ key: number }>(
      `insert into workflow_execution (definition, name, digest, status, state, started_at, ended_at)
       values ('d', 'old', $1, 'SUCCEEDED', '{}', $2, $2), ('d', 'runs', $1, 'RUNNING', '{}', $2, null) returning key`,
      ['a'.repeat(64), daysAgo(100)],
    );
    for (const { key } of rows)
      await pool.query(`insert into workflow_history (execution, version, events) values ($1, 1, '[]')`, [key]);
    expect(await forget('workflow-histories', 90)).toBe(1);
    expect((await pool.query('select execution from workflow_history')).rows).toEqual([{ execution: rows[1]?.key }]);
  });
});
