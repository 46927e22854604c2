import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer, type TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { createDecisions } from '../server/src/access/cedar-decisions.ts';
import type { Decisions, Subject } from '../server/src/access/decisions.ts';
import { heldFacts } from '../server/src/access/held-facts.ts';
import { openHousePolicies } from '../server/src/access/house-policies.ts';
import { testAccess } from '../server/src/access/test-access.ts';
import { testCertificate } from '../server/src/adapters/notify/test-certificate.ts';
import {
  type BedId,
  DEFAULT_TENANT,
  type DeviceId,
  type PatientId,
  type UserId,
  type WardId,
} from '../server/src/domain/ids.ts';
import type { PatientStatus } from '../server/src/domain/patient-status.ts';
import { registryView } from '../server/src/identity/registry-view.ts';
import { createLiveHub } from '../server/src/serve/live/hub.ts';

/**
 * What a decision costs, from the session's memory and without it, and what policies add to the live stream of 200 beds:
 * the hub tells 20 readers all wards, with and without each reader's rights asked again every second as the route does.
 * CPU time, so that other load counts less; percentiles by the clock. Prints JSON. `--house`: what a hospital's own
 * policies add to a decision (`bench/house-policies`).
 */
const BEDS = 200;
const WARDS = 5;
const READERS = 20;
const TICKS = 60;
const T = 1_800_000_000_000;

const wards = Array.from({ length: WARDS }, (_, w) => `W${w}` as WardId);
const places = Array.from({ length: BEDS }, (_, p) => {
  const wardId = wards[p % WARDS] as WardId;
  return { id: `P${p}` as PatientId, wardId, bedId: `B${p}` as BedId, bed: `B${p}`, spo2Scale: 1 as const };
});
const view = registryView(
  {
    wards: wards.map((id) => ({ id, name: id })),
    beds: places.map(({ bedId, wardId }) => ({ id: bedId, wardId, label: bedId })),
    patients: places,
    devices: [],
    assignments: [],
    revokedSerials: [],
    deviceTokens: [],
  },
  T,
);
const clock = { nowMs: T };
const now = () => clock.nowMs;

/** As a session is given anew with every request. */
const person = (n: number, wardIds: readonly WardId[] = []): Subject => ({
  userId: `u${n}` as UserId,
  roles: ['nurse'],
  wardIds,
  tenantId: DEFAULT_TENANT,
  kind: 'session',
  authenticatedAtMs: T,
  mfaAtMs: T,
});

/** `--house`: by the program's policies, and by them with a house's twenty beside them, turn by turn. */
if (process.argv.includes('--house')) console.log(JSON.stringify(withAndWithoutHouse(), null, 2));
else console.log(JSON.stringify({ decision: decisions(), liveStream: await liveStream() }, null, 2));

function withAndWithoutHouse() {
  const { policies, count } = openHousePolicies(fileURLToPath(new URL('house-policies', import.meta.url)));
  const house = () => createDecisions({ policies, facts: heldFacts(() => view), now, hooks: { decided() {} } });
  const own = () => testAccess({ view: () => view, now }).access;
  const rounds = [1, 2, 3].map(() => ({ own: decisions(own(), 3_000), withHouse: decisions(house(), 3_000) }));
  return { housePolicies: count, loadAverage: loadavg().map((load) => Number(load.toFixed(1))), rounds };
}

function decisions(access: Decisions = testAccess({ view: () => view, now }).access, count = 10_000) {
  const one = (n: number, p: number) =>
    access.decide({
      principal: person(n, [wards[n % WARDS] as WardId]),
      action: 'vitals.read',
      resource: { kind: 'patient', patientId: places[p % BEDS]?.id as PatientId },
    });
  // Code that has not run yet is compiled while it runs.
  for (let i = 0; i < count / 3; i++) one(i, i);
  return {
    withoutMemory: measured(count, (i) => one(100_000 + i, i)),
    fromMemory: measured(20 * count, (i) => one(100_000 + (i % 2_000), i % 2_000)),
  };
}

function measured(count: number, run: (index: number) => void) {
  const times = new Float64Array(count);
  const before = process.cpuUsage();
  for (let i = 0; i < count; i++) {
    const started = performance.now();
    run(i);
    times[i] = performance.now() - started;
  }
  const { user, system } = process.cpuUsage(before);
  times.sort();
  const at = (part: number) => Number((times[Math.floor(count * part)] ?? 0).toFixed(4));
  return { p50Ms: at(0.5), p99Ms: at(0.99), p999Ms: at(0.999), cpuUs: Number(((user + system) / count).toFixed(2)) };
}

/** Rounds with and without alternate, so that what else the machine does meets both. */
async function liveStream() {
  const spent = { with: 0, without: 0 };
  await stream(10, true);
  for (let round = 0; round < 4; round++)
    for (const kind of ['without', 'with'] as const) spent[kind] += await stream(TICKS, kind === 'with');
  const perTick = (us: number) => Number((us / 4 / TICKS / 1_000).toFixed(3));
  return {
    beds: BEDS,
    readers: READERS,
    cpuMsPerSecondWithout: perTick(spent.without),
    cpuMsPerSecondWith: perTick(spent.with),
    more: `${((spent.with / spent.without - 1) * 100).toFixed(1)} %`,
  };
}

async function stream(ticks: number, asksPolicies: boolean): Promise<number> {
  const { access } = testAccess({ view: () => view, now });
  const told = { bytes: 0 };
  const live = createLiveHub({
    sources: { view: () => view, statusOf, openAlarms: () => [], isOffline: () => false },
    now,
    // A tick each 20 ms of the clock stands for a second of the stream.
    bounds: { tickMs: 20, beatMs: 40, readersPerOwnerMax: READERS },
  });
  const walls = await openWalls();
  for (const [n, socket] of walls.sockets.entries())
    live.attach({
      owner: `u${n}`,
      wards: 'all',
      wantsVitals: true,
      write: (bytes) => {
        told.bytes += bytes.length;
        socket.write(bytes);
      },
      pendingBytes: () => 0,
      end: () => socket.end(),
    });
  // A stream is open for hours: what opening it costs is apart.
  askForAll(access);
  await sleep(100);
  const before = process.threadCpuUsage();
  for (let tick = 0; tick < ticks; tick++) {
    clock.nowMs += 1_000;
    live.touched(places.map(({ id }) => id));
    if (asksPolicies) askForAll(access);
    await sleep(20);
  }
  const { user, system } = process.threadCpuUsage(before);
  live.close();
  await walls.close();
  if (told.bytes === 0) throw new Error('nothing was told');
  return user + system;
}

function askForAll(access: ReturnType<typeof testAccess>['access']): void {
  for (let n = 0; n < READERS; n++) {
    const principal = person(n);
    access.decide({ principal, action: 'wall.watch', resource: { kind: 'door' } });
    access.decide({ principal, action: 'wall.watch', resource: { kind: 'house' } });
  }
}

/** Walls over TLS 1.3, in a thread of their own: what they do is not counted. */
async function openWalls() {
  const { key, cert } = await testCertificate();
  const server = createServer({ key, cert, minVersion: 'TLSv1.3' }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const opened: TLSSocket[] = [];
  const all = new Promise<void>((resolve) =>
    server.on('secureConnection', (socket) => {
      socket.on('error', () => undefined);
      if (opened.push(socket) === READERS) resolve();
    }),
  );
  const worker = new Worker(
    `const { connect } = require('node:tls'); const { workerData } = require('node:worker_threads');
     for (let n = 0; n < ${READERS}; n++) connect({ ...workerData, rejectUnauthorized: false }).resume().on('error', () => {});`,
    { eval: true, workerData: { port: (server.address() as AddressInfo).port, host: '127.0.0.1' } },
  );
  await all;
  return {
    sockets: opened,
    async close() {
      await worker.terminate();
      for (const socket of opened) socket.destroy();
      server.close();
    },
  };
}

function statusOf(): PatientStatus {
  const value = (v: number) => ({ value: v, atMs: clock.nowMs, receivedAtMs: clock.nowMs, intervalMs: 1_000 });
  return {
    last: { receivedAtMs: clock.nowMs, deviceId: 'D' as DeviceId, readingId: 'r' },
    values: {
      heartRate: value(70 + (clock.nowMs % 7)),
      spo2: value(97),
      respiratoryRate: value(16),
      temperature: value(36.8),
      systolic: value(120),
    },
    leadsOff: false,
  } as unknown as PatientStatus;
}
