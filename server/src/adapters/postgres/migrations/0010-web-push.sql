-- The browsers that people let us push to. The keys are the browser's own (RFC 8291): they encrypt to it, and open nothing.
create table push_subscription (
  id text primary key,
  user_id text not null references app_user on delete cascade,
  endpoint text not null,
  p256dh text not null,
  auth text not null,
  created_at timestamptz not null
);
create index push_subscription_user on push_subscription (user_id, created_at);
