import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TenantId } from '../../domain/ids.ts';
import { type Connections, connect } from './connection.ts';
import { runCopyOut } from './copy-out.ts';
import { connectByTenant } from './tenant-connections.ts';
import { loginName, tenantAddress } from './tenant-logins.ts';
import type { LoginKind } from './tenant-rights.ts';
import { PostgresTenants } from './tenants.ts';
import { dropTenantLogins, openTestDatabase, type TestDatabase } from './test-database.ts';

/**
 * The second wall, by trying to go around the program: as somebody who can send any SQL of their own under the login of an
 * organisation's requests.
 */
let database: TestDatabase;
let north: Connections;
let role: string;

beforeAll(async () => {
  database = await openTestDatabase();
  const tenants = new PostgresTenants(database, database.address);
  expect(await tenants.add({ id: 'north' as TenantId, name: 'North' })).toBe('added');
  expect(await tenants.add({ id: 'north' as TenantId, name: 'North again' })).toBe('taken');
  role = (await database.pool.query(`select role_name from tenant where id = 'north'`)).rows[0].role_name;
  north = connect(tenantAddress(database.address, role), { connectionsMax: 2 });
  for (const side of ['south', 'north']) await furnish(side);
}, 120_000);
afterAll(async () => {
  await north?.close();
  if (database !== undefined) await dropTenantLogins(database);
});

async function furnish(side: string): Promise<void> {
  const tenant = side === 'south' ? 'default' : side;
  for (const sql of [
    `insert into ward (id, name, tenant_id) values ('${side}-w', 'Ward', '${tenant}')`,
    `insert into bed (id, ward_id, label) values ('${side}-b', '${side}-w', 'B')`,
    `insert into patient (id, bed_id) values ('${side}-p', '${side}-b')`,
    `insert into device (id, created_at, tenant_id) values ('${side}-d', now(), '${tenant}')`,
    `insert into app_user (id, name, display_name, roles, ward_ids, password_hash, tenant_id)
       values ('${side}-u', '${side}', 'Somebody', '{nurse}', '{}', 'hash', '${tenant}')`,
    `insert into alarm (id, patient_id, rule, rule_version, kind, priority, highest_priority, state, condition, cause,
       worst, device_id, reading_id, last_reading_id, raised_at)
       values ('${side}-a', '${side}-p', 'r', 1, 'physiological', 'high', 'high', 'active', 'present', '{}', '{}',
         '${side}-d', 'r1', 'r1', now())`,
    `insert into contact (user_id, channel, address, created_at) values ('${side}-u', 'smtp', '${side}@a.example', now())`,
    `create table if not exists vitals_today partition of vitals
       for values from (date_trunc('day', now())) to (date_trunc('day', now()) + interval '1 day')`,
    `insert into vitals (patient_id, at, device_id, reading_id, received_at, heart_rate, tenant_id)
       values ('${side}-p', now(), '${side}-d', 'r1', now(), 80, '${tenant}')`,
  ])
    await database.pool.query(sql);
}

const ask = async (sql: string) => (await north.pool.query(sql)).rows;
/** The SQLSTATE it is refused with. */
const refusal = (sql: string) =>
  north.pool.query(sql).then(
    ({ rows, rowCount }) => `went through: ${rowCount} ${JSON.stringify(rows)}`,
    (error: unknown) => (error instanceof pg.DatabaseError ? error.code : String(error)),
  );
const DENIED = '42501';

describe('under the login of an organisation', () => {
  it('what belongs to something is of its organisation, without saying so', async () => {
    for (const table of ['ward', 'bed', 'patient', 'device', 'alarm', 'vitals'])
      expect([table, await ask(`select tenant_id from ${table}`)]).toEqual([table, [{ tenant_id: 'north' }]]);
  });

  it('every table there is shows nothing of another', async () => {
    const tables = await tablesOf();
    for (const { name, has } of tables.filter(({ has }) => has.includes('tenant_id'))) {
      const seen = await north.pool.query(`select tenant_id from "${name}"`).then(
        ({ rows }) => rows.map(({ tenant_id }) => tenant_id).filter((tenant) => tenant !== 'north' && tenant !== null),
        (error: unknown) => (error as pg.DatabaseError).code,
      );
      expect([name, seen], has.join()).toEqual([name, seen === DENIED ? DENIED : []]);
    }
    // Of others not even that they exist.
    expect(await ask('select id from tenant')).toEqual([{ id: 'north' }]);
  });

  it.each([
    ['a select that names it', `select * from patient where id = 'south-p'`],
    [
      'a join',
      `select p.* from ward w join bed b on b.ward_id = w.id join patient p on p.bed_id = b.id where w.id = 'south-w'`,
    ],
    ['an update', `update patient set sex = 'female' where id = 'south-p' returning *`],
    ['an update of all', `update ward set name = 'theirs' where tenant_id = 'default' returning *`],
    ['a deletion', `delete from bed where id = 'south-b' returning *`],
    ['a lock', `select id from device where id = 'south-d' for update`],
    ['a union', `select id from ward where false union all select id from ward where tenant_id <> 'north'`],
    ['a setting', `set healthsync.tenant = 'default'; select 1 where false`],
    ['a table of its own that stands before ours', `select * from pg_temp.tenant where false`],
  ])('nothing comes of %s', async (_what, sql) => {
    const answer = await north.pool.query(sql).then(
      (result) => [result].flat().flatMap(({ rows }) => rows),
      () => [],
    );
    expect(answer).toEqual([]);
  });

  it.each([
    ['what is another’s, by saying so', `insert into ward (id, name, tenant_id) values ('x', 'x', 'default')`, '42501'],
    ['a bed in its ward', `insert into bed (id, ward_id, label) values ('x', 'south-w', 'x')`, '23503'],
    [
      'its own device on another’s patient',
      `insert into assignment (device_id, patient_id, from_at) values ('north-d', 'south-p', now())`,
      '23503',
    ],
    [
      'another’s device on its own patient',
      `insert into assignment (device_id, patient_id, from_at) values ('south-d', 'north-p', now())`,
      '23503',
    ],
    [
      'somebody of another’s into its team',
      `insert into care_assignment (id, ward_id, role, user_id, bed_ids, patient_ids, from_at, made_by, made_at)
       values ('x', 'north-w', 'nurse', 'south-u', '{}', '{}', now(), 'x', now())`,
      '23503',
    ],
    ['its patient into another’s bed', `update patient set bed_id = 'south-b' where id = 'north-p'`, '23503'],
    ['itself another organisation', `update ward set tenant_id = 'default' where id = 'north-w'`, '23514'],
    [
      'rules for another’s ward',
      `insert into rule_set (scope, scope_id, revision) values ('ward', 'south-w', 1)`,
      '23503',
    ],
    ['rules for another’s house', `insert into rule_set (scope, scope_id, revision) values ('house', '', 1)`, '23503'],
    ['an alarm past the desk that rings it', `update alarm set state = 'resolved' where id = 'north-a'`, DENIED],
    [
      'a reading',
      `insert into vitals (patient_id, at, device_id, reading_id, received_at) values ('north-p', now(), 'north-d', 'x', now())`,
      DENIED,
    ],
    ['by COPY', `copy patient (id) from stdin`, '0A000'],
    ['the history by COPY', `copy vitals (patient_id) from stdin`, DENIED],
    [
      'over another’s row',
      `insert into ward (id, name) values ('south-w', 'mine') on conflict (id) do update set name = 'mine'`,
      '42501',
    ],
  ])('nobody writes %s', async (_what, sql, code) => {
    expect(await refusal(sql)).toBe(code);
  });

  it('what is not there and what is another’s are refused in one way', async () => {
    const told = (ward: string) =>
      north.pool
        .query(`insert into bed (id, ward_id, label) values ('x', '${ward}', 'x')`)
        .catch((error) => [error.code, error.message, error.detail]);
    expect(await told('south-w')).toEqual(await told('none-w'));
  });

  it.each([
    ['COPY to a program', `copy patient to program 'cat'`, DENIED],
    ['another role', `set role pg_read_all_data`, DENIED],
    ['the owner', `set role pg_database_owner`, DENIED],
    ['another session', `set session authorization postgres`, DENIED],
    ['row security off', `set row_security = off; select * from patient`, DENIED],
    ['a partition', `select * from vitals_today`, DENIED],
    ['passwords', `select password_hash from app_user`, DENIED],
    ['sessions', `select * from access_token`, DENIED],
    ['second factors', `select * from second_factor`, DENIED],
    ['what waits for the audit', `insert into audit_pending (entry) values ('{}')`, DENIED],
    ['an entry of the audit', `delete from audit_entry`, DENIED],
    ['the workflow engine', `select * from workflow_execution`, DENIED],
    [
      'a function with the owner’s rights',
      `create function f() returns setof patient security definer language sql return (select null::patient)`,
      DENIED,
    ],
    ['a view', `create view v as select * from patient`, DENIED],
    ['a table of a session', `create temporary table tenant (id text, role_name text)`, DENIED],
    ['its policies', `drop policy own on patient`, '42501'],
    ['its triggers', `alter table bed disable trigger "00_tenant"`, '42501'],
    ['its login', `update tenant set role_name = null`, DENIED],
    ['other logins', `alter role current_user createrole`, DENIED],
    ['a large object of the server', `select lo_import('/etc/passwd')`, DENIED],
    ['a file of the server', `select pg_read_file('/etc/passwd')`, DENIED],
  ])('%s is refused', async (_what, sql, code) => {
    expect(await refusal(sql)).toBe(code);
  });

  it('whoever listens hears of no patient, and of nothing that says whose it is', async () => {
    const client = await north.pool.connect();
    const heard: (string | undefined)[] = [];
    client.on('notification', ({ payload }) => heard.push(payload));
    for (const channel of ['consent', 'registry', 'access', 'alarm'])
      await client.query(`listen healthsync_${channel}`);
    await database.pool.query(
      `insert into consent_version (consent_id, version, tenant_id, patient_id, purpose, decision, state, from_at, given_at,
         recorded_at, recorded_by) values ('4711', 1, 'default', 'south-p', 'research', 'permit', 'active', now(), now(),
         now(), 'south-u')`,
    );
    await database.pool.query(`update patient set sex = 'female' where id = 'south-p'`);
    // Notices come before the answer to whatever is asked next.
    await client.query('select 1');
    client.release(true);
    expect([...new Set(heard)].sort()).toEqual(['', '4711']);
  });

  it('COPY hands out its own rows and no others', async () => {
    const client = await north.pool.connect();
    let text = '';
    await runCopyOut(client, 'copy (select id from patient) to stdout (format binary)', (bytes) => {
      text += bytes.toString('latin1');
    });
    client.release();
    expect(text).toContain('north-p');
    expect(text).not.toContain('south');
  });

  it('a view and a function of the owner’s own would not let it through either', async () => {
    await database.pool.query(`
      create view everybody as select id from patient;
      create function everybody_by_owner() returns setof text security definer language sql as 'select id from patient';
      grant select on everybody to "${role}";`);
    expect(await ask('select * from everybody')).toEqual([{ id: 'north-p' }]);
    expect(await ask('select * from everybody_by_owner() as id')).toEqual([{ id: 'north-p' }]);
    await database.pool.query('drop view everybody; drop function everybody_by_owner');
  });
});

async function tablesOf(): Promise<readonly { name: string; has: string[]; isForced: boolean; isOn: boolean }[]> {
  const { rows } = await database.pool.query(
    `select relname as name, relforcerowsecurity as "isForced", relrowsecurity as "isOn",
       array(select attname::text from pg_attribute where attrelid = pg_class.oid and attnum > 0 and not attisdropped) as has
     from pg_class where relkind in ('r', 'p') and not relispartition and relnamespace = 'public'::regnamespace
     order by relname`,
  );
  return rows;
}

/** What is one for all organisations, and why it cannot be one of theirs. No organisation's login reaches any of it. */
const OF_THE_HOUSE: Readonly<Record<string, string>> = {
  alarm_event_head: 'positions are given to all events in one order',
  assessor_checkpoint: 'the state of a partition of the log, with patients of all',
  audit_check: 'of the one log',
  audit_cursor: 'who follows the one log',
  audit_head: 'signed heads of the one tree',
  audit_log: 'the one tree’s size',
  audit_pending: 'entries on their way into it; each says whose it is',
  audit_tile: 'hashes of the one tree',
  channel_policy: 'the installation’s channels send for all',
  heartbeat: 'which parts of the program are alive',
  log_position: 'how far the one log of readings was followed',
  oidc_record: 'looked up by a secret, before it is known who asks',
  schema_migration: 'which tables there are',
  setup_code: 'the installation’s first account',
  shared_secret: 'what the servers of the installation have in common, sealed',
  spent_ticket: 'hashes of what was used once, by whomever',
  subject_key: 'wrapped keys, which only the program opens; each says whose it is',
  workflow_definition: 'the program’s own definitions',
  workflow_execution: 'the engine’s: named by alarms, and holding no more of them than their ids',
  workflow_history: 'of its executions',
};
/** Filled by COPY, which PostgreSQL refuses to a role that row security binds: the owner is left out. */
const COPIED = ['audit_entry', 'vitals'];

describe('every table', () => {
  it('carries its organisation behind row security that binds the owner too, or is the house’s for a reason', async () => {
    const tables = await tablesOf();
    expect(tables.length).toBeGreaterThan(60);
    for (const { name, has, isForced, isOn } of tables) {
      const isHouse = OF_THE_HOUSE[name] !== undefined || name === 'tenant';
      expect([name, isHouse || has.includes('tenant_id')]).toEqual([name, true]);
      if (name === 'tenant' || !isHouse) expect([name, isOn, isForced]).toEqual([name, true, !COPIED.includes(name)]);
    }
    const names = tables.map(({ name }) => name);
    expect(Object.keys(OF_THE_HOUSE).filter((name) => !names.includes(name))).toEqual([]);
  });
  it('of the house gives an organisation’s login nothing, but for how far events have come', async () => {
    for (const name of Object.keys(OF_THE_HOUSE))
      expect([name, await refusal(`select * from ${name}`)]).toEqual([
        name,
        name === 'alarm_event_head' ? expect.stringContaining('went through') : DENIED,
      ]);
  });
  it('there is no view, and of functions with their owner’s rights only the one that leaves an entry of what was done', async () => {
    const { rows } = await database.pool.query(`
      select proname as name from pg_proc where prosecdef and pronamespace = 'public'::regnamespace
      union all select relname from pg_class where relkind in ('v', 'm') and relnamespace = 'public'::regnamespace`);
    expect(rows).toEqual([{ name: 'audit_user' }]);
    expect(await refusal('select audit_user()')).toBe('0A000');
  });
  it('is behind logins that are nobody’s superuser, past no row security, and not of the owner’s', async () => {
    const { rows } = await database.pool.query(
      `select rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication as "isMore",
         pg_has_role(rolname, (select tableowner from pg_tables where tablename = 'patient'), 'member') as "isOwners"
       from pg_roles where rolname like $1`,
      [`${role.slice(0, 11)}%`],
    );
    // A group and two logins of each kind, and whoever signs people in.
    expect(rows).toHaveLength(7);
    expect(rows.every(({ isMore, isOwners }) => !isMore && !isOwners)).toBe(true);
  });
});

describe('a login has rights for its own work only', () => {
  const refusedTo = async (kind: LoginKind, sql: string) => {
    const login = connect(tenantAddress(database.address, loginName(role, kind, 'north')), { connectionsMax: 1 });
    try {
      return await login.pool.query(sql).then(
        ({ rows }) => rows,
        (error: pg.DatabaseError) => error.code,
      );
    } finally {
      await login.close();
    }
  };

  it.each(['patient', 'vitals', 'alarm', 'consent_version', 'audit_entry', 'subject_key', 'event_subscription'])(
    'who signs people in, and who keeps accounts, does not read %s',
    async (table) => {
      for (const kind of ['sign-in', 'accounts'] as const)
        expect([kind, await refusedTo(kind, `select * from ${table}`)]).toEqual([kind, DENIED]);
    },
  );
  it('who signs people in sees the accounts of all, and belongs to none', async () => {
    expect(await refusedTo('sign-in', 'select id from app_user order by id')).toEqual([
      { id: 'north-u' },
      { id: 'south-u' },
    ]);
    expect(await refusedTo('sign-in', 'select id from tenant')).toEqual([]);
    expect(await refusedTo('sign-in', 'select healthsync_tenant() as of, healthsync_is_house() as house')).toEqual([
      { of: null, house: false },
    ]);
  });
  it.each([
    ['accounts', 'select password_hash from app_user'],
    ['accounts', `update app_user set password_hash = 'x'`],
    [
      'accounts',
      `insert into second_factor (id, user_id, kind, label, created_at) values ('x', 'north-u', 'totp', 'x', now())`,
    ],
    ['accounts', 'select * from oidc_record'],
    ['care', `update app_user set roles = '{admin}'`],
    ['care', 'select * from contact'],
    ['care', `update consent_version set state = 'revoked'`],
    ['care', 'delete from security_alert'],
    ['care', `insert into alarm_event (alarm_id, at, facts) values ('north-a', now(), '{}')`],
    ['care', 'select code_sha256 from device_enrollment'],
    ['sign-in', 'delete from app_user'],
    ['sign-in', 'update oauth_client set jwks = null'],
  ] as const)('%s is refused: %s', async (kind, sql) => {
    expect(await refusedTo(kind, sql)).toBe(DENIED);
  });
});

describe('connections of requests', () => {
  it('are those of the organisation whose request it is, and outside of one there are none', async () => {
    let now: TenantId | undefined;
    const { asking, accounts, signIn, people, addressNow, close } = connectByTenant({
      house: database,
      address: database.address,
      firstLogin: await new PostgresTenants(database, database.address).firstLogin(),
      tenantNow: () => now,
    });
    const who = async (connections: typeof asking) =>
      (await connections.pool.query('select session_user as who')).rows[0].who.slice(11);
    expect([await who(signIn), await who(people)]).toEqual(['-sign-in', '-sign-in']);
    await expect(accounts.pool.query('select 1')).rejects.toThrow('outside of a request');
    expect(addressNow).toThrow('outside of a request');
    await expect(asking.pool.query('select 1')).rejects.toThrow('outside of a request');
    now = 'north' as TenantId;
    expect((await asking.pool.query('select id from ward')).rows).toEqual([{ id: 'north-w' }]);
    expect([await who(asking), await who(accounts), await who(people)]).toEqual([
      '_north',
      '-accounts_north',
      '-accounts_north',
    ]);
    expect(addressNow()).toEqual(tenantAddress(database.address, role));
    now = 'default' as TenantId;
    expect(await asking.kysely.selectFrom('ward').select('id').execute()).toEqual([{ id: 'south-w' }]);
    now = 'nobody' as TenantId;
    await expect(asking.pool.query('select 1')).rejects.toMatchObject({ code: 'database-rejected' });
    await close();
  });
});
