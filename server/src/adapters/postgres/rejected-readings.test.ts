import { beforeAll, describe, expect, it } from 'vitest';
import type { DeviceId } from '../../domain/ids.ts';
import { createHouseSeal } from '../../keys/house-seal.ts';
import { createPatientIdentities } from '../../keys/patient-identities.ts';
import { createPatientSeal } from '../../keys/patient-seal.ts';
import { testSubjectKeys } from '../../keys/test-identities.ts';
import { rejectedReadingsContract } from '../../ports/rejected-readings.contract.ts';
import { PostgresRejectedReadings } from './rejected-readings.ts';
import { sealClearTexts } from './seal-clear-texts.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from './test-database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
const keys = testSubjectKeys();
const houseSeal = createHouseSeal(keys);

rejectedReadingsContract('PostgreSQL', async (capacity) => {
  await emptyDatabase(database);
  return new PostgresRejectedReadings(database, houseSeal, { capacity });
});

describe('what a refused reading brought', () => {
  const payload = Buffer.from('{"patientName":"Featherstone-Canary","hr":900}');
  const refused = {
    deviceId: 'D-1' as DeviceId,
    receivedAtMs: 1_800_000_000_000,
    source: 'https' as const,
    payload,
    problems: [],
  };
  const stored = async () =>
    (await database.pool.query<{ payload: Buffer }>('select payload from rejected_reading')).rows;

  it('is in clear in no row, and is given back by nobody who altered it', async () => {
    await emptyDatabase(database);
    const rejected = new PostgresRejectedReadings(database, houseSeal);
    await rejected.add([refused]);
    expect((await stored()).some((row) => row.payload.includes('Canary'))).toBe(false);
    await database.pool.query("update rejected_reading set payload = payload || '\\x00'");
    expect((await rejected.list({ limit: 1 }))[0]?.payload).toEqual(new Uint8Array());
  });

  it('from before is sealed at the next start', async () => {
    await emptyDatabase(database);
    await database.pool.query(
      `insert into rejected_reading (device_id, received_at, source, payload, problems)
       select 'D-1', now(), 'mqtt', $1, '[]' from generate_series(1, 1500)`,
      [payload],
    );
    const sealing = { identities: createPatientIdentities(keys), seal: createPatientSeal(keys), houseSeal };
    await Promise.all([sealClearTexts(database, sealing), sealClearTexts(database, sealing)]);
    expect((await stored()).some((row) => row.payload.includes('Canary'))).toBe(false);
    const rejected = new PostgresRejectedReadings(database, houseSeal);
    const all = await rejected.list({ limit: 2_000 });
    expect(all.filter((one) => Buffer.from(one.payload).equals(payload))).toHaveLength(1_500);
  });
});
