import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { evidenceOfStore } from '../audit/evidence.ts';
import { verifyAudit } from '../audit/verify.ts';
import { decodeEntry, type RecordedEntry } from '../domain/audit-entry.ts';
import { Failure } from '../ports/failure.ts';
import { noteAudit } from './audited.ts';
import { startPending } from './session-cookies.ts';
import { startTestServer, type TestServer } from './test-server.ts';

let server: TestServer;
let isDone = false;
beforeAll(async () => {
  server = await startTestServer({
    server: {
      plugins: [
        (app) =>
          void app.put(
            '/api/patients/:id/anything',
            { config: { action: 'patient.write' } },
            async (request, reply) => {
              isDone = true;
              noteAudit(request, { detail: { field: 'bed' } });
              return reply.code(204).send();
            },
          ),
        (app) =>
          void app.get('/hooks/told', { config: { public: true } }, async (request, reply) => {
            noteAudit(request, { outcome: 'denied' });
            return reply.redirect('/#sign-in=refused', 303);
          }),
        (app) =>
          void app.get('/oidc/*', { config: { public: true } }, (_, reply) => {
            reply.hijack();
            reply.raw.statusCode = 303;
            reply.raw.setHeader('location', 'https://app.example/back?error=access_denied&state=x').end();
          }),
        (app) =>
          void app.get('/hooks/half', { config: { public: true } }, async (_, reply) =>
            startPending(reply, { kind: 'second-factor', pending: 'hsp_x', methods: ['totp'] })
              .code(202)
              .send(),
          ),
        (app) => void app.get('/hooks/any', { config: { public: true } }, async (_, reply) => reply.code(401).send()),
      ],
    },
  });
});
afterAll(() => server.stop());

let from = 0;
beforeEach(() => {
  server.auditStore.failure = undefined;
  isDone = false;
  from = server.audit.size();
});

async function entries(): Promise<readonly RecordedEntry[]> {
  const rows = await server.auditStore.read({ from, to: server.audit.size() });
  return rows.map(({ text }) => decodeEntry(text) as RecordedEntry);
}

const AWAY = new Failure('database-unavailable', 'away', { retryable: true });

describe('what was refused by sending the browser elsewhere', () => {
  it.each(['/hooks/told', '/oidc/auth'])('is on record as refused: %s', async (path) => {
    await server.call(path, {});
    // Past the framework the entry comes with the end of the connection.
    const last = async () => (await entries()).at(-1);
    await expect.poll(last, { timeout: 30_000 }).toMatchObject({ outcome: 'denied', detail: { status: 303 } });
  });
});

describe('what is read', () => {
  it('is one entry: who, what, which patient, from where, and by which policies', async () => {
    const token = await server.token('nurse', ['W1']);
    const { status } = await server.call('/api/patients/P1', { token });
    expect(status).toBe(200);
    const [entry, ...more] = await entries();
    expect(more).toEqual([]);
    expect(entry).toMatchObject({
      actor: {
        kind: 'person',
        address: '127.0.0.1',
        userId: expect.any(String),
        sessionId: expect.stringMatching(/^[0-9a-f]{16}$/),
      },
      action: 'patient.read',
      resource: { kind: 'patients', id: 'P1' },
      patientId: 'P1',
      outcome: 'allowed',
      detail: { method: 'GET', route: '/api/patients/:id', status: 200 },
    });
    expect(JSON.stringify(entry)).not.toContain(token);
    expect(JSON.stringify(entry)).not.toContain('Family-');
  });

  it('is denied in the audit as well: another ward, another role, no token', async () => {
    await server.call('/api/patients/P3', { token: await server.token('nurse', ['W1']) });
    await server.call('/api/patients/P1', { token: await server.token('admin') });
    await server.call('/api/patients/P1');
    expect((await entries()).map(({ outcome, patientId, actor }) => [outcome, patientId, actor.name === '?'])).toEqual([
      ['denied', 'P3', false],
      ['denied', 'P1', false],
      ['denied', 'P1', true],
    ]);
  });

  it('does not leave the house when its entry cannot be written', async () => {
    const token = await server.token('nurse', ['W1']);
    await server.call('/api/patients/P1', { token });
    server.auditStore.failure = AWAY;
    const { status, headers, body, raw } = await server.call('/api/patients/P1', { token });
    expect(status).toBe(503);
    expect(body).toMatchObject({ code: 'audit-unavailable' });
    expect(headers).toMatchObject({ 'content-type': 'application/problem+json', 'retry-after': '2' });
    expect(headers['content-security-policy']).toBeDefined();
    expect(raw).not.toContain('Family-');
  });

  it('is not written down where it is nobody’s secret', async () => {
    for (const path of ['/health/live', '/api/openapi.json', '/api/wards'])
      await server.call(path, { token: await server.token('nurse') });
    expect(await entries()).toEqual([]);
  });
});

describe('what is changed', () => {
  it('is written down before it is done, and how it ended', async () => {
    const token = await server.token('physician');
    await server.call('/api/patients/P1/anything', { method: 'PUT', token });
    const [begin, end, ...more] = await entries();
    expect(more).toEqual([]);
    expect(begin).toMatchObject({ action: 'patient.write', patientId: 'P1', detail: { phase: 'begin' } });
    expect(end).toMatchObject({
      outcome: 'allowed',
      correlationId: begin?.correlationId,
      detail: { status: 204, field: 'bed' },
    });
  });

  it('is not done when it cannot be written down', async () => {
    const token = await server.token('physician');
    await server.call('/api/patients/P1', { token });
    server.auditStore.failure = AWAY;
    const { status, body } = await server.call('/api/patients/P1/anything', { method: 'PUT', token });
    expect([status, body.code, isDone]).toEqual([503, 'audit-unavailable', false]);
  });
});

describe('signing in', () => {
  const signIn = (name: string, password: string) =>
    server.call('/api/session', {
      method: 'POST',
      body: { name, password },
      headers: { 'sec-fetch-site': 'same-origin' },
    });

  it('is an entry with the account that was tried, and never what was typed', async () => {
    await signIn('my-password-by-mistake', 'wrong password here');
    const [entry] = await entries();
    expect(entry).toMatchObject({ action: 'session.sign-in', outcome: 'denied', actor: { name: '?' } });
    expect(JSON.stringify(entry)).not.toMatch(/mistake|wrong/);
  });
});

describe('a password that was right where a second factor is owed', () => {
  it('is on record as no more than that', async () => {
    await server.call('/hooks/half', {});
    expect((await entries())[0]).toMatchObject({ detail: { owed: 'second-factor' } });
  });
});

describe('the live stream', () => {
  it('is an entry before its first byte and when it ends, with its wards', async () => {
    const response = await server.open('/api/live?ward=W1', { token: await server.token('nurse', ['W1', 'W2']) });
    expect((await entries()).map(({ detail }) => detail)).toMatchObject([{ phase: 'begin', wards: 'W1' }]);
    response.destroy();
    while ((await entries()).length < 2) await sleep(5);
    expect(await entries()).toMatchObject([
      { action: 'wall.watch' },
      { action: 'wall.watch', detail: { phase: 'end', wards: 'W1' } },
    ]);
  });
});

describe('a stranger', () => {
  it('who tries and tries is counted, and fills nothing', async () => {
    for (let i = 0; i < 100; i++) await server.call('/api/patients');
    const before = (await entries()).length;
    expect(before).toBeLessThanOrEqual(60);
    server.clock.offsetMs += 61_000;
    await server.call('/api/patients');
    const [summary] = (await entries()).slice(before);
    expect(summary?.detail).toMatchObject({ phase: 'repeated' });
    expect(Number(Object(summary?.detail).attempts) + before).toBeGreaterThanOrEqual(100);
  });

  it('is in the audit and nowhere else', async () => {
    await server.call('/hooks/any');
    expect((await entries()).at(-1)).toMatchObject({ action: 'alarm.answer', outcome: 'denied' });
    expect(server.logLines.join('')).not.toContain('hooks/any');
  });
});

describe('somebody signed in', () => {
  it('who is told to slow down and does not is counted as well', async () => {
    const small = await startTestServer({ server: { bounds: { callerRequestsPerMinuteMax: 2 } } });
    const token = await small.token('nurse');
    for (let i = 0; i < 80; i++) await small.call('/api/patients', { token });
    const rows = await small.auditStore.read({ from: 0, to: small.audit.size() });
    const statuses = rows.map(({ text }) => (decodeEntry(text) as RecordedEntry).detail?.['status']);
    expect(statuses.filter((status) => status === 200)).toHaveLength(2);
    expect(statuses.filter((status) => status === 429)).toHaveLength(60);
    await small.stop();
  });
});

it('after all of this the log is what was signed', async () => {
  const verdict = await verifyAudit(await evidenceOfStore(server.auditStore), { keys: [server.auditKey.publicKey] });
  expect(verdict).toMatchObject({ isIntact: true, findings: [] });
});
