-- Workflow executions: one row each, written once per step of its life (docs/adr/0009-workflow-engine.md).

create table workflow_definition (
  digest text primary key check (digest ~ '^[0-9a-f]{64}$'),
  name text not null,
  source text not null,
  -- The one with which executions of its name start.
  is_current boolean not null,
  kept_at timestamptz not null default now()
);
create unique index workflow_definition_current on workflow_definition (name) where is_current;

create table workflow_execution (
  key bigint generated always as identity primary key,
  definition text not null,
  name text not null check (name ~ '^[A-Za-z0-9._-]{1,80}$'),
  digest text not null references workflow_definition (digest),
  version integer not null default 0,
  status text not null default 'RUNNING' check (status in ('RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED')),
  -- JSON of whoever advances it: text, because the database need not read it.
  state text not null,
  started_at timestamptz not null,
  -- When it is due; null once it has ended.
  wake_at timestamptz,
  -- Who works on it, and until when nobody else may.
  leased_by text,
  leased_until timestamptz,
  -- What was signalled to it and not yet dealt with, as JSON; and which tasks may be.
  signals text[] not null default '{}',
  tokens text[] not null default '{}',
  ended_at timestamptz,
  error text,
  unique (definition, name)
) with (
  -- Room on the page for new versions of a row: an update that leaves the indexes alone then touches no index at all.
  fillfactor = 50,
  -- A queue turns its rows over quickly; vacuum little and often.
  autovacuum_vacuum_scale_factor = 0.05
);
create index workflow_execution_due on workflow_execution (wake_at) where wake_at is not null;
create index workflow_execution_ended on workflow_execution (ended_at) where ended_at is not null;

create table workflow_history (
  execution bigint not null,
  version integer not null,
  events text not null,
  primary key (execution, version)
);
