-- Organisations. Every record carries its own, and the database itself keeps them apart: docs/adr/0021-tenants.md.

create table tenant (
  id text primary key check (id ~ '^[a-z][a-z0-9-]{0,31}$'),
  name text not null,
  -- Its login of the database. None: there is but one organisation, and requests use the program's own login.
  role_name name unique,
  created_at timestamptz not null default now()
);
insert into tenant (id, name) values ('default', 'The organisation that runs this installation');

-- Whose login this is; null: no organisation's. By `session_user`: neither `set role` nor a function that runs with its
-- owner's rights changes it. Bound when they are made (`return`), so that no table of a session's own can stand in.
create function healthsync_tenant() returns text stable parallel safe language sql
  return (select id from tenant where role_name = session_user);
-- Whether this is the program itself: whoever has the rights of the owner of the tables.
create function healthsync_is_house() returns boolean stable parallel safe language sql
  return (select pg_has_role(session_user, relowner, 'usage') from pg_class where oid = 'tenant'::regclass);
-- To which organisation belongs what does not say so.
create function healthsync_own_tenant() returns text stable parallel safe language sql
  return coalesce((select id from tenant where role_name = session_user), 'default');

alter table tenant enable row level security;
alter table tenant force row level security;
-- Of the others not even that they exist.
create policy own on tenant using (role_name = session_user or (select healthsync_is_house()));

-- Puts a table behind the wall. A migration that makes a table calls it, or `tenants.test.ts` names it with a reason.
-- `is_copied`: filled by COPY, which PostgreSQL refuses where row security binds: its owner is left out.
create function healthsync_wall(of regclass, is_copied boolean default false) returns void language plpgsql as $$
begin
  if not exists (select from pg_attribute where attrelid = of and attname = 'tenant_id' and not attisdropped) then
    execute format('alter table %s add column tenant_id text not null default ''default''', of);
  end if;
  execute format('alter table %s enable row level security', of);
  if is_copied then return; end if;
  execute format('alter table %s force row level security, alter column tenant_id set default healthsync_own_tenant()', of);
  execute format('create policy own on %s using (tenant_id = (select healthsync_tenant()) or (select healthsync_is_house()))', of);
end $$;

-- Nothing changes its organisation, and what belongs to something belongs to the organisation of that: it need not say,
-- and cannot say otherwise. `parents`: pairs of a table and the column that names one of its rows. What another
-- organisation has looks like what is not there.
create function healthsync_inherits(child text, parents text[]) returns void language plpgsql as $$
declare
  lookups text := '';
begin
  for i in 1 .. cardinality(parents) by 2 loop
    lookups := lookups || format($lookup$
      if new.%3$I is not null then
        select tenant_id into parent from %1$I where %2$I = new.%3$I limit 1;
        if found then
          if owner is not null and owner <> parent then
            raise foreign_key_violation using message = 'what belongs together is of one organisation';
          end if;
          owner := parent;
        elsif not healthsync_is_house() then
          raise foreign_key_violation using message = 'there is no such %1$s';
        end if;
      end if;
      $lookup$, parents[i], case parents[i] when 'rota' then 'rota_id' else 'id' end, parents[i + 1]);
  end loop;
  execute format($make$
    create function healthsync_tenant_of_%1$s() returns trigger language plpgsql set search_path = %2$I, pg_temp as $body$
    declare
      owner text;
      parent text;
    begin
      if tg_op = 'UPDATE' and new.tenant_id is distinct from old.tenant_id then
        raise check_violation using message = 'nothing changes its organisation';
      end if;
      %3$s
      if owner is null or owner = new.tenant_id then return new; end if;
      if tg_op = 'UPDATE' or new.tenant_id <> 'default' then
        raise foreign_key_violation using message = 'what belongs together is of one organisation';
      end if;
      new.tenant_id := owner;
      return new;
    end $body$;
    $make$, child, current_schema(), lookups);
  execute format(
    'create trigger "00_tenant" before insert or update of %s tenant_id on %I for each row execute function healthsync_tenant_of_%s()',
    (select coalesce(string_agg(quote_ident(parents[i]) || ', ', ''), '')
       from generate_subscripts(parents, 1) i where i % 2 = 0), child, child);
end $$;

-- Of rules, quiet hours and versions of lists: whose they are is in two columns.
create function healthsync_tenant_of_place() returns trigger language plpgsql as $$
declare
  kind text := coalesce(to_jsonb(new) ->> 'scope', to_jsonb(new) ->> 'owner_kind', 'user');
  place text := coalesce(to_jsonb(new) ->> 'scope_id', to_jsonb(new) ->> 'owner_id');
  owner text;
begin
  case kind
    -- An organisation's own house: empty for the first, its id for the others.
    when 'house' then select id into owner from tenant where id = coalesce(nullif(place, ''), 'default');
    when 'ward' then select tenant_id into owner from ward where id = place;
    when 'patient' then select tenant_id into owner from patient where id = place;
    when 'user' then select tenant_id into owner from app_user where id = place;
  end case;
  if owner is null and not healthsync_is_house() then
    raise foreign_key_violation using message = 'there is no such ' || kind;
  end if;
  new.tenant_id := coalesce(owner, new.tenant_id);
  return new;
end $$;

do $$
declare
  of text;
begin
  -- What is an organisation's own, before whatever belongs to it.
  foreach of in array array[
    'ward', 'bed', 'patient', 'device', 'device_certificate', 'device_token', 'assignment', 'rejected_reading',
    'latest_vital_since', 'alarm', 'alarm_condition', 'alarm_change', 'alarm_note', 'outbox_event', 'delivery',
    'answer_token', 'alarm_event', 'event_subscription', 'escalation', 'escalation_step', 'held_telling',
    'watchdog_telling', 'app_user', 'access_token', 'second_factor', 'recovery_code', 'invitation',
    'federated_identity', 'directory_group', 'directory_member', 'contact', 'topic_subscription', 'push_subscription',
    'list_version', 'rule_set', 'rule_version', 'rule_override', 'rule_proposal', 'patient_news2', 'rota',
    'rota_override', 'ward_shifts', 'care_assignment', 'quiet_hours', 'emergency_access', 'consent_version',
    'oauth_client', 'audit_hold', 'erasure'
  ] loop
    perform healthsync_wall(of::regclass);
  end loop;
  perform healthsync_wall('vitals', true);
end $$;
-- An organisation reads what was measured; only the program writes it.
create policy own on vitals for select using (tenant_id = (select healthsync_tenant()));

do $$
declare
  child text;
  parents text[];
begin
  foreach child in array array['ward', 'device', 'app_user', 'rota', 'directory_group', 'oauth_client', 'event_subscription'] loop
    perform healthsync_inherits(child, '{}');
  end loop;
  foreach child in array array[
    'alarm_change', 'alarm_note', 'outbox_event', 'answer_token', 'alarm_event', 'escalation', 'escalation_step',
    'held_telling', 'watchdog_telling'
  ] loop
    perform healthsync_inherits(child, '{alarm,alarm_id}');
  end loop;
  foreach child in array array['latest_vital_since', 'alarm', 'alarm_condition', 'patient_news2', 'consent_version'] loop
    perform healthsync_inherits(child, '{patient,patient_id}');
  end loop;
  foreach child in array array['device_certificate', 'device_token', 'rejected_reading'] loop
    perform healthsync_inherits(child, '{device,device_id}');
  end loop;
  foreach child in array array[
    'access_token', 'second_factor', 'recovery_code', 'invitation', 'federated_identity', 'contact',
    'topic_subscription', 'push_subscription'
  ] loop
    perform healthsync_inherits(child, '{app_user,user_id}');
  end loop;
  perform healthsync_inherits('bed', '{ward,ward_id}');
  perform healthsync_inherits('patient', '{bed,bed_id}');
  perform healthsync_inherits('assignment', '{device,device_id,patient,patient_id}');
  perform healthsync_inherits('directory_member', '{directory_group,group_id,app_user,user_id}');
  perform healthsync_inherits('ward_shifts', '{ward,ward_id}');
  perform healthsync_inherits('care_assignment', '{ward,ward_id,app_user,user_id}');
  perform healthsync_inherits('rota_override', '{rota,rota_id}');
  perform healthsync_inherits('emergency_access', '{patient,patient_id,app_user,user_id}');
end $$;

-- Of what is told: the alarm's; of what speaks of none, that of who is told. Nothing here may keep it from being told.
create function healthsync_tenant_of_delivery() returns trigger language plpgsql as $$
begin
  new.tenant_id := coalesce(
    (select tenant_id from alarm where id = new.alarm_id),
    (select tenant_id from app_user where id = new.user_id),
    new.tenant_id);
  return new;
end $$;
create trigger "00_tenant" before insert on delivery for each row execute function healthsync_tenant_of_delivery();

do $$
declare
  of text;
begin
  foreach of in array array['rule_set', 'rule_version', 'rule_override', 'rule_proposal', 'quiet_hours', 'list_version'] loop
    execute format('create trigger "00_tenant" before insert on %I for each row execute function healthsync_tenant_of_place()', of);
  end loop;
end $$;

do $$
begin
  execute format('alter function healthsync_tenant_of_place() set search_path = %I, pg_temp', current_schema());
  execute format('alter function healthsync_tenant_of_delivery() set search_path = %I, pg_temp', current_schema());
end $$;

-- An alarm of the installation is everybody's; one that speaks of an organisation is told to that one.
alter table system_alarm add column tenant_id text;
alter table system_alarm enable row level security;
alter table system_alarm force row level security;
create policy own on system_alarm using (
  tenant_id is null or tenant_id = (select healthsync_tenant()) or (select healthsync_is_house()));

-- Filled by COPY, as the history is. What strangers tried is nobody's but the house's.
alter table audit_entry enable row level security;
create policy own on audit_entry for select using (tenant_id = (select healthsync_tenant()));

-- Two hospitals' directories may each have a group `nurses`.
alter table directory_group drop constraint directory_group_display_name_key;
alter table directory_group add constraint directory_group_name unique (tenant_id, display_name);
-- And both may tell one pager of everything that is theirs.
alter table topic_subscription drop constraint topic_subscription_topic_user_id_channel_recipient_key;
alter table topic_subscription
  add constraint topic_subscription_one unique nulls not distinct (tenant_id, topic, user_id, channel, recipient);

-- What other migrations made and named an organisation in: behind the wall as well, each with what it belongs to.
do $$
declare
  child text;
  parents text[];
begin
  for child in
    select relname from pg_class
    where relkind in ('r', 'p') and not relispartition and not relrowsecurity
      and relnamespace = (select relnamespace from pg_class where oid = 'tenant'::regclass)
      and exists (select from pg_attribute where attrelid = pg_class.oid and attname = 'tenant_id')
    order by relname
  loop
    perform healthsync_wall(child::regclass);
    select array[owner, attname] into parents
      from (values (1, 'device', 'device_id'), (2, 'alarm', 'alarm_id'), (3, 'app_user', 'user_id'), (4, 'patient', 'patient_id'))
        as belongs (rank, owner, named)
      join pg_attribute on attrelid = child::regclass and attname = named
      order by rank limit 1;
    -- What somebody of one organisation tried with another's patient is his own organisation's to look into.
    perform healthsync_inherits(child, case child when 'security_alert' then '{}' else coalesce(parents, '{}') end);
  end loop;
end $$;
