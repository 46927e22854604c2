-- Whose right stands behind more than the place in what a subscription is sent: of whoever set it up last. It is asked for
-- again at every event. Null: nobody's.
alter table event_subscription add granted_by text;
-- Those of before: of who made them, whose sign-in name stands in the signature alone, or in brackets at its end.
update event_subscription of_before set granted_by = app_user.id from app_user
  where app_user.tenant_id = of_before.tenant_id
    and app_user.name = coalesce(substring(of_before.created_by from '\(([^()]+)\)$'), of_before.created_by);
