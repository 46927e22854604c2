import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { openDataFolder } from '../adapters/embedded/data-folder.ts';
import { PostgresAccounts } from '../adapters/postgres/accounts.ts';
import { writeAlarmEvents } from '../adapters/postgres/alarm-events.ts';
import { PostgresAlarmStore, parseAlarmNotice } from '../adapters/postgres/alarm-store.ts';
import { auditAlarmChanges } from '../adapters/postgres/audit-pending.ts';
import { PostgresCheckpoints } from '../adapters/postgres/checkpoints.ts';
import { Listener } from '../adapters/postgres/listener.ts';
import { openDatabase } from '../adapters/postgres/open-database.ts';
import { PostgresOutbox } from '../adapters/postgres/outbox.ts';
import { PostgresRegistry } from '../adapters/postgres/registry.ts';
import { PostgresRejectedReadings } from '../adapters/postgres/rejected-readings.ts';
import { PostgresRuleSets } from '../adapters/postgres/rule-sets.ts';
import { PostgresVitalsHistory } from '../adapters/postgres/vitals-history.ts';
import { DEFAULT_TENANT, type DeviceId } from '../domain/ids.ts';
import { openAuthorities } from '../identity/authority.ts';
import { openRegistryView } from '../identity/registry-view.ts';
import { registerKeys } from '../serve/api/keys.ts';
import { createHttpServer } from '../serve/http-server.ts';
import { createTenantHubs } from '../serve/live/tenant-hubs.ts';
import { createLog, type Log } from '../telemetry/log.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { startVitalsPipeline } from '../vitals/pipeline.ts';
import { alarmPolicyOf } from './alarm-policy.ts';
import { askedServices } from './asked-services.ts';
import { noteKeys } from './note-keys.ts';
import { openAccess } from './open-access.ts';
import { openAccountNotices } from './open-account-notices.ts';
import { openAlarmBurden } from './open-alarm-burden.ts';
import { openAudit } from './open-audit.ts';
import { openConsent } from './open-consent.ts';
import { openDemo } from './open-demo.ts';
import { openDevices } from './open-devices.ts';
import { openDoorRecord } from './open-door-record.ts';
import { openEscalation } from './open-escalation.ts';
import { openEvents } from './open-events.ts';
import { openHttpIngest } from './open-http-ingest.ts';
import { openIdentity } from './open-identity.ts';
import { openKeys } from './open-keys.ts';
import { openMqtt } from './open-mqtt.ts';
import { openPoliciesOf } from './open-policies.ts';
import { openReadings } from './open-readings.ts';
import { openRetention } from './open-retention.ts';
import { openServerCertificates } from './open-server-certificates.ts';
import { openTelling } from './open-telling.ts';
import { openTenants } from './open-tenants.ts';
import { openWardPlan } from './open-ward-plan.ts';
import { openWatching } from './open-watching.ts';
import { pagesServed } from './pages-served.ts';
import { readingGauges, readingHealth } from './reading-watch.ts';
import { registerGauges } from './register-gauges.ts';
import type { Settings } from './settings.ts';
import { undoStack } from './undo.ts';
import { VERSION } from './version.ts';
import { wallUrlOf } from './wall-url.ts';

/** A running installation: every role in one process, on the embedded engines. */
export interface AllInOne {
  /** The HTTP side as it is served, for who asks it without a socket. */
  readonly app: FastifyInstance;
  readonly https: string;
  readonly mqtts: string;
  /** The one-time link for the first account, while there is none. */
  readonly setupLink?: string;
  /** Resolves when it cannot go on: a sync failed, and nothing more may be acknowledged. */
  readonly broken: Promise<Error>;
  /** Resolves once it knows what the registry holds now. */
  rereadRegistry(): Promise<unknown>;
  /** Stops taking readings, finishes what was taken, stops everything backwards. Idempotent. */
  stop(): Promise<readonly { readonly name: string; readonly error: unknown }[]>;
}

/**
 * Starts everything, in the order in which a reading meets it seen from behind: what keeps it, what judges it, what
 * tells of it, and only then the doors. Whatever fails on the way, what was started is stopped again.
 */
export async function startAllInOne(
  settings: Settings,
  log: Log = createLog({ level: settings.logLevel }),
): Promise<AllInOne> {
  const undo = undoStack((component, ms) => log.debug('stopped', { component, durationMs: Math.round(ms) }));
  try {
    return await start(settings, log, undo);
  } catch (error) {
    await undo.run();
    throw error;
  }
}

async function start(settings: Settings, log: Log, undo: ReturnType<typeof undoStack>): Promise<AllInOne> {
  const now = Date.now;
  const monotonicMs = () => performance.now();
  const metrics = createMetrics();

  const { policies, audited } = openPoliciesOf(settings);
  const folder = await openDataFolder(settings.dataFolder);
  undo.push('data folder', () => folder.close());

  // The database, and what is kept in it.
  const database = await openDatabase(
    settings.databaseUrl === undefined
      ? {
          dataFolder: folder.path,
          onRestart: (attempt) => log.warn('PostgreSQL ended and is started again', { attempt }),
        }
      : { url: settings.databaseUrl },
  );
  undo.push('database', () => database.close());
  const tenants = await openTenants({ database, log, undo });
  const listener = new Listener(database);
  undo.push('database notices', () => listener.close());

  // The keys, and what is opened and proved with them: other servers on the database may have made them.
  const keys = await openKeys(settings, database, now);
  undo.push('keys', () => keys.close());
  const pki = join(folder.path, 'pki');
  const authorities = await openAuthorities({ folder: pki, now });
  const certificates = await openServerCertificates({ settings, authority: authorities.servers, pki, now });
  const { address } = database;
  const base = { settings, audited, metrics, log, now, undo };
  const auditing = await openAudit({ ...base, address, tenants, dataFolder: folder.path });
  await noteKeys(keys, auditing.note, log);
  const registry = new PostgresRegistry(database, listener, keys.identities);
  const history = new PostgresVitalsHistory(database, (id) => view().place(id)?.tenantId ?? DEFAULT_TENANT);
  const alarmPolicy = alarmPolicyOf(settings);
  const escalation = await openEscalation({ settings, database, log, now });
  const alarms = new PostgresAlarmStore(database, {
    policy: alarmPolicy,
    now,
    inTransaction: [escalation.inTransaction, writeAlarmEvents, auditAlarmChanges],
    seal: keys.seal,
  });
  // What people ask for goes to the database as their organisation.
  const askedAlarms = new PostgresAlarmStore(tenants.asking, { seal: keys.seal });
  const askedRegistry = new PostgresRegistry(tenants.asking, listener, keys.identities);
  const outbox = new PostgresOutbox(database);
  const checkpoints = new PostgresCheckpoints(database);
  const accounts = new PostgresAccounts(database);
  const rejected = new PostgresRejectedReadings(database, keys.houseSeal);
  const ruleSets = new PostgresRuleSets(database);

  // Who wears what, who lies where: in memory, reread at every change.
  const onRegistryChange: (() => void)[] = [];
  const registryView = await openRegistryView(registry, {
    now,
    onChange: () => onRegistryChange.forEach((tell) => void tell()),
    onError: (error) => log.warn('the registry could not be reread', { error }),
  });
  undo.push('registry view', () => registryView.close());
  const { current: view, refresh: refreshView } = registryView;

  // The log of readings: what is acknowledged is in here.
  const { readings, isFull } = await openReadings({
    settings,
    folder: folder.path,
    keys,
    checkpoints,
    history,
    metrics,
    log,
    now,
  });
  undo.push('reading log', () => readings.close());

  const demo = await openDemo({
    settings,
    authorities,
    certificate: certificates.own(),
    database,
    accounts,
    log,
    now,
    undo,
  });

  const consent = await openConsent({ settings, database, tenants, listener, view, log, now, undo });

  // A reading's way, from the log on; and what must be told beyond the wall.
  const tell = await openTelling({
    settings,
    tenants,
    mayShow: consent.mayShow,
    moreNotifiers: demo.notifiers,
    dataFolder: folder.path,
    database,
    listener,
    outbox,
    registry,
    history,
    accounts,
    alarms,
    view,
    metrics,
    log,
    now,
    undo,
  });
  auditing.ringAt(tell.systemAlarms);
  const vitals = await startVitalsPipeline({
    readings,
    history,
    checkpoints,
    alarms,
    outbox,
    rejected,
    notifiers: tell.notifiers,
    telling: tell.telling,
    view,
    refreshView,
    profileFolders: settings.profilesFolder === undefined ? [] : [settings.profilesFolder],
    clockAheadMaxMs: settings.clockAheadMaxSeconds * 1000,
    ...wallUrlOf(settings),
    metrics,
    log,
    now,
    monotonicMs,
    random: Math.random,
    onStarted: (stage, stop) => undo.push(stage, stop),
  });
  const { admission, assessor, desk, keeper, teller } = vitals;
  const {
    access,
    facts,
    routes: accessRoutes,
  } = await openAccess({
    policies,
    database,
    tenants,
    listener,
    view,
    systemAlarms: tell.systemAlarms,
    consents: consent.held,
    settings,
    log,
    now,
    undo,
  });
  const tellOwner = openAccountNotices({ ...tell, outbox, teller, tenants, log, now, undo });
  const tellingRoutes = tell.routes({ desk, teller, access, tellOwner });
  onRegistryChange.push(() => vitals.registryChanged());
  const stopAlarmNotices = await listener.listen('healthsync_alarm', {
    onNotice: (payload) => vitals.alarmChanged(parseAlarmNotice(payload)),
    onGap: () => vitals.alarmChanged(undefined),
  });
  undo.push('alarm notices', () => stopAlarmNotices());
  // What another process changed after our alarms were read, and before we listened.
  vitals.alarmChanged(undefined);
  const escalating = await escalation.start({
    folder: folder.path,
    listener,
    metrics,
    accounts,
    contacts: tell.contacts,
    notifiers: tell.notifiers,
    systemAlarms: tell.systemAlarms,
    outbox,
    alarms,
    askedAlarms,
    tenants,
    desk,
    statusOf: (patientId) => assessor.statusOf(patientId),
    isCaughtUp: () => assessor.isCaughtUp(),
    view,
    onOrdered: () => teller.wake(),
    undo,
  });

  const happenings = await openEvents({
    settings,
    database,
    tenants,
    keys,
    listener,
    systemAlarms: tell.systemAlarms,
    accounts,
    access,
    audit: auditing.audit,
    metrics,
    log,
    now,
    undo,
  });

  const watching = openWatching({
    settings,
    database,
    tenants,
    keys,
    registry,
    accounts,
    facts,
    view,
    refreshView,
    contacts: tell.contacts,
    outbox,
    onOrdered: () => teller.wake(),
    metrics,
    log,
    now,
    undo,
  });

  openRetention({ settings, database, metrics, log, now, undo });

  // The live stream.
  const presence = new Map<DeviceId, 'online' | 'offline'>();
  const live = createTenantHubs({
    sources: {
      view,
      statusOf: (patientId) => (consent.mayShow(patientId) ? assessor.statusOf(patientId) : undefined),
      openAlarms: () => desk.open(),
      systemAlarms: () => tell.systemAlarms.open(),
      isOffline: (deviceId) => presence.get(deviceId) === 'offline',
    },
    now,
    hooks: metrics.live,
  });
  undo.push('live stream', () => live.close());
  assessor.onTouched((patientIds) => live.touched(patientIds));
  desk.onChange((change) => live.alarmChanged(change));
  tell.systemAlarms.onChange((alarm) => live.systemAlarmChanged(alarm));
  consent.onChange((patientId) => live.touched([patientId]));
  onRegistryChange.push(() => live.registryChanged());

  const provisioning = await openDevices({
    settings,
    tenants,
    pki,
    authorities,
    database,
    registry,
    askedRegistry,
    view,
    refreshView,
    systemAlarms: tell.systemAlarms,
    audit: auditing.audit,
    port: () => httpsPort,
    log,
    now,
    undo,
  });

  // The doors, last, when everything behind them stands. Devices:
  const doors = openDoorRecord({ audit: auditing.audit, log, now, undo });
  const { mqtt, mqttPort } = await openMqtt({
    settings,
    tls: mqttTls(),
    door: provisioning.door,
    certificateRequest: provisioning.certificateRequest,
    seen: doors.seen,
    admission,
    view,
    onPresence(deviceId, state) {
      presence.set(deviceId, state);
      const patientId = view().patientAt(deviceId, now());
      if (patientId !== undefined) live.touched([patientId]);
    },
    onRegistryChange: (tell) => onRegistryChange.push(tell),
    metrics,
    log,
    now,
    undo,
  });

  // HTTPS: people, scripts, and devices without MQTT.
  const identity = await openIdentity({
    settings,
    identityKeys: keys.identityKeys,
    tenants,
    view,
    port: () => httpsPort,
    log,
    now,
    hooks: { signIn: (outcome) => metrics.http.signIn(outcome) },
    tellOwner,
    undo,
  });
  const services = askedServices({
    settings,
    tenants,
    keys,
    access,
    mayShow: consent.mayShow,
    view,
    refreshView,
    askedAlarms,
    registry: askedRegistry,
    alarmPolicy,
    desk,
    admission,
    assessor,
    devices: {
      presence: (deviceId) => presence.get(deviceId) ?? 'unknown',
      publishConfig: (deviceId) => mqtt.publishConfig(deviceId),
      sendCommand: (deviceId, payload) => mqtt.sendCommand(deviceId, Buffer.from(payload)),
      ...provisioning.link,
    },
    live,
    signIn: identity.signIn,
    health: [
      ...readingHealth({ isFull, database, assessor, keeper, desk }),
      ...tell.health,
      ...auditing.health,
      ...escalating.health,
      ...watching.health,
    ],
    audit: { ...auditing.audit, knownAccount: identity.knownAccount },
    metrics,
    log,
    now,
  });
  const hasPublicCertificate = settings.httpsCertificate !== undefined;
  const http = await createHttpServer(
    {
      host: settings.host ?? '::',
      port: settings.httpsPort,
      tls: { ...httpsTls(), deviceCa: provisioning.trustedPem(), minVersion: settings.tlsMinVersion },
      ...pagesServed(settings),
      version: VERSION,
      hasPublicCertificate,
      bounds: {
        requestsPerMinuteMax: settings.addressRequestsPerMinute,
        callerRequestsPerMinuteMax: settings.callerRequestsPerMinute,
      },
      plugins: [
        identity.routes,
        accessRoutes,
        consent.routes,
        provisioning.routes,
        ...tellingRoutes,
        escalating.routes,
        happenings.routes,
        watching.routes,
        auditing.routes,
        demo.routes,
        (app) => registerKeys(app, { keys, management: settings.keyManagement }),
        openWardPlan(tenants, services),
        openAlarmBurden({
          addressNow: tenants.addressNow,
          datasetsFolder: settings.datasetsFolder,
          services,
          log,
          undo,
        }),
        openHttpIngest({ settings, admission, door: provisioning.door, doors, now }),
      ],
    },
    services,
  );
  const { port: httpsPort } = await http.listen();
  undo.push('HTTPS server', () => http.close());

  provisioning.follow(mqtt, () => {
    mqtt.renewTls(mqttTls());
    http.setCertificate(httpsTls());
  });

  certificates.renewDaily({
    renewed() {
      mqtt.renewTls(mqttTls());
      http.setCertificate(httpsTls());
    },
    note: auditing.note,
    log,
    undo,
  });

  registerGauges(metrics, {
    healthsync_mqtt_sessions: () => mqtt.sessions(),
    healthsync_live_clients: () => live.readers(),
    ...readingGauges({ database, assessor, keeper, desk }),
    ...tell.gauges,
    ...auditing.gauges,
    healthsync_registry_age_seconds: () => (now() - view().takenAtMs) / 1000,
    healthsync_certificate_expires_seconds: () => (certificates.notAfterMs() - now()) / 1000,
  });
  const host = settings.serverNames[0] ?? 'localhost';
  const [https, mqtts] = [`https://${host}:${httpsPort}`, `mqtts://${host}:${mqttPort}`];
  await demo.start({ folder: folder.path, mqttPort, registry, ruleSets });
  const setup = await identity.signIn.offerSetup();
  log.info('serving', { version: VERSION, port: httpsPort });
  return {
    app: http.app,
    https,
    mqtts,
    ...(setup === undefined ? {} : { setupLink: `${https}/setup#${setup.code}` }),
    broken: readings.broken,
    rereadRegistry: refreshView,
    stop: () => undo.run(),
  };

  function mqttTls() {
    return { ...certificates.mqtts(), ca: provisioning.trustedPem() };
  }
  function httpsTls() {
    return { ...certificates.https(), ca: provisioning.trustedPem() };
  }
}
