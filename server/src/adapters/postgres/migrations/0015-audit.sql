-- The audit log: a Merkle tree (RFC 6962) over the texts of its entries. One row says how far it goes; whoever writes
-- changes that row first, so that writers come one after the other, in however many processes.
create table audit_log (
  is_it boolean primary key default true check (is_it),
  origin text not null,
  size bigint not null default 0,
  last_recorded_at timestamptz,
  -- The signed head of just this size.
  head text
) with (fillfactor = 10);

-- `entry` is what was hashed; the other columns are taken from it to search by, and verified against it.
create table audit_entry (
  position bigint primary key,
  recorded_at timestamptz not null,
  actor text not null,
  actor_id text,
  action text not null,
  outcome text not null,
  resource_kind text not null,
  resource_id text,
  patient_id text,
  correlation_id text not null,
  tenant_id text,
  entry text not null
);
-- Entries come in the order of time: a moment is a position.
create index audit_entry_recorded on audit_entry (recorded_at);
create index audit_entry_patient on audit_entry (patient_id, position) where patient_id is not null;
create index audit_entry_actor on audit_entry (actor, position);
create index audit_entry_actor_id on audit_entry (actor_id, position) where actor_id is not null;
create index audit_entry_action on audit_entry (action, position);
create index audit_entry_refused on audit_entry (position) where outcome <> 'allowed';

-- 256 hashes of the tree at a time, written when they are complete (C2SP tlog-tiles): what proofs are made from, and what
-- remains of entries that were deleted after their time.
create table audit_tile (
  level smallint not null,
  index bigint not null,
  hashes bytea not null,
  primary key (level, index)
);

create table audit_head (
  size bigint primary key,
  signed_at timestamptz not null,
  note text not null
);

-- Left by transactions that change something and are not the audit's own: the change and its entry are there, or neither.
create table audit_pending (
  id bigint primary key generated always as identity,
  entry jsonb not null
);

create table audit_cursor (
  name text primary key,
  position bigint not null,
  at timestamptz not null,
  failing_since timestamptz,
  failure text
);

-- What the last verification of the whole log found.
create table audit_check (
  is_it boolean primary key default true check (is_it),
  at timestamptz not null,
  size bigint not null,
  findings integer not null
);

create table audit_hold (
  id text primary key default gen_random_uuid()::text,
  kind text not null check (kind in ('patient', 'person')),
  subject text not null,
  reason text not null,
  placed_by text not null,
  placed_at timestamptz not null,
  released_by text,
  released_at timestamptz
);
create index audit_hold_subject on audit_hold (subject) where released_at is null;

-- Nothing of ours changes an entry, and only the end of its retention deletes one. Whoever may alter the table can
-- take this away: it stops slips, and the hashes show the rest.
create function audit_unchangeable() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and current_setting('healthsync.audit_retention', true) = 'ended' then return null; end if;
  raise exception 'entries of the audit log are not changed' using errcode = 'HS003';
end $$;
create trigger audit_entry_unchangeable before update or delete on audit_entry
  for each statement execute function audit_unchangeable();

-- The first thing a write does. HS001: another was first. HS002: what was pending has been settled by another.
create function audit_advance(expected bigint, next bigint, at timestamptz, note text, settled bigint[])
  returns void language plpgsql as $$
declare
  gone bigint;
begin
  update audit_log set size = next, last_recorded_at = at, head = note where size = expected;
  if not found then raise exception 'moved' using errcode = 'HS001'; end if;
  if cardinality(settled) > 0 then
    delete from audit_pending where id = any (settled);
    get diagnostics gone = row_count;
    if gone <> cardinality(settled) then raise exception 'settled' using errcode = 'HS002'; end if;
  end if;
end $$;

-- What left the house about a patient, by which channel and to whom: with the delivery's own change.
create function audit_delivery() returns trigger language plpgsql as $$
begin
  insert into audit_pending (entry) select jsonb_strip_nulls(jsonb_build_object(
    'atMs', (extract(epoch from new.updated_at) * 1000)::bigint,
    'actor', jsonb_build_object('kind', 'system', 'name', 'teller'),
    'action', 'message.send',
    'resource', jsonb_build_object('kind', 'channel', 'id', new.channel),
    'patientId', (select patient_id from alarm where id = new.alarm_id),
    'outcome', case new.state when 'delivered' then 'allowed' else 'failed' end,
    'correlationId', coalesce(new.alarm_id, new.id),
    'detail', jsonb_build_object('delivery', new.id, 'event', new.event, 'user', new.user_id)));
  return null;
end $$;
create trigger delivery_audited after update of state on delivery for each row
  when (new.state in ('delivered', 'failed') and new.state <> old.state) execute function audit_delivery();
