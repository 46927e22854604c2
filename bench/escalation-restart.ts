import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDataFolder } from '../server/src/adapters/embedded/data-folder.ts';
import { Listener } from '../server/src/adapters/postgres/listener.ts';
import { openDatabase } from '../server/src/adapters/postgres/open-database.ts';
import type { PatientId } from '../server/src/domain/ids.ts';
import { openTestWard, QUICK } from '../server/src/escalation/test-ward.ts';

/**
 * A restart with many escalations open: all nurses are told, then the process that runs them is killed and started again
 * when every nurse's time is over. Do all go on, and how late are they? The database is the embedded one, durable. One
 * JSON object on stdout.
 *
 *   node bench/escalation-restart.ts [--open 10000] [--nurse-seconds 120]
 */
const argument = (name: string, byDefault: number) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? byDefault : Number(process.argv[at + 1]);
};
const OPEN = argument('--open', 10_000);
/** Long enough for all of them to be told before it is over for the first. */
const NURSE_SECONDS = argument('--nurse-seconds', 120);

const parent = mkdtempSync(join(tmpdir(), 'healthsync-restart-'));
const folder = await openDataFolder(join(parent, 'data'));
const database = await openDatabase({ dataFolder: folder.path });
const listener = new Listener(database);
let engine: ChildProcess | undefined;
try {
  const times = { ...QUICK, nurseSeconds: NURSE_SECONDS, leadsSeconds: 3_600, onCallSeconds: 3_600 };
  const ward = await openTestWard(database, listener, { times });
  const raising = performance.now();
  await ward.conditions(
    Array.from({ length: OPEN }, (_, n) => ({ alarmId: `A${n}`, patientId: `P${n}` as PatientId })),
  );
  const raisedSeconds = seconds(raising);
  const telling = performance.now();
  engine = await start();
  await until('nurse');
  const toldSeconds = seconds(telling);
  const ended = once(engine, 'exit');
  engine.kill('SIGKILL');
  await ended;
  await sleep(await lastDueInMs());
  const restarting = performance.now();
  engine = await start();
  await until('charge-nurse-and-doctor');
  const resumedSeconds = seconds(restarting);
  // From when the process was there again, or the nurse's time was over, whichever came later.
  const { rows } = await database.pool.query<{ p50: number; p99: number; max: number }>(
    `select round(percentile_cont(0.5) within group (order by late)) as p50,
       round(percentile_cont(0.99) within group (order by late)) as p99, round(max(late)) as max
     from (
       select (extract(epoch from next.at - greatest(nurse.until, to_timestamp($1::float8 / 1000))) * 1000)::float8 as late
       from escalation_step as next join escalation_step as nurse using (alarm_id, round)
       where next.step = 'charge-nurse-and-doctor' and nurse.step = 'nurse'
     ) as lateness`,
    [performance.timeOrigin + restarting],
  );
  const twice = await database.pool.query<{ n: number }>(
    `select count(*)::int as n from (
       select alarm_id, recipient, event from delivery group by 1, 2, 3 having count(*) > 1
     ) as doubled`,
  );
  const result = { open: OPEN, raisedSeconds, toldSeconds, resumedSeconds, lateMs: rows[0], twice: twice.rows[0]?.n };
  console.log(JSON.stringify({ bench: 'escalation-restart', ...result }, null, 2));
} finally {
  engine?.kill('SIGKILL');
  await listener.close();
  await database.close();
  folder.close();
  rmSync(parent, { recursive: true, force: true });
}

async function start(): Promise<ChildProcess> {
  const program = join(import.meta.dirname, '../server/src/escalation/test-engine-process.ts');
  const child = spawn(process.execPath, [program, JSON.stringify(database.address), 'engine-1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  return child;
}

async function lastDueInMs(): Promise<number> {
  const { rows } = await database.pool.query<{ ms: number }>(
    'select (extract(epoch from max(until) - now()) * 1000)::float8 as ms from escalation_step',
  );
  return Math.max(0, rows[0]?.ms ?? 0);
}

async function until(step: string): Promise<void> {
  for (;;) {
    const { rows } = await database.pool.query<{ n: number }>(
      'select count(*)::int as n from escalation_step where step = $1',
      [step],
    );
    if (rows[0]?.n === OPEN) return;
    await sleep(500);
  }
}

function seconds(fromMs: number): number {
  return Number(((performance.now() - fromMs) / 1_000).toFixed(1));
}
