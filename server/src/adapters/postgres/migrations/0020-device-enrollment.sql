-- How devices come in by themselves, what becomes of their certificates, and what is to be doubted of what they sent.

alter table device_certificate
  -- SHA-256 (hex) of the certificate as issued: it counts only as this very one. Absent: issued before this was kept.
  add column fingerprint text,
  -- SHA-256 (hex) of its public key (SubjectPublicKeyInfo): a key is one device's, for good.
  add column key_fingerprint text,
  -- Which authority signed it; absent: the first.
  add column authority integer,
  -- The one it was renewed with, over the air. It ends once this one was used.
  add column replaces text,
  add column first_used_at timestamptz,
  -- It was replaced, and counts until then.
  add column superseded_from timestamptz,
  -- RFC 5280 §5.3.1 by name.
  add column revocation_code text,
  -- RFC 5280 §5.3.2: since when it is not to be trusted.
  add column invalid_from timestamptz;
create index device_certificate_key on device_certificate (key_fingerprint);
create index device_certificate_superseded on device_certificate (superseded_from)
  where superseded_from is not null and revoked_at is null;

create table device_enrollment (
  id text primary key,
  tenant_id text not null default 'default',
  device_id text not null,
  -- SHA-256 (hex) over device and code; the code itself is nowhere.
  code_sha256 text not null unique,
  -- Whom it will be given to, and how it speaks: said with the invitation.
  patient_id text,
  profile text,
  invited_by text not null,
  invited_by_id text,
  invited_at timestamptz not null,
  expires_at timestamptz not null,
  state text not null default 'invited'
    check (state in ('invited', 'waiting', 'approved', 'issued', 'refused', 'withdrawn')),
  -- The first request that came with the code: PKCS#10, DER. The code is good for its key and no other.
  request bytea,
  key_fingerprint text,
  stated jsonb,
  address text,
  requested_at timestamptz,
  decided_by text,
  decided_at timestamptz,
  reason text,
  serial text,
  certificate text,
  check ((state in ('waiting', 'approved', 'issued')) <= (request is not null)),
  check ((state = 'issued') = (certificate is not null))
);
create index device_enrollment_list on device_enrollment (tenant_id, invited_at);

-- Two requests with one code at once: one becomes its owner. What was decided stays decided.
create function device_enrollment_keep() returns trigger language plpgsql as $$
begin
  if old.key_fingerprint is not null and new.key_fingerprint is distinct from old.key_fingerprint then
    raise exception 'a code is bound to its first key';
  end if;
  if old.state in ('issued', 'refused', 'withdrawn') and new.state <> old.state then
    raise exception 'what was decided of a device stays decided';
  end if;
  if (new.device_id, new.code_sha256, new.tenant_id) is distinct from (old.device_id, old.code_sha256, old.tenant_id) then
    raise exception 'a code stays that of its device';
  end if;
  return new;
end $$;
create trigger device_enrollment_kept before update on device_enrollment
  for each row execute function device_enrollment_keep();

-- Numbers of revocation lists, by authority: never the same twice (RFC 5280 §5.2.3), whoever signs.
create table device_revocation_list (
  authority integer primary key,
  tenant_id text not null default 'default',
  number bigint not null
);

-- What was received from a device while its key may have been somebody else's. Nothing is taken out of the record.
create table device_doubt (
  id text primary key,
  tenant_id text not null default 'default',
  device_id text not null references device,
  -- By our clock: whoever holds the key also chooses what "measured at" says.
  received_from timestamptz not null,
  received_until timestamptz not null check (received_until >= received_from),
  reason text not null,
  declared_by text not null,
  declared_at timestamptz not null
);
create index device_doubt_device on device_doubt (device_id);
create trigger registry_changed after insert or update or delete on device_doubt
  for each statement execute function healthsync_registry_changed();
