import { DEFAULT_TENANT, type TenantId } from '../../domain/ids.ts';
import { viewOfTenant } from '../../identity/tenant-view.ts';
import { createLiveHub, LIVE_BOUNDS, type LiveHub } from './hub.ts';

/**
 * The live stream of several organisations: a hub for each, which is told of nothing but its own. Whatever a reader asks
 * for, there is nothing of another organisation in what it looks at.
 */
export function createTenantHubs(options: Parameters<typeof createLiveHub>[0]): LiveHub {
  const { sources } = options;
  const hubs = new Map<TenantId, LiveHub>();
  const readersMax = options.bounds?.readersMax ?? LIVE_BOUNDS.readersMax;

  const tenantOf = (patientId: string) => sources.view().place(patientId)?.tenantId ?? DEFAULT_TENANT;

  function hubOf(tenantId: TenantId): LiveHub {
    const known = hubs.get(tenantId);
    if (known !== undefined) return known;
    const hub = createLiveHub({
      ...options,
      sources: {
        ...sources,
        view: () => viewOfTenant(sources.view(), tenantId),
        openAlarms: () => [...sources.openAlarms()].filter(({ patientId }) => tenantOf(patientId) === tenantId),
        systemAlarms: () =>
          (sources.systemAlarms?.() ?? []).filter((alarm) => (alarm.tenantId ?? tenantId) === tenantId),
      },
    });
    hubs.set(tenantId, hub);
    return hub;
  }

  const readers = () => [...hubs.values()].reduce((sum, hub) => sum + hub.readers(), 0);
  return {
    touched(patientIds) {
      // Of those that are not its own a hub finds no place in its wards.
      for (const hub of hubs.values()) hub.touched(patientIds);
    },
    alarmChanged: (change) => hubs.get(tenantOf(change.alarm.patientId))?.alarmChanged(change),
    systemAlarmChanged(alarm) {
      if (alarm.tenantId !== undefined) hubs.get(alarm.tenantId)?.systemAlarmChanged(alarm);
      else for (const hub of hubs.values()) hub.systemAlarmChanged(alarm);
    },
    registryChanged() {
      for (const hub of hubs.values()) hub.registryChanged();
    },
    attach(reader) {
      return readers() >= readersMax ? undefined : hubOf(reader.tenantId ?? DEFAULT_TENANT).attach(reader);
    },
    readers,
    close() {
      for (const hub of hubs.values()) hub.close();
    },
  };
}
