-- All rules about NEWS2 make one alarm of a patient, `news2.score`. Of those that are open the most urgent goes on under
-- that name; what else was open beside it has ended in it.
create temporary table news2_former on commit drop as
  select id, row_number() over (
    partition by patient_id
    order by condition = 'present' desc, array_position(array['high', 'medium', 'low'], priority), raised_at
  ) as rank
  from alarm where state = 'active' and rule like 'news2.%';

update alarm set
  condition = 'ended',
  ended_at = coalesce(ended_at, now()),
  remind_at = null,
  -- Whoever had taken it has the other: this one is over. What nobody took stays until somebody has seen it.
  state = case when acknowledged_at is null then state else 'resolved' end,
  resolved_at = case when acknowledged_at is null then resolved_at else now() end,
  resolved_by = case when acknowledged_at is null then resolved_by else 'condition' end,
  snoozed_until = null,
  snoozed_at = null,
  snoozed_by = null,
  acknowledgement_expires_at = null,
  revision = revision + 1
where id in (select id from news2_former where rank > 1);

update alarm set rule = 'news2.score', revision = revision + 1
where id in (select id from news2_former where rank = 1);

-- What was applied last under either name was applied under the new one: a replay must not begin it anew.
insert into alarm_condition (patient_id, rule, partition, log_offset, step, at)
select distinct on (patient_id) patient_id, 'news2.score', partition, log_offset, step, at
from alarm_condition where rule like 'news2.%' order by patient_id, at desc, log_offset desc, step desc
on conflict do nothing;

-- What people had been shown of a change's burden when they asked for it: who, when, and the figures.
alter table rule_version add column preview jsonb;
alter table rule_proposal add column preview jsonb;
