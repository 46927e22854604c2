import type { Alarm } from '../../domain/alarm.ts';
import type { DeviceId, PatientId } from '../../domain/ids.ts';
import type { PatientStatus } from '../../domain/patient-status.ts';
import type { RegistryView } from '../../identity/registry-view.ts';

/** Where the live stream looks: all of it in memory, none of it a query. */
export interface LiveSources {
  readonly view: () => RegistryView;
  readonly statusOf: (patientId: PatientId) => PatientStatus | undefined;
  readonly openAlarms: () => Iterable<Alarm>;
  /** The device said or showed that it is gone (last will, closed connection). */
  readonly isOffline: (deviceId: DeviceId) => boolean;
}
