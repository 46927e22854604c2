import { readdir, readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, relative, resolve } from 'node:path';
import { pagePolicy } from '@healthsync/contracts/page-policy';
import type { Me } from '@healthsync/contracts/session';
import type { SystemAlarm } from '@healthsync/contracts/system-alarm';
import { createMockAccess, type MockAccess } from './mock-access.ts';
import { createMockConsents, type MockConsents } from './mock-consents.ts';
import { createMockHouse, type MockHouse } from './mock-house.ts';
import { createMockRoutes, type MockRoutes } from './mock-routes.ts';
import { createMockWard, type MockWard } from './mock-ward.ts';

/**
 * The server's interface with a scripted ward behind it, for looking at the web app and for its browser tests: every
 * state can be called up at will, and the same each time. Loopback only; knows no real patient.
 */
export interface MockServer {
  readonly url: string;
  readonly ward: MockWard;
  readonly house: MockHouse;
  readonly access: MockAccess;
  readonly consents: MockConsents;
  readonly routes: MockRoutes;
  /** Every request so far, as `GET /api/live`. */
  readonly requests: readonly string[];
  /** Holds every connection and says nothing, as a hung process does. */
  freeze(): void;
  thaw(): void;
  /** The session is over: requests get 401, streams their last event. */
  expire(): void;
  setClockAhead(ms: number): void;
  /** An alarm of the installation, on the stream at once. */
  raiseSystem(alarm: SystemAlarm): void;
  /** So many seconds' worth of updates, one after the other as fast as the streams take them. */
  hurry(seconds: number): Promise<void>;
  close(): Promise<void>;
}

const DIST = resolve(import.meta.dirname, '../dist');
/** Whom one can sign in as by name; what each may do is the server's to say. */
const ROLES = [
  'kiosk',
  'nurse',
  'charge-nurse',
  'physician',
  'operator',
  'analyst',
  'admin',
  'privacy-officer',
  'security',
] as const;
export type MockRole = (typeof ROLES)[number];
const PASSWORD = 'correct horse battery';

interface MockPlay {
  readonly beds: number;
  readonly signedIn?: MockRole | undefined;
  /** As the server itself grants them: handed in, since the web app knows nothing of the server but its contracts. */
  readonly actionsOf: (role: string) => readonly string[];
  /** Of the house; without it, the browser's. */
  readonly timeZone?: string | undefined;
}

/** One address at which one ward after the other is played: what a browser keeps of the app serves for the next. */
export interface MockHost {
  readonly url: string;
  /** A page of that address without the app, for a browser to wait on between two plays. */
  readonly emptyPage: string;
  /** Another ward, and nothing left of the one before. */
  play(options: MockPlay): MockServer;
  close(): Promise<void>;
}

export async function startMockServer(options: MockPlay & { readonly port?: number }): Promise<MockServer> {
  const host = await startMockHost(options.port);
  return { ...host.play(options), close: host.close };
}

const EMPTY_PAGE = '/empty.html';

export async function startMockHost(port = 0): Promise<MockHost> {
  let playing:
    | { readonly mock: MockServer; take(request: IncomingMessage, response: ServerResponse): void }
    | undefined;
  const app = await readApp();
  const server = createServer((request, response) => {
    if (request.url === EMPTY_PAGE)
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<!doctype html><title>–</title>');
    else if (playing === undefined) response.writeHead(503).end();
    else playing.take(request, response);
  });
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const stop = async () => {
    const last = playing;
    playing = undefined;
    await last?.mock.close();
  };
  return {
    url,
    emptyPage: url + EMPTY_PAGE,
    play(options) {
      void stop();
      playing = playWard(url, app, options);
      return playing.mock;
    },
    async close() {
      await stop();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

function playWard(url: string, app: BuiltApp, options: MockPlay) {
  const ward = createMockWard(options.beds);
  const house = createMockHouse(Date.now());
  const access = createMockAccess(Date.now());
  const consents = createMockConsents(Date.now());
  const streams = new Set<ServerResponse>();
  const held: (() => void)[] = [];
  const requests: string[] = [];
  let role: string | undefined = options.signedIn;
  let isFrozen = false;
  let aheadMs = 0;
  let eventId = 0;
  const now = () => Date.now() + aheadMs;
  const routes = createMockRoutes({
    ward,
    house,
    access,
    consents,
    now,
    roles: ROLES,
    may: (who, action) => options.actionsOf(who).includes(action),
  });
  const me = (who: string) => meAs(who, options.actionsOf(who));

  const take = (request: IncomingMessage, response: ServerResponse) => {
    requests.push(`${request.method} ${request.url}`);
    const go = () => void answer(request, response).catch(() => response.destroy());
    if (isFrozen) held.push(go);
    else go();
  };
  const send = (name: string, data: object) => {
    if (isFrozen) return;
    eventId += 1;
    const text = `id: ${eventId}\nevent: ${name}\ndata: ${JSON.stringify({ serverTime: now(), ...data })}\n\n`;
    for (const stream of streams) stream.write(text);
  };
  const timers = [
    setInterval(() => {
      const tiles = ward.tick(now());
      for (const [wardId, of] of Map.groupBy(tiles, (tile) => tile.wardId)) send('vitals', { wardId, tiles: of });
    }, 1_000),
    setInterval(() => send('beat', {}), 2_000),
  ];
  ward.onAlert((change, alert) => send('alert', { change, alert }));

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = new URL(request.url ?? '/', url);
    if (target.pathname === '/health/ready') return json(response, READY);
    if (target.pathname === '/metrics') return void response.end(METRICS);
    if (target.pathname === '/.well-known/healthsync-audit-keys') return json(response, access.log.keys());
    if (!target.pathname.startsWith('/api/')) return sendFile(response, app, target.pathname, options.timeZone ?? '');
    const body = request.method === 'GET' ? undefined : await readJson(request);
    const route = `${request.method} ${target.pathname}`;
    if (route === 'POST /api/session') {
      if (body?.['password'] !== PASSWORD)
        return problem(response, 401, 'wrong-credentials', 'Name or password is wrong.');
      role = ROLES.find((each) => each === body['name']) ?? 'nurse';
      return json(response, me(role));
    }
    if (role === undefined) return problem(response, 401, 'not-signed-in', 'Sign in first.');
    if (route === 'DELETE /api/session') {
      role = undefined;
      return void response.writeHead(204).end();
    }
    if (route === 'GET /api/session') return json(response, me(role));
    if (route === 'GET /api/live') return openStream(response, target.searchParams.get('ward'));
    const reply = routes.answer({ method: request.method ?? 'GET', target, body, role, name: me(role).displayName });
    if (reply.status === undefined) json(response, reply.body);
    else problem(response, reply.status, reply.code, reply.detail, reply.more);
  }

  function openStream(response: ServerResponse, wardId: string | null): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    eventId += 1;
    const snapshot = { serverTime: now(), ...ward.snapshot(now(), wardId ?? undefined), system: house.system() };
    response.write(`id: ${eventId}\nevent: snapshot\ndata: ${JSON.stringify(snapshot)}\n\n`);
    streams.add(response);
    response.on('close', () => streams.delete(response));
  }

  const mock: MockServer = {
    url,
    ward,
    house,
    access,
    consents,
    routes,
    requests,
    raiseSystem: (alarm) => send('system', { alarm: house.raiseSystem(alarm) }),
    freeze() {
      isFrozen = true;
    },
    thaw() {
      isFrozen = false;
      for (const go of held.splice(0)) go();
    },
    expire() {
      role = undefined;
      send('signed-out', {});
      for (const stream of streams) stream.end();
    },
    setClockAhead(ms) {
      aheadMs = ms;
    },
    async hurry(seconds) {
      const step = 1_000;
      for (let second = 0; second < seconds; second += 1) {
        aheadMs += step;
        for (const [wardId, tiles] of Map.groupBy(ward.tick(now()), (tile) => tile.wardId))
          send('vitals', { wardId, tiles });
        // Streams must not pile up what the page has not read yet.
        await new Promise((done) => setTimeout(done, 20));
      }
    },
    async close() {
      for (const timer of timers) clearInterval(timer);
      for (const stream of streams) stream.destroy();
      for (const go of held.splice(0)) go();
    },
  };
  return { mock, take };
}

const READY = {
  ready: true,
  checks: [
    { name: 'log', state: 'up', required: true },
    { name: 'database', state: 'up', required: false },
    { name: 'assessor', state: 'up', required: true },
    { name: 'history', state: 'up', required: false },
    { name: 'alarm store', state: 'up', required: false },
    { name: 'installation', state: 'up', required: false },
    { name: 'channel sms', state: 'degraded', required: false },
    { name: 'escalation', state: 'up', required: false },
    { name: 'escalation watchdog', state: 'up', required: false },
  ],
};
const METRICS = `healthsync_log_lag_readings{group="keep"} 12
healthsync_log_lag_readings{group="assess"} 0
healthsync_ingest_readings_total{transport="mqtt",outcome="accepted"} 128344
healthsync_ingest_readings_total{transport="mqtt",outcome="rejected"} 3
healthsync_alarms_unstored 0
healthsync_notify_pending 3
healthsync_mqtt_sessions 37
`;

const NAMES: Readonly<Record<string, string>> = {
  physician: 'Dr Ama Osei',
  'charge-nurse': 'Rui Tavares',
  nurse: 'Nurse Kim Larsen',
};

type Body = Readonly<Record<string, unknown>> | undefined;

function meAs(role: string, actions: readonly string[]): Me {
  return {
    name: role,
    displayName: NAMES[role] ?? `The ${role}`,
    roles: [role],
    actions: [...actions],
    sessionExpiresAt: '2099-01-01T00:00:00Z',
  };
}

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

/** The files of the app by their address, as they were when the host began. */
type BuiltApp = ReadonlyMap<string, Buffer>;

async function readApp(): Promise<BuiltApp> {
  const files = (await readdir(DIST, { recursive: true, withFileTypes: true })).filter((each) => each.isFile());
  const paths = files.map((file) => join(file.parentPath, file.name));
  return new Map(
    await Promise.all(paths.map(async (path) => [`/${relative(DIST, path)}`, await readFile(path)] as const)),
  );
}

/** The page with the strict policy and a nonce of its own, as the real server sends it. */
function sendFile(response: ServerResponse, app: BuiltApp, path: string, zone: string): void {
  const type = TYPES[extname(path)];
  if (type !== undefined) {
    // As the real server: what has a hash in its name never changes.
    const cacheControl = path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-store';
    const bytes = app.get(path);
    return void response
      .writeHead(bytes === undefined ? 404 : 200, { 'content-type': type, 'cache-control': cacheControl })
      .end(bytes);
  }
  const nonce = `n${Math.floor(performance.now() * 1_000)}`;
  const page = String(app.get('/index.html')).replaceAll('__CSP_NONCE__', nonce).replaceAll('__TIME_ZONE__', zone);
  response
    .writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': pagePolicy(nonce) })
    .end(page);
}

/** As large as any body of the app. */
const BODY_MAX_BYTES = 100_000;

async function readJson(request: IncomingMessage): Promise<Body> {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > BODY_MAX_BYTES) throw new Error('too large');
  }
  return text === '' ? undefined : JSON.parse(text);
}

function json(response: ServerResponse, body: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function problem(response: ServerResponse, status: number, code: string, detail: string, more?: object): void {
  const body = { type: 'about:blank', title: code, status, code, detail, ...more };
  response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(body));
}
