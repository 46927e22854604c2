import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newSecret, sha256Of } from '../../identity/secrets.ts';
import { Failure } from '../../ports/failure.ts';
import { type CallOptions, NOW, startTestServer, type TestServer } from '../../serve/test-server.ts';
import { createAdmission } from './admission.ts';
import { authenticateDevice } from './authenticate-device.ts';
import { registerIngest } from './http-ingest.ts';
import { mappingProfiles } from './mapping-profiles.ts';
import { createRejectedQuarantine } from './rejected-quarantine.ts';
import { D1, memoryLog, memoryRejected } from './test-admission.ts';

const GOOD = { id: 'r-1', at: new Date(NOW).toISOString(), vitals: { heartRate: 82 } };
const TOKEN = newSecret('device');

let server: TestServer;
let certificate: { cert: string; key: string };
let notAfterMs: number;
/** Certificates are verified by the machine's clock; how far the server's own is ahead of it. */
let aheadMs = 0;
let log = memoryLog();
const rejected = memoryRejected();
const bounds = { readingsPerSecond: 1, readingsBurst: 100, readingsMax: 50, bodyBytesMax: 64 * 1024 };

beforeAll(async () => {
  const quarantine = createRejectedQuarantine({ store: rejected, now: () => NOW });
  const admission = createAdmission({
    log: { append: (reading, asker) => log.append(reading, asker) },
    view: () => server.world.view(),
    profiles: mappingProfiles(new Map()),
    quarantine,
    now: () => NOW,
  });
  server = await startTestServer({
    server: {
      bounds: { deviceGuessesPerMinuteMax: 5 },
      plugins: [
        (app) =>
          registerIngest(app, {
            admission,
            authenticateDevice: (request) => authenticateDevice(request, server.world.view(), Date.now() + aheadMs),
            now: () => server.now(),
            bounds,
          }),
      ],
    },
  });
  const issued = await server.devices.issue(D1);
  certificate = { cert: issued.certificatePem, key: issued.keyPem };
  notAfterMs = issued.record.notAfterMs;
  server.world.change((snapshot) => ({
    ...snapshot,
    devices: snapshot.devices.map((device) =>
      device.id === D1 ? { ...device, certificates: [issued.record] } : device,
    ),
    deviceTokens: [{ sha256: sha256Of(TOKEN), deviceId: D1, expiresAtMs: notAfterMs * 2 }],
  }));
});
afterAll(() => server.stop());
beforeEach(() => {
  log = memoryLog();
  rejected.kept.length = 0;
  // Fills the device's allowance again.
  server.clock.offsetMs += 1_000_000;
});

let next = 0;
const fresh = () => ({ ...GOOD, id: `r-${next++}` });
const post = (body: unknown, init: CallOptions = { token: TOKEN }) =>
  server.call('/ingest/readings', { method: 'POST', body, ...init });

describe('POST /ingest/readings', () => {
  it('takes one reading by device token, and answers once it is in the log', async () => {
    const reading = fresh();
    const { status, body } = await post(reading);
    expect({ status, body }).toEqual({ status: 202, body: { results: [{ id: reading.id, outcome: 'accepted' }] } });
    expect(log.readings).toMatchObject([{ deviceId: 'D1', patientId: 'P1', vitals: { heartRate: 82 } }]);
  });

  it('takes an array by device certificate, with an outcome for each in order', async () => {
    const [first, second] = [fresh(), { ...fresh(), vitals: { heartRate: 170, spo2: 255 } }];
    const { status, body } = await post([first, first, second, 7, { ...GOOD, id: '' }], certificate);
    expect(status).toBe(202);
    expect(body.results).toMatchObject([
      { id: first.id, outcome: 'accepted' },
      { id: first.id, outcome: 'duplicate' },
      { id: second.id, outcome: 'rejected', kept: true, errors: [{ code: 'implausible-value', field: 'vitals.spo2' }] },
      { outcome: 'rejected', errors: [{ code: 'invalid-shape', field: '' }] },
      { outcome: 'rejected', errors: [{ code: 'invalid-id', field: 'id' }] },
    ]);
    expect(rejected.kept.map(({ payload }) => JSON.parse(Buffer.from(payload).toString()))).toHaveLength(3);
  });

  it('keeps a refused reading of an array as that reading alone, so that it can be replayed', async () => {
    const reading = { ...fresh(), at: 'yesterday' };
    await post([fresh(), reading]);
    expect(Buffer.from(rejected.kept[0]?.payload ?? []).toString()).toBe(JSON.stringify(reading));
  });

  it('refuses a reading nested thousands deep, and takes the one beside it', async () => {
    const [deep, good] = [`${'['.repeat(30_000)}${']'.repeat(30_000)}`, fresh()];
    const { status, body } = await post(`[${deep},${JSON.stringify(good)}]`);
    expect(status).toBe(202);
    expect(body.results).toMatchObject([{ outcome: 'rejected', errors: [{ code: 'invalid-shape' }] }, { id: good.id }]);
    expect(rejected.kept).toHaveLength(1);
  });

  it('says that it takes no compressed bodies, rather than that they are not JSON', async () => {
    const headers = { 'content-encoding': 'gzip' };
    expect(await post(gzipSync(JSON.stringify(fresh())), { token: TOKEN, headers })).toMatchObject({
      status: 415,
      body: { code: 'unsupported-encoding' },
    });
  });

  it('takes an empty array', async () => {
    expect(await post([])).toMatchObject({ status: 202, body: { results: [] } });
  });

  it.each(['', '{', '[1,', '{"id":1}x', '{"id":1,"id":2}', Buffer.from([0x22, 0xff, 0x22])])(
    'answers 400 to %j',
    async (body) => {
      expect(await post(body)).toMatchObject({ status: 400, body: { code: 'malformed-json' } });
    },
  );

  it('answers 401 before it reads anything: no secret, a wrong one, somebody’s session', async () => {
    const nurse = await server.token('nurse');
    for (const token of [undefined, newSecret('device'), nurse, 'x'])
      expect(await post('not even json', token === undefined ? {} : { token })).toMatchObject({
        status: 401,
        body: { code: 'device-not-known' },
      });
  });

  it('slows down whoever tries tokens, and no device that is known behind the same address', async () => {
    const tries = async () => {
      const answers: Awaited<ReturnType<typeof post>>[] = [];
      for (let i = 0; i < 12; i++) answers.push(await post('{', { token: newSecret('device') }));
      expect(answers.slice(0, 5).map(({ status }) => status)).toEqual([401, 401, 401, 401, 401]);
      return answers.find(({ status }) => status !== 401);
    };
    const told = await tries();
    expect(told).toMatchObject({ status: 429, body: { code: 'too-many-requests' } });
    expect(Number(told?.headers['retry-after'])).toBeGreaterThan(0);
    expect((await post(fresh())).status).toBe(202);
    expect((await post(fresh(), certificate)).status).toBe(202);
    // Who shows nothing tries nothing.
    expect((await post('{', {})).status).toBe(401);
    server.clock.offsetMs += 120_000;
    expect((await tries())?.status).toBe(429);
  });

  it('answers 401 to a revoked certificate, at once and even beside a valid token', async () => {
    const before = server.world.view().snapshot;
    server.world.change((snapshot) => ({
      ...snapshot,
      revokedSerials: snapshot.devices.flatMap(({ certificates }) => certificates.map(({ serial }) => serial)),
    }));
    expect(await post(fresh(), { ...certificate, token: TOKEN })).toMatchObject({ status: 401 });
    expect(log.readings).toEqual([]);
    server.world.change(() => before);
  });

  it('answers 401 to a certificate that has ended since TLS looked at it, even beside a valid token', async () => {
    expect(await post(fresh(), certificate)).toMatchObject({ status: 202 });
    aheadMs = notAfterMs - Date.now();
    expect(await post(fresh(), certificate)).toMatchObject({ status: 401 });
    expect(await post(fresh(), { ...certificate, token: TOKEN })).toMatchObject({ status: 401 });
    expect(await post(fresh())).toMatchObject({ status: 202 });
    aheadMs = 0;
    expect(log.readings).toHaveLength(2);
  });

  it('answers 413 to a body or a number of readings beyond its bounds', async () => {
    expect(await post('x'.repeat(bounds.bodyBytesMax + 1))).toMatchObject({ status: 413 });
    const many = Array.from({ length: bounds.readingsMax + 1 }, () => 1);
    expect(await post(many)).toMatchObject({ status: 413, body: { code: 'too-many-readings' } });
  });

  it('answers 415 to anything but JSON', async () => {
    expect(await post('a=1', { token: TOKEN, headers: { 'content-type': 'text/plain' } })).toMatchObject({
      status: 415,
    });
  });

  it('answers 429 with when to come back to a device that sends too fast', async () => {
    const batch = () => Array.from({ length: 50 }, fresh);
    expect(await post(batch())).toMatchObject({ status: 202 });
    expect(await post(batch())).toMatchObject({ status: 202 });
    const refused = await post(batch());
    expect(refused).toMatchObject({ status: 429, body: { code: 'too-fast' } });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  });

  it('counts a large body as many readings, however few are in it', async () => {
    const large = () => `${JSON.stringify(fresh())}${' '.repeat(60_000)}`;
    const statuses = [];
    for (let sent = 0; sent < 7; sent++) statuses.push((await post(large())).status);
    expect(statuses).toEqual([202, 202, 202, 202, 202, 202, 429]);
  });

  it('answers 503 if any reading could not be stored; what was stored is a duplicate when it is sent again', async () => {
    const readings = [fresh(), fresh()];
    const { append } = log;
    let appends = 0;
    log.append = (reading, asker) => {
      if (++appends === 2) queueMicrotask(() => asker.refused(new Failure('log-full', 'full', { retryable: true })));
      else append(reading, asker);
    };
    const refused = await post(readings);
    expect(refused).toMatchObject({ status: 503, headers: { 'retry-after': '5' }, body: { code: 'unavailable' } });
    const { body } = await post(readings);
    expect(body.results).toMatchObject([{ outcome: 'duplicate' }, { outcome: 'accepted' }]);
  });

  it('is described by the API’s own description', async () => {
    const { body } = await server.call('/api/openapi.json');
    expect(body.paths['/ingest/readings'].post.responses).toHaveProperty('202');
  });
});
