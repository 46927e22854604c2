import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConditionTransition } from '../../domain/alarm.ts';
import type { AlarmId, DeviceId, PatientId, ReadingId } from '../../domain/ids.ts';
import { testSeal } from '../../keys/test-identities.ts';
import { Failure } from '../../ports/failure.ts';
import type { LogBatch } from '../../ports/reading-log.ts';
import { keepBatch } from '../../ports/test-keep.ts';
import { type DataFolder, openDataFolder } from '../embedded/data-folder.ts';
import { PostgresAlarmStore } from './alarm-store.ts';
import { type Database, openDatabase } from './open-database.ts';
import { PostgresVitalsHistory } from './vitals-history.ts';

let parent: string;
let folder: DataFolder;
let database: Database;
beforeAll(async () => {
  parent = mkdtempSync(join(tmpdir(), 'healthsync-faults-'));
  folder = await openDataFolder(join(parent, 'data'));
  database = await openDatabase({ dataFolder: folder.path });
});
afterAll(async () => {
  await database?.close();
  folder?.close();
  rmSync(parent, { recursive: true, force: true });
});

describe('when PostgreSQL is killed under writes', () => {
  it('every reading is kept exactly once, and every failure says that trying again helps', async () => {
    const history = new PostgresVitalsHistory(database);
    const failures: unknown[] = [];
    const keep = (batch: LogBatch) => untilDone(() => keepBatch(history, batch), failures);
    const killing = killRepeatedly(5);
    let batches = 0;
    for (; !killing.isOver() || batches < 50; batches++) await keep(batchOf(batches));
    await killing.done;
    const { rows } = await asked(
      `select count(*)::int as kept, count(distinct reading_id)::int as different from vitals`,
    );
    expect(rows).toEqual([{ kept: batches * 20, different: batches * 20 }]);
    expect(await untilDone(() => history.position(), [])).toEqual(new Map([[0, batches * 20]]));
    expect(failures.length).toBeGreaterThan(0);
    for (const failure of failures) expect(failure).toMatchObject({ code: 'database-unavailable', retryable: true });
  });

  it('every alarm is raised and told of exactly once', async () => {
    const alarms = new PostgresAlarmStore(database, { seal: testSeal() });
    const failures: unknown[] = [];
    const killing = killRepeatedly(3);
    let raised = 0;
    for (; !killing.isOver() || raised < 50; raised++) await untilDone(() => alarms.apply([began(raised)]), failures);
    await killing.done;
    const { rows } = await asked(
      `select (select count(*)::int from alarm) as alarms, (select count(*)::int from outbox_event) as told`,
    );
    expect(rows).toEqual([{ alarms: raised, told: raised }]);
    expect(failures.every((failure) => failure instanceof Failure && failure.retryable)).toBe(true);
  });
});

/** What a consumer does: the same work again, until it is done. */
async function untilDone<T>(work: () => Promise<T>, failures: unknown[]): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      failures.push(error);
      await sleep(20);
    }
  }
}

/** The last kill may still be under way: backends live on for a moment without their postmaster. */
const asked = (sql: string) => untilDone(() => database.pool.query(sql), []);

function killRepeatedly(times: number) {
  let isOver = false;
  const kill = async () => {
    for (let i = 0; i < times; i++) {
      await sleep(150 + 130 * i);
      const pid = database.postgresPid();
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
      // Back again, as far as somebody else can tell.
      await untilDone(() => database.pool.query('select 1'), []);
    }
    isOver = true;
  };
  return { done: kill(), isOver: () => isOver };
}

function batchOf(batch: number): LogBatch {
  const records = Array.from({ length: 20 }, (_, i) => {
    const offset = batch * 20 + i;
    return {
      partition: 0,
      offset,
      reading: {
        id: `r-${offset}` as ReadingId,
        deviceId: 'D' as DeviceId,
        patientId: `P-${i}` as PatientId,
        atMs: Date.UTC(2026, 10, 22) + offset,
        receivedAtMs: Date.UTC(2026, 10, 22) + offset,
        vitals: { heartRate: 80 },
        context: {},
        status: {},
      },
    };
  });
  return { records, next: new Map([[0, (batch + 1) * 20]]) };
}

function began(n: number): ConditionTransition {
  return {
    kind: 'began',
    patientId: `P-${n}` as PatientId,
    rule: 'heartRate.above.high',
    ruleVersion: 1,
    alarmKind: 'physiological',
    priority: 'high',
    cause: { text: 'HR 167 > 160' },
    readingId: 'r' as ReadingId,
    deviceId: 'D' as DeviceId,
    atMs: n,
    alarmId: `A-${n}` as AlarmId,
    position: { partition: 0, offset: n, step: 0 },
  };
}
