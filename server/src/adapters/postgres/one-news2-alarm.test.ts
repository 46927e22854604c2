import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openTestDatabase } from './test-database.ts';

it('open alarms of the former NEWS2 rules go on as one; what was beside it has ended, and closed ones stay as they were', async () => {
  const { pool } = await openTestDatabase();
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query('alter table rule_version drop column preview; alter table rule_proposal drop column preview');
    const alarm = (id: string, patient: string, rule: string, more: string) =>
      `('${id}', '${patient}', '${rule}', 1, 'physiological', ${more}, '{}', '{}', 'D', 'r', 'r', now())`;
    await client.query(`
      insert into alarm (id, patient_id, rule, rule_version, kind, priority, highest_priority, state, condition,
        acknowledged_by, acknowledged_at, cause, worst, device_id, reading_id, last_reading_id, raised_at)
      values
        ${alarm('m1', 'P1', 'news2.at-least.medium', `'medium', 'medium', 'active', 'present', null, null`)},
        ${alarm('h1', 'P1', 'news2.at-least.high', `'high', 'high', 'active', 'present', null, null`)},
        ${alarm('m2', 'P2', 'news2.at-least.medium', `'medium', 'medium', 'active', 'present', 'Anna', now()`)},
        ${alarm('h2', 'P2', 'news2.at-least.high', `'high', 'high', 'active', 'present', null, null`)},
        ${alarm('m3', 'P3', 'news2.at-least.medium', `'medium', 'medium', 'active', 'present', null, null`)},
        ${alarm('h3', 'P3', 'news2.at-least.high', `'high', 'high', 'active', 'ended', null, null`)},
        ${alarm('o4', 'P4', 'news2.at-least.high', `'high', 'high', 'resolved', 'ended', 'Anna', now()`)},
        ${alarm('s5', 'P5', 'spo2.below.high', `'high', 'high', 'active', 'present', null, null`)};
      insert into alarm_condition (patient_id, rule, partition, log_offset, step, at) values
        ('P1', 'news2.at-least.medium', 3, 10, 0, now() - interval '1 minute'),
        ('P1', 'news2.at-least.high', 3, 12, 0, now())`);
    await client.query(await readFile(join(import.meta.dirname, 'migrations/0011-one-news2-alarm.sql'), 'utf8'));
    const { rows } = await client.query<Record<string, string>>(
      'select id, rule, state, condition from alarm order by id',
    );
    expect(rows.map(({ id, rule, state, condition }) => [id, rule, state, condition].join(' '))).toEqual([
      'h1 news2.score active present',
      'h2 news2.score active present',
      'h3 news2.at-least.high active ended',
      'm1 news2.at-least.medium active ended',
      'm2 news2.at-least.medium resolved ended',
      'm3 news2.score active present',
      'o4 news2.at-least.high resolved ended',
      's5 spo2.below.high active present',
    ]);
    const applied = await client.query(`select log_offset from alarm_condition where rule = 'news2.score'`);
    expect(applied.rows.map(({ log_offset }) => Number(log_offset))).toEqual([12]);
  } finally {
    await client.query('rollback');
    client.release();
  }
});
