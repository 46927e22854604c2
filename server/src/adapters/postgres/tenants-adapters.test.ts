import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TenantId, UserId } from '../../domain/ids.ts';
import { PostgresPushSubscriptions } from './push-subscriptions.ts';
import { connectByTenant, type TenantConnections } from './tenant-connections.ts';
import { PostgresTenants } from './tenants.ts';
import { dropTenantLogins, openTestDatabase, type TestDatabase } from './test-database.ts';
import { ADAPTERS, T, tenantOf } from './test-tenant-adapters.ts';

/**
 * Every adapter that a request leads to, and everything it can be asked, as one organisation (`north`) with the ids of
 * another's (`south`): nothing of theirs is told, nothing of theirs changes. With its own it is not short of a right.
 */
let database: TestDatabase;
let tenants: TenantConnections;
beforeAll(async () => {
  database = await openTestDatabase();
  const logins = new PostgresTenants(database, database.address);
  expect(await logins.add({ id: 'north' as TenantId, name: 'North' })).toBe('added');
  const firstLogin = await logins.firstLogin();
  tenants = connectByTenant({
    house: database,
    address: database.address,
    firstLogin,
    tenantNow: () => 'north' as TenantId,
  });
  for (const side of ['south', 'north']) for (const sql of FURNITURE) await database.pool.query(sql(side));
}, 120_000);
afterAll(async () => {
  await tenants?.close();
  if (database !== undefined) await dropTenantLogins(database);
});

const at = `to_timestamp(${T / 1000})`;
/** Something of everything; each row is named for its side. */
const FURNITURE: readonly ((side: string) => string)[] = [
  (s) => `insert into ward (id, name, tenant_id) values ('${s}-w', 'Ward', '${tenantOf(s)}')`,
  (s) => `insert into bed (id, ward_id, label) values ('${s}-b', '${s}-w', 'B')`,
  (s) => `insert into patient (id, bed_id) values ('${s}-p', '${s}-b')`,
  (s) => `insert into device (id, created_at, tenant_id) values ('${s}-d', ${at}, '${tenantOf(s)}')`,
  (s) => `insert into device_certificate (serial, device_id, not_before, not_after, key_fingerprint)
    values ('${s}-serial', '${s}-d', ${at}, now() + interval '1 day', '${s}-key')`,
  ...['u', 'u2'].map(
    (user) => (s: string) =>
      `insert into app_user (id, name, display_name, roles, ward_ids, password_hash, tenant_id)
      values ('${s}-${user}', '${s}-${user}', 'Of ${s}', '{nurse}', '{}', 'hash', '${tenantOf(s)}')`,
  ),
  (s) => `insert into access_token (sha256, kind, user_id, created_at, idle_expires_at, expires_at)
    values ('${s}-token', 'api', '${s}-u', ${at}, now() + interval '1 day', now() + interval '1 day')`,
  (s) => `insert into second_factor (id, user_id, kind, label, created_at, credential_id, public_key, counter)
    values ('${s}-factor', '${s}-u', 'passkey', 'k', ${at}, '${s}-credential', 'x', 0)`,
  (s) => `insert into recovery_code (user_id, sha256) values ('${s}-u', '${s}-code')`,
  (s) => `insert into invitation (sha256, user_id, expires_at) values ('${s}-invitation', '${s}-u', now())`,
  (s) => `insert into oauth_client (id, kind, name, redirect_uris, jwks, scopes, roles, ward_ids, tenant_id, created_at,
    created_by) values ('${s}-client', 'app', 'c', '{}', '{"keys":[]}', '{}', '{}', '{}', '${tenantOf(s)}', ${at}, 'x')`,
  (s) => `insert into directory_group (id, display_name, external_id, created_at, changed_at, tenant_id)
    values ('${s}-group', '${s}-nurses', '${s}-group', ${at}, ${at}, '${tenantOf(s)}')`,
  (s) => `insert into directory_member (group_id, user_id) values ('${s}-group', '${s}-u')`,
  (s) => `insert into contact (user_id, channel, address, created_at, verified_at, verified_by)
    values ('${s}-u', 'smtp', '${s}@a.example', ${at}, ${at}, 'code')`,
  (s) => `insert into push_subscription (id, user_id, endpoint, p256dh, auth, created_at)
    values ('${s}-push', '${s}-u', 'https://${s}.example', 'x', 'x', ${at})`,
  (s) => `insert into own_record (user_id, patient_id, changed_at, changed_by) values ('${s}-u', '${s}-p', ${at}, 'x')`,
  (s) => `insert into alarm (id, patient_id, rule, rule_version, kind, priority, highest_priority, state, condition,
    cause, worst, device_id, reading_id, last_reading_id, raised_at) values ('${s}-a', '${s}-p', 'r', 1, 'physiological',
    'high', 'high', 'active', 'present', '{}', '{}', '${s}-d', 'r1', 'r1', ${at})`,
  (s) => `insert into alarm_event (alarm_id, position, at, facts)
    values ('${s}-a', ${s === 'south' ? 1 : 2}, ${at}, '{"of": "${s}"}')`,
  (s) => `insert into consent_version (consent_id, version, tenant_id, patient_id, purpose, decision, state, from_at,
    given_at, recorded_at, recorded_by) values ('${s}-consent', 1, '${tenantOf(s)}', '${s}-p', 'research', 'permit',
    'active', ${at}, ${at}, ${at}, '${s}-u')`,
  (s) => `insert into emergency_access (id, tenant_id, user_id, signed, patient_id, reason, proof, began_at, ends_at)
    values ('${s}-emergency', '${tenantOf(s)}', '${s}-u', '${s}', '${s}-p', 'r', 'password', ${at}, now() + interval '1 h')`,
  (s) => `insert into device_enrollment (id, tenant_id, device_id, code_sha256, invited_by, invited_at, expires_at)
    values ('${s}-enrollment', '${tenantOf(s)}', '${s}-d2', '${s}-code', '${s}-u', ${at}, now() + interval '1 day')`,
  (s) => `insert into security_alert (tenant_id, id, kind, score, severity, person_name, patient_id, reasons, evidence,
    count, first_at, last_at) values ('${tenantOf(s)}', '${s}-alert', 'vip', 80, 'high', '${s}', '${s}-p', '[]', '{}', 1,
    ${at}, ${at})`,
  (s) => `insert into patient_vip (patient_id, since, by_id, by_name, reason)
    values ('${s}-p', ${at}, '${s}-u', '${s}', convert_to('of ${s}', 'UTF8'))`,
  (s) => `insert into topic_subscription (topic, user_id, created_by, created_at)
    values ('alarms.high', '${s}-u', '${s}-u', ${at})`,
  (s) => `insert into system_alarm (id, raised_at, rule, priority, text, tenant_id)
    values ('${s}-system', ${at}, 'r', 'low', '${s}', '${tenantOf(s)}')`,
  (s) => `insert into rota (rota_id, version, name, ward_ids, zone, layers, retired, set_by, reason, set_at, tenant_id)
    values ('${s}-rota', 1, '${s}', '{}', 'UTC', '[]', false, 'x', 'x', ${at}, '${tenantOf(s)}')`,
  (s) => `insert into audit_entry (position, recorded_at, actor, action, outcome, resource_kind, correlation_id,
    tenant_id, entry) values (${s === 'south' ? 1 : 2}, ${at}, '${s}', 'x', 'allowed', 'x', '${s}', '${tenantOf(s)}',
    '{"actor":{"name":"${s}"}}')`,
];

const calls = ADAPTERS.flatMap(({ of, make, asked }) => {
  const name = make({ pool: undefined as never, kysely: undefined as never }).constructor.name as string;
  return Object.entries(asked).flatMap(([method, args]) =>
    args === 'house' ? [] : [{ name, method, of, make, args }],
  );
});
type Call = (typeof calls)[number];

async function answerOf({ of, make, method, args }: Call, side: string): Promise<string> {
  try {
    const answer = await make(tenants[of])[method](...args(side));
    return JSON.stringify(answer instanceof Map ? [...answer] : answer) ?? 'nothing';
  } catch (error) {
    const { message, cause } = error as { message?: string; cause?: { message?: string } };
    return `refused: ${message} ${cause?.message ?? ''}`;
  }
}

/** All rows of the other organisation, as one text. */
async function theirs(): Promise<string> {
  const { rows } = await database.pool.query<{ name: string }>(
    `select table_name as name from information_schema.columns
     where table_schema = 'public' and column_name = 'tenant_id' and table_name not like 'vitals\\_%' order by 1`,
  );
  const all = rows.map(
    ({ name }) =>
      `select '${name} ' || t::text as line from "${name}" t where coalesce(tenant_id, 'default') = 'default'`,
  );
  const { rows: found } = await database.pool.query<{ text: string }>(
    `select string_agg(line, E'\\n' order by line) as text from (${all.join(' union all ')}) lines`,
  );
  return found[0]?.text ?? '';
}

/** Row security or a parent that is not there; another's rota; or another's ward. */
const TAKEN = /^refused: .*SQLSTATE (42501|23503)|^\{"kind":"changed-meanwhile","version":0\}$|^"taken"$/;

describe('an adapter that a request leads to', () => {
  it('is asked all that it can be asked', () => {
    for (const { make, asked } of ADAPTERS) {
      const adapter = make({ pool: undefined as never, kysely: undefined as never });
      const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(adapter)).filter(
        (name) => name !== 'constructor',
      );
      expect([adapter.constructor.name, Object.keys(asked).sort()]).toEqual([adapter.constructor.name, methods.sort()]);
    }
  });

  it('tells of another organisation nothing, and changes nothing there, whichever ids of theirs it is handed', async () => {
    const before = await theirs();
    expect(before.split('\n').length).toBeGreaterThan(25);
    const told: string[] = [];
    // What was asked with may come back in what is said.
    const own = (text: string) =>
      text.replaceAll(/[0-9a-f-]{36}|[0-9a-f]{12}/g, 'ID').replaceAll(/south|nobody\d+/g, 'SIDE');
    for (const [index, call] of calls.entries()) {
      const answer = await answerOf(call, 'south');
      // As if it were not there; only that an id is taken is told to whoever would make what has it.
      const like = await answerOf(call, `nobody${index}`);
      if ((own(answer) !== own(like) && !TAKEN.test(answer)) || /of south|south@/i.test(answer))
        told.push(`${call.name}.${call.method}: ${answer} instead of ${like}`);
    }
    expect(told).toEqual([]);
    expect(await theirs()).toBe(before);
  }, 120_000);

  it('lets a browser be whose it is now, whose organisation’s person had it before', async () => {
    const browsers = new PostgresPushSubscriptions(tenants.accounts, { ofAll: database });
    const kept = { id: 'south-push', endpoint: 'https://south.example', p256dh: 'y', auth: 'y', createdAtMs: T };
    expect(await browsers.put({ ...kept, userId: 'north-u2' as UserId })).toBe('kept');
    const all = new PostgresPushSubscriptions(database);
    expect([await all.of('south-u' as UserId), await all.of('north-u2' as UserId)]).toEqual([
      [],
      [{ ...kept, userId: 'north-u2' }],
    ]);
  });

  it('is not short of a right for its own', async () => {
    const short: string[] = [];
    for (const call of calls) {
      const answer = await answerOf(call, 'north');
      if (answer.startsWith('refused')) short.push(`${call.name}.${call.method}: ${answer}`);
    }
    expect(short).toEqual([]);
  }, 120_000);
});
