import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, resolve } from 'node:path';
import type { Alert } from '@healthsync/contracts/alert';
import type { LimitRule, PatientDetail } from '@healthsync/contracts/patient';
import type { Me } from '@healthsync/contracts/session';
import { createMockWard, type MockWard } from './mock-ward.ts';

/**
 * The server's interface with a scripted ward behind it, for looking at the web app and for its browser tests: every
 * state can be called up at will, and the same each time. Loopback only; knows no real patient.
 */
export interface MockServer {
  readonly url: string;
  readonly ward: MockWard;
  /** Every request so far, as `GET /api/live`. */
  readonly requests: readonly string[];
  /** Holds every connection and says nothing, as a hung process does. */
  freeze(): void;
  thaw(): void;
  /** The session is over: requests get 401, streams their last event. */
  expire(): void;
  setClockAhead(ms: number): void;
  close(): Promise<void>;
}

const DIST = resolve(import.meta.dirname, '../dist');
const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  kiosk: ['wall.watch', 'alarm.read'],
  nurse: ['wall.watch', 'patient.read', 'vitals.read', 'alarm.read', 'alarm.acknowledge'],
  physician: [
    'wall.watch',
    'patient.read',
    'patient.write',
    'vitals.read',
    'alarm.read',
    'alarm.acknowledge',
    'limits.write',
  ],
  operator: ['device.read', 'device.write', 'rejected.read', 'rejected.replay', 'operations.read'],
};
const PASSWORD = 'correct horse battery';

export async function startMockServer(options: {
  readonly beds: number;
  readonly signedIn?: keyof typeof ACTIONS | undefined;
  readonly port?: number;
}): Promise<MockServer> {
  const ward = createMockWard(options.beds);
  const streams = new Set<ServerResponse>();
  const held: (() => void)[] = [];
  const requests: string[] = [];
  let role: string | undefined = options.signedIn;
  let isFrozen = false;
  let aheadMs = 0;
  let eventId = 0;
  const now = () => Date.now() + aheadMs;

  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const go = () => void answer(request, response).catch(() => response.destroy());
    if (isFrozen) held.push(go);
    else go();
  });
  await new Promise<void>((done) => server.listen(options.port ?? 0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
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
    if (!target.pathname.startsWith('/api/')) return sendFile(response, target.pathname);
    const body = request.method === 'GET' ? undefined : await readJson(request);
    const route = `${request.method} ${target.pathname}`;
    if (route === 'POST /api/session') {
      if (body?.['password'] !== PASSWORD)
        return problem(response, 401, 'wrong-credentials', 'Name or password is wrong.');
      role = String(body['name']) in ACTIONS ? String(body['name']) : 'nurse';
      return json(response, me(role));
    }
    if (role === undefined) return problem(response, 401, 'not-signed-in', 'Sign in first.');
    if (route === 'DELETE /api/session') {
      role = undefined;
      return void response.writeHead(204).end();
    }
    if (route === 'GET /api/session') return json(response, me(role));
    if (route === 'GET /api/live') return openStream(response, target.searchParams.get('ward'));
    await answerData(route, { response, target, body, role });
  }

  function openStream(response: ServerResponse, wardId: string | null): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    eventId += 1;
    const snapshot = { serverTime: now(), ...ward.snapshot(now(), wardId ?? undefined) };
    response.write(`id: ${eventId}\nevent: snapshot\ndata: ${JSON.stringify(snapshot)}\n\n`);
    streams.add(response);
    response.on('close', () => streams.delete(response));
  }

  async function answerData(
    route: string,
    { response, target, body, role }: { response: ServerResponse; target: URL; body: Body; role: string },
  ): Promise<void> {
    const parts = target.pathname.split('/');
    const id = parts[3] ?? '';
    const allowed = (action: string) => ACTIONS[role]?.includes(action) ?? false;
    switch (route.replace(/\/(patients|alerts|wards|rejected-readings)\/[^/]+/, '/$1/:id')) {
      case 'GET /api/wards':
        return json(response, { wards: ward.wards() });
      case 'GET /api/patients':
        if (!allowed('patient.read')) return problem(response, 403, 'forbidden', 'no');
        return json(response, { patients: ward.patients() });
      case 'GET /api/patients/:id': {
        const detail: PatientDetail | undefined = ward.detail(id, now());
        return detail === undefined ? problem(response, 404, 'not-found', 'No such patient.') : json(response, detail);
      }
      case 'GET /api/patients/:id/trend':
        return json(
          response,
          ward.trend(id, Number(target.searchParams.get('from')), Number(target.searchParams.get('to'))),
        );
      case 'GET /api/wards/:id/sparklines':
        return json(response, ward.sparklines(now()));
      case 'PUT /api/patients/:id/limits': {
        const rules = (body?.['rules'] ?? []) as readonly LimitRule[];
        const bad = rules.findIndex((rule) => rule.limit > 340);
        if (bad >= 0)
          return problem(response, 400, 'invalid', 'Not valid.', [
            { code: 'implausible-limit', field: `rules.${bad}.limit`, detail: 'between 0 and 350 /min' },
          ]);
        return json(response, { rules: ward.putLimits(id, rules) });
      }
      case 'GET /api/alerts':
        return json(response, {
          alerts: ward.alerts(target.searchParams.get('patient') ?? undefined, target.searchParams.get('state')),
        });
      case 'POST /api/alerts/:id/acknowledge': {
        if (!allowed('alarm.acknowledge')) return problem(response, 403, 'forbidden', 'no');
        const taken: Alert | string = ward.acknowledge(id, me(role).displayName, now());
        return typeof taken === 'string'
          ? problem(response, 409, 'already-acknowledged', taken)
          : json(response, taken);
      }
      case 'GET /api/rejected-readings':
        return json(response, { rejected: target.searchParams.get('state') === 'open' ? ward.rejected(now()) : [] });
      case 'GET /api/devices':
        return json(response, { devices: ward.devices(now()) });
      default:
        return problem(response, 404, 'not-found', 'No such route.');
    }
  }

  return {
    url,
    ward,
    requests,
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
    async close() {
      for (const timer of timers) clearInterval(timer);
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

type Body = Readonly<Record<string, unknown>> | undefined;

function me(role: string): Me {
  return {
    name: role,
    displayName: role === 'physician' ? 'Dr Ama Osei' : role === 'nurse' ? 'Nurse Kim Larsen' : `The ${role}`,
    roles: [role],
    actions: [...(ACTIONS[role] ?? [])],
    sessionExpiresAt: '2099-01-01T00:00:00Z',
  };
}

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

/** The page with the strict policy and a nonce of its own, as the real server sends it. */
async function sendFile(response: ServerResponse, path: string): Promise<void> {
  const type = TYPES[extname(path)];
  if (type !== undefined) {
    const bytes = await readFile(join(DIST, path.replaceAll('..', '')));
    return void response.writeHead(200, { 'content-type': type }).end(bytes);
  }
  const nonce = `n${Math.floor(performance.now() * 1_000)}`;
  const page = (await readFile(join(DIST, 'index.html'), 'utf8')).replaceAll('__CSP_NONCE__', nonce);
  const policy = [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}'`,
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ');
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy }).end(page);
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

function problem(response: ServerResponse, status: number, code: string, detail: string, errors?: object[]): void {
  const body = { type: 'about:blank', title: code, status, code, detail, ...(errors !== undefined && { errors }) };
  response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(body));
}

// `node web/dev/mock-server.ts [beds] [port]`: to look at with a browser.
if (process.argv[1] === import.meta.filename) {
  const [, , beds = '40', port = '0'] = process.argv;
  const mock = await startMockServer({ beds: Number(beds), signedIn: 'physician', port: Number(port) });
  mock.ward.showEverything(Date.now());
  process.stdout.write(`${mock.url}\n`);
}
