-- What names a patient directly, sealed with a key that is not in this database; and what a record number is found by.
-- The clear columns of before are sealed and dropped by the program (`seal-clear-texts.ts`): SQL has no keys.
alter table patient
  add column identity bytea,
  add column mrn_index bytea;
create index patient_mrn on patient (mrn_index);

-- The same for notes.
alter table alarm_note add column sealed bytea, alter column text drop not null;

-- Who was erased, so that a key that comes back with an old copy of the keys is destroyed again.
create table erasure (
  subject text primary key,
  at timestamptz not null,
  by_whom text not null,
  reason text not null
);
