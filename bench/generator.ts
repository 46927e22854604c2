/**
 * The load as a process of its own: reads its plan as JSON from stdin, writes its report as JSON to stdout. It also
 * watches the live stream, so that reading-to-alarm is measured with one clock, and probes the disk, so that a slow
 * sync of the machine shows beside what it delays.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get } from 'node:https';
import { createHistogram } from 'node:perf_hooks';
import { text } from 'node:stream/consumers';
import { Worker } from 'node:worker_threads';
import type { DeviceIdentity, DeviceTarget } from '../server/src/simulation/device-client.ts';
import { type LoadReport, runLoad } from '../server/src/simulation/load.ts';
import type { DiskSync } from './disk-probe.ts';

export interface GeneratorPlan {
  readonly target: DeviceTarget;
  /** File with a JSON array of identities. */
  readonly fleetFile: string;
  readonly devices: number;
  readonly rate: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Alarms to set off per second, each by another device; 0 for none. */
  readonly alarmsPerSecond: number;
  /** Cut every connection at the end and time the return. */
  readonly reconnect: boolean;
  readonly live?: { readonly url: string; readonly token: string };
  /** A folder on the disk that is written to. */
  readonly diskFolder: string;
}

export interface GeneratorReport extends LoadReport {
  readonly alarms: {
    readonly set: number;
    readonly heard: number;
    readonly p50: number;
    readonly p99: number;
    readonly max: number;
  };
  readonly diskSyncMs: DiskSync;
}

const plan: GeneratorPlan = JSON.parse(await text(process.stdin));
const fleet: readonly DeviceIdentity[] = JSON.parse(readFileSync(plan.fleetFile, 'utf8'));
const run = Date.now().toString(36);
/** One reading, in which each one only writes what is its own: making them anew took as long as sending them. */
const AT = '2026-01-01T00:00:00.000Z';
const SEQUENCE = '########';
const TEXT =
  `{"id":"${run}-${SEQUENCE}","at":"${AT}","vitals":{"heartRate":HHH,"spo2":97,"respiratoryRate":16,` +
  `"temperature":36.8,"systolic":SSS,"diastolic":78,"mean":91},"context":{"oxygen":false,"consciousness":"A"},` +
  `"status":{"leadsOff":false,"battery":0.83}}`;
const IN_READING = {
  sequence: TEXT.indexOf(SEQUENCE),
  at: TEXT.indexOf(AT),
  heartRate: TEXT.indexOf('HHH'),
  systolic: TEXT.indexOf('SSS'),
};
const reading = Buffer.from(TEXT, 'latin1');
let writtenAtMs = 0;
const READINGS_PER_SECOND = Math.round(plan.devices * plan.rate);
/** One of so many readings. */
const ALARM_EVERY = Math.floor(READINGS_PER_SECOND / plan.alarmsPerSecond);
const ALARMS_AFTER_SECONDS = 2;
const dueAt = new Map<string, number>();
let alarmsSet = 0;
const heard = createHistogram();

const stopListening = plan.live === undefined ? () => {} : await listen(plan.live);
const disk = probeDisk(plan.diskFolder);
const report = await runLoad({
  target: plan.target,
  devices: fleet.slice(0, plan.devices),
  rate: plan.rate,
  seconds: plan.seconds,
  warmUpSeconds: plan.warmUpSeconds,
  handshakesMax: 64,
  reconnect: plan.reconnect,
  payload,
  onProgress: ({ phase, done, total }) => {
    // Whoever started us measures the server's memory and CPU from here on.
    if (phase === 'connecting' && done === total) process.stderr.write('connected\n');
    if (phase === 'warm') process.stderr.write('warm\n');
    if (phase === 'sent') process.stderr.write('sent\n');
  },
});
// The last alarms are still on their way.
await new Promise((resolve) => setTimeout(resolve, 1000));
stopListening();
const at = (p: number): number => (heard.count === 0 ? 0 : heard.percentile(p) / 1000);
const full: GeneratorReport = {
  ...report,
  alarms: {
    set: alarmsSet,
    heard: heard.count,
    p50: at(50),
    p99: at(99),
    max: heard.count === 0 ? 0 : heard.max / 1000,
  },
  diskSyncMs: await disk.stop(),
};
process.stdout.write(`${JSON.stringify(full)}\n`, () => process.exit(0));

/**
 * A calm patient; `alarmsPerSecond` devices a second have one reading with a heart rate above 160, spread evenly over the
 * second as the devices' readings are: patients do not fall ill in the same millisecond.
 */
function payload(index: number, sequence: number, atMs: number, dueMs: number): Buffer {
  const sentBefore = sequence * plan.devices + index;
  const second = Math.floor(sentBefore / READINGS_PER_SECOND);
  const isAlarm = second >= ALARMS_AFTER_SECONDS && setsOffAlarm(sentBefore - second * READINGS_PER_SECOND, second);
  const id = String(sequence).padStart(SEQUENCE.length, '0');
  // Before, the server compiles what an alarm needs for the first time, as it does what a reading needs.
  if (isAlarm && second >= plan.warmUpSeconds) {
    alarmsSet++;
    dueAt.set(`${fleet[index]?.deviceId}/${run}-${id}`, dueMs);
  }
  if (atMs !== writtenAtMs) {
    reading.write(new Date(atMs).toISOString(), IN_READING.at, 'latin1');
    writtenAtMs = atMs;
  }
  reading.write(id, IN_READING.sequence, 'latin1');
  reading.write(isAlarm ? '171' : ` ${72 + ((index + sequence) % 9)}`, IN_READING.heartRate, 'latin1');
  reading.write(String(118 + (sequence % 7)), IN_READING.systolic, 'latin1');
  return reading;
}

/** One in each part of the second, and of another device each time: one that has rung is not heard again. */
function setsOffAlarm(sentInSecond: number, second: number): boolean {
  const part = Math.floor(sentInSecond / ALARM_EVERY);
  if (part >= plan.alarmsPerSecond) return false;
  const before = second * plan.alarmsPerSecond;
  return sentInSecond - part * ALARM_EVERY === (before + part + Math.floor(before / ALARM_EVERY)) % ALARM_EVERY;
}

function listen(live: { readonly url: string; readonly token: string }): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const request = get(
      live.url,
      { ca: plan.target.ca, headers: { authorization: `Bearer ${live.token}` } },
      (response) => {
        if (response.statusCode !== 200) return reject(new Error(`live stream answered ${response.statusCode}`));
        response.setEncoding('utf8');
        let rest = '';
        response.on('data', (chunk: string) => {
          const events = (rest + chunk).split('\n\n');
          rest = events.pop() ?? '';
          for (const event of events) onEvent(event);
        });
        return resolve(() => request.destroy());
      },
    );
    request.on('error', reject);
  });
}

function onEvent(event: string): void {
  if (!/^event: ?alert$/m.test(event)) return;
  const { change, alert } = JSON.parse(event.slice(event.indexOf('data:') + 5).split('\n')[0] ?? '{}');
  // A patient of an earlier run may still have the alarm open: then it returns.
  if (change !== 'raised' && change !== 'returned') return;
  const of = `${alert.deviceId}/${alert.lastReadingId}`;
  const due = dueAt.get(of);
  if (due === undefined) return;
  heard.record(Math.max(1, Math.round((performance.now() - due) * 1000)));
  // Once: a device that falls silent after it has an alarm of its own half a minute later, with the same last reading.
  dueAt.delete(of);
}

function probeDisk(folder: string): { stop(): Promise<DiskSync> } {
  const thread = new Worker(new URL('./disk-probe.ts', import.meta.url), { workerData: folder });
  return {
    async stop() {
      thread.postMessage('stop');
      const [took] = await once(thread, 'message');
      return took;
    },
  };
}
