-- Whose login this is, and whether it is the program's own, is asked by every statement of every table behind the wall. A
-- function in SQL was planned anew for each of them: a tenth of all that the database did where alarms ring. One in
-- PL/pgSQL keeps its plan for as long as the session lasts, and as long as names mean the same: the triggers that ask too
-- have a search path of their own, so these have one as well, or each would have the other's plan made anew. It is bound
-- when it is called, so everything in it says where it is: no table, function or operator of a session's own can stand in.
do $make$
declare
  home text := quote_ident(current_schema());
begin
  execute format($sql$
    create or replace function healthsync_tenant() returns text stable parallel safe language plpgsql
    set search_path = pg_catalog, pg_temp as $body$
    begin
      return (select id from %1$s.tenant
        where session_user operator(pg_catalog.=) role_name or session_user operator(pg_catalog.=) accounts_role_name);
    end $body$
  $sql$, home);
  execute format($sql$
    create or replace function healthsync_is_house() returns boolean stable parallel safe language plpgsql
    set search_path = pg_catalog, pg_temp as $body$
    begin
      return (select pg_catalog.pg_has_role(session_user, relowner, 'usage') from pg_catalog.pg_class
        where oid operator(pg_catalog.=) %1$L::pg_catalog.regclass);
    end $body$
  $sql$, home || '.tenant');
  execute format($sql$
    create or replace function healthsync_own_tenant() returns text stable parallel safe language plpgsql
    set search_path = pg_catalog, pg_temp as $body$
    begin
      -- The program itself, and whoever may do all that it may, is of no organisation; it asks most.
      return case when %1$s.healthsync_is_house() then 'default' else coalesce(%1$s.healthsync_tenant(), 'default') end;
    end $body$
  $sql$, home);
end $make$;

-- The program itself asks most: what is true of it stands first, and spares the other question.
create or replace function healthsync_wall(of regclass, is_copied boolean default false) returns void language plpgsql as $$
begin
  if not exists (select from pg_attribute where attrelid = of and attname = 'tenant_id' and not attisdropped) then
    execute format('alter table %s add column tenant_id text not null default ''default''', of);
  end if;
  execute format('alter table %s enable row level security', of);
  if is_copied then return; end if;
  execute format('alter table %s force row level security, alter column tenant_id set default healthsync_own_tenant()', of);
  execute format('drop policy if exists own on %s', of);
  execute format('create policy own on %s using ((select healthsync_is_house()) or tenant_id = (select healthsync_tenant()))', of);
end $$;

-- Whoever stands behind the wall already stands behind this one. An alarm of the installation is everybody's, and has a
-- policy of another form.
do $$
declare
  of regclass;
begin
  for of in
    select polrelid from pg_policy
    where polname = 'own' and polrelid not in ('tenant'::regclass, 'system_alarm'::regclass)
      and pg_get_expr(polqual, polrelid) ~ 'healthsync_tenant\(\)' and pg_get_expr(polqual, polrelid) ~ 'healthsync_is_house\(\)'
      and polrelid in (select oid from pg_class where relnamespace = current_schema()::regnamespace)
  loop
    perform healthsync_wall(of);
  end loop;
end $$;
