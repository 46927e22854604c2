import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openSegmentLog, type SegmentLog } from '../../adapters/embedded/segment-log/segment-log.ts';
import { testLogKeys } from '../../adapters/embedded/segment-log/test-log-keys.ts';
import { Listener } from '../../adapters/postgres/listener.ts';
import { PostgresRegistry } from '../../adapters/postgres/registry.ts';
import { PostgresRejectedReadings } from '../../adapters/postgres/rejected-readings.ts';
import { openTestDatabase, type TestDatabase } from '../../adapters/postgres/test-database.ts';
import type { PatientId } from '../../domain/ids.ts';
import type { AssignedReading } from '../../domain/reading.ts';
import { openRegistryView } from '../../identity/registry-view.ts';
import { testHouseSeal, testIdentities } from '../../keys/test-identities.ts';
import { type Admission, createAdmission } from './admission.ts';
import { mappingProfiles } from './mapping-profiles.ts';
import { createRejectedQuarantine } from './rejected-quarantine.ts';
import { replayRejected } from './rejected-replay.ts';
import { admitted, D1, GOOD } from './test-admission.ts';

/** Admission on what it stands on in the product: segment files, PostgreSQL, and the registry's own notices. */
let folder: string;
let database: TestDatabase;
let listener: Listener;
let log: SegmentLog;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'healthsync-admission-'));
  database = await openTestDatabase();
  listener = new Listener(database);
  log = await openLog();
});
afterAll(async () => {
  await log.close();
  await listener.close();
  await rm(folder, { recursive: true, force: true });
});

const openLog = () =>
  openSegmentLog({
    folder,
    partitions: 4,
    groups: ['keep'],
    keys: testLogKeys(),
    now: Date.now,
    settings: { segmentBytes: 256 * 1024, freeBytesMin: 0 },
  });

async function readBack(): Promise<readonly AssignedReading[]> {
  const readings: AssignedReading[] = [];
  const { next } = await log.extent();
  const expected = [...next.values()].reduce((sum, offset) => sum + offset, 0);
  const handle = async ({ records }: { records: readonly { reading: AssignedReading }[] }) =>
    void readings.push(...records.map(({ reading }) => reading));
  const subscription = log.subscribe({ group: 'keep', from: new Map(), batchMax: 100, lingerMs: 0, handle });
  await expect.poll(() => readings.length).toBe(expected);
  await subscription.stop();
  return readings;
}

it('a reading refused for want of a patient is listed, and is in the log for that patient after assignment and replay', async () => {
  const registry = new PostgresRegistry(database, listener, testIdentities());
  const rejected = new PostgresRejectedReadings(database, testHouseSeal());
  const view = await openRegistryView(registry, { now: Date.now });
  const quarantine = createRejectedQuarantine({ store: rejected, now: Date.now });
  const admission: Admission = createAdmission({
    log,
    view: view.current,
    profiles: mappingProfiles(new Map()),
    quarantine,
    now: Date.now,
  });
  const nowMs = Date.now();
  const good = { ...GOOD, at: new Date(nowMs).toISOString() };
  const send = (bytes: Uint8Array) =>
    admitted(admission, { deviceId: D1, transport: 'mqtt', receivedAtMs: nowMs }, bytes);
  const sendValue = (value: unknown) => send(Buffer.from(JSON.stringify(value)));
  const listed = async () =>
    (await rejected.list({ limit: 10 })).map(({ problems, state }) => [problems[0]?.code, state]);

  expect(await sendValue(good)).toMatchObject({ kind: 'rejected', problems: [{ code: 'unknown-device' }] });

  await registry.putDevice({ id: D1, createdAtMs: 0 });
  await registry.putPatient({ id: 'P1' as PatientId });
  await expect.poll(() => view.current().device('D1')).toBeDefined();
  expect(await sendValue(good)).toMatchObject({ kind: 'rejected', problems: [{ code: 'no-assignment' }] });
  // PostgreSQL's text takes no NUL and only UTF-8; the copy is bytes.
  expect(await send(Buffer.from([0x00, 0xff, 0x22]))).toMatchObject({ problems: [{ code: 'malformed-json' }] });

  await registry.assign({ deviceId: D1, patientId: 'P1' as PatientId, fromMs: nowMs - 1_000 });
  await expect.poll(() => view.current().patientAt('D1', nowMs)).toBe('P1');
  const [malformed, unassigned] = await rejected.list({ limit: 10 });
  expect(Buffer.from(malformed?.payload ?? [])).toEqual(Buffer.from([0x00, 0xff, 0x22]));
  const replay = (id: string) => replayRejected({ rejected, admission, now: Date.now, id, by: 'operator' });
  expect(await replay(unassigned?.id ?? '')).toEqual({ kind: 'accepted', readingId: 'r-1' });
  expect(await sendValue(good)).toEqual({ kind: 'duplicate', readingId: 'r-1' });
  expect(await sendValue({ ...good, id: 'r-2' })).toEqual({ kind: 'accepted', readingId: 'r-2' });
  expect(await listed()).toEqual([
    ['malformed-json', 'open'],
    ['no-assignment', 'replayed'],
    ['unknown-device', 'open'],
  ]);

  await quarantine.close();
  await view.close();
  await log.close();
  log = await openLog();
  expect(await readBack()).toMatchObject([
    { id: 'r-1', patientId: 'P1', receivedAtMs: nowMs, vitals: GOOD.vitals },
    { id: 'r-2', patientId: 'P1' },
  ]);
});
