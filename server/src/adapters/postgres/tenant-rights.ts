import type pg from 'pg';

/** Which of an installation's logins: of one organisation for its care, or for its accounts; or of all, to sign people in. */
export type LoginKind = 'care' | 'accounts' | 'sign-in';

type Rights = Readonly<Record<string, readonly string[]>>;

/**
 * What the login of an organisation's requests may do at all, table by table; row security then says with which rows.
 * Nothing that is not named: no password's hash, no session, no alarm written past the desk that rings it, nothing of the
 * house.
 */
const CARE: Rights = {
  'select, insert, update, delete': [
    'assignment',
    'bed',
    'care_assignment',
    'device',
    'event_subscription',
    'list_version',
    'patient',
    'patient_vip',
    'quiet_hours',
    'rota',
    'rota_override',
    'rule_override',
    'rule_proposal',
    'rule_set',
    'rule_version',
    'topic_subscription',
    'ward',
    'ward_shifts',
  ],
  'select, insert, update': ['device_certificate', 'device_token', 'patient_news2', 'rejected_reading'],
  // What was said stays: triggers see to it, and there is no right to take it away.
  'select, insert': ['consent_version', 'device_doubt'],
  'select, insert, update (ended_at, ended_by, justified, review_comment, reviewed_by_id, reviewed_by, reviewed_at)': [
    'emergency_access',
  ],
  // The hash of a code is for the device that knows the code, which asks without being anybody's request.
  'insert, update (state, decided_by, decided_at, reason, serial, certificate)': ['device_enrollment'],
  [`select (id, tenant_id, device_id, patient_id, profile, invited_by, invited_by_id, invited_at, expires_at, state,
    request, key_fingerprint, stated, address, requested_at, decided_by, decided_at, reason, serial, certificate)`]: [
    'device_enrollment',
  ],
  'select, update (state, looked_by, looked_by_id, looked_at, verdict, note, closed_by, closed_by_id, closed_at)': [
    'security_alert',
  ],
  select: [
    'alarm',
    'alarm_change',
    'alarm_event',
    'alarm_event_head',
    'alarm_note',
    'audit_entry',
    'canary',
    'delivery',
    'escalation',
    'escalation_step',
    'latest_vital_since',
    'system_alarm',
    'tenant',
    'vitals',
  ],
  // That a security alert was looked at or closed is told to other systems; of an alarm nothing is.
  'insert (tenant_id, at, facts)': ['alarm_event'],
  // Who somebody is: for whoever they are named by.
  'select (id, name, display_name, roles, ward_ids, disabled_at, tenant_id)': ['app_user'],
  // Whether some system was given a ward that is to go.
  'select (id, ward_ids, tenant_id)': ['oauth_client'],
};

/**
 * For whoever keeps an organisation's accounts, and for everybody's own contacts, factors and sessions: no patient, no
 * password's hash, and nothing that signs anybody in.
 */
const ACCOUNTS: Rights = {
  'select, insert, update, delete': [
    'access_token',
    'contact',
    'directory_group',
    'directory_member',
    'invitation',
    'push_subscription',
    'recovery_code',
  ],
  'select, insert, update': ['list_version', 'oauth_client', 'own_record'],
  // New ones are shown by whoever has just proven who they are, at the door.
  'select, update (last_step, counter, used_at), delete': ['second_factor'],
  [`select (id, name, display_name, roles, ward_ids, disabled_at, tenant_id, source, external_id, profile, revision,
    created_at, changed_at, has_password)`]: ['app_user'],
  'insert (id, name, display_name, roles, ward_ids, disabled_at, tenant_id, source, external_id, profile)': [
    'app_user',
  ],
  'update (name, display_name, roles, ward_ids, disabled_at, source, external_id, profile)': ['app_user'],
  select: ['tenant'],
};

/** Across organisations, because nobody says where they belong before they have signed in: and so nothing but who they are. */
const SIGN_IN: Rights = {
  'select, insert, update, delete': [
    'access_token',
    'invitation',
    'oidc_record',
    'recovery_code',
    'second_factor',
    'setup_code',
    'spent_ticket',
  ],
  'select, insert, update': ['app_user', 'federated_identity'],
  'select, update (last_used_at)': ['oauth_client'],
  select: ['tenant'],
};

const RIGHTS: Readonly<Record<LoginKind, Rights>> = { care: CARE, accounts: ACCOUNTS, 'sign-in': SIGN_IN };

/** Gives the rights that are missing. Changes nothing, and locks nothing, where none is. */
export async function grantTenantRights(
  client: Pick<pg.ClientBase, 'query'>,
  group: string,
  kind: LoginKind,
): Promise<void> {
  await client.query(`
    do $$ begin
      if not has_schema_privilege('${group}', current_schema(), 'usage') then
        execute format('grant usage on schema %I to "${group}"', current_schema());
      end if;
      if not has_database_privilege('${group}', current_database(), 'connect') then
        execute format('grant connect on database %I to "${group}"', current_database());
      end if;
    end $$`);
  for (const [rights, tables] of Object.entries(RIGHTS[kind])) {
    const first = rights.split(/,(?![^(]*\))/).map((right) => right.trim().split(' ')[0]);
    const { rows } = await client.query<{ name: string }>(
      `select relname as name from pg_class
       where relname = any($1) and relnamespace = (select oid from pg_namespace where nspname = current_schema())
         and exists (select from unnest($2::text[]) as needed
           -- Columns know no right to delete, and PostgreSQL orders no "and".
           where not case needed when 'delete' then has_table_privilege($3, pg_class.oid, needed)
                                 else has_any_column_privilege($3, pg_class.oid, needed) end)`,
      [tables, first, group],
    );
    for (const { name } of rows) await client.query(`grant ${rights} on "${name}" to "${group}"`);
  }
}
