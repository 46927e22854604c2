/**
 * The MQTT endpoint alone: real mutual TLS, real packets, and in the place of the log a timer that answers in groups
 * every 2 ms, as its group commit does. Shows what the endpoint itself costs per reading and per session, and where.
 *
 *   node bench/mqtt-endpoint.ts [--devices 1000] [--rate 10] [--seconds 5] [--profile]      JSON on stdout
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parseDeviceId } from '../server/src/domain/ids.ts';
import { openAuthorities } from '../server/src/identity/authority.ts';
import { createDeviceAuthority } from '../server/src/identity/device-authority.ts';
import { serverCertificate } from '../server/src/identity/server-certificate.ts';
import type { DeviceIdentity } from '../server/src/simulation/device-client.ts';
import { runLoad } from '../server/src/simulation/load.ts';
import { createMqttEndpoint } from '../server/src/vitals/1-ingest/mqtt/endpoint.ts';
import { usageOf } from './processes.ts';

const { values: options } = parseArgs({
  options: {
    devices: { type: 'string', default: '1000' },
    rate: { type: 'string', default: '10' },
    seconds: { type: 'string', default: '5' },
    profile: { type: 'boolean', default: false },
    serve: { type: 'string' },
  },
});

if (options.serve === undefined) await measure();
else await serve(options.serve);

/** The server's own process, so that its CPU and memory are its own. */
async function serve(folder: string): Promise<void> {
  const authorities = await openAuthorities({ folder: join(folder, 'pki'), now: Date.now });
  const path = join(folder, 'server.pem');
  const server = await serverCertificate({ authority: authorities.servers, path, names: ['localhost'], now: Date.now });
  let group: (() => void)[] = [];
  setInterval(() => {
    const answered = group;
    group = [];
    for (const answer of answered) answer();
  }, 2);
  const accepted = { kind: 'accepted', readingId: '' } as const;
  const endpoint = createMqttEndpoint({
    tls: { key: server.keyPem, cert: server.certificatePem, ca: authorities.devices.certificatePem },
    host: '127.0.0.1',
    port: 0,
    ingest: () => new Promise((resolve) => group.push(() => resolve(accepted))),
    deviceAccess: () => 'allowed',
    presence: () => {},
    configOf: () => undefined,
    now: Date.now,
  });
  process.send?.(await endpoint.listen());
  process.once('message', async () => {
    await endpoint.close();
    process.exit(0);
  });
}

async function measure(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'healthsync-bench-'));
  const [devices, rate, seconds] = [Number(options.devices), Number(options.rate), Number(options.seconds)];
  const fleet = await makeFleet(folder, devices);
  const authorities = await openAuthorities({ folder: join(folder, 'pki'), now: Date.now });
  const self = fileURLToPath(import.meta.url);
  const profiling = options.profile ? ['--cpu-prof', '--cpu-prof-interval', '200', `--cpu-prof-dir=${folder}`] : [];
  const child = spawn(process.execPath, [...profiling, self, '--serve', folder], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const { port } = await new Promise<{ port: number }>((resolve) =>
    child.once('message', (message) => resolve(message as never)),
  );
  const pid = child.pid as number;
  const before = usageOf(pid, { withChildren: false });
  let connected = before;
  const report = await runLoad({
    target: { host: '127.0.0.1', port, ca: authorities.servers.certificatePem },
    devices: fleet,
    rate,
    seconds,
    handshakesMax: 64,
    payload: (index, sequence, atMs) => Buffer.from(JSON.stringify(reading(index, sequence, atMs))),
    onProgress: ({ phase, done, total }) => {
      if (phase === 'connecting' && done === total) connected = usageOf(pid, { withChildren: false });
    },
  });
  const after = usageOf(pid, { withChildren: false });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.send('stop');
  await ended;
  const cpuMicrosPerReading = ((after.cpuSeconds - connected.cpuSeconds) * 1e6) / report.sent;
  const kibPerSession = ((connected.rssMiB - before.rssMiB) * 1024) / report.connected;
  const profile = options.profile ? readProfile(folder, report.sent) : undefined;
  process.stdout.write(`${JSON.stringify({ ...report, cpuMicrosPerReading, kibPerSession, profile }, null, 1)}\n`);
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
}

async function makeFleet(folder: string, devices: number): Promise<DeviceIdentity[]> {
  const authorities = await openAuthorities({ folder: join(folder, 'pki'), now: Date.now });
  const authority = createDeviceAuthority(authorities.devices, Date.now);
  const fleet: DeviceIdentity[] = [];
  for (let i = 0; i < devices; i++) {
    const deviceId = parseDeviceId(`bench-${i}`);
    if (deviceId === undefined) throw new Error('not a device id');
    const { certificatePem, keyPem } = await authority.issue(deviceId);
    fleet.push({ deviceId, cert: certificatePem, key: keyPem });
  }
  return fleet;
}

function reading(index: number, sequence: number, atMs: number): object {
  return {
    id: `${index}-${sequence}`,
    deviceId: `bench-${index}`,
    at: new Date(atMs).toISOString(),
    vitals: { heartRate: 82, spo2: 97, respiratoryRate: 16, temperature: 36.8, systolic: 120, diastolic: 80, mean: 93 },
    context: { oxygen: false, consciousness: 'A' },
    status: { leadsOff: false, battery: 0.83 },
  };
}

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Microseconds of self time per reading, by whose code it is; handshakes are in it, so send enough readings. */
function readProfile(folder: string, readings: number): Record<string, number> {
  const file = readdirSync(folder).find((name) => name.endsWith('.cpuprofile'));
  const profile: CpuProfile = JSON.parse(readFileSync(join(folder, file as string), 'utf8'));
  const nodes = new Map(profile.nodes.map((node) => [node.id, node.callFrame]));
  const micros: Record<string, number> = {};
  for (const [i, sample] of profile.samples.entries()) {
    const frame = nodes.get(sample);
    const owner = ownerOf(frame?.functionName ?? '', frame?.url ?? '');
    micros[owner] = (micros[owner] ?? 0) + (profile.timeDeltas[i] ?? 0) / readings;
  }
  return Object.fromEntries(Object.entries(micros).sort(([, a], [, b]) => b - a));
}

function ownerOf(name: string, url: string): string {
  if (url.includes('/1-ingest/mqtt/')) return `endpoint ${url.split('/').at(-1)} ${name}`;
  if (url.startsWith('node:')) return `node ${url.split('/').at(-1)}`;
  if (url.startsWith('file:')) return 'other';
  return name === '' ? 'native' : `native ${name}`;
}
