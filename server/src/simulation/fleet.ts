import { type DeviceId, type PatientId, parseDeviceId, parsePatientId } from '../domain/ids.ts';
import type { DeviceAuthority } from '../identity/device-authority.ts';
import type { Registry } from '../ports/registry.ts';
import type { DeviceIdentity } from './device-client.ts';

/** Simulated devices `sim-00001` … of patients `sim-p-00001` …: enrolled like real ones, each with its own certificate. */
export async function enrollFleet(options: {
  readonly registry: Registry;
  readonly authority: DeviceAuthority;
  readonly count: number;
  readonly nowMs: number;
  readonly onProgress?: (done: number, total: number) => void;
}): Promise<readonly DeviceIdentity[]> {
  const { registry, authority, count, nowMs } = options;
  const fleet: DeviceIdentity[] = new Array(count);
  let done = 0;
  const enroll = async (index: number): Promise<void> => {
    const number = String(index + 1).padStart(5, '0');
    const deviceId = parseDeviceId(`sim-${number}`);
    const patientId = parsePatientId(`sim-p-${number}`);
    if (deviceId === undefined || patientId === undefined) throw new RangeError('more devices than numbers');
    await registry.putPatient({ id: patientId });
    fleet[index] = await enrollWorn({ registry, authority, deviceId, patientId, nowMs, fromMs: nowMs - PAST_MS });
    options.onProgress?.(++done, count);
  };
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await enroll(index);
  };
  await Promise.all(Array.from({ length: WORKERS }, worker));
  return fleet;
}

/** Half the connections of the pool. */
const WORKERS = 4;
/** A simulated device may bring a day of stored readings. */
const PAST_MS = 24 * 3_600_000;

/** One device with a certificate of its own, worn by a patient who is known already since `fromMs`. */
export async function enrollWorn(request: {
  readonly registry: Registry;
  readonly authority: DeviceAuthority;
  readonly deviceId: DeviceId;
  readonly patientId: PatientId;
  readonly nowMs: number;
  readonly fromMs: number;
}): Promise<DeviceIdentity> {
  const { registry, authority, deviceId, patientId, nowMs, fromMs } = request;
  const { certificatePem, keyPem, record } = await authority.issue(deviceId);
  await registry.putDevice({ id: deviceId, createdAtMs: nowMs });
  await registry.addCertificate(record);
  await registry.assign({ deviceId, patientId, fromMs });
  return { deviceId, cert: certificatePem, key: keyPem };
}
