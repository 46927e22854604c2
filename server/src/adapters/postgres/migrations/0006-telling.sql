-- Telling: whom, by which channel, in which words, and what became of it. See docs/adr/0010-telling.md.

alter table delivery
  -- Beside changes of alarms, a delivery may be ordered by escalation, sum up others, or be about the installation.
  alter column event_id drop not null,
  alter column alarm_id drop not null,
  add column sequence bigint generated always as identity,
  add column event text not null default 'raised',
  -- 0: high, 1: medium, 2: low; what is urgent goes first.
  add column rank smallint not null default 0 check (rank between 0 and 2),
  add column user_id text,
  add column dedupe_key text,
  add column is_follow_up boolean not null default false,
  -- Of a delivery about no alarm of a patient: the installation's alarm, or what a summary sums up.
  add column about jsonb,
  add column summary_id text references delivery,
  add column ordered_at timestamptz not null default now(),
  add column delivered_at timestamptz,
  add column receipt text,
  add column receipt_state text check (receipt_state in ('delivered', 'failed', 'read')),
  add column receipt_at timestamptz,
  drop constraint delivery_state_check,
  add constraint delivery_state_check check (state in ('pending', 'delivered', 'failed', 'dropped')),
  add constraint delivery_about check (alarm_id is not null or about is not null);

update delivery set
  event = coalesce(outbox_event.change ->> 'kind', 'raised'),
  rank = case outbox_event.change -> 'alarm' ->> 'priority' when 'high' then 0 when 'medium' then 1 else 2 end,
  ordered_at = outbox_event.created_at,
  delivered_at = case when state = 'delivered' then updated_at end
from outbox_event where outbox_event.id = event_id;

create unique index delivery_dedupe on delivery (dedupe_key) where dedupe_key is not null;
drop index delivery_due;
create index delivery_due on delivery (rank, next_at) where state = 'pending';
-- Answers and receipts come back by these.
create index delivery_recipient on delivery (channel, recipient, delivered_at desc);
create index delivery_receipt on delivery (channel, receipt) where receipt is not null;
create index delivery_delivered on delivery (channel, delivered_at desc) where delivered_at is not null;
create index delivery_failed on delivery (channel, updated_at desc) where state = 'failed';

-- What an answer brings back. A new one with every attempt; only its hash is here.
create table answer_token (
  sha256 text primary key,
  alarm_id text not null,
  channel text not null,
  recipient text not null,
  expires_at timestamptz not null
);
create index answer_token_expiry on answer_token (expires_at);

create table contact (
  user_id text not null references app_user,
  channel text not null,
  address text not null,
  sequence bigint generated always as identity,
  min_priority text check (min_priority in ('high', 'medium', 'low')),
  verified_at timestamptz,
  verified_by text check (verified_by in ('code', 'admin', 'channel')),
  code_sha256 text,
  code_expires_at timestamptz,
  code_tries integer not null default 0,
  created_at timestamptz not null,
  primary key (user_id, channel, address)
);
-- Behind an address stands one person: an answer from it is theirs. Claims that nobody verified do not count.
create unique index contact_of_one on contact (channel, address) where verified_at is not null;

create table topic_subscription (
  id text primary key default gen_random_uuid()::text,
  topic text not null,
  user_id text references app_user,
  channel text,
  recipient text,
  min_priority text check (min_priority in ('high', 'medium', 'low')),
  events text[],
  created_by text not null,
  created_at timestamptz not null,
  check ((user_id is null) = (channel is not null and recipient is not null)),
  unique nulls not distinct (topic, user_id, channel, recipient)
);

-- Every version is kept: who changed what a channel may say, when, and why.
create table channel_policy (
  channel text not null,
  version integer not null,
  policy jsonb not null,
  set_by text not null,
  set_at timestamptz not null,
  reason text not null,
  primary key (channel, version)
);

-- Alarms of the installation: a row per raising.
create table system_alarm (
  id text not null,
  raised_at timestamptz not null,
  rule text not null,
  priority text not null check (priority in ('high', 'medium', 'low')),
  text text not null,
  cleared_at timestamptz,
  acknowledged_at timestamptz,
  acknowledged_by text,
  primary key (id, raised_at)
);
create index system_alarm_newest on system_alarm (raised_at desc);
create unique index system_alarm_one_open on system_alarm (id) where cleared_at is null;
