import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEmbeddedPostgres } from '../adapters/embedded/embedded-postgres.ts';
import { type Connections, connect } from '../adapters/postgres/connection.ts';
import { Listener } from '../adapters/postgres/listener.ts';
import { migrate } from '../adapters/postgres/migrate.ts';
import type { EscalationTimes } from '../domain/escalation-times.ts';
import type { AlarmId, PatientId } from '../domain/ids.ts';
import { clockOf } from './test-killing.ts';
import { openTestWard, type TestWard } from './test-ward.ts';

/** A minute is a second; the nurse has ten of them. */
const now = clockOf({ fromMs: Date.now(), speed: 60 });
const MINUTE_MS = 1_000;
const TIMES: EscalationTimes = {
  nurseSeconds: 600,
  leadsSeconds: 3_600,
  onCallSeconds: 3_600,
  everyoneSeconds: 3_600,
  mediumSeconds: 3_600,
  repeatsMax: 2,
};
const ALARMS = 10;
const VOLATILE = { fsync: 'off', synchronous_commit: 'off' };

let folder: string;
let postgres: Awaited<ReturnType<typeof startEmbeddedPostgres>>;
let database: Connections;
let listener: Listener;
let ward: TestWard;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'healthsync-outage-'));
  postgres = await startEmbeddedPostgres({ dataFolder: folder, settings: VOLATILE });
  database = connect(postgres.address);
  await migrate(database.pool);
  listener = new Listener(database);
  ward = await openTestWard(database, listener, { times: TIMES, now });
  await ward.startEngine();
}, 60_000);
afterAll(async () => {
  await ward.stopEngine();
  await listener.close();
  await database.close();
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('escalations whose database is gone for a minute', () => {
  it('go on when it is back: nobody is forgotten, and nobody is told twice', { timeout: 60_000 }, async () => {
    const ids: AlarmId[] = [];
    for (let n = 1; n <= ALARMS; n++)
      ids.push(await ward.condition('began', { alarmId: `A${n}`, patientId: `P${n}` as PatientId }));
    const told = async () => (await Promise.all(ids.map((id) => ward.told(id)))).map((each) => each.toSorted().join());
    await expect.poll(told, { timeout: 20_000, interval: 50 }).toEqual(ids.map(() => 'nurse.1 nia'));

    await postgres.stop();
    await sleep(MINUTE_MS);
    postgres = await startEmbeddedPostgres({ dataFolder: folder, settings: VOLATILE });

    const leads = 'charge-nurse-and-doctor.1 chris,charge-nurse-and-doctor.1 dora,nurse.1 nia';
    await expect.poll(told, { timeout: 30_000, interval: 50 }).toEqual(ids.map(() => leads));
    const ends = await Promise.all(ids.map(async (id) => (await ward.escalations.rounds(id)).map(({ end }) => end)));
    expect(ends).toEqual(ids.map(() => [undefined]));
    expect(ward.failures).toEqual([]);
  });
});
