import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { createDeviceAuthority } from '../../identity/device-authority.ts';
import type { DeviceIdentity } from '../../simulation/device-client.ts';
import { enrollFleet } from '../../simulation/fleet.ts';
import { type LoadReport, runLoad } from '../../simulation/load.ts';
import { simulatedPatient, stepPatient } from '../../simulation/physiology.ts';
import { seededRandom } from '../../simulation/random.ts';
import { withOpenData } from '../open-data.ts';
import type { Settings } from '../settings.ts';
import { type Answer, addCommand, type CommandContext, Misuse } from './command.ts';
import { progressBar } from './progress.ts';

interface Options {
  readonly devices: string;
  readonly rate: string;
  readonly seconds: string;
  readonly fleet?: string;
  readonly prepare?: boolean;
}

/** `healthsync simulate`: an open-loop load of simulated devices on the server that runs here. */
export function register(program: Command, context: CommandContext): void {
  addCommand<[], Options>(
    program,
    {
      usage: 'simulate',
      description: 'put a load of simulated devices on the running server, and report its acknowledgements',
      configure: (command) =>
        command
          .option('--devices <n>', 'how many devices, each with its own certificate and patient', '40')
          .option('--rate <r>', 'readings per second of each device', '1')
          .option('--seconds <s>', 'for how long', '30')
          .option('--fleet <file>', 'keep the enrolled devices (with their keys) here, for the next time')
          .option('--prepare', 'only enrol the devices'),
      async run(of, options) {
        const settings = of.settings();
        const [devices, rate, seconds] = [
          numberOf('--devices', options.devices, { min: 1, max: 99_999 }),
          numberOf('--rate', options.rate, { min: 0.001, max: 1_000 }),
          numberOf('--seconds', options.seconds, { min: 1, max: 86_400 }),
        ];
        const bar = progressBar((text) => process.stderr.write(text), process.stderr.isTTY);
        const fleet = await fleetOf(of, settings, devices, options.fleet, bar.update);
        if (options.prepare === true) {
          bar.end();
          return { json: { enrolled: fleet.length }, text: `${fleet.length} devices are enrolled` };
        }
        const report = await runLoad({
          target: targetOf(settings),
          devices: fleet,
          rate,
          seconds,
          handshakesMax: 64,
          payload: payloads(fleet.length, rate),
          onProgress: ({ phase, done, total }) => bar.update(phase, done, total),
        });
        bar.end();
        return answerOf(report);
      },
    },
    context,
  );
}

export function numberOf(option: string, text: string, bounds: { readonly min: number; readonly max: number }): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= bounds.min && value <= bounds.max) return value;
  throw new Misuse(option, `expected a number from ${bounds.min} to ${bounds.max}`);
}

export function targetOf(settings: Settings) {
  const file = join(settings.dataFolder, 'pki', 'server-ca.pem');
  if (!existsSync(file)) throw new Misuse('--data', 'expected the folder of a server that has been started once');
  return { host: settings.serverNames[0] ?? 'localhost', port: settings.mqttPort, ca: readFileSync(file, 'utf8') };
}

async function fleetOf(
  context: CommandContext,
  settings: Settings,
  count: number,
  file: string | undefined,
  onProgress: (label: string, done: number, total: number) => void,
): Promise<readonly DeviceIdentity[]> {
  if (file !== undefined && existsSync(file)) {
    const stored = JSON.parse(readFileSync(file, 'utf8')) as readonly DeviceIdentity[];
    if (stored.length >= count) return stored.slice(0, count);
  }
  const fleet = await withOpenData(settings, context.now, async ({ registry, authorities }) =>
    enrollFleet({
      registry,
      authority: createDeviceAuthority((await authorities()).devices, context.now),
      count,
      nowMs: context.now(),
      onProgress: (done, total) => onProgress('enrolling', done, total),
    }),
  );
  if (file !== undefined) writeFileSync(file, JSON.stringify(fleet), { mode: 0o600 });
  return fleet;
}

/** Each device has a patient of its own, seeded by its number; ids are unique to this run. */
function payloads(devices: number, rate: number): (index: number, sequence: number, atMs: number) => Buffer {
  const run = Date.now().toString(36);
  const worlds = Array.from({ length: devices }, (_, index) => {
    const random = seededRandom(index + 1);
    return { random, patient: simulatedPatient(random) };
  });
  return (index, sequence, atMs) => {
    const world = worlds[index];
    if (world === undefined) throw new RangeError(`there is no device ${index}`);
    const dtMs = 1000 / rate;
    const step = stepPatient(world.patient, { atMs, elapsedMs: sequence * dtMs, dtMs }, world.random);
    world.patient = step.patient;
    const reading = { id: `${run}-${sequence}`, at: new Date(atMs).toISOString(), vitals: step.vitals };
    return Buffer.from(JSON.stringify(reading));
  };
}

function answerOf(report: LoadReport): Answer {
  const { latencyMs, generatorLateMs } = report;
  const text = [
    `${report.connected} of ${report.devices} devices connected in ${report.connectSeconds.toFixed(1)} s`,
    `${report.sent} readings sent, ${report.acknowledged} acknowledged, ${report.lost} acknowledgements lost, ${report.unsent} not sent`,
    `acknowledged after (ms): p50 ${latencyMs.p50}  p90 ${latencyMs.p90}  p99 ${latencyMs.p99}  p99.9 ${latencyMs.p999}  max ${latencyMs.max}`,
    `of which this generator was late (ms): p50 ${generatorLateMs.p50}  p99 ${generatorLateMs.p99}  max ${generatorLateMs.max}; it used ${report.generatorCpuSeconds.toFixed(1)} s of CPU`,
  ].join('\n');
  return { json: report, text, failed: report.lost > 0 || report.connected < report.devices };
}
