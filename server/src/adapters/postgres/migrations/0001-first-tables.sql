-- The registry: wards, beds, patients, devices, and who wears what. -------------------------------------------------

create table ward (
  id text primary key,
  name text not null
);

create table bed (
  id text primary key,
  ward_id text not null references ward,
  label text not null
);

create table patient (
  id text primary key,
  mrn text,
  family_name text,
  given_name text,
  birth_date date,
  sex text check (sex in ('female', 'male', 'other', 'unknown')),
  bed_id text references bed,
  spo2_scale smallint not null default 1 check (spo2_scale in (1, 2))
);
create index patient_bed on patient (bed_id);

create table device (
  id text primary key,
  profile text,
  config text,
  created_at timestamptz not null
);

create table device_certificate (
  serial text primary key,
  device_id text not null references device,
  not_before timestamptz not null,
  not_after timestamptz not null,
  revoked_at timestamptz,
  revocation_reason text
);
create index device_certificate_device on device_certificate (device_id);

create table device_token (
  sha256 text primary key,
  device_id text not null references device,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz
);
create index device_token_device on device_token (device_id);

create table assignment (
  device_id text not null references device,
  patient_id text not null references patient,
  from_at timestamptz not null,
  to_at timestamptz,
  primary key (device_id, from_at),
  check (to_at > from_at)
);
create index assignment_patient on assignment (patient_id);
-- At any moment a device belongs to one patient at most. An exclusion constraint would say it in a line, but for a text
-- column it needs the extension btree_gist, which is not everywhere. The device's row serialises the writers.
create function assignment_refuse_overlap() returns trigger language plpgsql as $$
begin
  perform 1 from device where id = new.device_id for no key update;
  if exists (
    select from assignment as other
    where other.device_id = new.device_id
      and other.from_at <> new.from_at
      and tstzrange(other.from_at, other.to_at) && tstzrange(new.from_at, new.to_at)
  ) then
    raise exclusion_violation using message = 'a device can be assigned to one patient at a time';
  end if;
  return new;
end $$;
create trigger assignment_no_overlap before insert or update on assignment
  for each row execute function assignment_refuse_overlap();

-- Every version of a patient's own limits, with who set it and why. The highest version is in force.
create table patient_limit (
  patient_id text not null references patient,
  rule_id text not null,
  version integer not null,
  vital text not null,
  comparison text not null check (comparison in ('above', 'below')),
  limit_value double precision not null,
  priority text not null check (priority in ('high', 'medium', 'low')),
  off boolean not null,
  removed boolean not null,
  set_by text not null,
  reason text not null,
  set_at timestamptz not null,
  primary key (patient_id, rule_id, version)
);

-- Whoever changes the registry, by whatever program, everybody who holds it in memory learns of it.
create function healthsync_registry_changed() returns trigger language plpgsql as $$
begin
  perform pg_notify('healthsync_registry', '');
  return null;
end $$;
create trigger registry_changed after insert or update or delete on ward
  for each statement execute function healthsync_registry_changed();
create trigger registry_changed after insert or update or delete on bed
  for each statement execute function healthsync_registry_changed();
create trigger registry_changed after insert or update or delete on patient
  for each statement execute function healthsync_registry_changed();
create trigger registry_changed after insert or update or delete on device
  for each statement execute function healthsync_registry_changed();
create trigger registry_changed after insert or update or delete on device_certificate
  for each statement execute function healthsync_registry_changed();
create trigger registry_changed after insert or update or delete on device_token
  for each statement execute function healthsync_registry_changed();
create trigger registry_changed after insert or update or delete on assignment
  for each statement execute function healthsync_registry_changed();
create trigger registry_changed after insert or update or delete on patient_limit
  for each statement execute function healthsync_registry_changed();

-- The history: one wide row per reading, one partition per day of measurement (UTC). ---------------------------------

-- The key is what makes a reading one reading, and also how it is read: by patient and time. There is no default
-- partition: with rows in one, the day they belong to could no longer be attached.
create table vitals (
  patient_id text not null,
  at timestamptz not null,
  device_id text not null,
  reading_id text not null,
  received_at timestamptz not null,
  heart_rate double precision,
  spo2 double precision,
  respiratory_rate double precision,
  temperature double precision,
  systolic double precision,
  diastolic double precision,
  mean double precision,
  battery double precision,
  oxygen boolean,
  leads_off boolean,
  consciousness text,
  primary key (patient_id, at, device_id, reading_id)
) partition by range (at);

-- When each vital of a patient was last measured; the value itself stays in the history. Half-empty pages let the
-- once-a-second updates stay on their page, without touching an index.
create table latest_vital_time (
  patient_id text primary key,
  heart_rate timestamptz,
  spo2 timestamptz,
  respiratory_rate timestamptz,
  temperature timestamptz,
  systolic timestamptz,
  diastolic timestamptz,
  mean timestamptz
) with (fillfactor = 50);

-- Where each consumer of the reading log stands: written with its own rows, in their transaction.
create table log_position (
  consumer text not null,
  partition integer not null,
  next bigint not null,
  primary key (consumer, partition)
) with (fillfactor = 50);

create table assessor_checkpoint (
  partition integer primary key,
  next bigint not null,
  state text not null,
  saved_at timestamptz not null default now()
);

-- Alarms and what must be told about them. ---------------------------------------------------------------------------

-- No foreign key: nothing may ever stand in the way of storing an alarm.
create table alarm (
  id text primary key,
  patient_id text not null,
  ward_id text,
  bed_id text,
  rule text not null,
  rule_version integer not null,
  kind text not null check (kind in ('physiological', 'technical')),
  priority text not null check (priority in ('high', 'medium', 'low')),
  state text not null check (state in ('active', 'resolved')),
  condition text not null check (condition in ('present', 'ended')),
  cause jsonb not null,
  worst jsonb not null,
  device_id text not null,
  reading_id text not null,
  last_reading_id text not null,
  raised_at timestamptz not null,
  ended_at timestamptz,
  acknowledged_at timestamptz,
  acknowledged_by text,
  resolved_at timestamptz
);
create unique index alarm_one_open on alarm (patient_id, rule) where state = 'active';
create index alarm_newest on alarm (raised_at desc, id desc);
create index alarm_patient on alarm (patient_id, raised_at desc);
create index alarm_open on alarm (raised_at desc, id desc) where state = 'active';

-- The last transition applied for each patient and rule, so that a replay changes nothing.
create table alarm_condition (
  patient_id text not null,
  rule text not null,
  partition integer not null,
  log_offset bigint not null,
  step integer not null,
  -- The latest event time among the applied: tells a replay from a log that began anew.
  at timestamptz not null,
  primary key (patient_id, rule)
) with (fillfactor = 80);

create table outbox_event (
  id bigint generated always as identity primary key,
  alarm_id text not null,
  change jsonb not null,
  created_at timestamptz not null default now(),
  fanned_out_at timestamptz
);
create index outbox_event_waiting on outbox_event (id) where fanned_out_at is null;

create table delivery (
  id text primary key default gen_random_uuid()::text,
  event_id bigint not null references outbox_event,
  alarm_id text not null,
  channel text not null,
  recipient text not null,
  state text not null default 'pending' check (state in ('pending', 'delivered', 'failed')),
  attempts integer not null default 0,
  next_at timestamptz not null,
  leased_until timestamptz,
  last_detail text,
  updated_at timestamptz not null,
  unique (event_id, channel, recipient)
);
create index delivery_due on delivery (next_at) where state = 'pending';
create index delivery_alarm on delivery (alarm_id);

-- People and their tokens. --------------------------------------------------------------------------------------------

create table app_user (
  id text primary key,
  name text not null unique,
  display_name text not null,
  roles text[] not null,
  ward_ids text[] not null,
  password_hash text,
  disabled_at timestamptz
);

create table access_token (
  sha256 text primary key,
  kind text not null check (kind in ('session', 'api')),
  user_id text not null references app_user,
  created_at timestamptz not null,
  idle_expires_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz
);
create index access_token_user on access_token (user_id);
create index access_token_expiry on access_token (expires_at);

create table setup_code (
  sha256 text primary key,
  expires_at timestamptz not null,
  claimed_at timestamptz
);

-- Readings that were refused. -----------------------------------------------------------------------------------------

create table rejected_reading (
  id bigint generated always as identity primary key,
  device_id text not null,
  received_at timestamptz not null,
  source text not null check (source in ('mqtt', 'https')),
  payload bytea not null,
  problems jsonb not null,
  state text not null default 'open' check (state in ('open', 'replayed', 'dismissed')),
  marked_at timestamptz,
  marked_by text
);
create index rejected_reading_device on rejected_reading (device_id, id desc);
