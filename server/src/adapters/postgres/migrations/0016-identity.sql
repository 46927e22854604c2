-- People, as directories and other providers know them. ---------------------------------------------------------------

alter table app_user
  add tenant_id text not null default 'default',
  -- Who looks after this account: we, another OpenID provider, or the hospital's directory (SCIM).
  add source text not null default 'local' check (source in ('local', 'federated', 'directory')),
  add external_id text,
  add profile jsonb not null default '{}',
  add revision integer not null default 1,
  add created_at timestamptz not null default now(),
  add changed_at timestamptz not null default now();

-- Whoever changes a person, by whatever program: the revision is what If-Match is compared with.
create function app_user_revised() returns trigger language plpgsql as $$
begin
  new.revision := old.revision + 1;
  new.changed_at := now();
  return new;
end $$;
create trigger app_user_revised before update on app_user for each row execute function app_user_revised();

-- The same person at another provider, by what that one never changes (OpenID Connect Core 2: issuer and subject).
create table federated_identity (
  issuer text not null,
  subject text not null,
  user_id text not null references app_user,
  primary key (issuer, subject)
);
create index federated_identity_user on federated_identity (user_id);

-- Groups of the hospital's directory. What a group means is a setting; who is in it, the directory says.
create table directory_group (
  id text primary key,
  display_name text not null unique,
  external_id text,
  revision integer not null default 1,
  created_at timestamptz not null,
  changed_at timestamptz not null
);
create table directory_member (
  group_id text not null references directory_group on delete cascade,
  user_id text not null references app_user,
  primary key (group_id, user_id)
);
create index directory_member_user on directory_member (user_id);

-- A link with which somebody sets their own password: its SHA-256, good once.
create table invitation (
  sha256 text primary key,
  user_id text not null references app_user,
  expires_at timestamptz not null,
  used_at timestamptz
);
create index invitation_user on invitation (user_id);

-- What was shown, and when. -------------------------------------------------------------------------------------------

alter table access_token drop constraint access_token_kind_check;
alter table access_token
  -- `pending`: the first factor was right, the second is still to come; opens nothing.
  add constraint access_token_kind_check check (kind in ('session', 'api', 'pending')),
  add authenticated_at timestamptz,
  add factors text[],
  add mfa_at timestamptz,
  add scopes text[],
  add label text;

create table second_factor (
  id text primary key,
  user_id text not null references app_user,
  kind text not null check (kind in ('totp', 'passkey')),
  label text not null,
  created_at timestamptz not null,
  used_at timestamptz,
  -- One-time passwords: the secret, sealed with the installation's key, and the last time step that was used.
  secret text,
  last_step bigint,
  -- Passkeys (WebAuthn Level 3, 4): what the browser calls it, its public key (COSE), and its signature counter.
  credential_id text unique,
  public_key bytea,
  counter bigint,
  transports text[],
  check ((kind = 'totp') = (secret is not null)),
  check ((kind = 'passkey') = (credential_id is not null and public_key is not null))
);
create index second_factor_user on second_factor (user_id);

create table recovery_code (
  user_id text not null references app_user,
  sha256 text not null,
  used_at timestamptz,
  primary key (user_id, sha256)
);

-- What is good once and was used: challenges and enrolments, until they would have ended anyway.
create table spent_ticket (
  sha256 text primary key,
  expires_at timestamptz not null
);
create index spent_ticket_expiry on spent_ticket (expires_at);

-- The OpenID provider. ------------------------------------------------------------------------------------------------

-- Apps that people sign in to through us, and service accounts, which sign in by themselves.
create table oauth_client (
  id text primary key,
  kind text not null check (kind in ('app', 'service')),
  name text not null,
  redirect_uris text[] not null,
  -- Public keys (RFC 7517); without them an app is a public client.
  jwks jsonb,
  scopes text[] not null,
  -- What a service account may do by itself.
  roles text[] not null,
  ward_ids text[] not null,
  tenant_id text not null default 'default',
  created_at timestamptz not null,
  created_by text not null,
  disabled_at timestamptz
);

-- Codes, tokens, grants: under the SHA-256 of what opens them, and sealed.
create table oidc_record (
  model text not null,
  id_sha256 text not null,
  payload text not null,
  grant_id text,
  uid text,
  account_id text,
  client_id text,
  consumed_at timestamptz,
  expires_at timestamptz not null,
  primary key (model, id_sha256)
);
create index oidc_record_grant on oidc_record (grant_id) where grant_id is not null;
create index oidc_record_uid on oidc_record (uid) where uid is not null;
create index oidc_record_account on oidc_record (account_id) where account_id is not null;
create index oidc_record_expiry on oidc_record (expires_at);
