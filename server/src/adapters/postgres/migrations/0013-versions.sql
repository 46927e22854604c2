-- What two people may change has a version, so that the second learns of the first instead of writing over it.
alter table ward_shifts add column version integer not null default 1;
alter table quiet_hours add column version integer not null default 1;

-- Of lists that are replaced as a whole: a person's contacts, a person's subscriptions. Without a row: 0.
create table list_version (
  list text not null check (list in ('contacts', 'topics')),
  owner_id text not null,
  version integer not null,
  set_by text not null,
  set_at timestamptz not null,
  primary key (list, owner_id)
);
-- Lists that are there already are at 1.
insert into list_version (list, owner_id, version, set_by, set_at)
  select 'contacts', user_id, 1, 'before versions', max(created_at) from contact group by user_id;
insert into list_version (list, owner_id, version, set_by, set_at)
  select 'topics', user_id, 1, 'before versions', max(created_at) from topic_subscription
  where user_id is not null group by user_id;

-- Taking a patient off NEWS2 waits for a second person, like any critical rule that is switched off.
alter table rule_proposal add column news2 jsonb;
alter table patient_news2 add column confirmed_by text;

-- A ward belongs to a department, or to none; topics can name it.
alter table ward add column department_id text;

-- What was delivered long ago, and the events it came from, go after their time.
create index delivery_settled on delivery (updated_at) where state <> 'pending';
create index delivery_summary on delivery (summary_id) where summary_id is not null;
create index outbox_event_done on outbox_event (fanned_out_at) where fanned_out_at is not null;
