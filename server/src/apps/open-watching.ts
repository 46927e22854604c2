import { basename } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { AccessFacts } from '../access/access-facts.ts';
import { PostgresAccounts } from '../adapters/postgres/accounts.ts';
import { PostgresAuditStore } from '../adapters/postgres/audit-store.ts';
import type { Connections, DatabaseAddress } from '../adapters/postgres/connection.ts';
import { PostgresLeakScans } from '../adapters/postgres/leak-scans.ts';
import { PostgresOwnRecords } from '../adapters/postgres/own-records.ts';
import { PostgresSecurityAlerts } from '../adapters/postgres/security-alerts.ts';
import { PostgresVipPatients } from '../adapters/postgres/vip-patients.ts';
import type { UserId } from '../domain/ids.ts';
import { parseNetworkPlaces } from '../domain/network-place.ts';
import type { SecurityAlert } from '../domain/security-alert.ts';
import type { RegistryView } from '../identity/registry-view.ts';
import { repeat } from '../pacing/repeating.ts';
import type { Accounts } from '../ports/accounts.ts';
import type { Contacts } from '../ports/contacts.ts';
import { Failure } from '../ports/failure.ts';
import type { Outbox } from '../ports/outbox.ts';
import type { Registry } from '../ports/registry.ts';
import { registerLeakScans } from '../serve/api/leak-scans.ts';
import { registerOwnRecords } from '../serve/api/own-records.ts';
import { registerSecurityAlerts } from '../serve/api/security-alerts.ts';
import { registerVip } from '../serve/api/vip.ts';
import { acceptEmptyBodies } from '../serve/json-body.ts';
import type { HealthCheck } from '../serve/services.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { startAccessWatch } from '../watching/access-watch.ts';
import { createRelations } from '../watching/relations.ts';
import { tellSecurity } from '../watching/tell-security.ts';
import { createWatchFacts } from '../watching/watch-facts.ts';
import { houseZone } from './house-zone.ts';
import type { OpenedKeys } from './open-keys.ts';
import { leakDesk, scanInProcess, startLeakScans } from './open-leak-scan.ts';
import type { OpenedTenants } from './open-tenants.ts';
import type { Settings } from './settings.ts';
import type { undoStack } from './undo.ts';

/** An alert is told within this; what could not be, is tried again after it. */
const TELL_EVERY_MS = 5_000;
/** Farther behind than this the watching is called behind: a minute of a busy house. */
const BEHIND = 10_000;

/** Watching over access: who opens what, scored from the audit log; and whom it alerts. */
export function openWatching(parts: {
  readonly settings: Settings;
  readonly database: Connections & { readonly address: DatabaseAddress };
  readonly tenants: Pick<OpenedTenants, 'asking' | 'accounts'>;
  readonly keys: OpenedKeys;
  readonly registry: Pick<Registry, 'patients' | 'putPatient'>;
  readonly accounts: Pick<Accounts, 'users'>;
  readonly facts: Pick<AccessFacts, 'shiftOf' | 'isInCareOf'>;
  readonly view: () => RegistryView;
  readonly refreshView: () => Promise<unknown>;
  readonly contacts: Pick<Contacts, 'of'>;
  readonly outbox: Pick<Outbox, 'enqueueSystem'>;
  /** Something was put into the outbox. */
  readonly onOrdered: () => void;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly now: () => number;
  readonly undo: ReturnType<typeof undoStack>;
}): { readonly routes: (app: FastifyInstance) => void; readonly health: readonly HealthCheck[] } {
  const { settings, database, keys, accounts, view, metrics, log, now, undo } = parts;
  const store = new PostgresAuditStore(database);
  const alerts = new PostgresSecurityAlerts(database);
  const ownRecords = new PostgresOwnRecords(database);
  const mrnIndex = (mrn: string) => keys.identities.mrnIndex(mrn);

  const zone = houseZone(settings);
  const facts = createWatchFacts({
    users: () => accounts.users(),
    facts: parts.facts,
    view,
    relations: createRelations({
      patients: () => parts.registry.patients({}),
      ownRecords,
      index: keys.relations,
      mrnIndex,
    }),
    places: placesOf(settings),
    zone,
    now,
  });
  const watch = startAccessWatch({
    store,
    alerts,
    facts,
    now,
    onRaised: raised,
    hooks: { looked: (entries) => metrics.watching.looked(entries) },
    onError: (error) => log.warn('the audit log could not be watched', { error }),
  });
  undo.push('watching', () => watch.stop());

  const telling = repeat(
    async () => {
      const told = {
        alerts,
        users: () => accounts.users(),
        contacts: parts.contacts,
        outbox: parts.outbox,
        nowMs: now(),
      };
      if ((await tellSecurity(told)) > 0) parts.onOrdered();
    },
    {
      everyMs: TELL_EVERY_MS,
      asideMs: TELL_EVERY_MS / 2,
      onError: (error) => log.warn('security could not be told of an alert yet', { error }),
    },
  );
  undo.push('telling security', () => telling.stop());

  const desk = leakDesk(settings, {
    scans: new PostgresLeakScans(database),
    alerts,
    identities: keys.identities,
    putPatient: (patient) => parts.registry.putPatient(patient),
    patients: () => parts.registry.patients({}),
    users: () => accounts.users(),
    scan: scanInProcess(database.address, undo),
    onRaised: raised,
    now,
  });
  const leaks = startLeakScans({ settings, zone, desk, log, now, undo });

  function raised(some: readonly SecurityAlert[]): void {
    for (const { kind, severity } of some) metrics.watching.raised(kind, severity);
    telling.wake();
  }

  async function behind(): Promise<number> {
    const [newest] = await store.search({ limit: 1 });
    return newest === undefined ? 0 : Math.max(0, newest.position + 1 - watch.state().position);
  }

  async function fares() {
    const { failing, lookedUntilMs } = watch.state();
    const entries = await behind();
    return {
      behind: entries,
      ...(lookedUntilMs !== undefined && { lookedUntil: new Date(lookedUntilMs).toISOString() }),
      state: failing ? ('failing' as const) : entries > BEHIND ? ('behind' as const) : ('watching' as const),
    };
  }

  return {
    routes(app) {
      // What people ask for goes to the database as their organisation.
      const { asking, accounts: askingAccounts } = parts.tenants;
      const askedAccounts = new PostgresAccounts(askingAccounts);
      acceptEmptyBodies(app);
      registerSecurityAlerts(app, { alerts: new PostgresSecurityAlerts(asking), watching: fares, now });
      registerVip(app, {
        vips: new PostgresVipPatients(asking, keys.seal),
        view,
        refreshView: parts.refreshView,
        now,
      });
      registerLeakScans(app, {
        list: (limit) => desk.list(limit),
        next: leaks.next,
        runNow: leaks.runNow,
        folders: [settings.dataFolder, ...settings.leakScanFolders].map((folder) => basename(folder)),
        now,
      });
      registerOwnRecords(app, {
        ownRecords: new PostgresOwnRecords(askingAccounts),
        index: keys.relations,
        mrnIndex,
        userById: (id: UserId) => askedAccounts.findUserById(id),
        onChange: () => facts.stale(),
        now,
      });
    },
    health: [
      {
        name: 'watching over access',
        required: false,
        state: async () => ((await fares()).state === 'watching' ? 'up' : 'degraded'),
      },
      {
        name: 'leak scan',
        required: false,
        state: async () => ((await leaks.isOverdue()) ? 'degraded' : 'up'),
      },
    ],
  };
}

function placesOf({ networkPlaces }: Settings) {
  const places = parseNetworkPlaces(networkPlaces);
  if (places !== undefined) return places;
  throw new Failure('configuration-invalid', 'HEALTHSYNC_NETWORK_PLACES names a network or place that is none.', {
    retryable: false,
  });
}
