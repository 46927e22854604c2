-- A verification looks at what is new every hour, and at everything once a day: when everything was looked at last.
alter table audit_check add column whole_at timestamptz;
update audit_check set whole_at = at;
