import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import Fastify from 'fastify';
import { withOpenData } from '../server/src/apps/open-data.ts';
import { startTestProgram, type TestProgram } from '../server/src/apps/test-program.ts';
import type { BedId, DeviceId, PatientId, WardId } from '../server/src/domain/ids.ts';
import { newSecret, sha256Of } from '../server/src/identity/secrets.ts';
import { postgresCpuMs } from './processes.ts';

/**
 * What a request costs: CPU of the whole server process (all its threads) and of the embedded PostgreSQL beside it, per
 * request, of the whole program as it ships: session, decision, the organisation's own login, audit entry before the
 * answer. Asked without sockets, so that TLS and the asking side are not in it; what the asking itself costs stands in
 * `peers`: a bare Fastify that is asked in the same way, alone, with the query of the patients' list, and with one
 * durable insert besides, which is the least that an audited read can cost. CPU time, so that other load counts less.
 * One JSON object on stdout.
 *
 *   node bench/requests.ts [--requests 1000] [--together 1,16] [--only NAME]
 */
const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '1000' },
    together: { type: 'string', default: '1,16' },
    only: { type: 'string' },
  },
});
const NOTHING: Spent = { nodeMs: 0, postgresMs: 0 };
const REQUESTS = Number(values.requests);
const TOGETHER = values.together.split(',').map(Number);
/** A ward's list, its alarms, and a page of a patient's history. */
const IN_WARD = 20;
const READINGS = 200;
/** Elsewhere, each with an alarm that nobody has taken: half are taken to warm up. */
const ALARMS = 160;

interface Asked {
  readonly name: string;
  readonly status: number;
  readonly who?: string;
  readonly method?: 'GET' | 'POST';
  readonly url: (index: number) => string;
  readonly times?: number;
}

const program = await startTestProgram(
  [
    { name: 'nurse', roles: ['nurse'], wardIds: ['A'] },
    { name: 'physician', roles: ['physician'], wardIds: [] },
    { name: 'admin', roles: ['admin'], wardIds: [] },
  ],
  {
    HEALTHSYNC_CALLER_REQUESTS_PER_MINUTE: '10000000',
    HEALTHSYNC_ADDRESS_REQUESTS_PER_MINUTE: '10000000',
    HEALTHSYNC_SERVER_NAMES: 'localhost',
  },
);
const perRequest: Record<string, Record<string, Spent>> = {};
const postmaster = Number.parseInt(
  readFileSync(join(program.settings.dataFolder, 'postgres', 'postmaster.pid'), 'utf8'),
  10,
);
try {
  const tokens = await furnish(program);
  // What the beginning has left is over.
  await sleep(2_000);
  const quiet = await idleRate();
  for (const one of [
    { name: 'patients', status: 200, who: 'nurse', url: () => '/api/patients?ward=A' },
    { name: 'vitals', status: 200, who: 'nurse', url: () => `/api/patients/PA/vitals?limit=${READINGS}` },
    { name: 'session', status: 200, who: 'nurse', url: () => '/api/session' },
    { name: 'stranger', status: 401, url: () => '/api/patients' },
    { name: 'forbidden', status: 403, who: 'admin', url: () => '/api/patients' },
  ] satisfies readonly Asked[])
    await measure(one, quiet);

  const alarms = await raise(program, tokens);
  const busy = await settled(quiet);
  const taken = Math.floor(ALARMS / TOGETHER.length / 2);
  await measure({ name: 'alerts', status: 200, who: 'physician', url: () => '/api/alerts?ward=B&limit=20' }, busy);
  const take = { name: 'acknowledge', status: 200, who: 'physician', method: 'POST', times: taken } as const;
  await measure({ ...take, url: () => `/api/alerts/${alarms.pop()}/acknowledge` }, busy);

  const peers = values.only === undefined ? await bare(busy) : undefined;
  console.log(
    JSON.stringify(
      { bench: 'requests', node: process.version, idlePerSecond: { quiet, busy }, perRequest, peers },
      null,
      2,
    ),
  );
} finally {
  await program.stop();
}

async function measure(asked: Asked, idle: Spent): Promise<void> {
  const { name, times = REQUESTS } = asked;
  if (values.only !== undefined && values.only !== name) return;
  for (const together of TOGETHER) {
    const ask = (index: number) => inject(asked, index);
    await many(times, together, ask); // warm
    const spent = await spentWhile({ times, idle }, () => many(times, together, ask));
    perRequest[name] = { ...perRequest[name], [`together${together}`]: spent };
    // On the way, for whoever cannot wait.
    console.error(JSON.stringify({ name, together, ...spent }));
  }
}

function idleRate(): Promise<Spent> {
  return spentWhile({ times: 3, idle: NOTHING }, () => sleep(3_000));
}

/** Alarms make work for a while: pages, timers, events. What is left of it when it has become little is taken off. */
async function settled(quiet: Spent): Promise<Spent> {
  for (let tries = 0; tries < 60; tries++) {
    const now = await idleRate();
    if (now.nodeMs + now.postgresMs <= 1.5 * (quiet.nodeMs + quiet.postgresMs) + 20) return now;
  }
  throw new Error('it does not come to rest');
}

async function inject({ who, method = 'GET', url, status }: Asked, index: number): Promise<void> {
  const answer = await program.app.inject({
    method,
    url: url(index),
    ...(who !== undefined && { headers: { authorization: `Bearer ${program.secretOf(who)}` } }),
  });
  if (answer.statusCode !== status) throw new Error(`answered ${answer.statusCode}: ${answer.payload.slice(0, 300)}`);
}

async function many(times: number, together: number, once: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: together }, async () => {
      while (next < times) await once(next++);
    }),
  );
}

/** Milliseconds of CPU. */
interface Spent {
  readonly nodeMs: number;
  readonly postgresMs: number;
}

/** Each time, without what is spent in a second in which nothing is asked. */
async function spentWhile(
  { times, idle }: { readonly times: number; readonly idle: Spent },
  work: () => Promise<unknown>,
): Promise<Spent> {
  const before = { node: process.cpuUsage(), postgres: postgresCpuMs(postmaster), atMs: performance.now() };
  await work();
  const { user, system } = process.cpuUsage(before.node);
  const seconds = (performance.now() - before.atMs) / 1_000;
  const each = (ms: number, idleMs: number) => Number(((ms - seconds * idleMs) / times).toFixed(3));
  return {
    nodeMs: each((user + system) / 1_000, idle.nodeMs),
    postgresMs: each(postgresCpuMs(postmaster) - before.postgres, idle.postgresMs),
  };
}

/** The same machine, the same database, the same way of asking, and nothing of ours between. */
async function bare(idle: Spent) {
  return await withOpenData(program.settings, Date.now, async ({ database: { pool } }) => {
    await pool.query('create table if not exists bench_entry (n bigserial primary key, entry jsonb)');
    const app = Fastify();
    const list = () =>
      pool.query(
        `select id, encode(identity, 'base64') as identity, sex, bed_id from patient
         where bed_id in (select bed.id from bed where ward_id = any($1)) order by id`,
        [['A']],
      );
    app.get('/nothing', async () => ({ patients: [] }));
    app.get('/query', async () => ({ patients: (await list()).rows }));
    app.get('/query-and-insert', async () => {
      const { rows } = await list();
      await pool.query('insert into bench_entry (entry) values ($1)', [JSON.stringify({ who: 'nurse', what: 'A' })]);
      return { patients: rows };
    });
    const found: Record<string, Record<string, unknown>> = {};
    for (const together of TOGETHER)
      for (const url of ['/nothing', '/query', '/query-and-insert']) {
        const ask = async () => {
          const { statusCode } = await app.inject({ method: 'GET', url });
          if (statusCode !== 200) throw new Error(`the peer answered ${statusCode}`);
        };
        await many(REQUESTS, together, ask);
        const spent = await spentWhile({ times: REQUESTS, idle }, () => many(REQUESTS, together, ask));
        found[url.slice(1)] = { ...found[url.slice(1)], [`together${together}`]: spent };
      }
    await app.close();
    return found;
  });
}

/** A ward of twenty, of whom one has a history, and hundreds elsewhere who alarm. */
async function furnish({ settings, app }: TestProgram): Promise<readonly string[]> {
  const nowMs = Date.now();
  const worn = (patient: string, device: string) => ({ patient, device, token: newSecret('device') });
  const one = worn('PA', 'DA');
  const others = Array.from({ length: ALARMS }, (_, n) => worn(`PB${n}`, `DB${n}`));
  await withOpenData(settings, Date.now, async ({ registry }) => {
    for (let n = 2; n <= IN_WARD; n++) {
      const bedId = `A-${n}` as BedId;
      await registry.putBed({ id: bedId, wardId: 'A' as WardId, label: `A-${n}` });
      await registry.putPatient({
        id: `PA${n}` as PatientId,
        familyName: `Featherstone${n}`,
        givenName: 'Noor',
        bedId,
      });
    }
    for (const { patient } of others) await registry.putPatient({ id: patient as PatientId, bedId: 'B-1' as BedId });
    for (const { patient, device, token } of [one, ...others]) {
      const deviceId = device as DeviceId;
      await registry.putDevice({ id: deviceId, createdAtMs: nowMs });
      await registry.assign({ deviceId, patientId: patient as PatientId, fromMs: nowMs - 3_600_000 });
      const times = { createdAtMs: nowMs, expiresAtMs: nowMs + 86_400_000 };
      await registry.addDeviceToken({ deviceId, sha256: sha256Of(token), ...times });
    }
  });
  const readings = Array.from({ length: READINGS }, (_, n) => ({
    id: `r${n}`,
    at: new Date(nowMs - (READINGS - n) * 1_000).toISOString(),
    vitals: { heartRate: 70 + (n % 9), spo2: 97, respiratoryRate: 15, temperature: 36.8 },
  }));
  await send(app, one.token, readings);
  return others.map(({ token }) => token);
}

/** Again until the server has heard of the device. */
async function send(app: TestProgram['app'], token: string, readings: readonly object[]): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const answer = await app.inject({
      method: 'POST',
      url: '/ingest/readings',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      payload: JSON.stringify(readings),
    });
    if (answer.statusCode === 202 && !answer.payload.includes('"rejected"')) return;
    await sleep(50);
  }
  throw new Error('the readings are not taken');
}

async function raise(program: TestProgram, tokens: readonly string[]): Promise<string[]> {
  for (const token of tokens)
    await send(program.app, token, [{ id: 'r', at: new Date().toISOString(), vitals: { heartRate: 190 } }]);
  return await alarmsOf(program);
}

/** All that nobody has taken, once they are all there. */
async function alarmsOf({ app, secretOf }: TestProgram): Promise<string[]> {
  for (let tries = 0; tries < 600; tries++) {
    const ids: string[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined; ) {
      const after: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const answer = await app.inject({
        url: `/api/alerts?ward=B&state=active&limit=200${after}`,
        headers: { authorization: `Bearer ${secretOf('physician')}` },
      });
      if (answer.statusCode !== 200) throw new Error(answer.payload);
      const page = answer.json() as { alerts: { id: string }[]; next?: string };
      ids.push(...page.alerts.map(({ id }) => id));
      cursor = page.next;
    }
    if (ids.length >= ALARMS) return ids;
    await sleep(100);
  }
  throw new Error('not every reading has raised its alarm');
}
