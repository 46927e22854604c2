-- Whoever made a key is told before it ends: of how many days they were told last. Null: of none.
alter table access_token add told_ending_days smallint;
-- When what a person let an app have was last used, to the minute: noted on the grant.
alter table oidc_record add used_at timestamptz;
