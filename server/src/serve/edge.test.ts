import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { connect } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SESSION_COOKIE } from './access-gate.ts';
import { GUARD_BOUNDS, servedNames } from './request-guard.ts';
import { startTestServer, type TestServer } from './test-server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer({
    server: { names: ['wall.hospital.example'], plugins: [dear], bounds: { callerRequestsPerMinuteMax: 300 } },
  });
});
afterAll(() => server.stop());

/** Stands for what makes much work. */
function dear(app: FastifyInstance): void {
  app.get('/api/dear', { config: { signedIn: true, cost: 120 } }, () => ({}));
}

describe('the envelope of a request', () => {
  const asked = (headers: Record<string, string>, path = '/api/session') => server.call(path, { headers });

  it.each([
    ['localhost', 200],
    ['LOCALHOST.:8443', 200],
    ['127.0.0.1:1', 200],
    ['[::1]:8443', 200],
    ['192.168.7.7', 200],
    ['wall.hospital.example', 200],
    ['evil.example', 421],
    ['localhost.evil.example', 421],
    ['localhost:8443:80', 421],
    ['localhost@evil.example', 421],
    ['localhost/evil', 421],
  ])('is for this server or for none: Host %j answers %i', async (host, status) => {
    expect((await asked({ host }, '/api/session/ways')).status).toBe(status);
  });
  it('is not asked for by what balances and measures', async () => {
    expect((await asked({ host: 'balancer.internal' }, '/health/live')).status).toBe(200);
    expect((await asked({ host: 'balancer.internal' }, '/health/../api/session/ways')).status).toBe(404);
  });
  it('knows the names of its certificate, and further ones, however they are written', async () => {
    const own = servedNames(await readFile(join(server.folder, 'pki', 'server.pem')), ['Ward.Example']);
    expect(['localhost', 'ward.example', 'WARD.EXAMPLE.'].map(own)).toEqual([true, true, true]);
    expect([undefined, 'ward', 'x.ward.example', '%00'].map(own)).toEqual([false, false, false, false]);
  });

  it.each([
    [
      'an address longer than any of ours',
      `/api/session?q=${'x'.repeat(GUARD_BOUNDS.urlMax)}`,
      {},
      414,
      'address-too-long',
    ],
    ['more parameters than any route has', `/api/session?${'a=1&'.repeat(200)}`, {}, 400, 'too-many-parameters'],
    [
      'more headers than a browser and its proxies send',
      '/api/session',
      Object.fromEntries(Array.from({ length: 120 }, (_, at) => [`x-${at}`, '1'])),
      431,
      'headers-too-large',
    ],
  ] as const)('is refused with %s', async (_what, path, headers, status, code) => {
    const answer = await asked(headers, path);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  it.each(['TRACE', 'PROPFIND', 'LOCK', 'SEARCH'])('is refused with the method %s', async (method) => {
    expect([404, 405]).toContain((await server.call('/api/session', { method })).status);
  });
  it('cannot say another method than its own', async () => {
    const headers = { 'x-http-method-override': 'DELETE', 'x-method-override': 'DELETE', 'x-http-method': 'DELETE' };
    const token = await server.token('nurse');
    expect((await server.call('/api/session?_method=DELETE', { token, headers })).status).toBe(200);
    expect((await server.call('/api/session', { token })).status).toBe(200);
  });
  it.each([
    ['both lengths', 'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two lengths', 'Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd'],
    ['a coding nobody knows', 'Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n'],
    ['a folded header', 'X-A: 1\r\n 2\r\n\r\n'],
    ['a bare line feed', 'X-A: 1\n\n'],
    ['two hosts', 'Host: evil.example\r\n\r\n'],
    ['two credentials', 'Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n'],
  ])('whose end could be read in two ways is refused: %s', async (_what, rest) => {
    const socket = connect({ port: server.port, host: '127.0.0.1', servername: 'localhost', ca: server.ca });
    await once(socket, 'secureConnect');
    socket.write(`POST /api/session HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${rest}`);
    let answer = '';
    for await (const chunk of socket) answer += chunk;
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    // Nor is a second request found in it.
    expect(answer).not.toMatch(/^HTTP\/1\.1 2/m);
  });
});

describe('the line a request begins with', () => {
  it.each([
    ['the whole address', 'https://localhost/api/session/ways', 200],
    ['the whole address, in capitals', 'HTTPS://LOCALHOST/api/session/ways', 421],
    ['another’s address', 'https://evil.example/api/session/ways', 421],
    ['another’s address, with ours for a user', 'https://localhost@evil.example/api/session/ways', 421],
    ['an address without TLS', 'http://localhost/api/session/ways', 421],
    ['what is read up to here, and by others beyond', '/api/session/ways#/../metrics', 400],
    ['what begins in nothing', 'api/session/ways', 400],
    ['all of it', '*', 421],
  ])('with %s', async (_what, target, status) => {
    const socket = connect({ port: server.port, host: '127.0.0.1', servername: 'localhost', ca: server.ca });
    await once(socket, 'secureConnect');
    socket.write(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    let answer = '';
    for await (const chunk of socket) answer += chunk;
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });
});

describe('a body', () => {
  it.each([
    ['{"name":"a","name":"b","password":"c"}', 'malformed-json'],
    [`{"name":${'['.repeat(70)}${']'.repeat(70)}}`, 'malformed-json'],
    ['{"constructor":{"prototype":{"admin":true}}}', 'malformed-json'],
  ])('that others could read otherwise is refused: %s', async (body, code) => {
    const answer = await server.call('/api/session', { method: 'POST', body });
    expect([answer.status, answer.body.code]).toEqual([400, code]);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });
});

describe('a form on another site', () => {
  const cookie = async () => ({ cookie: `${SESSION_COOKIE}=${await server.token('nurse')}` });

  it.each([
    ['application/x-www-form-urlencoded', 'a=b'],
    ['multipart/form-data; boundary=x', '--x--'],
    ['text/plain', '{"a":1}'],
    ['text/plain; application/json', '{"a":1}'],
    ['application/vnd.api+json', '{"a":1}'],
  ])('changes nothing with %s, whatever it says of where it comes from', async (type, body) => {
    for (const from of [{}, { origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
      const headers = { ...(await cookie()), ...from, 'content-type': type };
      const answer = await server.call('/api/alerts/A1/acknowledge', { method: 'POST', headers, body });
      expect(answer.status).toBe(403);
    }
    const own = { ...(await cookie()), 'sec-fetch-site': 'same-origin', 'content-type': type };
    expect((await server.call('/api/alerts/A1/acknowledge', { method: 'POST', headers: own, body })).status).toBe(415);
  });
  it('cannot name us in Host to be one of ours', async () => {
    const headers = { ...(await cookie()), host: 'evil.example', origin: 'https://evil.example' };
    expect((await server.call('/api/alerts/A1/acknowledge', { method: 'POST', headers })).status).toBe(421);
  });
});

describe('how much one may ask', () => {
  it('is bounded per account, over all its sessions, and told by when there is more', async () => {
    const token = await server.token('physician');
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await server.call('/api/dear', { token })).status);
    expect(statuses).toEqual([200, 200, 429]);
    const refused = await server.call('/api/dear', { token });
    expect(refused.body.code).toBe('too-many-requests');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    // What costs less still goes, and nobody else notices.
    expect((await server.call('/api/session', { token })).status).toBe(200);
    expect((await server.call('/api/dear', { token: await server.token('admin') })).status).toBe(200);
  });
  it('is bounded per address before anybody is asked who they are, also where there is nothing', async () => {
    const small = await startTestServer({ server: { bounds: { requestsPerMinuteMax: 4 } } });
    const statuses = [];
    for (const path of ['/api/wards', '/api/nothing', '/', '/api/wards', '/api/wards', '/api/nothing'])
      statuses.push((await small.call(path, { token: 'hss_wrong' })).status);
    expect(statuses).toEqual([401, 404, 200, 401, 429, 429]);
    await small.stop();
  });
  it('counts a body by its size, before it is read, also one that does not say how long it is', async () => {
    const small = await startTestServer({ server: { bounds: { requestsPerMinuteMax: 34 } } });
    const large = () =>
      small.call('/api/session', { method: 'POST', body: JSON.stringify({ name: 'x'.repeat(63_000) }) });
    expect((await large()).status).toBe(400);
    const socket = connect({ port: small.port, host: '127.0.0.1', servername: 'localhost', ca: small.ca });
    await once(socket, 'secureConnect');
    const head = 'POST /api/session HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n';
    socket.write(`${head}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`);
    let answer = '';
    for await (const chunk of socket) answer += chunk;
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect((await large()).status).toBe(429);
    await small.stop();
  });
  it('is not held by whoever sends slowly: neither headers nor a body that never ends', async () => {
    const bounds = { headersMs: 200, requestMs: 400, slowCheckMs: 50 };
    const small = await startTestServer({ server: { bounds } });
    const slow = async (text: string) => {
      const socket = connect({ port: small.port, host: '127.0.0.1', servername: 'localhost', ca: small.ca });
      await once(socket, 'secureConnect');
      socket.write(text);
      let answer = '';
      for await (const chunk of socket) answer += chunk;
      return answer;
    };
    const head = 'POST /api/session HTTP/1.1\r\nHost: localhost\r\n';
    expect(await slow(head)).toMatch(/^HTTP\/1\.1 408 /);
    const body = 'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"name"';
    expect(await slow(head + body)).toMatch(/^HTTP\/1\.1 408 /);
    await small.stop();
  });
  it('leaves room for others: one address holds only so many connections', async () => {
    const small = await startTestServer({ server: { bounds: { connectionsPerAddressMax: 2 } } });
    const open = () => connect({ port: small.port, host: '127.0.0.1', servername: 'localhost', ca: small.ca });
    const held = [open(), open()];
    await Promise.all(held.map((socket) => once(socket, 'secureConnect')));
    const third = open();
    const [error] = await once(third, 'error');
    expect(error).toBeInstanceOf(Error);
    for (const socket of held) socket.destroy();
    await small.stop();
  });
});

describe('what a browser is told', () => {
  it('keeps an answer to itself, and the page from devices it has no use for', async () => {
    const { headers } = await server.call('/api/session');
    expect(headers).toMatchObject({
      'cross-origin-embedder-policy': 'require-corp',
      'origin-agent-cluster': '?1',
      'reporting-endpoints': 'csp="/api/csp-reports"',
      'permissions-policy': expect.stringMatching(/camera=\(\).*microphone=\(\).*usb=\(\)/),
    });
    expect(headers['access-control-allow-origin']).toBeUndefined();
    expect(headers['server']).toBeUndefined();
    expect(headers['x-powered-by']).toBeUndefined();
  });
  it('names where the page reports what it was kept from, and that is logged without what it says', async () => {
    const { headers } = await server.call('/', { headers: { accept: 'text/html' } });
    expect(headers['content-security-policy']).toMatch(/report-to csp; report-uri \/api\/csp-reports/);
    const report = {
      'csp-report': {
        'document-uri': '/patients/P1',
        'effective-directive': 'img-src',
        'blocked-uri': 'https://evil/P1',
      },
    };
    const told = async (type: string, body: unknown) =>
      (await server.call('/api/csp-reports', { method: 'POST', body, headers: { 'content-type': type } })).status;
    expect(await told('application/csp-report', report)).toBe(204);
    expect(
      await told('application/reports+json', [{ body: { effectiveDirective: 'script-src', blockedURL: 'eval' } }]),
    ).toBe(204);
    expect(await told('application/csp-report', 'nonsense')).toBe(400);
    expect(await told('application/json', report)).toBe(415);
    const lines = server.logLines.filter((line) => line.includes('a browser refused'));
    expect(lines.join('')).toMatch(/"code":"img-src","reason":"https".*"code":"script-src","reason":"eval"/s);
    expect(lines.join('')).not.toMatch(/P1|evil/);
  });
  it('gets no certificate’s promise and no cross-origin right with a refusal either', async () => {
    const refusals: readonly IncomingHttpHeaders[] = [
      (await server.call('/api/nothing')).headers,
      (await server.call('/api/wards')).headers,
      (await server.call('/api/session/ways', { headers: { host: 'evil.example' } })).headers,
    ];
    for (const headers of refusals)
      expect(headers).toMatchObject({
        'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
      });
  });
});
