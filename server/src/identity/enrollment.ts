import type { BedId, DeviceId, PatientId, WardId } from '../domain/ids.ts';
import type { Assignment, Bed, Registry } from '../ports/registry.ts';

/**
 * How far back a new assignment reaches: a reading measured just before the device was enrolled, or by a clock that is
 * behind, still finds its patient.
 */
const REACH_BACK_MS = 5 * 60_000;

export type AssignOutcome =
  | { readonly kind: 'assigned'; readonly fromMs: number }
  | { readonly kind: 'worn-by-another'; readonly patientId: PatientId }
  /** What one organisation owns is never worn in another. */
  | { readonly kind: 'other-tenant' };

/**
 * Gives a device to a patient. One that another patient wears is only taken from them when asked to, and then from now
 * on: what it measured until now is theirs.
 */
export async function assignDevice(
  registry: Pick<Registry, 'snapshot' | 'assign'>,
  request: {
    readonly deviceId: DeviceId;
    readonly patientId: PatientId;
    readonly nowMs: number;
    readonly takeOver: boolean;
    /** Said by a person: counts as it is. */
    readonly fromMs?: number;
  },
): Promise<AssignOutcome> {
  const { deviceId, patientId, nowMs } = request;
  const { assignments, devices, patients } = await registry.snapshot();
  const device = devices.find(({ id }) => id === deviceId);
  const patient = patients.find(({ id }) => id === patientId);
  if (device !== undefined && patient !== undefined && device.tenantId !== patient.tenantId)
    return { kind: 'other-tenant' };
  const worn = assignments.filter((each) => each.deviceId === deviceId);
  const open = worn.find((each) => each.toMs === undefined);
  if (open !== undefined && open.patientId === patientId && (request.fromMs ?? nowMs) >= open.fromMs)
    return { kind: 'assigned', fromMs: open.fromMs };
  if (open !== undefined && open.patientId !== patientId && !request.takeOver)
    return { kind: 'worn-by-another', patientId: open.patientId };
  const fromMs = request.fromMs ?? startOf(worn, nowMs);
  await registry.assign({ deviceId, patientId, fromMs });
  return { kind: 'assigned', fromMs };
}

/** As far back as allowed, but not into somebody else's time. */
function startOf(worn: readonly Assignment[], nowMs: number): number {
  const lastEndMs = Math.max(0, ...worn.map((each) => each.toMs ?? nowMs));
  return Math.max(nowMs - REACH_BACK_MS, Math.min(lastEndMs, nowMs));
}

export type PlaceOutcome =
  | { readonly kind: 'ok'; readonly bedId?: BedId }
  | { readonly kind: 'unknown-bed' }
  | { readonly kind: 'other-ward'; readonly wardId: WardId };

/** The bed a patient is put into; a bed that is named with its ward is made where it is missing, and so is the ward. */
export async function bedFor(
  registry: Registry,
  place: { readonly bedId?: BedId; readonly wardId?: WardId },
): Promise<PlaceOutcome> {
  const { bedId, wardId } = place;
  if (bedId === undefined) return { kind: 'ok' };
  const { beds, wards } = await registry.snapshot();
  const bed: Bed | undefined = beds.find((each) => each.id === bedId);
  if (bed !== undefined)
    return wardId === undefined || bed.wardId === wardId
      ? { kind: 'ok', bedId }
      : { kind: 'other-ward', wardId: bed.wardId };
  if (wardId === undefined) return { kind: 'unknown-bed' };
  if (!wards.some((each) => each.id === wardId)) await registry.putWard({ id: wardId, name: wardId });
  await registry.putBed({ id: bedId, wardId, label: bedId });
  return { kind: 'ok', bedId };
}

/** Makes the patient where there is none, and moves them where a bed is named. */
export async function ensurePatient(registry: Registry, id: PatientId, bedId: BedId | undefined): Promise<void> {
  const patient = await registry.findPatient(id);
  if (patient !== undefined && (bedId === undefined || patient.bedId === bedId)) return;
  await registry.putPatient({ ...patient, id, ...(bedId === undefined ? {} : { bedId }) });
}
