import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import type pg from 'pg';
import type { TenantId } from '../../domain/ids.ts';
import type { DatabaseAddress } from './connection.ts';
import { grantTenantRights, type LoginKind } from './tenant-rights.ts';
import { inTransaction } from './transaction.ts';

/**
 * Makes what is missing of the logins: each organisation connects to the database as itself. Answers `none` where our own
 * login may not make logins: then there is but one organisation, and its requests use ours.
 *
 * Row security goes by the login and not by a setting of the session: whoever slips a statement into one of ours can
 * change any setting, and even `set role` back, but never who has logged in.
 */
export async function makeTenantLogins(pool: pg.Pool, address: DatabaseAddress): Promise<'made' | 'none'> {
  const { rows } = await pool.query<{ may: boolean }>(
    'select rolcreaterole or rolsuper as may from pg_roles where rolname = current_user',
  );
  if (rows[0]?.may !== true) return 'none';
  await inTransaction(pool, async (client) => {
    // Servers that start together make each login once.
    await client.query('select pg_advisory_xact_lock($1)', [ADVISORY_LOCK]);
    await refuseMaking(client);
    const tenants = await client.query<{ id: TenantId; role: string | null }>(
      'select id, role_name as role from tenant order by id',
    );
    const prefix = prefixIn(tenants.rows) ?? `hs_${randomBytes(4).toString('hex')}`;
    for (const kind of ['care', 'accounts'] as const) {
      const group = loginName(prefix, kind, '');
      await makeRole(client, group, 'nologin');
      await grantTenantRights(client, group, kind);
      for (const { id } of tenants.rows) {
        const name = loginName(prefix, kind, id);
        if (await makeRole(client, name, `login ${passwordClause(address, name)}`))
          await client.query(`grant "${group}" to "${name}"`);
      }
    }
    const signIn = loginName(prefix, 'sign-in');
    await makeRole(client, signIn, `login ${passwordClause(address, signIn)}`);
    await grantTenantRights(client, signIn, 'sign-in');
    for (const { id, role } of tenants.rows)
      if (role === null)
        await client.query('update tenant set role_name = $2 where id = $1', [id, loginName(prefix, 'care', id)]);
  });
  return 'made';
}

/**
 * What a login is called; `ofRole`: any other of the installation, which all begin alike. Migration 25 knows an
 * organisation's second login, and that which signs people in, by these names.
 */
export function loginName(ofRole: string, kind: LoginKind, tenantId = ''): string {
  const prefix = ofRole.slice(0, PREFIX_LENGTH);
  switch (kind) {
    case 'care':
      return `${prefix}_${tenantId}`;
    case 'accounts':
      return `${prefix}-accounts_${tenantId}`;
    case 'sign-in':
      return `${prefix}-sign-in`;
    default:
      return kind satisfies never;
  }
}

/** `hs_` and eight hexadecimal digits. */
const PREFIX_LENGTH = 11;

/** Where and as whom an organisation's requests reach the database. */
export function tenantAddress(address: DatabaseAddress, role: string): DatabaseAddress {
  // The embedded server takes the word of the kernel for who we are (`peer`), and knows who that may be.
  if (!('url' in address)) return { ...address, user: role };
  const url = new URL(address.url);
  url.username = encodeURIComponent(role);
  url.password = passwordOf(address.url, role);
  return { url: url.href };
}

/** After our own password was changed, those of the organisations follow. */
export async function renewTenantPassword(pool: pg.Pool, address: DatabaseAddress, role: string): Promise<void> {
  await pool.query(`alter role "${role}" ${passwordClause(address, role)}`);
}

/** Any number of our own; the same in every version. */
const ADVISORY_LOCK = 4_840_116;

/** All of an installation begin alike: other databases of the same server have others. */
function prefixIn(tenants: readonly { readonly role: string | null }[]): string | undefined {
  const known = tenants.find(({ role }) => role !== null)?.role;
  return known?.match(/^hs_[0-9a-f]{8}/)?.[0];
}

/** Never a superuser, never past row security, and not of the owner's. True: it was not there. */
async function makeRole(client: pg.ClientBase, name: string, rights: string): Promise<boolean> {
  const known = await client.query('select from pg_roles where rolname = $1', [name]);
  if (known.rowCount !== 0) return false;
  await client.query(`create role "${name}" ${rights} nosuperuser nobypassrls nocreatedb nocreaterole noreplication`);
  return true;
}

/** Nobody but the owner makes anything in our schema, nor tables of a session's own that stand before ours. */
async function refuseMaking(client: pg.ClientBase): Promise<void> {
  await client.query(`
    do $$ begin
      if pg_has_role(current_user, (select nspowner from pg_namespace where nspname = current_schema()), 'usage') then
        execute format('revoke create on schema %I from public', current_schema());
      end if;
      if pg_has_role(current_user, (select datdba from pg_database where datname = current_database()), 'usage') then
        execute format('revoke temporary on database %I from public', current_database());
      end if;
    end $$`);
}

/**
 * Made from our own password: nothing more to keep, and the same for every server of the installation. Where ours is none
 * (a socket, a certificate), neither has theirs one.
 */
function passwordOf(url: string, role: string): string {
  const own = decodeURIComponent(new URL(url).password);
  return own === '' ? '' : createHmac('sha256', own).update(`healthsync login ${role}`).digest('base64url');
}

function passwordClause(address: DatabaseAddress, role: string): string {
  if (!('url' in address)) return '';
  const password = passwordOf(address.url, role);
  return password === '' ? '' : `password '${scramVerifier(password)}'`;
}

/** As PostgreSQL keeps it (RFC 5803), so that its log of statements has no password. */
function scramVerifier(password: string): string {
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password, salt, SCRAM_ITERATIONS, 32, 'sha256');
  const clientKey = createHmac('sha256', salted).update('Client Key').digest();
  const serverKey = createHmac('sha256', salted).update('Server Key').digest('base64');
  const storedKey = createHash('sha256').update(clientKey).digest('base64');
  return `SCRAM-SHA-256$${SCRAM_ITERATIONS}:${salt.toString('base64')}$${storedKey}:${serverKey}`;
}

/** PostgreSQL's own default; what it protects is 256 random bits, not a word. */
const SCRAM_ITERATIONS = 4096;
