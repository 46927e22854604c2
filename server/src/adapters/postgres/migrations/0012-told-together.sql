-- One deterioration, one page: a delivery that was told with the page of another alarm of the same patient to the same
-- person. See docs/adr/0015-told-together.md.

alter table delivery
  -- The delivery that told it; null again when that one no longer stands for it.
  add column told_with text references delivery,
  -- Somebody asked for it, or everything else has failed: told whatever was told before.
  add column insists boolean not null default false;

create index delivery_told_with on delivery (told_with) where told_with is not null;
-- What this address was told of lately.
create index delivery_lately on delivery (channel, recipient, ordered_at desc)
  where state in ('pending', 'delivered') and not is_follow_up;
