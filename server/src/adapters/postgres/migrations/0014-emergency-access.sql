-- Emergency access: for one person, to one patient, for a short time, with a reason; and what its review found.
create table emergency_access (
  id text primary key,
  tenant_id text not null,
  user_id text not null,
  signed text not null,
  patient_id text not null,
  ward_id text,
  reason text not null,
  proof text not null check (proof in ('password', 'second-factor')),
  began_at timestamptz not null,
  ends_at timestamptz not null check (ends_at > began_at),
  ended_at timestamptz,
  ended_by text,
  justified boolean,
  review_comment text,
  reviewed_by_id text check (reviewed_by_id <> user_id),
  reviewed_by text,
  reviewed_at timestamptz,
  check ((reviewed_at is null) = (justified is null) and (reviewed_at is null) = (reviewed_by_id is null))
);
create index emergency_access_open on emergency_access (began_at, id) where reviewed_at is null;
create index emergency_access_user on emergency_access (user_id, began_at desc);

-- Once made, only its end and its review are added: what was answered for stays as it was said.
create function emergency_access_keep() returns trigger language plpgsql as $$
begin
  if (new.id, new.tenant_id, new.user_id, new.signed, new.patient_id, new.reason, new.proof, new.began_at, new.ends_at)
     is distinct from
     (old.id, old.tenant_id, old.user_id, old.signed, old.patient_id, old.reason, old.proof, old.began_at, old.ends_at)
     or (old.ended_at is not null and new.ended_at is distinct from old.ended_at)
     or (old.reviewed_at is not null and (new.reviewed_at, new.justified, new.review_comment)
           is distinct from (old.reviewed_at, old.justified, old.review_comment)) then
    raise exception 'an emergency access is not rewritten';
  end if;
  return new;
end $$;
create trigger emergency_access_kept before update on emergency_access
  for each row execute function emergency_access_keep();

-- Decisions rest on these: every process rereads them at once.
create function healthsync_access_changed() returns trigger language plpgsql as $$
begin
  perform pg_notify('healthsync_access', '');
  return null;
end $$;
create trigger access_changed after insert or update or delete on emergency_access
  for each statement execute function healthsync_access_changed();
create trigger access_changed after insert or update or delete on care_assignment
  for each statement execute function healthsync_access_changed();
create trigger access_changed after insert or update or delete on ward_shifts
  for each statement execute function healthsync_access_changed();
