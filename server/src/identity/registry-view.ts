import { type Assignment, patientAt, sortAssignments } from '../domain/assignment.ts';
import type { DeviceId, PatientId, WardId } from '../domain/ids.ts';
import type { DeviceDoubt } from '../ports/device-certificates.ts';
import type { Device, DeviceCertificate, PatientPlace, Registry, RegistrySnapshot } from '../ports/registry.ts';

/**
 * The registry as of one moment, in memory: what ingest and assessment ask thousands of times a second. Immutable; a
 * change makes a new view.
 */
export interface RegistryView {
  readonly snapshot: RegistrySnapshot;
  /** When the snapshot was asked for. */
  readonly takenAtMs: number;
  device(deviceId: string): Device | undefined;
  /** Who wore the device at that moment. */
  patientAt(deviceId: string, atMs: number): PatientId | undefined;
  /** All of a device's assignments, oldest first. */
  assignmentsOf(deviceId: string): readonly Assignment[];
  /** Bed, ward, SpO2 scale and own limits of a patient. */
  place(patientId: string): PatientPlace | undefined;
  patientsIn(wardId: WardId): readonly PatientPlace[];
  /**
   * May this device, showing the certificate of this serial number, speak now? Asked at every CONNECT and recheck. With
   * its fingerprint (SHA-256, hex) only the very certificate that was issued counts: whoever has the authority's key
   * makes others of the same serial number.
   */
  deviceAccess(deviceId: string, serial: string, fingerprint?: string): 'allowed' | 'revoked' | 'unknown-device';
  certificate(serial: string): DeviceCertificate | undefined;
  /** What was received from devices is doubtful where one of these says so. */
  doubtsOf(deviceId: string): readonly DeviceDoubt[];
  isRevoked(serial: string): boolean;
  /** Whose the device token with this SHA-256 (hex) is, if it is still valid. */
  deviceOfToken(sha256: string, nowMs: number): DeviceId | undefined;
  /** JSON text retained on `devices/{id}/config`. */
  configOf(deviceId: string): string | undefined;
}

export function registryView(snapshot: RegistrySnapshot, takenAtMs: number): RegistryView {
  const devices = new Map<string, Known>(snapshot.devices.map((device) => [device.id, { device, worn: [] }]));
  const patients = new Map<string, PatientPlace>(snapshot.patients.map((patient) => [patient.id, patient]));
  const wards = Map.groupBy(snapshot.patients, (patient) => patient.wardId);
  for (const [deviceId, worn] of Map.groupBy(snapshot.assignments, (assignment) => assignment.deviceId))
    devices.set(deviceId, { device: devices.get(deviceId)?.device, worn: sortAssignments(worn) });
  const issued = new Map<string, DeviceCertificate>();
  for (const device of snapshot.devices)
    for (const certificate of device.certificates) issued.set(normalSerial(certificate.serial), certificate);
  const doubts = Map.groupBy(snapshot.doubts ?? [], (doubt) => doubt.deviceId as string);
  const revoked = new Set(snapshot.revokedSerials.map(normalSerial));
  const tokens = new Map(snapshot.deviceTokens.map((token) => [token.sha256.toLowerCase(), token]));

  let asked: { readonly deviceId: string; readonly known: Known | undefined } | undefined;
  /** Every reading asks of its device twice, and to find one among ten thousand is most of what that takes. */
  function knownOf(deviceId: string): Known | undefined {
    if (asked?.deviceId !== deviceId) asked = { deviceId, known: devices.get(deviceId) };
    return asked.known;
  }
  const device = (deviceId: string) => knownOf(deviceId)?.device;
  const assignmentsOf = (deviceId: string) => knownOf(deviceId)?.worn ?? [];
  const isRevoked = (serial: string) => revoked.has(normalSerial(serial));
  return {
    snapshot,
    takenAtMs,
    device,
    patientAt: (deviceId, atMs) => patientAt(assignmentsOf(deviceId), atMs),
    assignmentsOf,
    place: (patientId) => patients.get(patientId),
    patientsIn: (wardId) => wards.get(wardId) ?? [],
    deviceAccess(deviceId, serial, fingerprint) {
      if (device(deviceId) === undefined) return 'unknown-device';
      // Deny by default: a certificate this registry never issued to this device could not be revoked either.
      const known = issued.get(normalSerial(serial));
      if (known?.deviceId !== deviceId || isRevoked(serial)) return 'revoked';
      const isAnother =
        fingerprint !== undefined && known.fingerprint !== undefined && known.fingerprint !== fingerprint;
      return isAnother ? 'revoked' : 'allowed';
    },
    certificate: (serial) => issued.get(normalSerial(serial)),
    doubtsOf: (deviceId) => doubts.get(deviceId) ?? [],
    isRevoked,
    deviceOfToken(sha256, nowMs) {
      const token = tokens.get(sha256);
      return token !== undefined && nowMs < token.expiresAtMs && device(token.deviceId) !== undefined
        ? token.deviceId
        : undefined;
    },
    configOf: (deviceId) => device(deviceId)?.config,
  };
}

interface Known {
  /** Undefined: assigned, and not enrolled. */
  readonly device: Device | undefined;
  readonly worn: readonly Assignment[];
}

export interface OpenRegistryView {
  /** The last good view, however old. */
  current(): RegistryView;
  /** Rereads now; resolves when a view at least as new as this call stands, or rejects with the `Failure`. */
  refresh(): Promise<RegistryView>;
  close(): Promise<void>;
}

export interface RegistryViewOptions {
  readonly now: () => number;
  readonly onChange?: (view: RegistryView) => void;
  /** A reread failed; the last good view stays and the next try follows. */
  readonly onError?: (error: unknown) => void;
  /** A change notice can be lost with the connection that carried it: reread this often regardless. */
  readonly refreshEveryMs?: number;
  /** First pause after a failed reread; doubles up to `RETRY_MAX_MS`. */
  readonly retryAfterMs?: number;
}

/** While the database is away it is asked no less often than this. */
const RETRY_MAX_MS = 30_000;

/** Follows the registry. Rejects if the first snapshot cannot be had: without it every device would be a stranger. */
export async function openRegistryView(registry: Registry, options: RegistryViewOptions): Promise<OpenRegistryView> {
  // Five minutes: every change is announced, and a connection that no longer announces is found out within seconds. This
  // is for what nobody has thought of, and a reread of 10,000 devices holds up the readings that come meanwhile.
  const { now, onChange, onError, refreshEveryMs = 300_000, retryAfterMs = 500 } = options;
  let view: RegistryView | undefined;
  let running: Promise<RegistryView> | undefined;
  let queued: Promise<RegistryView> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let pauseMs = retryAfterMs;
  let isClosed = false;

  async function reread(): Promise<RegistryView> {
    const takenAtMs = now();
    const next = registryView(await registry.snapshot(), takenAtMs);
    view = next;
    if (!isClosed) onChange?.(next);
    return next;
  }

  /** One reread at a time, and one more for every call that came while it ran: its snapshot may be too old for them. */
  function refresh(): Promise<RegistryView> {
    if (queued !== undefined) return queued;
    if (running === undefined) return start();
    queued = running.then(start, start);
    return queued;
  }

  function start(): Promise<RegistryView> {
    queued = undefined;
    const attempt = reread().finally(() => {
      if (running === attempt) running = undefined;
    });
    running = attempt;
    return attempt;
  }

  function follow(): void {
    clearTimeout(timer);
    refresh().then(
      () => {
        pauseMs = retryAfterMs;
        wakeIn(refreshEveryMs);
      },
      (error: unknown) => {
        if (!isClosed) onError?.(error);
        wakeIn(pauseMs);
        pauseMs = Math.min(pauseMs * 2, refreshEveryMs, RETRY_MAX_MS);
      },
    );
  }

  function wakeIn(delayMs: number): void {
    clearTimeout(timer);
    if (!isClosed) timer = setTimeout(follow, delayMs).unref();
  }

  // Watch before the first read, so that no change falls between the two.
  const stopWatching = await registry.watch(follow);
  try {
    await refresh();
  } catch (error) {
    isClosed = true;
    await stopWatching();
    throw error;
  }
  wakeIn(refreshEveryMs);

  return {
    current: () => view as RegistryView,
    refresh,
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await stopWatching();
      await Promise.allSettled([running, queued]);
    },
  };
}

/** `00ab`, `AB` and `0xAB` are one number: libraries differ in leading zeros and case. */
function normalSerial(serial: string): string {
  return serial.replace(/^(?:0x)?0*(?=.)/i, '').toUpperCase();
}

/** What the house calls a ward; undefined: it is in none, or in one that is no more. */
export const wardNameIn = (
  { snapshot }: Pick<RegistryView, 'snapshot'>,
  wardId: WardId | undefined,
): string | undefined => snapshot.wards.find(({ id }) => id === wardId)?.name;
