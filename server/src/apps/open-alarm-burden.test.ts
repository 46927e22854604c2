import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AlarmBurdenComparison,
  AlarmBurdenDatasets,
  AlarmBurdenPreview,
} from '@healthsync/contracts/alarm-burden';
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DatabaseAddress } from '../adapters/postgres/connection.ts';
import { PostgresReadingArchive } from '../adapters/postgres/reading-archive.ts';
import { openTestDatabase, type TestDatabase } from '../adapters/postgres/test-database.ts';
import { PostgresVitalsHistory } from '../adapters/postgres/vitals-history.ts';
import { type BurdenJob, burdenJob } from '../analytics/alarm-burden-job.ts';
import { type BurdenBounds, runAlarmBurden } from '../analytics/alarm-burden-run.ts';
import type { AuditEntry } from '../domain/audit-entry.ts';
import type { DeviceId, PatientId, ReadingId, WardId } from '../domain/ids.ts';
import type { LimitRule } from '../domain/rule.ts';
import type { LoggedReading } from '../ports/reading-log.ts';
import { keepBatch } from '../ports/test-keep.ts';
import { type CallOptions, NOW, startTestServer, type TestServer } from '../serve/test-server.ts';
import { recordedDatasets } from '../simulation/recorded-datasets.ts';
import { createLog } from '../telemetry/log.ts';
import { startBurdenProcess } from './alarm-burden-process.ts';
import { openAlarmBurden } from './open-alarm-burden.ts';
import { undoStack } from './undo.ts';

/** Seconds of each patient of ward W1, up to now. */
const SECONDS = 7_200;
const HIGH = {
  kind: 'limit',
  id: 'heartRate.above.high',
  vital: 'heartRate',
  comparison: 'above',
  limit: 160,
  priority: 'high',
} as const;
const SINGLE_3 = { kind: 'news2', id: 'news2.single3.medium', single3: true, priority: 'medium' } as const;
const WAITING = { ...HIGH, sustainedMs: 15_000 };

let database: TestDatabase;
let server: TestServer;
let folder: string;
const recorded: AuditEntry[] = [];
const undo = undoStack(() => {});

beforeAll(async () => {
  database = await openTestDatabase();
  await seed();
  folder = await mkdtemp(join(tmpdir(), 'healthsync-datasets-'));
  await mkdir(join(folder, 'icu'));
  await writeFile(join(folder, 'icu', 'p1.psv'), recordOf([80, 170, 175, 80, 170, 80, 500, 80]));
  await writeFile(join(folder, 'icu', 'p2.psv'), recordOf([80, 80, 80]));
  await writeFile(join(folder, 'icu', 'readme.txt'), 'not a patient');
  const log = createLog({ level: 'silent' });
  const routes = openAlarmBurden({
    addressNow: () => database.address,
    datasetsFolder: folder,
    services: {
      view: () => server.world.view(),
      ruleSets: { read: (query) => server.world.ruleSets.read(query) },
      shownPreviews: {
        add: (shown) => server.world.shownPreviews.add(shown),
        find: (asked) => server.world.shownPreviews.find(asked),
      },
      now: () => NOW,
      audit: {
        async append(entries) {
          recorded.push(...entries);
          return [];
        },
      },
    },
    log,
    undo,
  });
  server = await startTestServer({ server: { plugins: [routes] } });
});
afterAll(async () => {
  await undo.run();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** P1: a spike of 3 s every two minutes, and 100 s beyond the limit once. P2: well, and measured for the second hour only. */
function heartRate(patient: 1 | 2, second: number): number | undefined {
  if (patient === 2) return second < 3_600 ? undefined : 80;
  if (second >= 3_000 && second < 3_100) return 175;
  return second % 120 < 3 && second > 10 && (second < 2_900 || second > 3_200) ? 170 : 80;
}
const SPIKES = 57;

async function seed() {
  const history = new PostgresVitalsHistory(database);
  let offset = 0;
  for (const patient of [1, 2] as const) {
    const records: LoggedReading[] = [];
    for (let second = 0; second < SECONDS; second++) {
      const rate = heartRate(patient, second);
      if (rate === undefined) continue;
      const atMs = NOW - (SECONDS - second) * 1_000;
      records.push({
        partition: 0,
        offset: offset++,
        reading: {
          id: `r${second}` as ReadingId,
          deviceId: `D${patient}` as DeviceId,
          patientId: `P${patient}` as PatientId,
          atMs,
          receivedAtMs: atMs + 90,
          vitals: { heartRate: rate },
          context: {},
          status: {},
        },
      });
    }
    await keepBatch(history, { records, next: new Map([[0, offset]]) });
  }
}

function recordOf(rates: readonly number[]): string {
  return ['HR|O2Sat|Temp|SBP|MAP|DBP|Resp', ...rates.map((rate) => `${rate}|NaN|NaN|NaN|NaN|NaN|NaN`)].join('\n');
}

async function ask(token: string, body: object, schema?: TSchema) {
  const answer = await server.call('/api/rules/preview', { method: 'POST', token, body });
  if (schema !== undefined) expect([...Value.Errors(schema, answer.body)]).toEqual([]);
  return answer;
}
const see = (token: string, id: string, init: CallOptions = {}) =>
  server.call(`/api/rules/preview/${id}`, { token, ...init });

async function compared(token: string, body: object): Promise<AlarmBurdenComparison> {
  const asked = await ask(token, body, AlarmBurdenPreview);
  expect(asked.status).toBe(202);
  const shown = await over(token, asked.body.id);
  expect(shown.problem).toBeUndefined();
  expect([...Value.Errors(AlarmBurdenPreview, shown)]).toEqual([]);
  return shown.comparison as AlarmBurdenComparison;
}
async function over(token: string, id: string): Promise<AlarmBurdenPreview> {
  for (;;) {
    const { body } = await see(token, id);
    if (body.state !== 'queued' && body.state !== 'running') return body;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('the alarm-burden preview of a ward', () => {
  it('says what a rule that waits would have spared, and by how much it would have rung later', async () => {
    const nurse = await server.token('charge-nurse', ['W1']);
    const { basis, before, after, sustained, timeline, warnings } = await compared(nurse, {
      scope: 'ward',
      scopeId: 'W1',
      rules: [WAITING],
      days: 1,
    });
    expect(basis).toMatchObject({ source: 'history', revision: 0, patients: 2, readings: SECONDS + 3_600 });
    expect(basis.patientDays).toBeCloseTo(10_798 / 86_400, 3);
    // The long one is a single 3 of NEWS2 that lasts, too.
    expect([before.alarms.all, after.alarms.all]).toEqual([SPIKES + 2, 2]);
    expect(before.busiest).toEqual([expect.objectContaining({ patientId: 'P1', bedId: 'W1-B1', alarms: SPIKES + 2 })]);
    expect(sustained).toMatchObject({
      events: 1,
      before: { caught: 1, missed: 0, delayMs: { max: 0 } },
      after: { caught: 1, missed: 0, delayMs: { max: 15_000 } },
      newlyMissed: 0,
      delayed: 1,
    });
    expect(sustained.worst).toHaveLength(1);
    expect(timeline.reduce((sum, hour) => sum + hour.before, 0)).toBe(SPIKES + 2);
    expect(warnings.map(({ code }) => code)).toEqual(['little-data', 'gaps']);
  });

  it('is of one patient, of the house’s rules on a ward, and knows when nothing would change', async () => {
    const doctor = await server.token('physician');
    const ofPatient = await compared(doctor, { scope: 'patient', scopeId: 'P2', rules: [WAITING], days: 1 });
    expect(ofPatient).toMatchObject({ basis: { patients: 1, readings: 3_600 }, before: { alarms: { all: 0 } } });
    const off = [
      { ...HIGH, off: true },
      { ...SINGLE_3, off: true },
    ];
    const ofHouse = await compared(doctor, { scope: 'house', ward: 'W1', rules: off, days: 1 });
    expect(ofHouse.sustained).toMatchObject({ newlyMissed: 1, worst: [{ patientId: 'P1', lastedMs: 99_000 }] });
    const nothing = await compared(doctor, { scope: 'ward', scopeId: 'W2', rules: [], days: 1 });
    expect(nothing.warnings.map(({ code }) => code)).toEqual(['no-data', 'no-change']);
  });

  it('names patients only to who may read their values, and a preview only to who asked', async () => {
    const operator = await server.token('operator');
    const { before, sustained } = await compared(operator, {
      scope: 'ward',
      scopeId: 'W1',
      rules: [{ ...HIGH, off: true }],
      days: 1,
    });
    expect(before.alarms.all).toBe(SPIKES + 2);
    expect([before.busiest, sustained.worst]).toEqual([[], []]);
    const doctor = await server.token('physician');
    const { body } = await ask(doctor, { scope: 'ward', scopeId: 'W2', rules: [] });
    expect((await see(operator, body.id)).status).toBe(404);
    expect((await see(operator, body.id, { method: 'DELETE' })).status).toBe(404);
    await over(doctor, body.id);
  });

  it('refuses what the PUT would refuse, and other wards, saying which field', async () => {
    const nurse = await server.token('charge-nurse', ['W1']);
    const refused = async (body: object) => {
      const { status, body: problem } = await ask(nurse, body);
      return `${status} ${problem.errors?.[0]?.field ?? problem.code}`;
    };
    const ward = { scope: 'ward', scopeId: 'W1' };
    expect(await refused({ ...ward, rules: [{ ...HIGH, vital: 'pulse' }] })).toBe('400 rules.0.vital');
    expect(await refused({ ...ward, rules: [{ ...HIGH, limit: 900 }] })).toBe('400 rules.0.limit');
    expect(await refused({ ...ward, rules: [], days: 15 })).toBe('400 days');
    expect(await refused({ ...ward, rules: [], ward: 'W1' })).toBe('400 ward');
    expect(await refused({ scope: 'house', rules: [] })).toBe('400 ward');
    expect(await refused({ scope: 'house', ward: 'W2', rules: [] })).toBe('404 not-found');
    expect(await refused({ ...ward, scopeId: 'W2', rules: [] })).toBe('404 not-found');
    expect(await refused({ scope: 'patient', scopeId: 'P3', rules: [] })).toBe('404 not-found');
    expect(await refused({ ...ward, rules: [], dataset: '../icu' })).toBe('404 not-found');
    const wall = await server.token('kiosk');
    expect((await ask(wall, { ...ward, rules: [] })).status).toBe(403);
  });

  it('is kept with the change that was made after seeing it, and with no other', async () => {
    const nurse = await server.token('charge-nurse', ['W1']);
    const rules = [
      { ...HIGH, limit: 155 },
      { ...WAITING, id: 'heartRate.above.high.slow', limit: 150 },
    ];
    const body = { scope: 'ward', scopeId: 'W1', rules, days: 1 };
    const asked = await ask(nurse, body);
    const put = (change: object) =>
      server.call('/api/wards/W1/rules', {
        method: 'PUT',
        token: nurse,
        body: { reason: 'spikes', expectedRevision: 0, rules, preview: asked.body.id, ...change },
      });
    // Nobody has looked at its figures yet.
    expect(await put({})).toMatchObject({
      status: 400,
      body: { errors: [{ code: 'unknown-preview', field: 'preview' }] },
    });
    const seen = await over(nurse, asked.body.id);
    const others = await put({ rules: [{ ...HIGH, limit: 154 }] });
    expect(others).toMatchObject({ status: 400, body: { errors: [{ code: 'preview-of-other-rules' }] } });
    expect((await put({})).status).toBe(200);
    const { body: history } = await server.call('/api/wards/W1/rules/versions', { token: nurse });
    const { before, after, sustained, basis } = seen.comparison as AlarmBurdenComparison;
    expect(history.versions).toHaveLength(2);
    for (const { preview, setBy } of history.versions)
      expect(preview).toMatchObject({
        by: setBy,
        revision: 0,
        patients: basis.patients,
        before: { alarms: before.alarms.all, perPatientDay: before.alarmsPerPatientDay.all, missed: 0 },
        after: { alarms: after.alarms.all, missed: 0 },
        sustainedEvents: sustained.events,
        newlyMissed: 0,
      });
    const without = await put({ expectedRevision: 1, rules: [], preview: undefined });
    expect(without.status).toBe(200);
  });

  it('can be taken back while it runs', async () => {
    const nurse = await server.token('charge-nurse', ['W1']);
    const { body } = await ask(nurse, { scope: 'ward', scopeId: 'W1', rules: [WAITING] });
    expect((await see(nurse, body.id, { method: 'DELETE' })).body.state).toBe('cancelled');
    const next = await compared(nurse, { scope: 'patient', scopeId: 'P2', rules: [], days: 1 });
    expect(next.basis.readings).toBe(3_600);
    expect((await see(nurse, body.id)).body).toMatchObject({ state: 'cancelled' });
  });

  it('tries rules on recorded patients, as far as hourly charts can tell', async () => {
    const admin = await server.token('physician');
    const listed = await server.call('/api/rules/preview/datasets', { token: admin });
    expect([...Value.Errors(AlarmBurdenDatasets, listed.body)]).toEqual([]);
    expect(listed.body).toEqual({ datasets: [{ name: 'icu' }] });
    const { basis, before, after, warnings } = await compared(admin, {
      scope: 'ward',
      scopeId: 'W1',
      rules: [{ ...HIGH, limit: 172 }],
      dataset: 'icu',
    });
    // Seven hours and two; a heart rate of 500 is an artefact, and no reading of it.
    expect(basis).toMatchObject({ source: 'dataset', dataset: 'icu', patients: 2, readings: 11, patientDays: 0.375 });
    expect([before.alarms.high, after.alarms.high]).toEqual([2, 1]);
    expect(before.technical.alarms).toBe(0);
    expect(warnings.map(({ code }) => code)).toEqual(['little-data', 'first-part-only', 'coarse-data']);
  });

  it('is on record with how much was read for it', () => {
    const read = recorded.filter(({ detail: { state } = {} }) => state === 'done');
    expect(read.length).toBeGreaterThan(2);
    for (const entry of read)
      expect(entry).toMatchObject({
        action: 'rules.preview',
        outcome: 'allowed',
        detail: { readings: expect.any(Number) },
      });
  });
});

describe('the process of a preview', () => {
  const job = (): BurdenJob =>
    burdenJob(
      {
        place: { scope: 'ward', wardId: 'W1' as WardId },
        rules: [{ ...WAITING, version: 1 } as LimitRule],
        on: { wardId: 'W1' as WardId, days: 1 },
      },
      server.world.view().snapshot,
      NOW,
    ).job;
  const start = (address: DatabaseAddress, heap: { readonly heapMaxMegabytes?: number } = {}) =>
    startBurdenProcess({ job: job(), address }, { onProgress: () => {}, ...heap });

  it('says that the database is away', async () => {
    const { outcome, stop } = start({ url: 'postgres://nobody@127.0.0.1:1/none' });
    expect(await outcome).toMatchObject({ kind: 'failed', code: 'database-unavailable' });
    await stop();
  });

  it('says that it was ended, or ran out of memory, and takes nobody with it', async () => {
    const ended = start(database.address);
    await ended.stop();
    expect(await ended.outcome).toMatchObject({ kind: 'failed', code: 'ended' });
    const small = start(database.address, { heapMaxMegabytes: 8 });
    expect(await small.outcome).toMatchObject({ kind: 'failed', code: 'out-of-memory' });
  });

  const run = (bounds: Partial<BurdenBounds>, monotonicMs = () => 0) =>
    runAlarmBurden(job(), {
      archive: new PostgresReadingArchive(database),
      datasets: recordedDatasets(undefined),
      bounds,
      monotonicMs,
    });

  it('uses the newest hours where there is too much, and says so', async () => {
    const answer = await run({ readingsMax: 1_000 });
    expect(answer).toMatchObject({ isCut: true, fromMs: NOW - 2 * 3_600_000, toMs: NOW, patientsDone: 2 });
    expect(await run({ readingsMax: 10_800 })).toMatchObject({ isCut: false, figures: { readings: 10_800 } });
  });

  it('answers with what was done when its time is over', async () => {
    let ms = 0;
    const answer = await run({ timeMaxMs: 30 }, () => ms++);
    expect(answer).toMatchObject({ patients: 2, patientsDone: 1, figures: { patients: 1, readings: SECONDS } });
  });
});
