-- Alarm rules as data. A set is what the house, a ward or a patient has of its own; its revision grows with every change,
-- so that the second of two editors is told.
create table rule_set (
  scope text not null check (scope in ('house', 'ward', 'patient')),
  -- Empty for the house.
  scope_id text not null,
  revision integer not null,
  primary key (scope, scope_id)
);

-- Every version of every rule, with who set it and why; nothing is overwritten. Without a body: it was taken away.
create table rule_version (
  scope text not null,
  scope_id text not null,
  rule_id text not null,
  version integer not null,
  revision integer not null,
  -- The newest of its rule. What holds now is read at every change of the registry, the history hardly ever.
  is_newest boolean not null,
  body jsonb,
  set_by text not null,
  confirmed_by text,
  reason text not null,
  set_at timestamptz not null,
  primary key (scope, scope_id, rule_id, version),
  foreign key (scope, scope_id) references rule_set
);
create unique index rule_version_newest on rule_version (scope, scope_id, rule_id) where is_newest;
create index rule_version_history on rule_version (scope, scope_id, set_at);

-- A rule for a limited time.
create table rule_override (
  id text primary key,
  scope text not null check (scope in ('ward', 'patient')),
  scope_id text not null,
  rule_id text not null,
  body jsonb not null,
  from_at timestamptz not null,
  until_at timestamptz not null,
  set_by text not null,
  confirmed_by text,
  reason text not null,
  set_at timestamptz not null,
  -- Ended before its time.
  ended_at timestamptz,
  ended_by text,
  end_reason text,
  check (until_at > from_at)
);
create index rule_override_until on rule_override (until_at) where ended_at is null;

-- What waits for a second person.
create table rule_proposal (
  id text primary key,
  scope text not null check (scope in ('house', 'ward', 'patient')),
  scope_id text not null,
  rule_id text not null,
  -- Without one: the own rule is to be taken away.
  body jsonb,
  -- With both: it is to be an override.
  from_at timestamptz,
  until_at timestamptz,
  -- The newest version of the own rule when it was asked for; 0: none. Another one since, and the proposal is void.
  base_version integer not null,
  effect text not null,
  asked_by text not null,
  asked_by_id text not null,
  reason text not null,
  asked_at timestamptz not null,
  expires_at timestamptz not null,
  state text not null default 'open' check (state in ('open', 'confirmed', 'refused', 'superseded')),
  decided_by text,
  decided_at timestamptz
);
create index rule_proposal_open on rule_proposal (asked_at) where state = 'open';

-- Whether NEWS2 is used for a patient, beside the scale that is prescribed; and who decided so.
alter table patient add column news2_use text not null default 'by-age'
  check (news2_use in ('by-age', 'pregnancy', 'end-of-life', 'other'));
create table patient_news2 (
  patient_id text not null references patient,
  version integer not null,
  spo2_scale smallint not null,
  news2_use text not null,
  set_by text not null,
  reason text not null,
  set_at timestamptz not null,
  primary key (patient_id, version)
);

create trigger registry_changed after insert or update or delete on rule_set
  for each statement execute function healthsync_registry_changed();
create trigger registry_changed after insert or update or delete on rule_override
  for each statement execute function healthsync_registry_changed();

-- The patients' limits from before, with their whole history.
insert into rule_set (scope, scope_id, revision) select distinct 'patient', patient_id, 1 from patient_limit;
insert into rule_version
  (scope, scope_id, rule_id, version, revision, is_newest, body, set_by, reason, set_at)
select 'patient', patient_id, rule_id, version, 1,
  version = max(version) over (partition by patient_id, rule_id),
  case when removed then null else
    jsonb_build_object('kind', 'limit', 'id', rule_id, 'vital', vital, 'comparison', comparison,
      'limit', limit_value, 'priority', priority)
    || case when off then '{"off": true}'::jsonb else '{}'::jsonb end
  end,
  set_by, reason, set_at
from patient_limit;
drop table patient_limit;
