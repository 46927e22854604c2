import type { DeviceEnrollmentList } from '@healthsync/contracts/device-enrollment';

/** One that waits, of the longest names there can be, one code that is out, and one that was decided. */
export function enrollmentsAt(
  now: number,
  decided: ReadonlyMap<string, 'issued' | 'refused'>,
): DeviceEnrollmentList['enrollments'] {
  const at = (ms: number) => new Date(now + ms).toISOString();
  const base = { invitedBy: 'Maximiliane von Hohenfels-Oberndorf', invitedAt: at(-3_600_000), isKnown: false };
  const longest: DeviceEnrollmentList['enrollments'][number] = {
    ...base,
    id: 'e1',
    deviceId: 'bedside-monitor_intensive-care-unit-3.building-B.replacement-0042',
    state: 'waiting',
    expiresAt: at(2.5 * 86_400_000),
    isKnown: true,
    approval: 'yours',
    request: {
      at: at(-90_000),
      address: '2001:0db8:85a3:08d3:1319:8a2e:0370:7344',
      keyFingerprint: '06:FF:4A:01:14:56:4C:D3:40:9D:48:67:54:30:A5:CF:25:04:30:F4:41:FF:F9:FD:55:0A:52:15:D9:FF:A6:B9',
      maker: 'Acme Patient Monitoring Systems International GmbH & Co. KG',
      model: 'BSM-3000-SeriesIIMark4ExtendedConfigurationWithCapnographyModule',
      serialNumber: 'SN-4711-2026-000000000000000000000000000000000000000000000000042',
    },
  };
  const all: DeviceEnrollmentList['enrollments'] = [
    longest,
    { ...base, id: 'e2', deviceId: 'monitor-8', state: 'invited', expiresAt: at(20 * 3_600_000), approval: 'none' },
    {
      ...base,
      id: 'e3',
      deviceId: 'monitor-6',
      state: 'refused',
      expiresAt: at(3_600_000),
      approval: 'none',
      decidedBy: 'Ola Operator',
      decidedAt: at(-1_800_000),
      reason: 'The fingerprint was another one.',
    },
  ];
  return all.map((one) => {
    const state = decided.get(one.id);
    return state === undefined ? one : { ...one, state, approval: 'none', decidedBy: 'you', decidedAt: at(0) };
  });
}
