import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DeviceId, PatientId, ReadingId } from '../../domain/ids.ts';
import type { AssignedReading } from '../../domain/reading.ts';
import { keepBatch } from '../../ports/test-keep.ts';
import { connect } from './connection.ts';
import { PostgresReadingArchive } from './reading-archive.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from './test-database.ts';
import { PostgresVitalsHistory } from './vitals-history.ts';

const T = Date.UTC(2026, 10, 22, 23, 59, 58, 123);
const P = 'P-a' as PatientId;
const OTHER = 'P-b' as PatientId;

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
beforeEach(() => emptyDatabase(database));

function reading(n: number, over: Partial<AssignedReading> = {}): AssignedReading {
  return {
    id: `r-${n}` as ReadingId,
    deviceId: `D-${n % 2}` as DeviceId,
    patientId: P,
    atMs: T + n * 1_000,
    receivedAtMs: T + n * 1_000 + 81,
    vitals: { heartRate: 60 + n },
    context: {},
    status: {},
    ...over,
  };
}

/** Over midnight, with every field there and not there. */
const EVERY_KIND = [
  reading(0),
  reading(1, {
    vitals: {
      heartRate: 61.25,
      spo2: 97,
      respiratoryRate: 0,
      temperature: 36.6,
      systolic: 120,
      diastolic: 80,
      mean: -0,
    },
    context: { oxygen: true, consciousness: 'V' },
    status: { leadsOff: false, battery: 0.625 },
  }),
  reading(2, { vitals: {}, context: { oxygen: false }, status: { leadsOff: true } }),
  reading(3, { vitals: { spo2: 88 }, context: { consciousness: 'A' }, status: { battery: 0 } }),
];

async function keep(...readings: readonly AssignedReading[]) {
  const records = readings.map((each, offset) => ({ partition: 0, offset, reading: each }));
  await keepBatch(new PostgresVitalsHistory(database), { records, next: new Map([[0, records.length]]) });
}

describe('the history in bulk', () => {
  it('is what the history says itself, every field, also before 2000', async () => {
    const early = reading(9, { atMs: Date.UTC(1999, 11, 31, 12), receivedAtMs: Date.UTC(1999, 11, 31, 12, 0, 1) });
    await keep(...EVERY_KIND, early, reading(5, { patientId: OTHER }));
    const query = { patientId: P, fromMs: 0, toMs: T + 60_000 };
    const found = await new PostgresReadingArchive(database).read(query);
    expect(found).toEqual(await new PostgresVitalsHistory(database).read({ ...query, limit: 100 }));
    expect(found).toEqual([early, ...EVERY_KIND]);
  });

  it('has the beginning of a span and not its end, and nothing where nothing is', async () => {
    await keep(...EVERY_KIND);
    const archive = new PostgresReadingArchive(database);
    const ids = async (fromMs: number, toMs: number) =>
      (await archive.read({ patientId: P, fromMs, toMs })).map(({ id }) => id);
    expect(await ids(T + 1_000, T + 3_000)).toEqual(['r-1', 'r-2']);
    expect(await ids(T + 4_000, T + 9_000)).toEqual([]);
  });

  it('counts those of several patients', async () => {
    await keep(...EVERY_KIND, reading(5, { patientId: OTHER }), reading(6, { patientId: 'P-c' as PatientId }));
    const archive = new PostgresReadingArchive(database);
    expect(await archive.count({ patientIds: [P, OTHER], fromMs: T + 1_000, toMs: T + 6_000 })).toBe(4);
    expect(await archive.count({ patientIds: [], fromMs: 0, toMs: T + 6_000 })).toBe(0);
  });

  it('takes no id that is not one, and says when the database is away', async () => {
    const archive = new PostgresReadingArchive(database);
    const patientId = "P' or true --" as PatientId;
    await expect(archive.read({ patientId, fromMs: 0, toMs: T })).rejects.toThrow('not a patient’s id');
    const away = connect({ url: 'postgres://nobody@127.0.0.1:1/none' }, { connectionsMax: 1 });
    const lost = new PostgresReadingArchive(away).read({ patientId: P, fromMs: 0, toMs: T });
    await expect(lost).rejects.toMatchObject({ code: 'database-unavailable' });
    await away.close();
  });
});
