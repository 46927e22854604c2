import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  connectDevice,
  type DeviceClient,
  type DeviceIdentity,
  type DeviceTarget,
  readyIdentity,
} from './device-client.ts';

/**
 * An open-loop load: readings are due at fixed moments, whether or not earlier ones were answered, and latency counts
 * from the moment a reading was due. A server that stalls therefore shows every reading it delayed.
 */
export interface LoadPlan {
  readonly target: DeviceTarget;
  readonly devices: readonly DeviceIdentity[];
  /** Readings per second of each device. */
  readonly rate: number;
  readonly seconds: number;
  /** TLS handshakes under way at once. */
  readonly handshakesMax: number;
  readonly payload: (deviceIndex: number, sequence: number, atMs: number) => Buffer;
  /** At the end every connection is cut and made again, as after a network failure. */
  readonly reconnect?: boolean;
  readonly onProgress?: (progress: LoadProgress) => void;
  readonly onAcknowledged?: (deviceIndex: number, sequence: number) => void;
}

export interface LoadProgress {
  readonly phase: 'connecting' | 'sending' | 'sent' | 'reconnecting';
  readonly done: number;
  readonly total: number;
}

export interface LoadReport {
  readonly devices: number;
  readonly connected: number;
  readonly connectSeconds: number;
  /** With the tickets of the first handshakes, as a device would. */
  readonly reconnectSeconds?: number;
  readonly reconnected?: number;
  readonly sent: number;
  readonly acknowledged: number;
  /** Sent, and neither acknowledged within the grace nor cut off with their connection. */
  readonly lost: number;
  /** Due, but not sent: the connection was gone or its window full. */
  readonly unsent: number;
  /** From the moment a reading was due to its acknowledgement. */
  readonly latencyMs: Percentiles;
  /** How late the generator itself was in sending: part of every latency above. */
  readonly generatorLateMs: Percentiles;
  readonly generatorCpuSeconds: number;
  readonly seconds: number;
}

export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

const SETTLE_MS = 2_000;

/** Acknowledgements that take longer than this after the last reading are counted as lost. */
const GRACE_MS = 10_000;

export async function runLoad(plan: LoadPlan): Promise<LoadReport> {
  // What a device does once in its life is not part of its connecting.
  for (const identity of plan.devices) readyIdentity(plan.target, identity);
  const connecting = performance.now();
  const tickets: (Buffer | undefined)[] = new Array(plan.devices.length);
  const clients = await connectAll(plan, tickets, 'connecting');
  const connectSeconds = (performance.now() - connecting) / 1000;
  // What connecting left behind (certificates parsed, tickets stored) is not part of the load.
  await sleep(SETTLE_MS);
  const cpuBefore = process.cpuUsage();
  const counts = await sendAll(plan, clients);
  const cpu = process.cpuUsage(cpuBefore);
  plan.onProgress?.({ phase: 'sent', done: counts.sent, total: counts.sent });
  for (const client of clients) client?.close();
  const again = plan.reconnect === true ? await reconnectAll(plan, tickets) : {};
  return {
    ...again,
    devices: plan.devices.length,
    connected: clients.filter((client) => client !== undefined).length,
    connectSeconds,
    ...counts,
    generatorCpuSeconds: (cpu.user + cpu.system) / 1e6,
    seconds: plan.seconds,
  };
}

async function reconnectAll(plan: LoadPlan, tickets: readonly (Buffer | undefined)[]) {
  const startedMs = performance.now();
  const clients = await connectAll(plan, [...tickets], 'reconnecting');
  const reconnectSeconds = (performance.now() - startedMs) / 1000;
  for (const client of clients) client?.close();
  return { reconnectSeconds, reconnected: clients.filter((client) => client !== undefined).length };
}

/** Uses the tickets that are there, and keeps the ones it is given. */
async function connectAll(
  plan: LoadPlan,
  tickets: (Buffer | undefined)[],
  phase: 'connecting' | 'reconnecting',
): Promise<readonly (DeviceClient | undefined)[]> {
  const clients: (DeviceClient | undefined)[] = new Array(plan.devices.length).fill(undefined);
  let next = 0;
  let done = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < plan.devices.length; index = next++) {
      const identity = plan.devices[index];
      const session = tickets[index];
      if (identity !== undefined)
        clients[index] = await connectDevice(plan.target, identity, {
          ...(session === undefined ? {} : { session }),
          onSession: (ticket) => {
            tickets[index] = ticket;
          },
        }).catch(() => undefined);
      done++;
      plan.onProgress?.({ phase, done, total: plan.devices.length });
    }
  };
  await Promise.all(Array.from({ length: plan.handshakesMax }, worker));
  return clients;
}

async function sendAll(plan: LoadPlan, clients: readonly (DeviceClient | undefined)[]) {
  const perSecond = plan.rate * clients.length;
  const total = Math.round(perSecond * plan.seconds);
  const latency = createHistogram();
  const late = createHistogram();
  let sent = 0;
  let unsent = 0;
  let acknowledged = 0;
  const startMs = performance.now();

  for (let next = 0; next < total; ) {
    const nowMs = performance.now();
    const due = Math.min(total, Math.floor(((nowMs - startMs) / 1000) * perSecond));
    for (; next < due; next++) {
      const dueMs = startMs + (next / perSecond) * 1000;
      const index = next % clients.length;
      const sequence = Math.floor(next / clients.length);
      late.record(micros(performance.now() - dueMs));
      const isSent = clients[index]?.publish(plan.payload(index, sequence, Date.now()), () => {
        acknowledged++;
        latency.record(micros(performance.now() - dueMs));
        plan.onAcknowledged?.(index, sequence);
      });
      if (isSent === true) sent++;
      else unsent++;
    }
    plan.onProgress?.({ phase: 'sending', done: next, total });
    await sleep(1);
  }
  for (const endMs = performance.now() + GRACE_MS; acknowledged < sent && performance.now() < endMs; ) await sleep(20);
  return {
    sent,
    unsent,
    acknowledged,
    lost: sent - acknowledged,
    latencyMs: percentiles(latency),
    generatorLateMs: percentiles(late),
  };
}

const micros = (ms: number): number => Math.max(1, Math.round(ms * 1000));

function percentiles(histogram: RecordableHistogram): Percentiles {
  const at = (p: number): number => (histogram.count === 0 ? 0 : Math.round(histogram.percentile(p)) / 1000);
  return {
    p50: at(50),
    p90: at(90),
    p99: at(99),
    p999: at(99.9),
    max: histogram.count === 0 ? 0 : histogram.max / 1000,
  };
}
