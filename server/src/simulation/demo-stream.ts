import { setTimeout as sleep } from 'node:timers/promises';
import { type DemoBed, demoBeds } from './demo-ward.ts';
import type { DeviceIdentity, DeviceTarget } from './device-client.ts';
import { type FaithfulDevice, startDevice } from './device-fleet.ts';
import { type SimulatedPatient, simulatedPatient, stepPatient } from './physiology.ts';
import { type Random, seededRandom } from './random.ts';
import { freshSensor, measure, type Sensor } from './sensor.ts';

/** Drives the demo's ward until told to stop: one reading a second from each monitor, over its own mutual TLS. */
export async function runDemoStream(options: {
  readonly target: DeviceTarget;
  readonly identities: ReadonlyMap<string, DeviceIdentity>;
  readonly seed: number;
  /** Hours of past, one reading a minute, sent first: what a monitor had stored. 0 for none. */
  readonly pastHours: number;
  readonly signal: AbortSignal;
  readonly onError: (deviceId: string, error: Error) => void;
  /** A monitor has the next certificate: to be kept for the next start. */
  readonly onRenewed?: (identity: DeviceIdentity) => void;
}): Promise<void> {
  const monitors = demoBeds().flatMap((bed, index) => {
    const identity = options.identities.get(bed.deviceId);
    return identity === undefined ? [] : [startMonitor(bed, identity, seededRandom(options.seed + index), options)];
  });
  const nowMs = Date.now();
  for (let minute = options.pastHours * 60; minute > 0 && !options.signal.aborted; minute--) {
    for (const monitor of monitors) tellPast(monitor, nowMs - minute * 60_000);
    // Forty stored readings at a time, each batch acknowledged before the next: a past must not delay the present.
    while (monitors.some((monitor) => monitor.device.pending() > 40) && !options.signal.aborted) await sleep(5);
    if (minute % 20 === 0) await sleep(1);
  }
  const startMs = Date.now();
  for (let second = 0; !options.signal.aborted; second++) {
    const dueMs = startMs + second * STEP_MS;
    await sleep(Math.max(0, dueMs - Date.now()), undefined, { signal: options.signal }).catch(() => undefined);
    // Each monitor has its own phase within the second, as on a real ward.
    for (const monitor of monitors) {
      if (!options.signal.aborted) setTimeout(() => tellNow(monitor, dueMs - startMs), monitor.phaseMs).unref();
    }
  }
  await Promise.all(monitors.map((monitor) => monitor.device.stop()));
}

const STEP_MS = 1000;

interface Monitor {
  readonly bed: DemoBed;
  readonly device: FaithfulDevice;
  readonly random: Random;
  readonly phaseMs: number;
  readonly bootId: string;
  sequence: number;
  patient: SimulatedPatient;
  sensor: Sensor;
}

function startMonitor(
  bed: DemoBed,
  identity: DeviceIdentity,
  random: Random,
  options: Pick<Parameters<typeof runDemoStream>[0], 'target' | 'onError' | 'onRenewed'>,
): Monitor {
  return {
    bed,
    device: startDevice(options.target, identity, {
      random: random.next,
      onError: (error) => options.onError(bed.deviceId, error),
      ...(options.onRenewed !== undefined && { onRenewed: options.onRenewed }),
    }),
    random,
    phaseMs: random.next() * STEP_MS,
    // A monitor numbers its readings anew after each start; the start makes them unique.
    bootId: Date.now().toString(36),
    sequence: 0,
    patient: simulatedPatient(random, bed.scenarios, bed.spo2 === undefined ? {} : { spo2: bed.spo2 }),
    sensor: freshSensor(bed.battery),
  };
}

function tellPast(monitor: Monitor, atMs: number): void {
  // Before the first script begins: the past was calm.
  const step = { atMs, elapsedMs: 0, dtMs: 60_000 };
  const { patient, vitals } = stepPatient({ ...monitor.patient, scenarios: [] }, step, monitor.random);
  monitor.patient = { ...patient, scenarios: monitor.bed.scenarios };
  send(monitor, atMs, { vitals, context: { oxygen: monitor.bed.habits.onOxygen, consciousness: 'A' } });
}

function tellNow(monitor: Monitor, elapsedMs: number): void {
  const atMs = Date.now();
  const { patient, vitals } = stepPatient(monitor.patient, { atMs, elapsedMs, dtMs: STEP_MS }, monitor.random);
  const { sensor, measured } = measure(
    monitor.sensor,
    monitor.bed.habits,
    vitals,
    { elapsedMs, dtMs: STEP_MS },
    monitor.random,
  );
  monitor.patient = patient;
  monitor.sensor = sensor;
  if (measured !== undefined) send(monitor, atMs, measured);
}

function send(monitor: Monitor, atMs: number, measured: object): void {
  const id = `${monitor.bootId}-${monitor.sequence++}`;
  const reading = { id, deviceId: monitor.bed.deviceId, at: new Date(atMs).toISOString(), ...measured };
  monitor.device.send(id, Buffer.from(JSON.stringify(reading)));
}
