-- What several servers on one database must have in common. Used where HEALTHSYNC_KEY_STORE=database; in the database that
-- HEALTHSYNC_KEY_STORE_URL names, where that is another one.

-- Wrapped data keys. What was erased stays, without its key.
create table subject_key (
  subject text primary key,
  tenant_id text not null default 'default',
  kek text,
  key bytea,
  created_at timestamptz not null,
  erased_at timestamptz,
  check ((kek is null) = (key is null)),
  check ((key is null) = (erased_at is not null))
);
create index subject_key_kek on subject_key (kek);
create index subject_key_erased on subject_key (subject) where erased_at is not null;

-- Keys that sign and sign in: texts, sealed with the key of the house.
create table shared_secret (
  name text primary key,
  tenant_id text not null default 'default',
  sealed text not null,
  changed_at timestamptz not null default now()
);

-- What a refused reading brought may be anything, a name too. False: from before, sealed at the next start.
alter table rejected_reading add column is_sealed boolean not null default false;
create index rejected_reading_clear on rejected_reading (id) where not is_sealed;
