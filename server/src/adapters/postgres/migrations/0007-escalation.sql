-- Who is on call. Every version of a rota, with who set it and why; the highest is in force.
create table rota (
  rota_id text not null,
  version integer not null,
  name text not null,
  ward_ids text[] not null,
  zone text not null,
  layers jsonb not null,
  retired boolean not null,
  set_by text not null,
  reason text not null,
  set_at timestamptz not null,
  primary key (rota_id, version)
);

create table rota_override (
  id text primary key,
  rota_id text not null,
  layer text not null,
  user_id text not null,
  from_at timestamptz not null,
  to_at timestamptz not null check (to_at > from_at),
  reason text not null,
  made_by text not null,
  made_at timestamptz not null,
  withdrawn_at timestamptz,
  withdrawn_by text
);
create index rota_override_time on rota_override (to_at) where withdrawn_at is null;

-- Who looks after whom, shift by shift.
create table ward_shifts (
  ward_id text primary key,
  zone text not null,
  shifts jsonb not null,
  set_by text not null,
  set_at timestamptz not null
);

-- An assignment is never changed but for its end: who was whose nurse last night can be read here.
create table care_assignment (
  id text primary key,
  ward_id text not null,
  role text not null check (role in ('nurse', 'charge-nurse', 'doctor')),
  user_id text not null,
  bed_ids text[] not null,
  patient_ids text[] not null,
  from_at timestamptz not null,
  to_at timestamptz check (to_at > from_at),
  shift text,
  made_by text not null,
  made_at timestamptz not null,
  ended_at timestamptz,
  ended_by text
);
create index care_assignment_ward on care_assignment (ward_id) where ended_at is null;

create table quiet_hours (
  owner_kind text not null check (owner_kind in ('user', 'ward')),
  owner_id text not null,
  zone text not null,
  -- Never for high alarms.
  windows jsonb not null check (not jsonb_path_exists(windows, '$[*].priorities[*] ? (@ == "high")')),
  set_by text not null,
  set_at timestamptz not null,
  primary key (owner_kind, owner_id)
);

-- A round of an escalation belongs to one call for somebody. No foreign keys: nothing may stand in the way of an alarm.
create table escalation (
  alarm_id text not null,
  round integer not null,
  execution text not null,
  definition text not null,
  priority text not null,
  from_step text not null,
  started_by text not null,
  started_at timestamptz not null,
  -- The latest step told, when, and what an answer to it completes.
  step text,
  told_at timestamptz,
  due_at timestamptz,
  token text,
  end_reason text,
  ended_at timestamptz,
  ended_by text,
  primary key (alarm_id, round),
  check ((end_reason is null) = (ended_at is null))
);
create unique index escalation_one_running on escalation (alarm_id) where ended_at is null;
create index escalation_due on escalation (due_at) where ended_at is null;

-- What each step did: whom it told, by which channel and why.
create table escalation_step (
  alarm_id text not null,
  round integer not null,
  step text not null,
  repeat integer not null,
  at timestamptz not null,
  until timestamptz,
  recipients jsonb not null,
  warnings jsonb not null,
  primary key (alarm_id, round, step, repeat)
);

-- Told when quiet hours end, if the alarm still calls then.
create table held_telling (
  alarm_id text not null,
  dedupe_key text primary key,
  telling jsonb not null,
  due_at timestamptz not null
);
create index held_telling_due on held_telling (due_at);

-- Who watches says so here, and others look whether it was said lately.
create table heartbeat (
  name text primary key,
  beat_at timestamptz not null,
  detail text
) with (fillfactor = 50);

-- When the watchdog told everybody of an alarm that its escalation had left behind.
create table watchdog_telling (
  alarm_id text not null,
  at timestamptz not null,
  reason text not null,
  primary key (alarm_id, at)
);
