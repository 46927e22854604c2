-- What patients have consented to. Every change is one more version; none is rewritten or taken away.
create table consent_version (
  consent_id text not null,
  version integer not null check (version > 0),
  tenant_id text not null,
  patient_id text not null,
  purpose text not null check (purpose in ('treatment', 'research', 'sharing')),
  -- Who is shared with: with `sharing`, and only there.
  party text check ((party is not null) = (purpose = 'sharing')),
  decision text not null check (decision in ('permit', 'deny')),
  state text not null check (state in ('active', 'revoked')),
  from_at timestamptz not null,
  until_at timestamptz check (until_at > from_at),
  given_at timestamptz not null,
  recorded_at timestamptz not null,
  recorded_by text not null,
  primary key (consent_id, version)
);
create index consent_version_patient on consent_version (patient_id);

create function consent_version_keep() returns trigger language plpgsql as $$
begin
  if tg_op <> 'INSERT' then
    raise exception 'a consent is not rewritten';
  end if;
  if new.version > 1 and not exists (
    select 1 from consent_version before
    where before.consent_id = new.consent_id and before.version = new.version - 1
      and (before.tenant_id, before.patient_id, before.purpose, before.party)
            is not distinct from (new.tenant_id, new.patient_id, new.purpose, new.party)
  ) then
    raise exception 'a version of a consent follows the one before it';
  end if;
  return new;
end $$;
create trigger consent_version_kept before insert or update or delete on consent_version
  for each row execute function consent_version_keep();

-- Every process rereads this patient's at once: a revocation holds on open streams within a second.
create function healthsync_consent_changed() returns trigger language plpgsql as $$
begin
  perform pg_notify('healthsync_consent', new.patient_id);
  return null;
end $$;
create trigger consent_changed after insert on consent_version
  for each row execute function healthsync_consent_changed();

-- To whom events of patients go, where they go out of the house: their consent to sharing with it is asked.
alter table event_subscription add column party text;
