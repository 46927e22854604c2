import type { VitalsHistoryResponse } from '@healthsync/contracts/patient';
import type { PatientId } from '../domain/ids.ts';
import type { AssignedReading } from '../domain/reading.ts';
import type { RegistryView } from '../identity/registry-view.ts';
import type { DeviceDoubt } from '../ports/device-certificates.ts';
import { rfc3339 } from './alert-shape.ts';

/**
 * Whether this was received while its device's key may have been somebody else's. By when it was received: whoever
 * holds the key chooses what "measured at" says.
 */
export function isDoubtful(view: RegistryView, { deviceId, receivedAtMs }: AssignedReading): boolean {
  return view
    .doubtsOf(deviceId)
    .some(({ receivedFromMs, receivedUntilMs }) => receivedFromMs <= receivedAtMs && receivedAtMs <= receivedUntilMs);
}

/** What is doubtful of a patient in this time, of devices they wore then. Absent: nothing, as nearly always. */
export function doubtsAbout(
  view: RegistryView,
  { patientId, fromMs, toMs }: { readonly patientId: PatientId; readonly fromMs: number; readonly toMs: number },
): Pick<VitalsHistoryResponse, 'doubts'> {
  const { doubts = [] } = view.snapshot;
  const found = doubts.filter(
    ({ deviceId, receivedFromMs, receivedUntilMs }) =>
      receivedFromMs < toMs &&
      fromMs <= receivedUntilMs &&
      view
        .assignmentsOf(deviceId)
        .some(
          (worn) =>
            worn.patientId === patientId &&
            worn.fromMs <= receivedUntilMs &&
            receivedFromMs < (worn.toMs ?? Number.POSITIVE_INFINITY),
        ),
  );
  return found.length === 0 ? {} : { doubts: found.map(shown) };
}

const shown = (doubt: DeviceDoubt) => ({
  deviceId: doubt.deviceId,
  from: rfc3339(doubt.receivedFromMs),
  until: rfc3339(doubt.receivedUntilMs),
  reason: doubt.reason,
  declaredBy: doubt.declaredBy,
  declaredAt: rfc3339(doubt.declaredAtMs),
});
