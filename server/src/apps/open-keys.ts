import { join } from 'node:path';
import { openLocalKeys } from '../adapters/embedded/local-keys.ts';
import type { Connections } from '../adapters/postgres/connection.ts';
import { failing } from '../adapters/postgres/database-failure.ts';
import { PostgresErasures } from '../adapters/postgres/erasures.ts';
import { sealClearTexts } from '../adapters/postgres/seal-clear-texts.ts';
import { DEFAULT_TENANT, type TenantId } from '../domain/ids.ts';
import { createHouseSeal } from '../keys/house-seal.ts';
import { createPatientIdentities } from '../keys/patient-identities.ts';
import { createPatientSeal, patientOf } from '../keys/patient-seal.ts';
import { createRelationIndex } from '../keys/relation-index.ts';
import { createSubjectKeys, type SubjectKeys } from '../keys/subject-keys.ts';
import type { HouseSeal } from '../ports/house-seal.ts';
import type { KeptSecret } from '../ports/kept-secret.ts';
import type { RelationIndex } from '../ports/own-records.ts';
import type { PatientIdentities } from '../ports/patient-identities.ts';
import type { PatientSeal } from '../ports/patient-seal.ts';
import type { SubjectKeyStore } from '../ports/subject-keys.ts';
import { openKeyStore } from './open-key-store.ts';
import type { Settings } from './settings.ts';

/** The keys of an installation, and what is sealed with them. */
export interface OpenedKeys {
  readonly subjects: SubjectKeys;
  readonly identities: PatientIdentities;
  readonly seal: PatientSeal;
  readonly houseSeal: HouseSeal;
  /** By which people who work here and patients are compared. */
  readonly relations: RelationIndex;
  readonly store: Pick<SubjectKeyStore, 'counts' | 'find'>;
  /** What signing in is sealed and signed with. */
  readonly identityKeys: KeptSecret;
  /** How many keys of erased patients had come back with an old copy, and were destroyed again. */
  readonly erasedAgain: number;
  /** How many erased patients had come back with a backup of the database, and were cleared again. */
  readonly clearedAgain: number;
  /** Which key-encryption key wraps. */
  newestKek(): Promise<string>;
  close(): Promise<void>;
}

/**
 * Opens them, or makes them where there are none, and brings the database in line with them: what is in clear from before
 * is sealed, and whoever was erased is erased. Where several servers have keys in common, the key files of the data
 * folder are made the same first. Rejects with `Failure` where one or the other cannot be used.
 */
export async function openKeys(settings: KeySettings, database: Connections, now: () => number): Promise<OpenedKeys> {
  const folder = settings.keyFolder ?? join(settings.dataFolder, 'keys');
  const { management, closeManagement } =
    settings.keyManagement === 'aws-kms'
      ? await openKms()
      : { management: await openLocalKeys({ folder, now }), closeManagement: () => undefined };
  const keyStore = await openKeyStore(settings, database, now);
  const store = keyStore.subjects;
  const close = async () => {
    await keyStore.close();
    closeManagement();
  };
  const scope = { region: settings.region, tenant: DEFAULT_TENANT };
  const tenantOf = tenantOfSubject(database);
  const subjects = createSubjectKeys({ management, store, scope, tenantOf, now });
  const sealing = { identities: createPatientIdentities(subjects), seal: createPatientSeal(subjects) };
  const houseSeal = createHouseSeal(subjects);
  try {
    const identityKeys = await keyStore.share(houseSeal);
    await sealClearTexts(database, { ...sealing, houseSeal });
    const erasures = new PostgresErasures(database);
    const erasedAgain = await followErasures(subjects, await erasures.all());
    const clearedAgain = await followStore(store, erasures);
    const newestKek = () => management.newest(scope);
    return {
      subjects,
      ...sealing,
      houseSeal,
      relations: createRelationIndex(subjects),
      store,
      identityKeys,
      erasedAgain,
      clearedAgain,
      newestKek,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

export type KeySettings = Pick<
  Settings,
  'dataFolder' | 'keyManagement' | 'keyFolder' | 'keyStore' | 'keyStoreUrl' | 'region'
>;

/** What is written about a patient who was never named is sealed by the KEK of their organisation, too. */
function tenantOfSubject({ pool }: Connections): (subject: string) => Promise<TenantId | undefined> {
  return async (subject) => {
    const id = patientOf(subject);
    if (id === undefined) return undefined;
    const { rows } = await failing(() =>
      pool.query<{ tenant: TenantId }>('select tenant_id as tenant from patient where id = $1', [id]),
    );
    return rows[0]?.tenant;
  };
}

/** Loaded only where it is used: the library takes as long as all the rest of a command. */
async function openKms() {
  const [{ KMSClient }, { createKmsKeys }] = await Promise.all([
    import('@aws-sdk/client-kms'),
    import('../adapters/aws/kms-keys.ts'),
  ]);
  const client = new KMSClient({ maxAttempts: 3 });
  return { management: createKmsKeys(client), closeManagement: () => client.destroy() };
}

/** An old copy of the keys may have come back: whoever was erased is erased in it too. Answers how many were. */
async function followErasures(
  subjects: SubjectKeys,
  erasures: readonly { readonly subject: string }[],
): Promise<number> {
  let count = 0;
  for (const { subject } of erasures) {
    if ((await subjects.forOpening(subject)) === undefined) continue;
    await subjects.erase(subject);
    count += 1;
  }
  return count;
}

/** A backup of the database may have come back: whoever was erased since is erased in it too. Answers how many were. */
async function followStore(
  store: Pick<SubjectKeyStore, 'erased' | 'find'>,
  erasures: Pick<PostgresErasures, 'follow'>,
): Promise<number> {
  const erased: { readonly subject: string; readonly patientId: string; readonly atMs: number }[] = [];
  for (const subject of await store.erased()) {
    const patientId = patientOf(subject);
    const found = patientId === undefined ? undefined : await store.find(subject);
    if (patientId !== undefined && found?.kind === 'erased') erased.push({ subject, patientId, atMs: found.atMs });
  }
  return await erasures.follow(erased);
}
