import { hostname } from 'node:os';
import { join } from 'node:path';
import { openDataFolder } from '../adapters/embedded/data-folder.ts';
import { openSegmentLog } from '../adapters/embedded/segment-log/segment-log.ts';
import { smtpNotifier, smtpSettings } from '../adapters/notify/smtp.ts';
import { webhookEndpoints, webhookNotifier } from '../adapters/notify/webhook.ts';
import { PostgresAccounts } from '../adapters/postgres/accounts.ts';
import { PostgresAlarmStore } from '../adapters/postgres/alarm-store.ts';
import { PostgresCheckpoints } from '../adapters/postgres/checkpoints.ts';
import { Listener } from '../adapters/postgres/listener.ts';
import { openDatabase } from '../adapters/postgres/open-database.ts';
import { PostgresOutbox } from '../adapters/postgres/outbox.ts';
import { PostgresRegistry } from '../adapters/postgres/registry.ts';
import { PostgresRejectedReadings } from '../adapters/postgres/rejected-readings.ts';
import { PostgresVitalsHistory } from '../adapters/postgres/vitals-history.ts';
import { type AlarmId, type DeviceId, parseAlarmId } from '../domain/ids.ts';
import { openAuthorities } from '../identity/authority.ts';
import { createPasswords } from '../identity/passwords.ts';
import { openRegistryView } from '../identity/registry-view.ts';
import { ownNames, serverCertificate } from '../identity/server-certificate.ts';
import { createSessions } from '../identity/sessions.ts';
import { createSignIn } from '../identity/sign-in.ts';
import { createHttpServer } from '../serve/http-server.ts';
import { createLiveHub } from '../serve/live/hub.ts';
import type { Services } from '../serve/services.ts';
import { createLog, type Log } from '../telemetry/log.ts';
import { createMetrics, type Metrics } from '../telemetry/metrics.ts';
import { createAdmission } from '../vitals/1-ingest/admission.ts';
import { authenticateDevice } from '../vitals/1-ingest/authenticate-device.ts';
import { registerIngest } from '../vitals/1-ingest/http-ingest.ts';
import { BUILT_IN_PROFILES, loadMappingProfiles } from '../vitals/1-ingest/mapping-profiles.ts';
import { createMqttEndpoint } from '../vitals/1-ingest/mqtt/endpoint.ts';
import { createRejectedQuarantine } from '../vitals/1-ingest/rejected-quarantine.ts';
import { replayRejected } from '../vitals/1-ingest/rejected-replay.ts';
import { KEEP_GROUP, startKeeper } from '../vitals/2-keep/keeper.ts';
import { ASSESS_GROUP, startAssessor } from '../vitals/3-assess/assessor.ts';
import { openAlarmDesk } from '../vitals/4-alert/alarm-desk.ts';
import { startTeller } from '../vitals/5-notify/teller.ts';
import { startDemo } from './demo.ts';
import type { Settings } from './settings.ts';
import { undoStack } from './undo.ts';
import { VERSION } from './version.ts';

/** A running installation: every role in one process, on the embedded engines. */
export interface AllInOne {
  readonly https: string;
  readonly mqtts: string;
  /** The one-time link for the first account, while there is none. */
  readonly setupLink?: string;
  /** Resolves when it cannot go on: a sync failed, and nothing more may be acknowledged. */
  readonly broken: Promise<Error>;
  /** Stops taking readings, finishes what was taken, stops everything backwards. Idempotent. */
  stop(): Promise<readonly { readonly name: string; readonly error: unknown }[]>;
}

/**
 * Starts everything, in the order in which a reading meets it seen from behind: what keeps it, what judges it, what
 * tells of it, and only then the doors. Whatever fails on the way, what was started is stopped again.
 */
export async function startAllInOne(settings: Settings): Promise<AllInOne> {
  const log = createLog({ level: settings.logLevel });
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

  // The folder, and the keys in it.
  const folder = await openDataFolder(settings.dataFolder);
  undo.push('data folder', () => folder.close());
  const pki = join(folder.path, 'pki');
  const authorities = await openAuthorities({ folder: pki, now });
  const currentCertificate = () =>
    serverCertificate({
      authority: authorities.servers,
      path: join(pki, 'server.pem'),
      names: [...ownNames(hostname()), ...settings.serverNames],
      now,
    });
  let certificate = await currentCertificate();

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
  const listener = new Listener(database);
  undo.push('database notices', () => listener.close());
  const registry = new PostgresRegistry(database, listener);
  const history = new PostgresVitalsHistory(database);
  const alarms = new PostgresAlarmStore(database);
  const outbox = new PostgresOutbox(database);
  const checkpoints = new PostgresCheckpoints(database);
  const accounts = new PostgresAccounts(database);
  const rejected = new PostgresRejectedReadings(database);

  // Who wears what, who lies where: in memory, reread at every change.
  const onRegistryChange: (() => void)[] = [];
  const registryView = await openRegistryView(registry, {
    now,
    onChange: () => {
      for (const tell of onRegistryChange) tell();
    },
    onError: (error) => log.warn('the registry could not be reread', { error }),
  });
  undo.push('registry view', () => registryView.close());
  const view = () => registryView.current();

  // The log of readings: what is acknowledged is in here.
  const saved = await checkpoints.load();
  const floor = new Map(await history.position());
  for (const { partition, next } of saved) floor.set(partition, Math.max(next, floor.get(partition) ?? 0));
  let isLogFull = false;
  const readings = await openSegmentLog({
    folder: join(folder.path, 'log'),
    partitions: settings.partitions,
    groups: [KEEP_GROUP, ASSESS_GROUP],
    floor,
    now,
    settings: {
      bytesMax: settings.logMaxMegabytes * MIB,
      retainBytesMax: Math.floor((settings.logMaxMegabytes * MIB) / 2),
      freeBytesMin: settings.diskReserveMegabytes * MIB,
      retainMs: settings.logRetentionHours * 3_600_000,
    },
    hooks: {
      onGroup: ({ writeMs, records, bytes }) => metrics.log.write({ ms: writeMs, records, bytes }),
      onDamage: ({ what, readingsLost }) => log.error('the log is damaged', { state: what, count: readingsLost }),
      // The text is one of a closed list, without patient data.
      onTrouble: (trouble, error) => log.error('trouble with the log', { reason: trouble, error }),
      onFull: (isFull) => {
        isLogFull = isFull;
        log[isFull ? 'error' : 'info'](isFull ? ('the log is full' as const) : ('the log has space again' as const));
      },
    },
  });
  undo.push('reading log', () => readings.close());

  // 2-keep: from the log into history.
  const keeper = await startKeeper({
    log: readings,
    history,
    monotonicMs,
    hooks: {
      onBatch: (batch) => metrics.keep.batch(batch),
      onRetry: (error, attempt) => {
        metrics.keep.retry();
        log.warn('history did not take a batch', { error, attempt });
      },
    },
  });
  undo.push('keeper', () => keeper.stop());

  // 4-alert, before 3-assess, which hands its findings to it.
  const desk = await openAlarmDesk({
    store: alarms,
    placeOf: (patientId) => {
      const { wardId, bedId } = view().place(patientId) ?? {};
      return { ...(wardId === undefined ? {} : { wardId }), ...(bedId === undefined ? {} : { bedId }) };
    },
    now,
    monotonicMs,
    hooks: {
      change: (change) => metrics.alarms.change(change),
      receiptToStreamMs: (ms) => metrics.alarms.receiptToStreamMs(ms),
      storedMs: (ms) => metrics.alarms.storedMs(ms),
      onRetry: (error, attempt) => log.warn('alarms ring but cannot be stored yet', { error, attempt }),
      onRejected: (error) => log.error('an alarm rings but the database refuses it', { error }),
      onSubscriberFailed: (error) => log.error('a subscriber of alarms failed', { error }),
    },
  });
  undo.push('alarm desk', async () => {
    const left = await desk.stop(DESK_STOP_MS);
    if (left > 0) log.warn('alarm changes were left for the next start', { count: left });
  });
  const refreshAlarm = (id: AlarmId | undefined) =>
    id === undefined
      ? undefined
      : desk.refresh(id).catch((error) => log.warn('an alarm could not be reread', { error }));
  const stopAlarmNotices = await listener.listen('healthsync_alarm', {
    onNotice: (payload) => void refreshAlarm(parseAlarmId(payload)),
    onGap: () => {
      for (const { id } of desk.open()) void refreshAlarm(id);
    },
  });
  undo.push('alarm notices', () => stopAlarmNotices());

  // 3-assess: every reading, and every silence.
  const assessor = await startAssessor({
    log: readings,
    checkpoints,
    desk,
    snapshot: view().snapshot,
    now,
    monotonicMs,
    hooks: {
      batch: (batch) => metrics.assess.batch(batch),
      receiptToJudgementMs: (ms) => metrics.assess.receiptToJudgementMs(ms),
      onJudgementFailed: (error) => log.error('a reading could not be judged', { error }),
      onRetry: (error, attempt) => {
        metrics.assess.retry();
        log.error('a batch of readings is judged again', { error, attempt });
      },
      onCheckpointFailed: (error) => log.warn('a checkpoint could not be saved', { error }),
      onCheckpointIgnored: (partition, reason) => log.warn('a checkpoint cannot be used', { partition, reason }),
    },
  });
  undo.push('assessor', () => assessor.stop());
  onRegistryChange.push(() => assessor.rulesChanged(view().snapshot));

  // 5-notify: whoever has to be told beyond the wall.
  const webhooks = webhookEndpoints(settings.webhooks.map(({ url }) => url));
  const teller = startTeller({
    outbox,
    notifiers: [
      ...(settings.smtp === undefined ? [] : [smtpNotifier(smtpSettings(settings.smtp.url, settings.smtp.from))]),
      ...(settings.webhooks[0] === undefined
        ? []
        : [webhookNotifier({ endpoints: webhooks, secret: settings.webhooks[0].secret, now })]),
    ],
    routes: [
      ...(settings.smtp?.to ?? []).map((recipient) => ({ channel: 'smtp', recipient })),
      ...[...webhooks.keys()].map((recipient) => ({ channel: 'webhook', recipient })),
    ],
    bedOf: ({ patientId }) => view().place(patientId)?.bed,
    now,
    monotonicMs,
    random: Math.random,
    hooks: {
      attempt: (done) => metrics.notify.attempt(done),
      onFailed: ({ channel, deliveryId }) =>
        log.error('a notification could not be delivered', { channel, deliveryId }),
      onOutboxError: (error) => log.warn('the outbox is away', { error }),
    },
  });
  undo.push('teller', () => teller.stop());
  desk.onStored(() => teller.wake());

  // The live stream.
  const presence = new Map<DeviceId, 'online' | 'offline'>();
  const live = createLiveHub({
    sources: {
      view,
      statusOf: (patientId) => assessor.statusOf(patientId),
      openAlarms: () => desk.open(),
      isOffline: (deviceId) => presence.get(deviceId) === 'offline',
    },
    now,
    hooks: metrics.live,
  });
  undo.push('live stream', () => live.close());
  assessor.onTouched((patientIds) => live.touched(patientIds));
  desk.onChange((change) => live.alarmChanged(change));
  onRegistryChange.push(() => live.registryChanged());

  // 1-ingest: the doors, last, when everything behind them stands.
  const quarantine = createRejectedQuarantine({
    store: rejected,
    now,
    hooks: {
      dropped: (count) => log.warn('rejected readings were counted, not kept', { count }),
      failed: (error) => log.warn('rejected readings could not be kept yet', { error }),
    },
  });
  undo.push('rejected readings', () => quarantine.close());
  const admission = createAdmission({
    log: readings,
    view,
    refreshView: () => registryView.refresh(),
    profiles: await loadMappingProfiles([
      BUILT_IN_PROFILES,
      ...(settings.profilesFolder === undefined ? [] : [settings.profilesFolder]),
    ]),
    quarantine,
    now,
    bounds: { clockAheadMaxMs: settings.clockAheadMaxSeconds * 1000 },
    hooks: {
      reading: (transport, outcome, code) => metrics.ingest.reading(transport, outcome, code),
      failed: (error) => metrics.log.failure(String((error as { code?: unknown }).code ?? 'unknown')),
    },
  });
  const mqtt = createMqttEndpoint({
    tls: mqttTls(),
    tlsMinVersion: settings.tlsMinVersion,
    ...(settings.host === undefined ? {} : { host: settings.host }),
    port: settings.mqttPort,
    bounds: {
      connectionsMax: settings.mqttSessionsMax,
      packetsPerSecondMax: settings.deviceReadingsPerSecondMax,
      packetsBurstMax: 2 * settings.deviceReadingsPerSecondMax,
    },
    now,
    log,
    hooks: {
      connect: (outcome) => metrics.mqtt.connect(outcome),
      disconnect: (cause) => metrics.mqtt.disconnect(cause),
      refused: (reason) => metrics.mqtt.refused(reason),
      handshake: (outcome) => metrics.mqtt.handshake('mqtts', outcome),
      ackMs: (ms) => metrics.ingest.ackMs('mqtt', ms),
    },
    ingest: (deviceId, bytes, receivedAtMs) =>
      admission.admitBytes({ deviceId, transport: 'mqtt', bytes, receivedAtMs }),
    deviceAccess: (deviceId, serial) => view().deviceAccess(deviceId, serial),
    configOf: (deviceId) => view().configOf(deviceId),
    presence: (deviceId, state) => {
      presence.set(deviceId, state);
      const patientId = view().patientAt(deviceId, now());
      if (patientId !== undefined) live.touched([patientId]);
    },
  });
  const { port: mqttPort } = await mqtt.listen();
  undo.push('MQTT endpoint', () => mqtt.close());
  onRegistryChange.push(() => mqtt.recheck());
  const told = new Map(view().snapshot.devices.map(({ id, config }) => [id, config]));
  onRegistryChange.push(() => {
    for (const { id, config } of view().snapshot.devices) {
      if (config !== undefined && config !== told.get(id)) mqtt.publishConfig(id);
      told.set(id, config);
    }
  });

  // HTTPS: people, scripts, and devices without MQTT.
  const sessions = createSessions({
    accounts,
    now,
    limits: {
      idleMs: settings.sessionIdleMinutes * 60_000,
      maxMs: settings.sessionMaxHours * 3_600_000,
      kioskIdleMs: 12 * 3_600_000,
      kioskMaxMs: settings.kioskSessionMaxDays * 86_400_000,
    },
  });
  const signIn = createSignIn({ accounts, sessions, passwords: createPasswords(), now });
  const services: Services = {
    view,
    refreshView: () => registryView.refresh(),
    registry,
    history,
    alarms,
    acknowledge: (request) => desk.acknowledge(request),
    deliveries: (alarmId) => outbox.deliveries(alarmId),
    rejected,
    replayRejected: (id, by) => replayRejected({ rejected, admission, now, id, by }),
    statusOf: (patientId) => assessor.statusOf(patientId),
    devices: {
      presence: (deviceId) => presence.get(deviceId) ?? 'unknown',
      publishConfig: (deviceId) => mqtt.publishConfig(deviceId),
      sendCommand: (deviceId, payload) => mqtt.sendCommand(deviceId, Buffer.from(payload)),
    },
    live,
    signIn,
    health: [
      { name: 'log', required: true, state: () => (isLogFull ? 'down' : 'up') },
      {
        name: 'database',
        // Readings are taken and alarms ring without it; what waits is history and acknowledging.
        required: false,
        state: () => database.pool.query('select 1').then(() => 'up' as const),
      },
      { name: 'assessor', required: true, state: () => (assessor.isCaughtUp() ? 'up' : 'down') },
      { name: 'history', required: false, state: () => (keeper.lag() > LAG_DEGRADED ? 'degraded' : 'up') },
      { name: 'alarm store', required: false, state: () => (desk.unstored() > 0 ? 'degraded' : 'up') },
      {
        name: 'notifications',
        required: false,
        state: () => ([...teller.health().values()].some(({ failedInARow }) => failedInARow > 0) ? 'degraded' : 'up'),
      },
    ],
    metrics,
    log,
    now,
    hooks: {
      request: (done) => metrics.http.request(done),
      signIn: (outcome) => metrics.http.signIn(outcome),
      handshake: (outcome) => metrics.mqtt.handshake('https', outcome),
    },
  };
  const hasPublicCertificate = settings.httpsCertificate !== undefined;
  const http = await createHttpServer(
    {
      host: settings.host ?? '::',
      port: settings.httpsPort,
      tls: { ...httpsTls(), deviceCa: authorities.devices.certificatePem, minVersion: settings.tlsMinVersion },
      webFolder: WEB_FOLDER,
      version: VERSION,
      hasPublicCertificate,
      plugins: [
        (app) =>
          registerIngest(app, {
            admission,
            authenticateDevice: (request) => authenticateDevice(request, view(), now()),
            now,
            bounds: {
              readingsPerSecond: settings.deviceReadingsPerSecondMax,
              readingsBurst: Math.max(1_000, 20 * settings.deviceReadingsPerSecondMax),
            },
          }),
      ],
    },
    services,
  );
  const { port: httpsPort } = await http.listen();
  undo.push('HTTPS server', () => http.close());

  // A certificate is renewed long before it ends, for connections from then on.
  const renewal = setInterval(async () => {
    try {
      certificate = await currentCertificate();
      mqtt.renewTls(mqttTls());
      if (!hasPublicCertificate) http.setCertificate(httpsTls());
    } catch (error) {
      log.error('the server certificate could not be renewed', { error });
    }
  }, DAY_MS);
  undo.push('certificate renewal', () => clearInterval(renewal));

  registerGauges(metrics, {
    healthsync_mqtt_sessions: () => mqtt.sessions(),
    healthsync_live_clients: () => live.readers(),
    healthsync_log_lag_readings: () => ({ [KEEP_GROUP]: keeper.lag(), [ASSESS_GROUP]: assessor.lag() }),
    healthsync_alarms_open: () => countBy(desk.open().map(({ priority }) => priority)),
    healthsync_alarms_unstored: () => desk.unstored(),
    healthsync_postgres_connections: () => {
      const { totalCount, idleCount, waitingCount } = database.pool;
      return { used: totalCount - idleCount, idle: idleCount, waiting: waitingCount };
    },
    healthsync_registry_age_seconds: () => (now() - view().takenAtMs) / 1000,
    healthsync_certificate_expires_seconds: () => (certificate.notAfterMs - now()) / 1000,
  });

  const host = settings.serverNames[0] ?? 'localhost';
  const [https, mqtts] = [`https://${host}:${httpsPort}`, `mqtts://${host}:${mqttPort}`];
  if (settings.demo)
    undo.push('demo', await startDemo({ folder: folder.path, mqttPort, registry, authorities, now, log }));
  const setup = await signIn.offerSetup();
  log.info('serving', { version: VERSION, port: httpsPort });
  return {
    https,
    mqtts,
    ...(setup === undefined ? {} : { setupLink: `${https}/setup#${setup.code}` }),
    broken: readings.broken,
    stop: () => undo.run(),
  };

  function mqttTls() {
    return { key: certificate.keyPem, cert: certificate.certificatePem, ca: authorities.devices.certificatePem };
  }
  function httpsTls() {
    return {
      key: settings.httpsKey ?? certificate.keyPem,
      cert: settings.httpsCertificate ?? certificate.certificatePem,
    };
  }
}

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;
/** How long a stop waits for the database to take the last alarm changes; what is left is replayed from the log. */
const DESK_STOP_MS = 5_000;
/** Readings behind which history is called degraded: some seconds of ten thousand devices. */
const LAG_DEGRADED = 50_000;
const WEB_FOLDER = join(import.meta.dirname, '../../../web/dist');

type Gauges = Parameters<Metrics['gauge']>;

function registerGauges(metrics: Metrics, gauges: Partial<Record<Gauges[0], Gauges[1]>>): void {
  for (const [name, read] of Object.entries(gauges)) metrics.gauge(name as Gauges[0], read, LABELS[name as Gauges[0]]);
}

const LABELS: Partial<Record<Gauges[0], string>> = {
  healthsync_log_lag_readings: 'group',
  healthsync_alarms_open: 'priority',
  healthsync_postgres_connections: 'state',
};

function countBy(values: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = { high: 0, medium: 0, low: 0 };
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
