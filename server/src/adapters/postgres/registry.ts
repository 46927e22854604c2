import { type Kysely, sql, type Transaction } from 'kysely';
import { DEFAULT_TENANT, type DeviceId, type PatientId, type TenantId } from '../../domain/ids.ts';
import type { DeviceDoubt } from '../../ports/device-certificates.ts';
import type { PatientIdentities } from '../../ports/patient-identities.ts';
import type {
  Assignment,
  Bed,
  Device,
  DeviceCertificate,
  Patient,
  PatientPlace,
  Registry,
  RegistrySnapshot,
  Ward,
} from '../../ports/registry.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import type { Listener } from './listener.ts';
import { readRuleSnapshot } from './rule-sets.ts';
import { moment, type Schema } from './schema.ts';
import { withoutNulls } from './without-nulls.ts';

/**
 * The registry in PostgreSQL. Triggers on its tables announce every change, whoever makes it. What names a patient is
 * sealed before it gets here, and opened for who may read it.
 */
export class PostgresRegistry implements Registry {
  readonly #kysely: Kysely<Schema>;
  readonly #listener: Listener;
  readonly #identities: PatientIdentities;

  constructor({ kysely }: Pick<Connections, 'kysely'>, listener: Listener, identities: PatientIdentities) {
    this.#kysely = kysely;
    this.#listener = listener;
    this.#identities = identities;
  }

  async snapshot(): Promise<RegistrySnapshot> {
    // One moment for all of it: half a transfer would show a patient in two beds.
    return await failing(() =>
      this.#kysely
        .transaction()
        .setIsolationLevel('repeatable read')
        .setAccessMode('read only')
        .execute(async (db) => ({
          wards: await readWards(db),
          beds: await readBeds(db),
          patients: await readPlaces(db, this.#identities),
          devices: await readDevices(db),
          assignments: await readAssignments(db),
          revokedSerials: await readRevoked(db),
          doubts: await readDoubts(db),
          deviceTokens: await readTokens(db),
          rules: await readRuleSnapshot(async (text) => (await sql.raw<never>(text).execute(db)).rows),
        })),
    );
  }

  async watch(onChange: () => void): Promise<() => Promise<void>> {
    let timer: NodeJS.Timeout | undefined;
    // A ward being set up is a hundred changes in a row: one reread does for all within 50 ms.
    const coalesced = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        onChange();
      }, 50);
    };
    const stop = await this.#listener.listen('healthsync_registry', { onNotice: coalesced, onGap: coalesced });
    return async () => {
      clearTimeout(timer);
      await stop();
    };
  }

  async putWard(ward: Ward): Promise<void> {
    const row = { name: ward.name, department_id: ward.departmentId ?? null, ...tenantRow(ward) };
    await failing(() =>
      this.#kysely
        .insertInto('ward')
        .values({ id: ward.id, ...row })
        .onConflict((on) => on.column('id').doUpdateSet(row))
        .execute(),
    );
  }

  async putBed({ id, wardId, label }: Bed): Promise<void> {
    await failing(() =>
      this.#kysely
        .insertInto('bed')
        .values({ id, ward_id: wardId, label })
        .onConflict((on) => on.column('id').doUpdateSet({ ward_id: wardId, label }))
        .execute(),
    );
  }

  async putPatient({ id, ...patient }: Patient): Promise<void> {
    const { mrn, familyName, givenName, birthDate, address } = patient;
    const isNamed = [mrn, familyName, givenName, birthDate, address].some((one) => one !== undefined);
    const identity = isNamed
      ? await this.#identities.seal(id, patient, await this.#tenantOf({ id, ...patient }))
      : undefined;
    const row = {
      identity: identity?.sealed ?? null,
      mrn_index: identity?.mrnIndex ?? null,
      sex: patient.sex ?? null,
      bed_id: patient.bedId ?? null,
      // What a clinician has prescribed stays, where a system that does not know of it writes the patient again.
      ...(patient.spo2Scale === undefined ? {} : { spo2_scale: patient.spo2Scale }),
      ...tenantRow(patient),
    };
    await failing(() =>
      this.#kysely
        .insertInto('patient')
        .values({ id, ...row })
        .onConflict((on) => on.column('id').doUpdateSet(row))
        .execute(),
    );
  }

  /** As the database will have it once the patient is kept. */
  async #tenantOf({ id, tenantId, bedId }: Pick<Patient, 'id' | 'tenantId' | 'bedId'>): Promise<TenantId> {
    if (tenantId !== undefined) return tenantId;
    const { rows } = await failing(() =>
      sql<{ tenant: TenantId }>`select coalesce(
        (select tenant_id from patient where id = ${id}), (select tenant_id from bed where id = ${bedId ?? null}),
        healthsync_own_tenant()) as tenant`.execute(this.#kysely),
    );
    return rows[0]?.tenant ?? DEFAULT_TENANT;
  }

  async findPatient(id: PatientId): Promise<Patient | undefined> {
    const row = await failing(() => selectPatients(this.#kysely).where('id', '=', id).executeTakeFirst());
    return row === undefined ? undefined : await this.#opened(row);
  }

  async patientsByMrn(mrn: string): Promise<readonly Patient[]> {
    const index = await this.#identities.mrnIndex(mrn);
    const byIndex = selectPatients(this.#kysely).where('mrn_index', '=', index).orderBy('id');
    const rows = await failing(() => byIndex.execute());
    const found = await Promise.all(rows.map((row) => this.#opened(row)));
    return found.filter((patient) => patient.mrn !== undefined);
  }

  async patients(query: Parameters<Registry['patients']>[0]): Promise<readonly Patient[]> {
    const { wardIds } = query;
    const inWards = sql<boolean>`bed_id in (select bed.id from bed where ward_id = any(${wardIds}))`;
    const all = selectPatients(this.#kysely).orderBy('id');
    const rows = await failing(() => (wardIds === undefined ? all : all.where(inWards)).execute());
    return await Promise.all(rows.map((row) => this.#opened(row)));
  }

  async #opened({ identity, ...row }: PatientRow): Promise<Patient> {
    const known = identity === null ? undefined : await this.#identities.open(row.id as PatientId, identity);
    return { ...ofTenant(withoutNulls(row)), ...known } as Patient;
  }

  async putDevice(device: Parameters<Registry['putDevice']>[0]): Promise<void> {
    const row = { profile: device.profile ?? null, ...tenantRow(device) };
    await failing(() =>
      this.#kysely
        .insertInto('device')
        .values({ id: device.id, ...row, created_at: new Date(device.createdAtMs) })
        .onConflict((on) => on.column('id').doUpdateSet(row))
        .execute(),
    );
  }

  async putDeviceConfig({ deviceId, config }: Parameters<Registry['putDeviceConfig']>[0]): Promise<void> {
    await failing(() => this.#kysely.updateTable('device').set({ config }).where('id', '=', deviceId).execute());
  }

  async devices(): Promise<readonly Device[]> {
    return await failing(() => readDevices(this.#kysely));
  }

  async assign({ deviceId, patientId, fromMs }: Parameters<Registry['assign']>[0]): Promise<void> {
    await failing(() =>
      this.#kysely.transaction().execute(async (db) => {
        await lockDevice(db, deviceId);
        const open = await db
          .selectFrom('assignment')
          .selectAll()
          .where('device_id', '=', deviceId)
          .where('to_at', 'is', null)
          .executeTakeFirst();
        if (open?.patient_id === patientId && open.from_at <= fromMs) return;
        await endFrom(db, deviceId, fromMs);
        await db
          .insertInto('assignment')
          .values({ device_id: deviceId, patient_id: patientId, from_at: new Date(fromMs) })
          .execute();
      }),
    );
  }

  async unassign({ deviceId, atMs }: Parameters<Registry['unassign']>[0]): Promise<void> {
    await failing(() =>
      this.#kysely.transaction().execute(async (db) => {
        await lockDevice(db, deviceId);
        await endFrom(db, deviceId, atMs);
      }),
    );
  }

  async addCertificate(certificate: DeviceCertificate): Promise<void> {
    await failing(() =>
      this.#kysely
        .insertInto('device_certificate')
        .values({
          serial: certificate.serial,
          device_id: certificate.deviceId,
          not_before: new Date(certificate.notBeforeMs),
          not_after: new Date(certificate.notAfterMs),
          revoked_at: certificate.revokedAtMs === undefined ? null : new Date(certificate.revokedAtMs),
          revocation_reason: certificate.revocationReason ?? null,
          revocation_code: certificate.revocationCode ?? null,
          fingerprint: certificate.fingerprint ?? null,
          key_fingerprint: certificate.keyFingerprint ?? null,
          authority: certificate.authority ?? null,
          replaces: certificate.replaces ?? null,
        })
        .execute(),
    );
  }

  async revoke(request: Parameters<Registry['revoke']>[0]): Promise<number> {
    const { deviceId, serial, atMs, reason, code, invalidFromMs } = request;
    const revoked_at = new Date(atMs);
    const invalid_from = invalidFromMs === undefined ? null : new Date(invalidFromMs);
    return await failing(() =>
      this.#kysely.transaction().execute(async (db) => {
        const ofDevice = db
          .updateTable('device_certificate')
          .set({ revoked_at, revocation_reason: reason, revocation_code: code ?? null, invalid_from })
          .where('device_id', '=', deviceId)
          .where('revoked_at', 'is', null);
        const certificates = await (serial === undefined ? ofDevice : ofDevice.where('serial', '=', serial)).execute();
        if (serial !== undefined) return countOf(certificates);
        const tokens = await db
          .updateTable('device_token')
          .set({ revoked_at })
          .where('device_id', '=', deviceId)
          .where('revoked_at', 'is', null)
          .execute();
        return countOf(certificates) + countOf(tokens);
      }),
    );
  }

  async addDeviceToken(token: Parameters<Registry['addDeviceToken']>[0]): Promise<void> {
    await failing(() =>
      this.#kysely
        .insertInto('device_token')
        .values({
          sha256: token.sha256,
          device_id: token.deviceId,
          created_at: new Date(token.createdAtMs),
          expires_at: new Date(token.expiresAtMs),
        })
        .execute(),
    );
  }
}

type Db = Kysely<Schema> | Transaction<Schema>;

/** Makes writers of one device's assignments wait for each other. */
async function lockDevice(db: Db, deviceId: DeviceId): Promise<void> {
  await db.selectFrom('device').select('id').where('id', '=', deviceId).forNoKeyUpdate().execute();
}

/** Named only where it is not the first organisation: what is there already keeps its own, and says so if asked to change. */
function tenantRow({ tenantId }: { readonly tenantId?: TenantId }) {
  return tenantId === undefined ? {} : { tenant_id: tenantId };
}

function ofTenant<Row extends { readonly tenantId?: unknown }>({ tenantId, ...row }: Row) {
  return tenantId === DEFAULT_TENANT ? row : { ...row, tenantId };
}

/** Frees the device from that moment on. */
async function endFrom(db: Db, deviceId: DeviceId, atMs: number): Promise<void> {
  await db.deleteFrom('assignment').where('device_id', '=', deviceId).where('from_at', '>=', moment(atMs)).execute();
  await db
    .updateTable('assignment')
    .set({ to_at: new Date(atMs) })
    .where('device_id', '=', deviceId)
    .where((eb) => eb.or([eb('to_at', 'is', null), eb('to_at', '>', moment(atMs))]))
    .execute();
}

function selectPatients(db: Db) {
  return db
    .selectFrom('patient')
    .select(['id', 'identity', 'sex', 'bed_id as bedId', 'spo2_scale as spo2Scale', 'tenant_id as tenantId', IS_VIP])
    .where(IS_REAL);
}

/** Specially protected. */
const IS_VIP = sql<true | null>`(select true from patient_vip where patient_id = patient.id)`.as('isVip');
/** What is made up to find leaks by is kept like a patient, and shown to nobody. */
const IS_REAL = sql<boolean>`not exists (select from canary where patient_id = patient.id)`;

type PatientRow = Awaited<ReturnType<ReturnType<typeof selectPatients>['execute']>>[number];

async function readWards(db: Kysely<Schema>): Promise<Ward[]> {
  const rows = await db
    .selectFrom('ward')
    .select(['id', 'name', 'department_id as departmentId', 'tenant_id as tenantId'])
    .orderBy('id')
    .execute();
  return rows.map((row) => ofTenant(withoutNulls(row)) as unknown as Ward);
}

async function readBeds(db: Db): Promise<readonly Bed[]> {
  const rows = await db.selectFrom('bed').select(['id', 'ward_id as wardId', 'label']).orderBy('id').execute();
  return rows as unknown as Bed[];
}

async function readPlaces(db: Db, identities: PatientIdentities): Promise<readonly PatientPlace[]> {
  const rows = await db
    .selectFrom('patient')
    .leftJoin('bed', 'bed.id', 'patient.bed_id')
    .select([
      'patient.id',
      'bed_id as bedId',
      'ward_id as wardId',
      'label as bed',
      'spo2_scale as spo2Scale',
      'identity',
      'news2_use as news2Use',
      'patient.tenant_id as tenantId',
      IS_VIP,
    ])
    .where(IS_REAL)
    .orderBy('patient.id')
    .execute();
  return await Promise.all(
    rows.map(async ({ news2Use, identity, ...row }) => {
      const known = identity === null ? undefined : await identities.open(row.id as PatientId, identity);
      return {
        ...ofTenant(withoutNulls(row)),
        ...(known?.birthDate !== undefined && { birthDate: known.birthDate }),
        ...(news2Use === 'by-age' ? {} : { news2Use: { kind: 'off', why: news2Use } }),
      } as unknown as PatientPlace;
    }),
  );
}

async function readDevices(db: Db): Promise<readonly Device[]> {
  const certificates = await db
    .selectFrom('device_certificate')
    .select([
      'device_id as deviceId',
      'serial',
      'not_before as notBeforeMs',
      'not_after as notAfterMs',
      'revoked_at as revokedAtMs',
      'revocation_reason as revocationReason',
      'revocation_code as revocationCode',
      'invalid_from as invalidFromMs',
      'fingerprint',
      'key_fingerprint as keyFingerprint',
      'authority',
      'replaces',
      'first_used_at as firstUsedAtMs',
      'superseded_from as supersededFromMs',
    ])
    // Where certificates last an hour there are many: what is over is left out, but for a device's last one.
    .where(
      sql<boolean>`not_after > now() - interval '1 day' or not exists (
        select 1 from device_certificate newer
        where newer.device_id = device_certificate.device_id and newer.not_before > device_certificate.not_before)`,
    )
    .orderBy('not_before')
    .execute();
  const byDevice = Map.groupBy(certificates, (certificate) => certificate.deviceId);
  const devices = await db
    .selectFrom('device')
    .select(['id', 'profile', 'created_at as createdAtMs', 'config', 'tenant_id as tenantId'])
    .orderBy('id')
    .execute();
  return devices.map(
    (device) =>
      ({
        ...ofTenant(withoutNulls(device)),
        certificates: (byDevice.get(device.id) ?? []).map(withoutNulls),
      }) as unknown as Device,
  );
}

async function readAssignments(db: Db): Promise<readonly Assignment[]> {
  const rows = await db
    .selectFrom('assignment')
    .select(['device_id as deviceId', 'patient_id as patientId', 'from_at as fromMs', 'to_at as toMs'])
    .orderBy('device_id')
    .orderBy('from_at')
    .execute();
  return rows.map((row) => withoutNulls(row) as unknown as Assignment);
}

/** An expired certificate is refused by TLS anyway; a day of grace covers a clock that is behind. */
async function readRevoked(db: Db): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('device_certificate')
    .select('serial')
    .where('revoked_at', 'is not', null)
    .where('not_after', '>', sql<number>`now() - interval '1 day'`)
    .execute();
  return rows.map(({ serial }) => serial);
}

async function readDoubts(db: Db): Promise<readonly DeviceDoubt[]> {
  const rows = await db
    .selectFrom('device_doubt')
    .select([
      'device_id as deviceId',
      'received_from as receivedFromMs',
      'received_until as receivedUntilMs',
      'reason',
      'declared_by as declaredBy',
      'declared_at as declaredAtMs',
    ])
    .orderBy('received_from')
    .execute();
  return rows as unknown as readonly DeviceDoubt[];
}

async function readTokens(db: Db): Promise<RegistrySnapshot['deviceTokens']> {
  const rows = await db
    .selectFrom('device_token')
    .select(['sha256', 'device_id as deviceId', 'expires_at as expiresAtMs'])
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', sql<number>`now()`)
    .execute();
  return rows as unknown as RegistrySnapshot['deviceTokens'];
}

function countOf(results: readonly { readonly numUpdatedRows: bigint }[]): number {
  return results.reduce((sum, { numUpdatedRows }) => sum + Number(numUpdatedRows), 0);
}
