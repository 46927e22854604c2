import type { Alarm } from '../../domain/alarm.ts';
import type { DeviceId, PatientId } from '../../domain/ids.ts';
import type { PatientStatus } from '../../domain/patient-status.ts';
import type { RegistryView } from '../../identity/registry-view.ts';
import type { SystemAlarm } from '../../ports/system-alarms.ts';

/** Where the live stream looks: all of it in memory, none of it a query. */
export interface LiveSources {
  readonly view: () => RegistryView;
  readonly statusOf: (patientId: PatientId) => PatientStatus | undefined;
  readonly openAlarms: () => Iterable<Alarm>;
  /** Of the installation. */
  readonly systemAlarms?: () => readonly SystemAlarm[];
  /** The device said or showed that it is gone (last will, closed connection). */
  readonly isOffline: (deviceId: DeviceId) => boolean;
}
