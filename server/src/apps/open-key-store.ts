import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openLocalSubjectKeys } from '../adapters/embedded/local-subject-keys.ts';
import type { Connections } from '../adapters/postgres/connection.ts';
import { openDatabase } from '../adapters/postgres/open-database.ts';
import { postgresSecret } from '../adapters/postgres/shared-secrets.ts';
import { postgresSubjectKeys } from '../adapters/postgres/subject-keys.ts';
import { openTreeHeadKey } from '../audit/tree-head-key.ts';
import { AUTHORITY_FILES, openAuthorities } from '../identity/authority.ts';
import { keptFile } from '../identity/kept-file.ts';
import { openPushKeys } from '../identity/push-keys.ts';
import { type KeyFiles, shareKeyFiles } from '../keys/shared-key-files.ts';
import { Failure } from '../ports/failure.ts';
import type { HouseSeal } from '../ports/house-seal.ts';
import type { KeptSecret } from '../ports/kept-secret.ts';
import type { SubjectKeyStore } from '../ports/subject-keys.ts';
import type { Settings } from './settings.ts';

/** Where wrapped data keys lie, and what must be the same on every server. */
export interface KeyStore {
  readonly subjects: SubjectKeyStore;
  /** Brings the folder's key files in line with other servers', once there is a seal; answers the keys of signing in. */
  share(seal: HouseSeal): Promise<KeptSecret>;
  close(): Promise<void>;
}

/** In the data folder of the one server there is, or in a database for several. */
export async function openKeyStore(
  settings: Pick<Settings, 'dataFolder' | 'keyStore' | 'keyStoreUrl'>,
  database: Connections,
  now: () => number,
): Promise<KeyStore> {
  const { dataFolder } = settings;
  const path = join(dataFolder, 'keys', 'subject-keys.sqlite');
  if (settings.keyStore === 'file') {
    const subjects = openLocalSubjectKeys(path);
    return {
      subjects,
      share: async () => keptFile(join(dataFolder, IDENTITY_FILE)),
      close: async () => subjects.close(),
    };
  }
  const own = settings.keyStoreUrl === undefined ? undefined : await openDatabase({ url: settings.keyStoreUrl });
  const connections = own ?? database;
  const subjects = postgresSubjectKeys(connections);
  if (existsSync(path)) await takeAlong(path, subjects, now);
  return {
    subjects,
    share: (seal) => explained(() => share(dataFolder, (name) => postgresSecret(connections, { name, seal }), now)),
    close: async () => own?.close(),
  };
}

const IDENTITY_FILE = join('pki', 'identity-keys.json');

/** The keys of one server that becomes one of several. Its file goes: a key that is erased later must not stay in it. */
async function takeAlong(path: string, to: SubjectKeyStore, now: () => number): Promise<void> {
  const from = openLocalSubjectKeys(path);
  try {
    for (const { subject, key, tenant } of await keysIn(from)) {
      const there = await to.putIfNone(subject, { key, tenant }, now());
      if (there.kind === 'kept' && !Buffer.from(there.key.bytes).equals(key.bytes))
        throw new Failure(
          'data-folder-unusable',
          `The data folder has another key for ${subject} than the key store: it belongs to another installation. Start on an empty data folder.`,
          { retryable: false },
        );
    }
    for (const subject of await from.erased()) await to.erase(subject, now());
  } finally {
    from.close();
  }
  rmSync(path);
}

async function keysIn(store: SubjectKeyStore) {
  const all = (await store.tenants()).map(async (tenant) =>
    (await store.wrappedByOthers(tenant, '', Number.MAX_SAFE_INTEGER)).map((one) => ({ ...one, tenant })),
  );
  return (await Promise.all(all)).flat();
}

async function share(folder: string, secret: (name: string) => KeptSecret, now: () => number): Promise<KeptSecret> {
  for (const files of keyFilesOf(folder, now)) await shareKeyFiles(folder, files, secret(files.name));
  const identity = secret('identity keys');
  const before = await keptFile(join(folder, IDENTITY_FILE)).read();
  if (before !== undefined) await identity.replace(undefined, before);
  return identity;
}

function keyFilesOf(folder: string, now: () => number): readonly KeyFiles[] {
  const signing = join('audit', 'signing-key.pem');
  return [
    {
      name: 'certificate authorities',
      paths: AUTHORITY_FILES.map((name) => join('pki', name)),
      make: () => openAuthorities({ folder: join(folder, 'pki'), now }),
    },
    { name: 'audit signing key', paths: [signing], make: () => openTreeHeadKey(join(folder, signing)) },
    { name: 'web push keys', paths: ['push-keys.pem'], make: () => openPushKeys(join(folder, 'push-keys.pem')) },
  ];
}

/** The first thing another server opens: here it shows that it was not given the key-encryption keys. */
async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof Failure) || cause.code !== 'keys-refused') throw cause;
    const message = `${cause.message} Every server needs the same key-encryption keys: a shared HEALTHSYNC_KEY_FOLDER, a copy of the kek-*.json files, or AWS KMS.`;
    throw new Failure('keys-refused', message, { retryable: false, cause });
  }
}
