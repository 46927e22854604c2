-- How a patient's word came to us, and which colleague was there.
alter table consent_version
  add source text check (source in ('in-person', 'form', 'representative', 'other-system')),
  add witness text;
-- What was recorded last, of everybody.
create index consent_version_recorded on consent_version (recorded_at desc, consent_id);

-- A key or a service account that nobody has used for months is one to be ended.
alter table access_token add last_used_at timestamptz;
alter table oauth_client add last_used_at timestamptz;
