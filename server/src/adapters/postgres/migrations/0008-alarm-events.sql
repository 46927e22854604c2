-- What happened to alarms, for other systems, in one order that never changes. A row is written in the transaction of its
-- change; its position is given afterwards, to rows whose transaction and all that began before it have ended, so that
-- nothing can come in later before a position that somebody has already read past.
create table alarm_event (
  id uuid primary key default gen_random_uuid(),
  written bigint generated always as identity,
  transaction xid8 not null default pg_current_xact_id(),
  position bigint unique,
  alarm_id text not null,
  at timestamptz not null,
  facts jsonb not null
);
create index alarm_event_waiting on alarm_event (written) where position is null;
create index alarm_event_at on alarm_event (at);

-- The last position given; its row is the lock under which positions are given.
create table alarm_event_head (
  is_it boolean primary key default true check (is_it),
  position bigint not null default 0
);

create table event_subscription (
  id text primary key default gen_random_uuid()::text,
  name text not null,
  url text not null,
  secret text not null,
  detail text not null check (detail in ('place', 'patient', 'values')),
  routes jsonb not null,
  position bigint not null,
  is_paused boolean not null default false,
  is_refused boolean not null default false,
  failures integer not null default 0,
  failing_since timestamptz,
  last_failure text,
  last_delivered_at timestamptz,
  next_at timestamptz not null default '-infinity',
  lease text,
  leased_until timestamptz,
  created_by text not null,
  created_at timestamptz not null
);
