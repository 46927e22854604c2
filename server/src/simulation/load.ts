import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
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
  /**
   * Sent before that and told apart: a server that has just started compiles while it runs (Node.js: just in time), and
   * what is measured in its first seconds says little of the months after them. Default 0.
   */
  readonly warmUpSeconds?: number;
  /** TLS handshakes under way at once. */
  readonly handshakesMax: number;
  /**
   * `dueMs` is when it was to be sent, by `performance.now`. What it answers is sent before it is asked again, so it may
   * be one buffer, written anew each time.
   */
  readonly payload: (deviceIndex: number, sequence: number, atMs: number, dueMs: number) => Buffer;
  /** At the end every connection is cut and made again, as after a network failure. */
  readonly reconnect?: boolean;
  readonly onProgress?: (progress: LoadProgress) => void;
  readonly onAcknowledged?: (deviceIndex: number, sequence: number) => void;
}

export interface LoadProgress {
  readonly phase: 'connecting' | 'sending' | 'warm' | 'sent' | 'reconnecting';
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
  /** From the moment a reading was due to its acknowledgement, after the warm-up and during it. */
  readonly latencyMs: Percentiles;
  readonly warmUpLatencyMs?: Percentiles;
  /** After the warm-up, from the moment a reading was handed to its socket: what is left without our own lateness. */
  readonly latencyFromSentMs: Percentiles;
  /** Readings due after the warm-up. */
  readonly measured: number;
  /** After the warm-up: how late the generator itself was in sending, part of every latency that counts from due. */
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
  const counts = await sendAll(plan, clients);
  plan.onProgress?.({ phase: 'sent', done: counts.sent, total: counts.sent });
  for (const client of clients) client?.close();
  const again = plan.reconnect === true ? await reconnectAll(plan, tickets) : {};
  return {
    ...again,
    devices: plan.devices.length,
    connected: clients.filter((client) => client !== undefined).length,
    connectSeconds,
    ...counts,
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
  const warmUp = Math.round(perSecond * (plan.warmUpSeconds ?? 0));
  const total = warmUp + Math.round(perSecond * plan.seconds);
  const latency = createHistogram();
  const latencyInWarmUp = createHistogram();
  const latencyFromSent = createHistogram();
  const late = createHistogram();
  let sent = 0;
  let unsent = 0;
  let acknowledged = 0;
  let cpuBefore = process.cpuUsage();
  const startMs = performance.now();

  for (let next = 0; next < total; ) {
    const nowMs = performance.now();
    // When late, in small portions: acknowledgements that have come must not wait, and look slow, behind what is sent.
    const due = Math.min(total, next + PORTION, Math.floor(((nowMs - startMs) / 1000) * perSecond));
    const isLate = due === next + PORTION;
    for (; next < due; next++) {
      if (next === warmUp) {
        cpuBefore = process.cpuUsage();
        plan.onProgress?.({ phase: 'warm', done: next, total });
      }
      const isWarm = next >= warmUp;
      const dueMs = startMs + (next / perSecond) * 1000;
      const index = next % clients.length;
      const sequence = Math.floor(next / clients.length);
      const sentMs = performance.now();
      if (isWarm) late.record(micros(sentMs - dueMs));
      const isSent = clients[index]?.publish(plan.payload(index, sequence, Date.now(), dueMs), () => {
        acknowledged++;
        const ackedMs = performance.now();
        if (isWarm) latencyFromSent.record(micros(ackedMs - sentMs));
        (isWarm ? latency : latencyInWarmUp).record(micros(ackedMs - dueMs));
        plan.onAcknowledged?.(index, sequence);
      });
      if (isSent === true) sent++;
      else unsent++;
    }
    plan.onProgress?.({ phase: 'sending', done: next, total });
    await (isLate ? nextTurn() : sleep(1));
  }
  for (const endMs = performance.now() + GRACE_MS; acknowledged < sent && performance.now() < endMs; ) await sleep(20);
  const cpu = process.cpuUsage(cpuBefore);
  return {
    sent,
    unsent,
    acknowledged,
    lost: sent - acknowledged,
    measured: total - warmUp,
    latencyMs: percentiles(latency),
    ...(warmUp === 0 ? {} : { warmUpLatencyMs: percentiles(latencyInWarmUp) }),
    latencyFromSentMs: percentiles(latencyFromSent),
    generatorLateMs: percentiles(late),
    generatorCpuSeconds: (cpu.user + cpu.system) / 1e6,
  };
}

const PORTION = 32;

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
