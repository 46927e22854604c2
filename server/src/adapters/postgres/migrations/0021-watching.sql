-- What watching over access has noticed: in the audit stream, and where no patient's name may be.
create table security_alert (
  tenant_id text not null default 'default',
  id text not null,
  kind text not null,
  score integer not null check (score between 0 and 100),
  severity text not null check (severity in ('high', 'medium', 'low')),
  state text not null default 'open' check (state in ('open', 'looked-at', 'closed')),
  person_name text,
  person_id text,
  patient_id text,
  reasons jsonb not null,
  evidence bigint[] not null,
  count integer not null,
  first_at timestamptz not null,
  last_at timestamptz not null,
  looked_by text,
  looked_by_id text,
  looked_at timestamptz,
  verdict text check (verdict in ('justified', 'violation', 'false-alarm')),
  note text,
  closed_by text,
  -- Nobody closes what is about themselves, by whatever program.
  closed_by_id text check (closed_by_id <> person_id),
  closed_at timestamptz,
  -- How serious it was when security was told of it last.
  told text,
  primary key (tenant_id, id),
  check ((state = 'closed') = (verdict is not null) and (state = 'closed') = (closed_by_id is not null))
);
create index security_alert_last on security_alert (tenant_id, last_at desc, id desc);
create index security_alert_open on security_alert (tenant_id, state) where state <> 'closed';
create index security_alert_untold on security_alert (first_at) where state = 'open' and told is distinct from severity;

-- What was said of an alert stays as it was said; and an alert is not done away with.
create function security_alert_keep() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then raise exception 'a security alert is not deleted'; end if;
  if (new.id, new.tenant_id, new.kind, new.person_name, new.person_id, new.patient_id, new.first_at)
     is distinct from (old.id, old.tenant_id, old.kind, old.person_name, old.person_id, old.patient_id, old.first_at)
     or (old.state = 'closed' and (new.state, new.verdict, new.note, new.closed_by_id, new.closed_at)
           is distinct from (old.state, old.verdict, old.note, old.closed_by_id, old.closed_at)) then
    raise exception 'a security alert is not rewritten';
  end if;
  return new;
end $$;
create trigger security_alert_kept before update or delete on security_alert
  for each row execute function security_alert_keep();

-- What is remembered of each person to tell what is usual, and how far the log was looked at.
create table watch_memory (
  tenant_id text not null default 'default',
  key text primary key,
  memory jsonb not null
);

-- An event may be about a security alert, which is no alarm.
alter table alarm_event alter column alarm_id drop not null;

-- Runs of the scan for leaks; and which patients are made up: they are kept and sealed like others, nobody is shown them,
-- and their names must be found nowhere.
create table leak_scan (
  tenant_id text not null default 'default',
  id text primary key,
  started_at timestamptz not null,
  ended_at timestamptz,
  result jsonb
);
create index leak_scan_started on leak_scan (started_at desc);
create table canary (
  tenant_id text not null default 'default',
  patient_id text primary key,
  planted_at timestamptz not null
);

-- Specially protected patients: who said so, when and why (sealed with the patient's key).
create table patient_vip (
  tenant_id text not null default 'default',
  patient_id text primary key references patient,
  since timestamptz not null,
  by_id text not null,
  by_name text not null,
  reason bytea not null
);
create trigger registry_changed after insert or update or delete on patient_vip
  for each statement execute function healthsync_registry_changed();

-- Which patient somebody who works here is, where they live and what they are called: as blind indexes, which find and
-- cannot be read.
create table own_record (
  tenant_id text not null default 'default',
  user_id text primary key references app_user,
  patient_id text,
  mrn_index bytea,
  address_index bytea,
  family_name_index bytea,
  changed_at timestamptz not null,
  changed_by text not null
);
