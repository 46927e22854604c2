import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { testAccess } from '../access/test-access.ts';
import { createMemoryAccounts } from '../adapters/memory/memory-accounts.ts';
import { MemoryAlarmStore } from '../adapters/memory/memory-alarm-store.ts';
import { MemoryAuditStore } from '../adapters/memory/memory-audit-store.ts';
import { MemoryRuleSets } from '../adapters/memory/memory-rule-sets.ts';
import { createMemorySecondFactors } from '../adapters/memory/memory-second-factors.ts';
import { openAuditWriter } from '../audit/audit-writer.ts';
import { newTreeHeadKey } from '../audit/tree-head-key.ts';
import type { Role } from '../domain/access.ts';
import type { Alarm } from '../domain/alarm.ts';
import { ALARM_POLICY } from '../domain/alarm-policy.ts';
import type { AlarmId, BedId, DeviceId, PatientId, ReadingId, UserId, WardId } from '../domain/ids.ts';
import type { PatientStatus } from '../domain/patient-status.ts';
import type { AssignedReading } from '../domain/reading.ts';
import { openAuthorities } from '../identity/authority.ts';
import { createDeviceAuthority } from '../identity/device-authority.ts';
import { createPasswords } from '../identity/passwords.ts';
import { registryView } from '../identity/registry-view.ts';
import { relyingParties } from '../identity/relying-party.ts';
import { createSeal } from '../identity/seal.ts';
import { createSecondFactorDesk } from '../identity/second-factors.ts';
import { serverCertificate } from '../identity/server-certificate.ts';
import { createSessions } from '../identity/sessions.ts';
import { createSignIn } from '../identity/sign-in.ts';
import { createTickets } from '../identity/tickets.ts';
import type { RegistrySnapshot } from '../ports/registry.ts';
import type { RejectedReading } from '../ports/rejected-readings.ts';
import { createLog } from '../telemetry/log.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { registerSecondFactors } from './api/second-factors.ts';
import { createHttpServer, type HttpServerOptions } from './http-server.ts';
import { acceptEmptyBodies } from './json-body.ts';
import { createLiveHub, type LiveBounds } from './live/hub.ts';
import type { HealthCheck, Services } from './services.ts';
import { shownPreviews } from './shown-previews.ts';

/**
 * The HTTP side over real TLS, with real sign-in, sessions and live hub. What lies behind the ports is held in memory:
 * two wards, four patients, and whatever a test puts there.
 */
export type TestServer = Awaited<ReturnType<typeof startTestServer>>;

export const NOW = Date.parse('2026-11-22T03:00:00Z');

export async function startTestServer(
  options: {
    readonly server?: Partial<HttpServerOptions>;
    readonly live?: Partial<LiveBounds>;
    readonly health?: readonly HealthCheck[];
    /** Who must have a second factor. */
    readonly secondFactorRoles?: readonly Role[];
  } = {},
) {
  const folder = await mkdtemp(join(tmpdir(), 'healthsync-serve-'));
  const started = Date.now();
  const clock = { offsetMs: NOW - started };
  const now = () => Date.now() + clock.offsetMs;
  const authorities = await openAuthorities({ folder: join(folder, 'pki'), now: Date.now });
  const certificateNamed = (...names: string[]) =>
    serverCertificate({
      authority: authorities.servers,
      path: join(folder, 'pki', 'server.pem'),
      names,
      now: Date.now,
    });
  const certificate = await certificateNamed('localhost', '127.0.0.1');
  const world = makeWorld();
  const logLines: string[] = [];
  const log = createLog({ level: 'debug', destination: { write: (line) => void logLines.push(line) } });
  const accounts = createMemoryAccounts();
  const sessions = createSessions({ accounts, now });
  const passwords = createPasswords();
  const seal = createSeal(randomBytes(32));
  const factors = createMemorySecondFactors();
  const tickets = createTickets({ seal, store: factors, now });
  const secondFactor = {
    desk: createSecondFactorDesk({ store: factors, seal, tickets, now }),
    roles: options.secondFactorRoles ?? [],
  };
  const signIn = createSignIn({ accounts, sessions, passwords, now, secondFactor });
  const live = createLiveHub({
    sources: {
      view: world.view,
      statusOf: (id) => world.statuses.get(id),
      openAlarms: () => [...world.alarms.values()].filter((alarm) => alarm.state === 'active'),
      isOffline: (id) => world.offline.has(id),
    },
    now,
    bounds: { tickMs: 50, beatMs: 100, ...options.live },
  });
  const metrics = createMetrics();
  const auditStore = new MemoryAuditStore();
  const auditKey = newTreeHeadKey();
  const audit = await openAuditWriter({ store: auditStore, key: auditKey, now, originIfNew: 'healthsync-audit/test' });
  const rights = testAccess({ view: world.view, now });
  const services = makeServices(world, {
    access: rights.access,
    now,
    log,
    live,
    signIn,
    metrics,
    audit,
    health: options.health ?? [],
  });
  const server = await createHttpServer(
    {
      host: '127.0.0.1',
      port: 0,
      tls: {
        key: certificate.keyPem,
        cert: certificate.certificatePem,
        deviceCa: authorities.devices.certificatePem,
      },
      webFolder: join(folder, 'dist'),
      timeZone: 'Europe/Berlin',
      version: '0.0.0-test',
      ...options.server,
      plugins: [
        ...(options.server?.plugins ?? []),
        (app) => {
          acceptEmptyBodies(app);
          const relyingParty = relyingParties({ names: [] });
          registerSecondFactors(app, { ...secondFactor, relyingParty, signIn, accounts, hasOutside: false, now });
        },
      ],
    },
    services,
  );
  const { port } = await server.listen();
  const ca = authorities.servers.certificatePem;
  const tokens = new Map<string, string>();

  return {
    folder,
    port,
    ca,
    clock,
    now,
    world,
    logLines,
    audit,
    auditStore,
    auditKey,
    accounts,
    rights,
    sessions,
    signIn,
    passwords,
    live,
    server,
    devices: createDeviceAuthority(authorities.devices, Date.now),
    async renewedCertificate() {
      const renewed = await certificateNamed('localhost', '127.0.0.1', 'another.example');
      return { key: renewed.keyPem, cert: renewed.certificatePem };
    },
    /** One request; the body is parsed where it is JSON. */
    call: (path: string, init: CallOptions = {}) => call({ port, ca }, path, init),
    open: (path: string, init: CallOptions = {}) => open({ port, ca }, path, init),
    /** A bearer token of somebody with these roles. */
    /** Who is in whose care, and whose record was opened in an emergency. */
    holdAccess: rights.hold,
    async token(role: Role | readonly Role[], wardIds: readonly string[] = []): Promise<string> {
      const key = JSON.stringify([role, wardIds]);
      const known = tokens.get(key);
      if (known !== undefined) return known;
      const user = {
        id: `u${tokens.size}` as UserId,
        name: `user${tokens.size}`,
        displayName: `User ${tokens.size}`,
        roles: [role].flat() as readonly Role[],
        wardIds: wardIds as readonly WardId[],
      };
      await accounts.putUser(user);
      const { secret } = await sessions.createApiToken(user, 3_600_000);
      tokens.set(key, secret);
      return secret;
    },
    ringAlarm(change: AlarmSketch): Alarm {
      const alarm = makeAlarm(change);
      world.alarms.set(alarm.id, alarm);
      live.alarmChanged({ kind: 'raised', alarm, atMs: alarm.raisedAtMs });
      return alarm;
    },
    async stop() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export interface CallOptions {
  readonly method?: string;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly cert?: string;
  readonly key?: string;
}

async function open(
  server: { readonly port: number; readonly ca: string },
  path: string,
  init: CallOptions,
): Promise<IncomingMessage> {
  const { method = 'GET', token, headers = {}, body, cert, key } = init;
  const payload = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const sent = request({
    host: 'localhost',
    // Whatever the Host header says.
    servername: 'localhost',
    port: server.port,
    ca: server.ca,
    path,
    method,
    agent: false,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(payload !== undefined && {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(payload),
      }),
      ...headers,
    },
    ...(cert !== undefined && { cert, key }),
  });
  sent.end(payload);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return response;
}

async function call(server: { readonly port: number; readonly ca: string }, path: string, init: CallOptions) {
  const response = await open(server, path, init);
  const raw = await text(response);
  const isJson = /json/.test(response.headers['content-type'] ?? '');
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came back
  const body: any = isJson && raw !== '' ? JSON.parse(raw) : raw;
  return { status: response.statusCode ?? 0, headers: response.headers, body, raw };
}

/** An alarm of P1's heart rate, with what a test wants otherwise. */
export type AlarmSketch = Omit<Partial<Alarm>, 'id' | 'patientId'> & {
  readonly id: string;
  readonly patientId: string;
};

export function makeAlarm(change: AlarmSketch): Alarm {
  const cause = { vital: 'heartRate', value: 171, comparison: 'above', limit: 160, text: 'HR 171 > 160' } as const;
  return {
    wardId: 'W1' as WardId,
    bedId: 'W1-B1' as BedId,
    rule: 'heartRate.above.high',
    ruleVersion: 1,
    kind: 'physiological',
    priority: 'high',
    state: 'active',
    condition: 'present',
    cause,
    worst: cause,
    deviceId: 'D1' as DeviceId,
    readingId: 'r1' as ReadingId,
    lastReadingId: 'r1' as ReadingId,
    highestPriority: change.priority ?? 'high',
    raisedAtMs: NOW,
    reminders: 0,
    notes: 0,
    revision: 1,
    ...(change as AlarmSketch & { readonly id: AlarmId; readonly patientId: PatientId }),
  };
}

/** What the database, the assessor and the alarm desk would hold. */
function makeWorld() {
  const wards = ['W1', 'W2'] as WardId[];
  const snapshot: RegistrySnapshot = {
    wards: wards.map((id) => ({ id, name: `Ward ${id}` })),
    beds: wards.flatMap((wardId) =>
      ['B1', 'B2'].map((bed) => ({ id: `${wardId}-${bed}` as BedId, wardId, label: `${wardId}-${bed}` })),
    ),
    patients: [
      ...[1, 2, 3, 4].map((index) => {
        const wardId = wards[index <= 2 ? 0 : 1] as WardId;
        const bedId = `${wardId}-B${2 - (index % 2)}` as BedId;
        return { id: `P${index}` as PatientId, bedId, wardId, bed: bedId, spo2Scale: 1 as const };
      }),
      { id: 'P5' as PatientId, spo2Scale: 1 },
    ],
    devices: [1, 2, 3, 4].map((index) => ({ id: `D${index}` as DeviceId, createdAtMs: 0, certificates: [] })),
    assignments: [1, 2, 3, 4].map((index) => ({
      deviceId: `D${index}` as DeviceId,
      patientId: `P${index}` as PatientId,
      fromMs: 0,
    })),
    revokedSerials: [],
    deviceTokens: [],
  };
  const state = { view: registryView(snapshot, NOW) };
  const alarmStore = new MemoryAlarmStore({ now: () => NOW });
  const place = () => {
    alarmStore.places.clear();
    for (const { id, wardId, bedId } of state.view.snapshot.patients)
      alarmStore.places.set(id, {
        ...(wardId !== undefined && { wardId }),
        ...(bedId !== undefined && { bedId }),
      });
  };
  place();
  return {
    view: () => state.view,
    change(edit: (snapshot: RegistrySnapshot) => RegistrySnapshot) {
      state.view = registryView(edit(state.view.snapshot), NOW);
      place();
    },
    statuses: new Map<string, PatientStatus>(),
    alarmStore,
    alarms: alarmStore.alarms,
    offline: new Set<string>(),
    /** Treating them needs a consent that does not stand. */
    hidden: new Set<PatientId>(),
    readings: [] as AssignedReading[],
    rejected: [] as RejectedReading[],
    sent: [] as { deviceId: string; payload: string }[],
    configs: [] as string[],
    ruleSets: new MemoryRuleSets(),
    shownPreviews: shownPreviews(),
    asked: [] as unknown[],
    failWith: undefined as Error | undefined,
  };
}
export type World = ReturnType<typeof makeWorld>;

function makeServices(
  world: World,
  rest: Pick<Services, 'access' | 'now' | 'log' | 'live' | 'signIn' | 'metrics' | 'audit' | 'health'>,
): Services {
  const guard = () => {
    if (world.failWith !== undefined) throw world.failWith;
  };
  return {
    ...rest,
    mayShow: (id) => !world.hidden.has(id),
    view: world.view,
    refreshView: async () => {
      const rules = await world.ruleSets.snapshot();
      world.change((snapshot) => ({
        ...snapshot,
        patients: snapshot.patients.map((one) => {
          const news2 = world.ruleSets.news2.get(one.id);
          return news2 === undefined ? one : { ...one, spo2Scale: news2.spo2Scale, news2Use: news2.use };
        }),
        rules,
      }));
    },
    ruleSets: world.ruleSets,
    shownPreviews: world.shownPreviews,
    secondPerson: 'needed',
    registry: {
      async patients(query) {
        guard();
        world.asked.push(query);
        return world
          .view()
          .snapshot.patients.filter(
            (one) => query.wardIds === undefined || query.wardIds.includes(one.wardId as WardId),
          )
          .map(({ id }) => ({ id, familyName: `Family-${id}`, givenName: 'Given', mrn: `MRN-${id}` }));
      },
      async findPatient(id) {
        guard();
        return (
          world.view().place(id) && { id, familyName: `Family-${id}`, givenName: 'Given', birthDate: '1950-01-01' }
        );
      },
      async patientsByMrn(mrn) {
        guard();
        const named = world.view().snapshot.patients.filter(({ id }) => mrn === `MRN-${id}`);
        return named.map(({ id }) => ({ id, familyName: `Family-${id}`, givenName: 'Given', mrn }));
      },
      async putDeviceConfig({ deviceId, config }) {
        guard();
        world.configs.push(`${deviceId} ${config}`);
      },
      async revoke({ deviceId, serial = 'all', reason }) {
        guard();
        world.configs.push(`revoke ${deviceId} ${serial} ${reason}`);
        return 1;
      },
    },
    history: {
      async read({ patientId, fromMs, toMs, limit }) {
        guard();
        return world.readings
          .filter((one) => one.patientId === patientId && one.atMs >= fromMs && one.atMs < toMs)
          .slice(0, limit);
      },
      async trend({ patientId, vital, fromMs, toMs, buckets }) {
        guard();
        const width = (toMs - fromMs) / buckets;
        return world.readings.flatMap((one) => {
          const value = one.vitals[vital];
          if (one.patientId !== patientId || value === undefined || one.atMs < fromMs || one.atMs >= toMs) return [];
          const atMs = fromMs + Math.floor((one.atMs - fromMs) / width) * width;
          return [{ atMs, mean: value, min: value, max: value }];
        });
      },
    },
    alarms: {
      async list(query) {
        guard();
        world.asked.push(query);
        return world.alarmStore.list(query);
      },
      find: (id) => world.alarmStore.find(id),
      history: (id) => world.alarmStore.history(id),
      notes: (id) => world.alarmStore.notes(id),
    },
    alarmPolicy: ALARM_POLICY,
    async act(request) {
      guard();
      const outcome = await world.alarmStore.act({ ...request, atMs: rest.now() });
      if (outcome.kind === 'done') rest.live.alarmChanged(outcome.change);
      return outcome;
    },
    async acknowledgeMany(request) {
      guard();
      const outcomes = await world.alarmStore.acknowledgeMany({ ...request, atMs: rest.now() });
      for (const outcome of outcomes) if (outcome.kind === 'acknowledged') rest.live.alarmChanged(outcome.change);
      return outcomes;
    },
    deliveries: async () => [
      {
        deliveryId: 'x',
        event: 'raised',
        channel: 'smtp',
        recipient: 'private@example.org',
        state: 'delivered',
        attempts: 2,
        orderedAtMs: NOW,
        updatedAtMs: NOW,
      },
    ],
    rejected: {
      list: async (query) => {
        world.asked.push(query);
        return world.rejected.slice(0, query.limit);
      },
      find: async (id) => world.rejected.find((one) => one.id === id),
      async mark(id, state) {
        const index = world.rejected.findIndex((one) => one.id === id);
        world.rejected[index] = { ...(world.rejected[index] as RejectedReading), state };
      },
    },
    async replayRejected(id) {
      const one = world.rejected.find((other) => other.id === id);
      if (one === undefined) return { kind: 'not-found' };
      return Buffer.from(one.payload).includes('still wrong')
        ? { kind: 'rejected', problems: one.problems }
        : { kind: 'accepted', readingId: 'r' };
    },
    statusOf: (id) => world.statuses.get(id),
    devices: {
      presence: (id) => (world.offline.has(id) ? 'offline' : 'unknown'),
      publishConfig: (id) => void world.sent.push({ deviceId: id, payload: 'config' }),
      sendCommand(deviceId, payload) {
        world.sent.push({ deviceId, payload: payload.toString() });
        return deviceId === 'D4' ? 'refused-no-subscriber' : 'sent';
      },
    },
  };
}

/** A patient as the assessor knows one who was measured at `atMs`. */
export function makeStatus(patientId: string, heartRate: number, atMs: number): PatientStatus {
  return {
    patientId: patientId as PatientId,
    values: { heartRate: { value: heartRate, atMs, receivedAtMs: atMs, intervalMs: 1_000 } },
    leadsOff: false,
    last: { readingId: 'r1' as ReadingId, deviceId: 'D1' as DeviceId, atMs, receivedAtMs: atMs },
  };
}
