import { expect, it } from 'vitest';
import type { PatientId } from '../../domain/ids.ts';
import { NAMING_COLUMNS, NOT_EXPORTED, PATIENT_TABLES, patientRows } from './patient-export.ts';
import { openTestDatabase } from './test-database.ts';

it('a patient’s export forgets no table that names patients or their alarms', async () => {
  const { pool } = await openTestDatabase();
  const { rows } = await pool.query<{ name: string }>(
    `select distinct relname as name from pg_class join pg_attribute on attrelid = pg_class.oid
     where relkind in ('r', 'p') and not relispartition and relnamespace = 'public'::regnamespace
       and attname = any($1) and not attisdropped`,
    [NAMING_COLUMNS],
  );
  const known = [...PATIENT_TABLES.map(({ table }) => table), ...Object.keys(NOT_EXPORTED)];
  expect(rows.map(({ name }) => name).filter((name) => !known.includes(name))).toEqual([]);
});

it('holds what is doubtful of their readings, their own rules and who was told, and nothing of anybody else', async () => {
  const database = await openTestDatabase();
  await database.pool.query(`
    insert into ward (id, name) values ('A', 'A');
    insert into bed (id, ward_id, label) values ('A-1', 'A', '1');
    insert into patient (id) values ('P1'), ('P2');
    insert into device (id, created_at) values ('D1', now());
    insert into assignment (patient_id, device_id, from_at, to_at) values
      ('P1', 'D1', '2026-11-01', '2026-11-10'), ('P2', 'D1', '2026-11-10', null);
    insert into device_doubt (id, device_id, received_from, received_until, reason, declared_by, declared_at) values
      ('early', 'D1', '2026-10-01', '2026-10-20', 'r', 'ada', now()),
      ('theirs', 'D1', '2026-11-05', '2026-11-06', 'r', 'ada', now()),
      ('others', 'D1', '2026-11-11', '2026-11-12', 'r', 'ada', now());
    insert into rule_set (scope, scope_id, revision) values ('patient', 'P1', 1), ('patient', 'P2', 1), ('ward', 'P1', 1);
    insert into rule_version (scope, scope_id, rule_id, version, revision, body, is_newest, set_by, set_at, reason)
      select scope, scope_id, scope || scope_id, 1, 1, '{}', true, 'phil', now(), 'r' from rule_set
      where scope <> 'house';
    insert into care_assignment (id, ward_id, role, user_id, bed_ids, patient_ids, from_at, made_by, made_at)
      values ('c', 'A', 'nurse', 'nora', '{}', '{P1,P2}', now(), 'cora', now());
    insert into alarm (id, patient_id, rule, rule_version, kind, priority, highest_priority, state, condition, cause,
                       worst, device_id, reading_id, last_reading_id, raised_at)
      values ('a', 'P1', 'r', 1, 'physiological', 'high', 'high', 'active', 'present', '{}', '{}', 'D1', '1', '1', now());
    insert into delivery (alarm_id, channel, recipient, next_at, updated_at)
      values ('a', 'sms', '+4366012345', now(), now());
    insert into escalation_step (alarm_id, round, step, repeat, at, recipients, warnings) values
      ('a', 1, 'nurse', 0, now(),
       '[{"userId":"nora","channel":"sms","address":"+4366012345","why":"on duty","dedupeKey":"k"}]', '[]');
    insert into erasure (subject, at, by_whom, reason) values ('patient:P2', now(), 'ada', 'asked')`);
  const found: { table: string; row: Record<string, unknown> }[] = [];
  for await (const each of patientRows(database, 'P1' as PatientId)) found.push(each);
  const of = (name: string) => found.filter(({ table }) => table === name).map(({ row }) => row);
  expect(of('device_doubt').map(({ id }) => id)).toEqual(['theirs']);
  expect(of('rule_version').map(({ rule_id }) => rule_id)).toEqual(['patientP1']);
  expect(of('escalation_step')[0]?.['recipients']).toEqual([{ userId: 'nora', channel: 'sms', why: 'on duty' }]);
  expect(of('care_assignment')).toHaveLength(1);
  expect(of('delivery')).toHaveLength(1);
  expect(JSON.stringify(found)).not.toMatch(/P2|4366012345/);
});
