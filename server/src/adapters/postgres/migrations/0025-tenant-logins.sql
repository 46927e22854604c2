-- Logins beside those of care, each for its own work: docs/adr/0021-tenants.md.

-- An organisation's second login: for its accounts, contacts and apps, and without rights to what is measured. Its name
-- follows from the first one's (`tenant-logins.ts`).
alter table tenant add column accounts_role_name name
  generated always as (regexp_replace(role_name::text, '^(hs_[0-9a-f]{8})_', '\1-accounts_')::name) stored;

create or replace function healthsync_tenant() returns text stable parallel safe language sql
  return (select id from tenant where session_user in (role_name, accounts_role_name));
create or replace function healthsync_own_tenant() returns text stable parallel safe language sql
  return coalesce((select id from tenant where session_user in (role_name, accounts_role_name)), 'default');
alter policy own on tenant
  using (session_user in (role_name, accounts_role_name) or (select healthsync_is_house()));

-- The login that finds out who asks: nobody says where they belong before they have signed in. It sees the accounts of
-- all organisations and what proves them, and of what else there is nothing. Whoever else should be called so has been
-- given no right to any table by its owner.
create function healthsync_is_sign_in() returns boolean stable parallel safe language sql
  return session_user ~ '^hs_[0-9a-f]{8}-sign-in$';
do $$
declare
  of text;
begin
  foreach of in array array[
    'app_user', 'access_token', 'second_factor', 'recovery_code', 'invitation', 'federated_identity', 'oauth_client'
  ] loop
    execute format('create policy sign_in on %I using ((select healthsync_is_sign_in()))', of);
  end loop;
end $$;

-- Whether there is a password can be asked without a right to read it.
alter table app_user add column has_password boolean generated always as (password_hash is not null) stored;

-- A device is invited before it is there: it need not be there, and must be of nobody else.
drop trigger "00_tenant" on device_enrollment;
drop function healthsync_tenant_of_device_enrollment();
create function healthsync_tenant_of_device_enrollment() returns trigger language plpgsql as $$
declare
  parent text;
begin
  select tenant_id into parent from device where id = new.device_id;
  if found and parent <> new.tenant_id then
    raise foreign_key_violation using message = 'what belongs together is of one organisation';
  end if;
  if new.patient_id is null then return new; end if;
  select tenant_id into parent from patient where id = new.patient_id;
  if found and parent <> new.tenant_id then
    raise foreign_key_violation using message = 'what belongs together is of one organisation';
  elsif not found and not healthsync_is_house() then
    raise foreign_key_violation using message = 'there is no such patient';
  end if;
  return new;
end $$;
create trigger "00_tenant" before insert or update of tenant_id, device_id, patient_id on device_enrollment
  for each row execute function healthsync_tenant_of_device_enrollment();
do $$
begin
  execute format('alter function healthsync_tenant_of_device_enrollment() set search_path = %I, pg_temp', current_schema());
end $$;

-- What names no organisation (a stranger's attempt, a command) is for the first one: it runs the installation.
drop policy own on audit_entry;
create policy own on audit_entry for select using (coalesce(tenant_id, 'default') = (select healthsync_tenant()));

-- Whoever changes an account leaves an entry for the audit log, and needs no right to write any other: the one function
-- here that has its owner's rights. It says what the row says, and a trigger's function cannot be called.
do $$
begin
  execute format('alter function audit_user() security definer set search_path = %I, pg_temp', current_schema());
end $$;

-- Every login may listen to every channel: a notice must not say of whom. Ids of consents are random.
create or replace function healthsync_consent_changed() returns trigger language plpgsql as $$
begin
  perform pg_notify('healthsync_consent', new.consent_id);
  return null;
end $$;
