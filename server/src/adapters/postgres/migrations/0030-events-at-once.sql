-- Gives positions to events, at most so many, and answers how many: seven statements in one, for it is asked with every
-- change of an alarm. Each statement in it sees what was committed before that statement, so what is read under the lock
-- is what whoever held it before has left. Its plans last as long as a session, and were perhaps made while nothing had
-- happened yet: they use the indexes all the same. (Until a table that grew much is analysed they do so less well.)
do $make$
begin
  execute format($sql$
    create function healthsync_sequence_events(most integer) returns integer language plpgsql
    set search_path = %I, pg_temp set enable_seqscan = off as $body$
    declare
      head bigint;
      given integer;
    begin
      -- Asked every second, and mostly in vain: a lock would be written each time.
      if not exists (select from alarm_event where alarm_event.position is null) then return 0; end if;
      select alarm_event_head.position into head from alarm_event_head for update skip locked;
      if not found then
        insert into alarm_event_head default values on conflict do nothing returning alarm_event_head.position into head;
        -- Whoever does it already does it for us.
        if not found then return 0; end if;
      end if;
      -- `pg_snapshot_xmin`: every transaction below it has ended. What waits behind a long one waits with it; nothing
      -- passes. In the order written: within a transaction as it happened.
      with settled as (
        select id, row_number() over (order by written) as place
        from (
          select id, written from alarm_event
          where alarm_event.position is null and transaction < pg_snapshot_xmin(pg_current_snapshot())
          order by written limit most
        ) as oldest
      )
      update alarm_event set position = head + place from settled where settled.id = alarm_event.id;
      get diagnostics given = row_count;
      if given > 0 then update alarm_event_head set position = head + given; end if;
      return given;
    end $body$
  $sql$, current_schema());
end $make$;
