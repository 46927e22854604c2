import { expect, it } from 'vitest';
import type { DeviceId, PatientId, TenantId } from '../domain/ids.ts';
import type { Device } from '../ports/registry.ts';
import type { SystemAlarm } from '../ports/system-alarms.ts';
import { watchCertificates } from './certificate-watch.ts';
import { registryView } from './registry-view.ts';

const T = Date.parse('2026-11-22T03:00:00Z');
const DAY_MS = 86_400_000;
const RULE = 'device.certificates-ending';

/** Its certificate was of thirty days, and ends in so many. */
const device = (id: string, days: number, tenantId?: string): Device => ({
  id: id as DeviceId,
  createdAtMs: T - 40 * DAY_MS,
  certificates: [
    {
      deviceId: id as DeviceId,
      serial: id.replaceAll(/\W/g, ''),
      notBeforeMs: T + (days - 30) * DAY_MS,
      notAfterMs: T + days * DAY_MS,
    },
  ],
  ...(tenantId !== undefined && { tenantId: tenantId as TenantId }),
});

/** What rings after one look at these devices, each of them worn. */
async function rungFor(devices: readonly Device[], ringing = new Map<string, SystemAlarm>()) {
  const view = registryView(
    {
      wards: [],
      beds: [],
      patients: [],
      devices,
      assignments: devices.map(({ id }) => ({ deviceId: id, patientId: `P-${id}` as PatientId, fromMs: T - DAY_MS })),
      revokedSerials: [],
      deviceTokens: [],
    },
    T,
  );
  const looking = Promise.withResolvers<void>();
  const watch = watchCertificates({
    view: () => view,
    mqtt: {
      connectedWith: () => [],
      sendCommand: () => {
        throw new Error('nobody is connected');
      },
    },
    current: () => 1,
    endSuperseded: async () => looking.resolve(),
    rereadAuthorities: async () => {},
    systemAlarms: {
      raise: (alarm) => void ringing.set(alarm.id, { ...alarm, state: 'active', raisedAtMs: T }),
      clear: (id) => void ringing.delete(id),
      open: () => [...ringing.values()],
    },
    now: () => T,
    onError(error) {
      throw error;
    },
  });
  await looking.promise;
  // Waits for the look that has begun.
  await watch.stop();
  return ringing;
}

it('certificates that end are told to the organisation whose devices they are, and to no other', async () => {
  const south = [device('s1', 2), device('s2', 1)];
  const ringing = await rungFor([...south, device('n1', 3, 'north'), device('e1', 29, 'east')]);
  expect([...ringing.values()].map(({ id, tenantId, text }) => [id, tenantId, text])).toEqual([
    [
      `${RULE}.default`,
      'default',
      '2 devices that are worn have not renewed their certificates; the first ends on 2026-11-23, and then it cannot send. See Devices.',
    ],
    [
      `${RULE}.north`,
      'north',
      'A device that is worn has not renewed its certificate, which ends on 2026-11-25, and then it cannot send. See Devices.',
    ],
  ]);
  // One has renewed; and as it was rung before, for everybody, it rings no more.
  ringing.set(RULE, { id: RULE, rule: RULE, priority: 'low', text: 'late', state: 'active', raisedAtMs: T });
  await rungFor([...south, device('n1', 30, 'north')], ringing);
  expect([...ringing.keys()]).toEqual([`${RULE}.default`]);
});
