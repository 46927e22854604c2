-- A verification looks at what is new every hour, and at everything once a day: when everything was looked at last.
alter table audit_check add column whole_at timestamptz;
update audit_check set whole_at = at;

-- What was not sent, because it was no longer worth it or told otherwise, was a decision too.
create or replace function audit_delivery() returns trigger language plpgsql as $$
begin
  insert into audit_pending (entry) select jsonb_strip_nulls(jsonb_build_object(
    'atMs', (extract(epoch from new.updated_at) * 1000)::bigint,
    'actor', jsonb_build_object('kind', 'system', 'name', 'teller'),
    'action', case new.state when 'dropped' then 'message.drop' else 'message.send' end,
    'resource', jsonb_build_object('kind', 'channel', 'id', new.channel),
    'patientId', (select patient_id from alarm where id = new.alarm_id),
    'outcome', case new.state when 'failed' then 'failed' else 'allowed' end,
    'correlationId', coalesce(new.alarm_id, new.id),
    'tenantId', nullif(new.tenant_id, 'default'),
    'detail', jsonb_build_object('delivery', new.id, 'event', new.event, 'user', new.user_id,
      -- Of a refusal it may be a provider's own words, with an address in them.
      'why', case when new.state = 'dropped' and new.last_detail ~ '^[a-z-]{1,40}$' then new.last_detail end)));
  return null;
end $$;
drop trigger delivery_audited on delivery;
create trigger delivery_audited after update of state on delivery for each row
  when (new.state in ('delivered', 'failed', 'dropped') and new.state <> old.state) execute function audit_delivery();

-- Whoever changes what somebody may, by whatever way: a person here, the hospital's directory, another provider.
create function audit_user() returns trigger language plpgsql as $$
begin
  insert into audit_pending (entry) values (jsonb_strip_nulls(jsonb_build_object(
    'atMs', (extract(epoch from clock_timestamp()) * 1000)::bigint,
    'actor', jsonb_build_object('kind', 'system', 'name', 'accounts'),
    'action', 'user.changed',
    'resource', jsonb_build_object('kind', 'user', 'id', new.id),
    'outcome', 'allowed',
    'correlationId', new.id || '.' || new.revision,
    'tenantId', nullif(new.tenant_id, 'default'),
    'detail', jsonb_build_object(
      'account', new.name, 'source', new.source,
      'rolesBefore', coalesce(array_to_string(case tg_op when 'UPDATE' then old.roles end, ' '), ''),
      'roles', array_to_string(new.roles, ' '),
      'wardsBefore', coalesce(array_to_string(case tg_op when 'UPDATE' then old.ward_ids end, ' '), ''),
      'wards', array_to_string(new.ward_ids, ' '),
      'disabled', new.disabled_at is not null))));
  return null;
end $$;
create trigger app_user_made after insert on app_user for each row execute function audit_user();
create trigger app_user_audited after update on app_user for each row
  when (new.roles <> old.roles or new.ward_ids <> old.ward_ids or new.name <> old.name
    or (new.disabled_at is null) <> (old.disabled_at is null)) execute function audit_user();
