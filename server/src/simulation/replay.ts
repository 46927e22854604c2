import { setTimeout as sleep } from 'node:timers/promises';
import type { DeviceIdentity, DeviceTarget } from './device-client.ts';
import { startDevice } from './device-fleet.ts';
import type { RecordedPatient, RecordedReading } from './physionet.ts';

/**
 * Replays recorded patients as if they lay here now: each is worn by a device of its own, and a recorded minute takes
 * `1 / speed` minutes. Readings carry the moment they are sent: what is judged is the course of the values, compressed.
 */
export interface ReplayProgress {
  readonly sent: number;
  readonly acknowledged: number;
  readonly total: number;
  readonly recordedMinute: number;
}

export async function replay(options: {
  readonly target: DeviceTarget;
  readonly patients: readonly { readonly identity: DeviceIdentity; readonly recorded: RecordedPatient }[];
  /** Recorded minutes per real minute. */
  readonly speed: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: ReplayProgress) => void;
  readonly onError?: (error: Error) => void;
}): Promise<ReplayProgress> {
  const { speed, signal } = options;
  const devices = options.patients.map(({ identity }) =>
    startDevice(options.target, identity, {
      random: Math.random,
      ...(options.onError === undefined ? {} : { onError: options.onError }),
    }),
  );
  const due = options.patients
    .flatMap(({ identity, recorded }, device) =>
      recorded.readings.map((reading) => ({ device, deviceId: identity.deviceId, reading })),
    )
    .sort((a, b) => a.reading.minute - b.reading.minute);
  const run = Date.now().toString(36);
  const startMs = performance.now();
  let sent = 0;
  const progress = (): ReplayProgress => ({
    sent,
    acknowledged: sent - devices.reduce((sum, device) => sum + device.pending(), 0),
    total: due.length,
    recordedMinute: Math.min(due.at(-1)?.reading.minute ?? 0, ((performance.now() - startMs) / 60_000) * speed),
  });

  for (const { device, deviceId, reading } of due) {
    const dueMs = startMs + (reading.minute / speed) * 60_000;
    while (performance.now() < dueMs && !signal.aborted) {
      options.onProgress?.(progress());
      await sleep(Math.max(0, Math.min(200, dueMs - performance.now())), undefined, { signal }).catch(() => undefined);
    }
    if (signal.aborted) break;
    const id = `${run}-${sent++}`;
    devices[device]?.send(id, payload(id, deviceId, reading));
    if (sent % 500 === 0) await sleep(1);
  }
  for (
    const endMs = performance.now() + GRACE_MS;
    devices.some((one) => one.pending() > 0) && performance.now() < endMs;
  )
    await sleep(50);
  const result = progress();
  options.onProgress?.(result);
  await Promise.all(devices.map((device) => device.stop()));
  return result;
}

/** How long the last acknowledgements may take before they are reported as missing. */
const GRACE_MS = 10_000;

function payload(id: string, deviceId: string, { vitals, context }: RecordedReading): Buffer {
  return Buffer.from(
    JSON.stringify({ id, deviceId, at: new Date().toISOString(), vitals, context, status: { leadsOff: false } }),
  );
}
