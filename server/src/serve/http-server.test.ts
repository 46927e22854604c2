import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { connect, type TLSSocket } from 'node:tls';
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROLES } from '../domain/access.ts';
import type { DeviceId } from '../domain/ids.ts';
import { deviceIdOfCertificate } from '../identity/device-certificate.ts';
import { Failure } from '../ports/failure.ts';
import { SESSION_COOKIE } from './access-gate.ts';
import { provenCertificate } from './client-certificate.ts';
import { startTestServer, type TestServer } from './test-server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer({ server: { plugins: [whoIsCalling] } });
});
afterAll(() => server.stop());

/** Stands for the devices' entry: shows what it would be told about the caller's certificate. */
function whoIsCalling(app: FastifyInstance): void {
  app.get('/ingest/who', { config: { device: true } }, (request) => {
    const proven = provenCertificate(request);
    return {
      device: proven === undefined ? null : (deviceIdOfCertificate(proven.der) ?? null),
      serial: proven?.serial,
    };
  });
  app.post('/ingest/echo', { config: { device: true }, bodyLimit: 1_000 }, (request) => ({ got: request.body }));
}

describe('access', () => {
  it('every route says who may call it, and each that is not public refuses a stranger', async () => {
    const listing = await server.call('/api/openapi.json');
    const operations = Object.entries(listing.body.paths).flatMap(([path, methods]) =>
      Object.entries(methods as Record<string, { security: unknown[] }>).map(([method, operation]) => ({
        path: path.replaceAll(/\{\w+\}/g, 'P1'),
        method: method.toUpperCase(),
        isPublic: operation.security.length === 0,
      })),
    );
    expect(operations.length).toBeGreaterThan(20);
    for (const { path, method, isPublic } of operations) {
      const { status, body } = await server.call(path, { method, ...(method !== 'GET' && { body: {} }) });
      // A step of signing in asks for the step before it, not for a session.
      const asksForPassword = status === 401 && body.code === 'sign-in-again';
      if (isPublic) expect(asksForPassword || [200, 400, 404, 503].includes(status), `${method} ${path}`).toBe(true);
      else expect([status, body.code], `${method} ${path}`).toEqual([401, 'not-signed-in']);
    }
    expect(operations.filter((one) => one.isPublic).map((one) => `${one.method} ${one.path}`)).toEqual([
      'POST /api/session',
      'POST /api/setup',
      'GET /health/live',
      'GET /health/ready',
      // Signing in goes in steps: what is owed after the password is shown by the one who showed it.
      'GET /api/session/ways',
      'GET /api/session/pending',
      ...['second-factor', 'passkey-options', 'passkey'].map((step) => `POST /api/session/${step}`),
      ...['check', 'totp', 'totp/confirm', 'passkey', 'passkey/confirm'].map((of) => `POST /api/session/factors/${of}`),
      'GET /api/openapi.json',
    ]);
  });

  it('no route starts without saying who may call it', async () => {
    const careless = (app: FastifyInstance) => {
      app.get('/api/careless', () => ({}));
    };
    await expect(startTestServer({ server: { plugins: [careless] } })).rejects.toThrow(
      'GET /api/careless must declare one of action, signedIn, device, public',
    );
    const contradictory = (app: FastifyInstance) => {
      app.get('/api/odd', { config: { public: true, action: 'wall.watch' } }, () => ({}));
    };
    await expect(startTestServer({ server: { plugins: [contradictory] } })).rejects.toThrow('must declare one of');
  });

  it('a role that is not enough is told which would be', async () => {
    const token = await server.token('kiosk');
    const { status, body, headers } = await server.call('/api/patients', { token });
    expect(status).toBe(403);
    expect(headers['content-type']).toBe('application/problem+json');
    expect(body).toMatchObject({
      code: 'role-needed',
      rolesNeeded: ['nurse', 'charge-nurse', 'physician', 'integration'],
    });
  });

  it('a wrong, empty or overlong token opens nothing', async () => {
    for (const token of ['nonsense', 'x'.repeat(300), '%00', 'a b'])
      expect((await server.call('/api/wards', { token })).status).toBe(401);
    expect((await server.call('/api/wards', { headers: { cookie: `${SESSION_COOKIE}=` } })).status).toBe(401);
  });

  it('each role reaches exactly what its actions grant', async () => {
    const listing = await server.call('/api/openapi.json');
    for (const role of ROLES) {
      const token = await server.token(role);
      const { body: me } = await server.call('/api/session', { token });
      for (const [path, methods] of Object.entries(listing.body.paths)) {
        const action = (methods as { get?: Record<string, string> }).get?.['x-healthsync-action'];
        if (action === undefined || path === '/api/live') continue;
        const { status } = await server.call(path.replaceAll(/\{\w+\}/g, 'W1'), { token });
        expect(status === 403, `${role} ${path}`).toBe(!me.actions.includes(action));
      }
    }
  });
});

describe('forgery', () => {
  const cookieOf = async () => {
    const token = await server.token('nurse');
    return { cookie: `${SESSION_COOKIE}=${token}` };
  };

  it('a request with the cookie and no proof of its origin is refused', async () => {
    const headers = await cookieOf();
    const { status, body } = await server.call('/api/session', { method: 'DELETE', headers });
    expect([status, body.code]).toEqual([403, 'cross-site']);
  });

  it.each([
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
    [{ 'sec-fetch-site': 'none' }, 403],
    [{ origin: 'https://evil.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ 'sec-fetch-site': 'cross-site', origin: 'self' }, 403],
    [{ 'sec-fetch-site': 'same-origin' }, 404],
    [{ origin: 'self' }, 404],
  ] as const)('an acknowledgement with %o answers %i', async (proof, expected) => {
    const own = 'origin' in proof && proof.origin === 'self' ? { origin: `https://localhost:${server.port}` } : {};
    const headers = { ...(await cookieOf()), ...proof, ...own };
    const { status } = await server.call('/api/alerts/nobody/acknowledge', { method: 'POST', headers });
    expect(status).toBe(expected);
  });

  it('another site cannot sign its visitor in', async () => {
    const { status } = await server.call('/api/session', {
      method: 'POST',
      headers: { origin: 'https://evil.example' },
      body: { name: 'a', password: 'b' },
    });
    expect(status).toBe(403);
  });

  it('a bearer token needs no origin: no browser sends one by itself', async () => {
    const token = await server.token('nurse');
    expect((await server.call('/api/alerts/nobody/acknowledge', { method: 'POST', token })).status).toBe(404);
  });
});

describe('refusals', () => {
  it('names every field at fault', async () => {
    const { status, body } = await server.call('/api/setup', {
      method: 'POST',
      body: { code: 'c', name: 7, password: 'short', extra: 1 },
    });
    expect(status).toBe(400);
    const fields = body.errors.map((error: { code: string; field: string }) => `${error.code} ${error.field}`);
    expect(fields.sort()).toEqual([
      'invalid-value name',
      'invalid-value password',
      'missing displayName',
      'unknown-field extra',
    ]);
  });

  it('never repeats what was sent', async () => {
    const canary = 'Canary-Jane-Doe';
    const answers = [
      await server.call('/api/session', { method: 'POST', body: `{"name":"${canary}` }),
      await server.call('/api/session', {
        method: 'POST',
        body: { name: [canary], password: 1, [canary.repeat(9)]: 1 },
      }),
      await server.call(`/api/alerts?patient=${canary}!`, { token: await server.token('nurse') }),
      await server.call(`/api/${canary}`),
    ];
    for (const { raw, status } of answers) {
      expect(status).toBeGreaterThanOrEqual(400);
      expect(raw.replaceAll(canary.repeat(9).slice(0, 64), '')).not.toContain(canary);
    }
  });

  it.each([
    ['POST', '/api/session', '{', {}, 400, 'malformed-json'],
    ['POST', '/api/session', '{"__proto__":{"x":1}}', {}, 400, 'malformed-json'],
    ['POST', '/api/session', 'a=b', { 'content-type': 'text/plain' }, 415, 'unsupported-media-type'],
    [
      'POST',
      '/api/session',
      'a=b',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      'unsupported-media-type',
    ],
    ['POST', '/api/session', `"${'x'.repeat(70_000)}"`, {}, 413, 'too-large'],
    ['PATCH', '/api/session', undefined, {}, 405, 'method-not-allowed'],
    ['DELETE', '/api/alerts/x/acknowledge', undefined, {}, 405, 'method-not-allowed'],
    ['GET', '/api/nothing', undefined, {}, 404, 'not-found'],
    ['GET', '/api/nothing', undefined, { accept: 'text/html' }, 404, 'not-found'],
    ['GET', '/assets/../../etc/passwd', undefined, {}, 404, 'not-found'],
    ['GET', '/assets/%2e%2e%2f%2e%2e%2fpki%2fserver.pem', undefined, {}, 404, 'not-found'],
    ['GET', '/%', undefined, {}, 400, 'bad-request'],
  ] as const)('%s %s is a problem', async (method, path, body, headers, status, code) => {
    const answer = await server.call(path, { method, headers, ...(body !== undefined && { body }) });
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.body.status).toBe(status);
  });

  it('says which methods an address has', async () => {
    const { headers } = await server.call('/api/session', { method: 'PUT' });
    expect(headers.allow?.split(', ').sort()).toEqual(['DELETE', 'GET', 'HEAD', 'POST']);
  });

  it('a broken dependency is 503 with Retry-After, a defect 500; neither tells more, and logs carry no patient', async () => {
    const token = await server.token('physician');
    server.world.failWith = new Failure('database-unavailable', 'the database is away', { retryable: true });
    const away = await server.call('/api/patients/P1', { token });
    expect([away.status, away.body.code, away.headers['retry-after']]).toEqual([503, 'database-unavailable', '2']);
    server.world.failWith = new Error('secret of P1');
    const defect = await server.call('/api/patients/P1', { token });
    server.world.failWith = undefined;
    expect([defect.status, defect.body]).toEqual([
      500,
      { type: 'urn:healthsync:problem:internal-error', title: 'Internal error', status: 500, code: 'internal-error' },
    ]);
    const line = server.logLines.at(-1) ?? '';
    expect(line).toContain('"route":"/api/patients/:id"');
    expect(server.logLines.join('')).not.toMatch(/P1|secret of/);
  });

  it('fuzzed ids are refused or not found, and never fail', async () => {
    const token = await server.token('physician');
    const ids = [
      '%00',
      '..%2f..',
      "'%20or%201=1",
      '%F0%9F%92%A9',
      'a'.repeat(100),
      '-',
      '__proto__',
      'constructor',
      '.x',
    ];
    for (const id of ids)
      for (const path of [
        `/api/patients/${id}`,
        `/api/alerts/${id}`,
        `/api/wards/${id}/sparklines`,
        `/api/patients/${id}/trend`,
      ]) {
        const { status } = await server.call(path, { token });
        expect([400, 404], path).toContain(status);
      }
  });

  it('what never becomes a request is answered as a problem too', async () => {
    const socket = connect({ port: server.port, host: '127.0.0.1', servername: 'localhost', ca: server.ca });
    await once(socket, 'secureConnect');
    socket.write('NONSENSE\r\n\r\n');
    let answer = '';
    for await (const chunk of socket) answer += chunk;
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"code":"bad-request"');
    const huge = await server.call('/api/session', { headers: { 'x-long': 'x'.repeat(20_000) } });
    expect([huge.status, huge.body.code]).toEqual([431, 'headers-too-large']);
  });

  it('plain HTTP is hung up on, and others do not notice', async () => {
    const socket = connectTcp(server.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(socket, 'close');
    expect((await server.call('/health/live')).status).toBe(200);
  });

  it('too many requests from one address are told to wait; devices are counted elsewhere', async () => {
    const small = await startTestServer({ server: { bounds: { requestsPerMinuteMax: 3 }, plugins: [whoIsCalling] } });
    for (let i = 0; i < 3; i++) expect((await small.call('/health/live')).status).toBe(200);
    const refused = await small.call('/health/live');
    expect([refused.status, refused.body.code]).toEqual([429, 'too-many-requests']);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await small.call('/ingest/who')).status).toBe(200);
    await small.stop();
  });
});

describe('certificates of devices', () => {
  it('a browser needs none; one of our devices is known by its own', async () => {
    expect((await server.call('/ingest/who')).body).toEqual({ device: null });
    const issued = await server.devices.issue('D1' as DeviceId);
    const { body } = await server.call('/ingest/who', { cert: issued.certificatePem, key: issued.keyPem });
    expect(body).toEqual({ device: 'D1', serial: issued.record.serial });
  });

  it('one of a stranger’s authority proves nothing', async () => {
    const stranger = await startTestServer();
    const issued = await stranger.devices.issue('D1' as DeviceId);
    await stranger.stop();
    const { body } = await server.call('/ingest/who', { cert: issued.certificatePem, key: issued.keyPem });
    expect(body).toEqual({ device: null });
  });

  it('a device’s certificate opens none of the people’s routes', async () => {
    const issued = await server.devices.issue('D1' as DeviceId);
    const { status } = await server.call('/api/wards', { cert: issued.certificatePem, key: issued.keyPem });
    expect(status).toBe(401);
  });

  it('a renewed server certificate is shown to connections made from then on, without a restart', async () => {
    const renewing = await startTestServer();
    const shown = async () => {
      const response = await renewing.open('/health/live');
      const { serialNumber } = (response.socket as TLSSocket).getPeerCertificate();
      response.resume();
      return serialNumber;
    };
    const before = await shown();
    renewing.server.setCertificate(await renewing.renewedCertificate());
    expect(await shown()).not.toBe(before);
    const issued = await renewing.devices.issue('D1' as DeviceId);
    const asked = await renewing.call('/api/wards', { cert: issued.certificatePem, key: issued.keyPem });
    expect(asked.status).toBe(401);
    await renewing.stop();
  });

  it('TLS 1.2 is refused unless it is asked for', async () => {
    const attempt = (port: number) =>
      new Promise<string>((resolve) => {
        const socket = connect({
          port,
          host: '127.0.0.1',
          servername: 'localhost',
          ca: server.ca,
          maxVersion: 'TLSv1.2',
        });
        socket.once('secureConnect', () => resolve(socket.getProtocol() ?? 'none'));
        socket.once('error', () => resolve('refused'));
      });
    expect(await attempt(server.port)).toBe('refused');
  });
});

describe('pages', () => {
  it('says how to build the web app while it is missing', async () => {
    const { status, body, headers } = await server.call('/');
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(body).toContain('npm run build');
  });

  it('gives each page a nonce of its own, and lets nothing else run, frame it or leave it', async () => {
    const dist = join(server.folder, 'dist');
    await mkdir(join(dist, 'assets'), { recursive: true });
    await writeFile(join(dist, 'index.html'), '<p id="__CSP_NONCE__" nonce="__CSP_NONCE__">__TIME_ZONE__</p>');
    await writeFile(join(dist, 'assets', 'app-abc123.js'), 'console.log(1)');
    const seen = new Set<string>();
    for (const path of ['/', '/patients/P1', '/sign-in?next=/']) {
      const { status, body, headers } = await server.call(path, { headers: { accept: 'text/html' } });
      const nonce = /nonce="([\w-]{22})"/.exec(body)?.[1] ?? '';
      seen.add(nonce);
      expect(status).toBe(200);
      expect(body).toBe(`<p id="${nonce}" nonce="${nonce}">Europe/Berlin</p>`);
      const csp = headers['content-security-policy'] ?? '';
      expect(csp).toContain(`script-src 'nonce-${nonce}' 'strict-dynamic'`);
      expect(csp).toContain("frame-ancestors 'none'");
      expect(csp).toContain("default-src 'none'");
      expect(csp).not.toContain('unsafe');
      expect(headers['cache-control']).toBe('no-store');
    }
    expect(seen.size).toBe(3);
  });

  it('serves hashed assets for ever, with their type, and never sniffed', async () => {
    const { status, headers, raw } = await server.call('/assets/app-abc123.js');
    expect([status, raw]).toEqual([200, 'console.log(1)']);
    expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(headers['content-type']).toMatch(/javascript/);
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  it('serves the compressed form beside it to those who take it', async () => {
    const squeezed = brotliCompressSync('console.log(1)');
    await writeFile(join(server.folder, 'dist', 'assets', 'app-abc123.js.br'), squeezed);
    const response = await server.open('/assets/app-abc123.js', { headers: { 'accept-encoding': 'br, gzip' } });
    expect(response.headers['content-encoding']).toBe('br');
    expect(response.headers['content-type']).toMatch(/javascript/);
    expect(brotliDecompressSync(await buffer(response)).toString()).toBe('console.log(1)');
  });

  it('promises TLS for ever only with a certificate that every browser trusts', async () => {
    const trusted = await startTestServer({ server: { hasPublicCertificate: true } });
    const { headers } = await trusted.call('/');
    expect(headers['strict-transport-security']).toMatch(/^max-age=63072000/);
    await trusted.stop();
  });

  it('a missing asset is a 404, not the page, and is not cached for ever', async () => {
    const { status, headers } = await server.call('/assets/gone.js', { headers: { accept: 'text/html' } });
    expect(status).toBe(404);
    expect(headers['cache-control']).toBe('no-store');
  });

  it('every answer forbids framing, sniffing, referrers and keeping', async () => {
    const { headers } = await server.call('/api/session');
    expect(headers).toMatchObject({
      'content-security-policy': expect.stringContaining("default-src 'none'"),
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-store',
      'x-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(headers['strict-transport-security']).toBeUndefined();
  });
});

describe('operations', () => {
  it('is alive; ready only while everything that is required is up, each by name', async () => {
    type State = 'up' | 'down' | 'throws' | 'hangs';
    let database: State = 'up' as State;
    const watched = await startTestServer({
      health: [
        {
          name: 'database',
          required: true,
          state: () => {
            if (database === 'throws') throw new Error('password=secret');
            return database === 'hangs' ? new Promise<'up'>(() => {}) : database;
          },
        },
        { name: 'smtp', required: false, state: async () => 'down' as const },
      ],
    });
    const ready = async () => {
      watched.clock.offsetMs += 1_000;
      return watched.call('/health/ready');
    };
    expect((await watched.call('/health/live')).body).toEqual({ live: true });
    const well = await ready();
    expect([well.status, well.body]).toEqual([
      200,
      {
        ready: true,
        checks: [
          { name: 'database', state: 'up', required: true },
          { name: 'smtp', state: 'down', required: false },
        ],
      },
    ]);
    for (const state of ['down', 'throws', 'hangs'] as const) {
      database = state;
      const ill = await ready();
      expect([ill.status, ill.body.ready, ill.body.checks[0].state], state).toEqual([503, false, 'down']);
      expect(ill.raw).not.toContain('secret');
    }
    await watched.stop();
  });

  it('shows metrics to those who run the house only', async () => {
    expect((await server.call('/metrics')).status).toBe(401);
    expect((await server.call('/metrics', { token: await server.token('nurse') })).status).toBe(403);
    const { status, raw, headers } = await server.call('/metrics', { token: await server.token('operator') });
    expect(status).toBe(200);
    expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(raw).toContain('process_open_fds');
  });

  it('describes itself in OpenAPI 3.1 whose references all resolve', async () => {
    const { body, raw } = await server.call('/api/openapi.json');
    expect(body.openapi).toBe('3.1.0');
    const names = [...raw.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map((match) => match[1]);
    expect(names.length).toBeGreaterThan(20);
    for (const name of names) expect(body.components.schemas).toHaveProperty(name ?? '');
    const ids = Object.values(body.paths).flatMap((one) => Object.values(one as object).map((op) => op.operationId));
    expect(new Set(ids).size).toBe(ids.length);
    expect(body.paths['/api/alerts/{id}/acknowledge'].post['x-healthsync-action']).toBe('alarm.acknowledge');
  });

  it('closes while streams are open, and twice without complaint', async () => {
    const short = await startTestServer();
    const token = await short.token('kiosk');
    const stream = await short.open('/api/live', { token });
    stream.resume();
    const ended = once(stream, 'close');
    await Promise.all([short.server.close(), short.server.close()]);
    await ended;
    await short.stop();
  });
});
