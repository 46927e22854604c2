import type pg from 'pg';

/**
 * What the login of an organisation may do at all, table by table; row security then says with which rows. Nothing that
 * is not named: no password's hash, no session, no alarm written past the desk that rings it, nothing of the house.
 */
const RIGHTS: Readonly<Record<string, readonly string[]>> = {
  'select, insert, update, delete': [
    'assignment',
    'bed',
    'care_assignment',
    'device',
    'directory_group',
    'directory_member',
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
  select: [
    'alarm',
    'alarm_change',
    'alarm_event',
    'alarm_event_head',
    'alarm_note',
    'canary',
    'delivery',
    'emergency_access',
    'escalation',
    'escalation_step',
    'latest_vital_since',
    'system_alarm',
    'tenant',
    'vitals',
  ],
  // Who somebody is: for whoever they are named by.
  'select (id, name, display_name, roles, ward_ids, disabled_at, tenant_id)': ['app_user'],
};

/** Gives the rights that are missing. Changes nothing, and locks nothing, where none is. */
export async function grantTenantRights(client: Pick<pg.ClientBase, 'query'>, group: string): Promise<void> {
  await client.query(`
    do $$ begin
      if not has_schema_privilege('${group}', current_schema(), 'usage') then
        execute format('grant usage on schema %I to "${group}"', current_schema());
      end if;
      if not has_database_privilege('${group}', current_database(), 'connect') then
        execute format('grant connect on database %I to "${group}"', current_database());
      end if;
    end $$`);
  for (const [rights, tables] of Object.entries(RIGHTS)) {
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
