/**
 * The way in, measured: devices with certificates, readings due at fixed moments, acknowledged after the sync, history
 * being written, alarms heard on the live stream; beside it, the same load on Mosquitto and aedes in the same run.
 *
 *   node bench/gateway.ts [--quick] [--only NAME]     prints a table on stderr and JSON on stdout
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openDataFolder } from '../server/src/adapters/embedded/data-folder.ts';
import { openDatabase } from '../server/src/adapters/postgres/open-database.ts';
import type { GeneratorPlan, GeneratorReport } from './generator.ts';
import { startAedes } from './peers/aedes.ts';
import { startMosquitto } from './peers/mosquitto.ts';
import type { Peer, PeerKeys } from './peers/peer.ts';
import { cpuSecondsOf, machineCpu, usageOf } from './processes.ts';

interface Load {
  readonly name: string;
  readonly devices: number;
  /** Readings per second of each device. */
  readonly rate: number;
  readonly seconds: number;
  readonly alarmsPerSecond: number;
}

interface Result extends Load {
  readonly server: string;
  readonly durable: boolean;
  readonly report: GeneratorReport;
  /** Of the server and its children (PostgreSQL), while the load ran. */
  readonly serverCpuSeconds: number;
  readonly serverCpuMicrosPerReading: number;
  readonly memoryBeforeMiB: number;
  readonly memoryConnectedMiB: number;
  readonly kibPerSession: number;
  /** CPU of everybody else on the machine while the load ran, and the load average before the run: other work shows here. */
  readonly otherCpuSeconds: number;
  readonly loadAverageBefore: number;
  /** Of the machine's CPU time while the load ran, the share its host gave to others: none of ours can make up for it. */
  readonly stolenShare: number;
}

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    only: { type: 'string' },
    peers: { type: 'boolean', default: true },
    /** `devices x rate x seconds`, such as `1000x10x10`, instead of the loads that are reported. */
    load: { type: 'string' },
    /** Alarms a second, with `--load`. */
    alarms: { type: 'string', default: '10' },
    /** For Node, of the server only: `--cpu-prof`, `--trace-gc`, … */
    'node-flags': { type: 'string', default: '' },
  },
  allowNegative: true,
});
const seconds = options.quick ? 10 : 30;
const WARM_UP_SECONDS = 10;
const REPORTED: readonly Load[] = [
  { name: '10,000 devices at 1/s', devices: 10_000, rate: 1, seconds, alarmsPerSecond: 10 },
  { name: '1,000 devices at 20/s', devices: 1_000, rate: 20, seconds, alarmsPerSecond: 10 },
  { name: '1,000 devices at 30/s', devices: 1_000, rate: 30, seconds, alarmsPerSecond: 10 },
].filter(({ name }) => options.only === undefined || name.includes(options.only));
const LOADS = options.load === undefined ? REPORTED : [loadOf(options.load)];

const MAIN = fileURLToPath(new URL('../server/bin/healthsync.js', import.meta.url));
/** Kept between runs: ten thousand certificates take minutes to make. Holds no measurement. */
const home = resolve('.data-bench');
const FLEET = join(home, 'fleet.json');
const MQTT_PORT = 18_884;
const HTTPS_PORT = 18_444;

/** As `npm start` does. */
const NODE_FLAGS: readonly string[] = [];
const GENERATOR = fileURLToPath(new URL('./generator.ts', import.meta.url));
/** Its garbage is collected a little at a time and on its own thread, not all at once beside what is measured. */
const GENERATOR_FLAGS = ['--single-threaded-gc', '--max-semi-space-size=4', '--heap-growing-percent=300'];

const results: Result[] = [];
prepareFleet();
for (const load of LOADS) {
  results.push(await measureOurs(load));
  show(results.at(-1) as Result);
  if (!options.peers) continue;
  for (const start of [startMosquitto, inMemoryAedes, durableAedes]) {
    const result = await measurePeer(load, start);
    if (result !== undefined) show(result);
    if (result !== undefined) results.push(result);
  }
}
process.stdout.write(`${JSON.stringify(results, null, 1)}\n`);

function loadOf(text: string): Load {
  const [devices = 0, rate = 0, lasting = 0] = text.split('x').map(Number);
  return {
    name: `${devices} devices at ${rate}/s`,
    devices,
    rate,
    seconds: lasting,
    alarmsPerSecond: Number(options.alarms),
  };
}

function inMemoryAedes(keys: PeerKeys, folder: string): Promise<Peer> {
  return startAedes(keys, folder, false);
}
function durableAedes(keys: PeerKeys, folder: string): Promise<Peer> {
  return startAedes(keys, folder, true);
}

/**
 * Forgets every reading and alarm, and keeps the devices: otherwise ten thousand "no data" alarms of the run before end
 * in the first second of the next.
 */
async function forgetReadings(): Promise<void> {
  const folder = await openDataFolder(home);
  const database = await openDatabase({ dataFolder: folder.path });
  const { rows } = await database.pool.query<{ name: string }>(
    "select relname as name from pg_class where relkind in ('r', 'p') and not relispartition and relnamespace = 'public'::regnamespace",
  );
  const kept =
    /^(.*migration.*|tenant|ward|bed|patient|patient_limit|device.*|assignment|app_user|access_token|setup_code)$/;
  const tables = rows.map(({ name }) => name).filter((name) => !kept.test(name));
  await database.pool.query(`truncate ${tables.join(', ')}`);
  await database.close();
  folder.close();
  rmSync(join(home, 'log'), { recursive: true, force: true });
}

async function measureOurs(load: Load): Promise<Result> {
  await forgetReadings();
  const flags = [...NODE_FLAGS, ...options['node-flags'].split(' ').filter((flag) => flag !== '')];
  const child = spawn(process.execPath, [...flags, MAIN, 'start'], {
    env: environment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise<void>((ready, reject) => {
    child.stdout.once('data', () => ready());
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
  try {
    const { token } = JSON.parse(cli('token', 'create', '--role', 'physician'));
    return await measure(
      load,
      { name: 'HealthSync', durable: true, port: MQTT_PORT, pid: child.pid ?? 0 },
      {
        // Alarms only: a wall of ten thousand beds is nobody's.
        url: `https://localhost:${HTTPS_PORT}/api/live?vitals=false`,
        token,
      },
    );
  } finally {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  }
}

async function measurePeer(
  load: Load,
  start: (keys: PeerKeys, folder: string) => Promise<Peer | undefined>,
): Promise<Result | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'healthsync-bench-'));
  const pki = join(home, 'pki');
  const keys = {
    caFile: join(pki, 'device-ca.pem'),
    certFile: join(pki, 'server.pem'),
    keyFile: join(pki, 'server.pem'),
  };
  const peer = await start(keys, folder);
  if (peer === undefined) return undefined;
  try {
    return await measure(load, peer);
  } finally {
    await peer.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(load: Load, server: Omit<Peer, 'stop'>, live?: GeneratorPlan['live']): Promise<Result> {
  const loadAverageBefore = loadavg()[0] ?? 0;
  await new Promise((settled) => setTimeout(settled, 2000));
  const before = usageOf(server.pid, { withChildren: true });
  const machineBefore = machineCpu();
  const plan: GeneratorPlan = {
    target: { host: '127.0.0.1', port: server.port, ca: readFileSync(join(home, 'pki', 'server-ca.pem'), 'utf8') },
    fleetFile: FLEET,
    devices: load.devices,
    rate: load.rate,
    seconds: load.seconds,
    warmUpSeconds: WARM_UP_SECONDS,
    alarmsPerSecond: live === undefined ? 0 : load.alarmsPerSecond,
    reconnect: load.devices >= 10_000,
    ...(live === undefined ? {} : { live }),
    diskFolder: home,
  };
  const generator = spawn(process.execPath, [...GENERATOR_FLAGS, GENERATOR], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  generator.stdin.end(JSON.stringify(plan));
  let connected = before;
  let [warmCpuSeconds, sentCpuSeconds] = [0, 0];
  let [machineWarm, machineSent] = [machineBefore, machineBefore];
  generator.stderr.on('data', (line: Buffer) => {
    if (line.toString().includes('connected')) connected = usageOf(server.pid, { withChildren: true });
    else if (line.toString().includes('warm')) {
      warmCpuSeconds = cpuSecondsOf(server.pid);
      machineWarm = machineCpu();
    } else if (line.toString().includes('sent')) {
      sentCpuSeconds = cpuSecondsOf(server.pid);
      machineSent = machineCpu();
    } else process.stderr.write(line);
  });
  const out = await text(generator.stdout);
  const report: GeneratorReport = JSON.parse(out);
  const serverCpuSeconds = sentCpuSeconds - warmCpuSeconds;
  return {
    ...load,
    server: server.name,
    durable: server.durable,
    report,
    serverCpuSeconds,
    serverCpuMicrosPerReading: (serverCpuSeconds * 1e6) / Math.max(1, report.measured),
    memoryBeforeMiB: before.pssMiB,
    memoryConnectedMiB: connected.pssMiB,
    kibPerSession: ((connected.pssMiB - before.pssMiB) * 1024) / Math.max(1, report.connected),
    otherCpuSeconds: machineSent.busy - machineWarm.busy - serverCpuSeconds - report.generatorCpuSeconds,
    stolenShare: (machineSent.stolen - machineWarm.stolen) / (machineSent.total - machineWarm.total),
    loadAverageBefore,
  };
}

function show({ name, server, durable, report, ...of }: Result): void {
  const ms = (value: number) => value.toFixed(1);
  const { latencyMs, alarms } = report;
  process.stderr.write(
    `${name} · ${server}${durable ? ' (durable)' : ' (not durable)'}: ack p50 ${ms(latencyMs.p50)} p90 ${ms(latencyMs.p90)} p99 ${ms(latencyMs.p99)} max ${ms(latencyMs.max)} ms (first ${WARM_UP_SECONDS} s: p99 ${ms(report.warmUpLatencyMs?.p99 ?? 0)} ms)` +
      `, alarm p99 ${ms(alarms.p99)} ms (${alarms.heard}/${alarms.set}), lost ${report.lost}, unsent ${report.unsent}` +
      `, connect ${report.connectSeconds.toFixed(1)} s${report.reconnectSeconds === undefined ? '' : `, reconnect ${report.reconnectSeconds.toFixed(1)} s (${report.reconnected})`}, ${of.serverCpuMicrosPerReading.toFixed(0)} µs CPU per reading, ${of.kibPerSession.toFixed(0)} KiB per session` +
      `, generator CPU ${((report.generatorCpuSeconds * 1e6) / Math.max(1, report.measured)).toFixed(0)} µs per reading, late p99 ${ms(report.generatorLateMs.p99)} ms, ack from sent p99 ${ms(report.latencyFromSentMs.p99)} ms, other CPU ${of.otherCpuSeconds.toFixed(1)} s, stolen ${(100 * of.stolenShare).toFixed(0)} %, disk sync max ${ms(report.diskSyncMs.max)} ms\n`,
  );
}

function prepareFleet(): void {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const devices = Math.max(...LOADS.map((load) => load.devices));
  const have = existsSync(FLEET) ? JSON.parse(readFileSync(FLEET, 'utf8')).length : 0;
  if (have >= devices) return;
  process.stderr.write(`enrolling ${devices} devices…\n`);
  cli('simulate', '--devices', String(devices), '--fleet', FLEET, '--prepare');
}

function cli(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args, '--json'], {
    env: environment(),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(`healthsync ${args[0]}: ${stderr}`);
  return stdout;
}

function environment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    HEALTHSYNC_DATA: home,
    HEALTHSYNC_MQTT_PORT: String(MQTT_PORT),
    HEALTHSYNC_HTTPS_PORT: String(HTTPS_PORT),
    HEALTHSYNC_LOG_LEVEL: 'warn',
  };
}
