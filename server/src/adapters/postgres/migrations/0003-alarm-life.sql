-- The life of an alarm: who looks after it, silence that ends by itself, urgency that goes up and down, and what time
-- will do to it if nobody touches it.
alter table alarm
  add column highest_priority text check (highest_priority in ('high', 'medium', 'low')),
  add column acknowledgement_expires_at timestamptz,
  add column owner text,
  add column owner_id text,
  add column snoozed_until timestamptz,
  add column snoozed_at timestamptz,
  add column snoozed_by text,
  add column reminders integer not null default 0,
  add column remind_at timestamptz,
  add column clears_at timestamptz,
  add column escalation_step text,
  add column escalated_at timestamptz,
  add column notes integer not null default 0,
  add column resolved_by text check (resolved_by in ('person', 'condition', 'rule')),
  -- Counts what was written: tells a newer answer from an older one.
  add column revision integer not null default 1,
  -- When the clock must look at it next. Nulls are ignored: null where nothing is to come.
  add column due_at timestamptz
    generated always as (least(acknowledgement_expires_at, snoozed_until, remind_at, clears_at)) stored;

update alarm set
  highest_priority = priority,
  owner = acknowledged_by,
  -- Alarms that are open across the upgrade get their first times here; the program's own policy takes over from there.
  remind_at = case when state = 'active' and condition = 'present' and acknowledged_at is null
    then now() + interval '2 minutes' end,
  acknowledgement_expires_at = case when state = 'active' and acknowledged_at is not null
    then now() + interval '10 minutes' end;

alter table alarm alter column highest_priority set not null;
-- A snooze has an end and an author, and only what is open can be silenced.
alter table alarm add constraint alarm_snooze check (
  num_nonnulls(snoozed_until, snoozed_at, snoozed_by) in (0, 3) and (snoozed_until is null or state = 'active')
);
create index alarm_due on alarm (due_at) where due_at is not null;
create index alarm_owner on alarm (owner_id, raised_at desc) where owner_id is not null;

-- Everything that happened to each alarm, for its history. The events that are told lie in the outbox and may go when
-- they are told; this stays.
create table alarm_change (
  id bigint generated always as identity primary key,
  alarm_id text not null,
  kind text not null,
  at timestamptz not null,
  by text,
  by_id text,
  -- What else there is to say of this kind of change.
  detail jsonb not null
);
create index alarm_change_alarm on alarm_change (alarm_id, id);

-- What happened before this version, from what was told.
insert into alarm_change (alarm_id, kind, at, by, detail)
select alarm_id, change ->> 'kind', created_at,
  case when change ->> 'kind' = 'acknowledged' then change -> 'alarm' ->> 'acknowledgedBy' end,
  jsonb_build_object(
    'priority', change -> 'alarm' -> 'priority',
    'condition', change -> 'alarm' -> 'condition',
    'text', change -> 'alarm' -> 'worst' -> 'text'
  )
from outbox_event order by id;

-- People's own words, which may hold patient data: apart from the alarm, whose row goes into events and messages.
create table alarm_note (
  id bigint generated always as identity primary key,
  alarm_id text not null,
  at timestamptz not null,
  author text not null,
  author_id text,
  text text not null check (length(text) between 1 and 2000)
);
create index alarm_note_alarm on alarm_note (alarm_id, id);
