import 'reflect-metadata';
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { CertificateAnswer, CertificateStatus, DeviceEnrollmentList } from '@healthsync/contracts/device-enrollment';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostgresDeviceCertificates } from '../adapters/postgres/device-certificates.ts';
import { openAuthorities } from '../identity/authority.ts';
import { addAuthority, retireAuthority } from '../identity/further-authorities.ts';
import { hasOpenssl } from '../identity/test-openssl.ts';
import { newDeviceKey } from '../simulation/device-key.ts';
import { withOpenData } from './open-data.ts';
import { closeOf, type DeviceBench, eventually, serialOf, startDeviceBench } from './test-est-device.ts';

/** The whole program, and devices that come in, stay in and are thrown out, over real TLS. */
let bench: DeviceBench;
beforeAll(async () => {
  bench = await startDeviceBench();
}, 120_000);
afterAll(() => bench?.stop());

describe('a device with a code', () => {
  it('knows us by the fingerprint beside it, waits until a person has compared its own, and signs in', async () => {
    const { id, code, authorityFingerprint, server } = await bench.invite('monitor-7');
    expect(server).toBe(`${bench.program.https}/.well-known/est`);
    const known = (await bench.est.cacerts()).certificates.map((pem) => new X509Certificate(pem).fingerprint256);
    expect(known).toContain(authorityFingerprint);

    const key = await newDeviceKey('CN=monitor-7, O=Acme Monitors, OU=BSM-300, 2.5.4.5=SN-4711');
    const waiting = await bench.est.enroll('monitor-7', code, key.request);
    expect([waiting.status, waiting.headers['retry-after']]).toEqual([202, '5']);

    const { body } = await bench.tech('GET', '/api/device-enrollments');
    expect([...Value.Errors(DeviceEnrollmentList, body)]).toEqual([]);
    expect(body.enrollments[0]).toMatchObject({
      deviceId: 'monitor-7',
      state: 'waiting',
      approval: 'yours',
      isKnown: false,
      request: {
        keyFingerprint: key.fingerprint,
        maker: 'Acme Monitors',
        model: 'BSM-300',
        serialNumber: 'SN-4711',
        address: expect.stringContaining('127.0.0.1'),
      },
    });
    expect(JSON.stringify(body)).not.toContain(code);

    const wrong = { keyFingerprint: key.fingerprint.replace(/^../, (two) => (two === '00' ? '01' : '00')) };
    expect((await bench.tech('POST', `/api/device-enrollments/${id}/approve`, wrong)).body.code).toBe('other-key');
    const right = { keyFingerprint: key.fingerprint };
    expect((await bench.program.call('nurse', 'POST', `/api/device-enrollments/${id}/approve`, right)).status).toBe(
      403,
    );
    const approved = await bench.tech('POST', `/api/device-enrollments/${id}/approve`, right);
    expect(approved.body).toMatchObject({ state: 'issued', decidedBy: 'tech', serial: expect.any(String) });
    expect((await bench.tech('POST', `/api/device-enrollments/${id}/approve`, right)).body.code).toBe(
      'decided-already',
    );

    const first = await bench.est.enroll('monitor-7', code, key.request);
    expect(first).toMatchObject({ status: 200, headers: { 'content-transfer-encoding': 'base64' } });
    // The answer was lost: the same again, and no second certificate.
    expect((await bench.est.enroll('monitor-7', code, key.request)).certificates).toEqual(first.certificates);
    const client = await bench.connect({ cert: first.certificates[0] ?? '', key: key.key });
    expect(client.connected).toBe(true);
    const entries = await bench.audit('action=device.enroll&limit=50');
    expect(entries).toContainEqual(
      expect.objectContaining({ actor: expect.objectContaining({ kind: 'device', name: 'monitor-7' }) }),
    );
    expect(entries).toContainEqual(
      expect.objectContaining({ actor: expect.objectContaining({ name: 'tech' }), outcome: 'allowed' }),
    );
  }, 60_000);

  it('that was refused is told so, and never let in', async () => {
    const { id, code } = await bench.invite('unwanted');
    const key = await newDeviceKey('CN=unwanted');
    await bench.est.enroll('unwanted', code, key.request);
    const refused = await bench.tech('POST', `/api/device-enrollments/${id}/refuse`, { reason: 'not ours' });
    expect(refused.body.state).toBe('refused');
    const answer = await bench.est.enroll('unwanted', code, key.request);
    expect([answer.status, JSON.parse(answer.body).code]).toEqual([403, 'refused-by-person']);
    const approval = { keyFingerprint: key.fingerprint };
    expect((await bench.tech('POST', `/api/device-enrollments/${id}/approve`, approval)).status).toBe(409);
  });
});

describe('renewal over the air', () => {
  it('by HTTPS: the old certificate counts until the new one was used', async () => {
    const old = await bench.enrolled('renewed');
    const key = await newDeviceKey('CN=renewed');
    const { status, certificates } = await bench.est.reenroll(old, key.request);
    expect(status).toBe(200);
    const fresh = { cert: certificates[0] ?? '', key: key.key };
    expect(new X509Certificate(fresh.cert).subjectAltName).toBe('URI:spiffe://healthsync/device/renewed');
    expect((await bench.connect(old, { clientId: 'a' })).connected).toBe(true);
    expect((await bench.statusOf(old)).status).toBe('good');
    const closed = closeOf(await bench.connect(old, { clientId: 'b' }));
    await bench.connect(fresh, { clientId: 'c' });
    await closed;
    const standing = await eventually(async () => {
      const one = await bench.statusOf(old);
      expect([...Value.Errors(CertificateStatus, one)]).toEqual([]);
      return one.status === 'revoked' ? one : undefined;
    });
    expect(standing.reason).toBe('superseded');
    await expect(bench.connect(old)).rejects.toThrow();
    expect((await bench.statusOf(fresh)).status).toBe('good');
  }, 60_000);

  it('by MQTT: the device is told, asks, and gets the next', async () => {
    const old = await bench.enrolled('told');
    const client = await bench.connect(old);
    const heard: [string, string][] = [];
    client.on('message', (topic, payload) => heard.push([topic, payload.toString()]));
    await client.subscribeAsync(['devices/told/commands', 'devices/told/certificate'], { qos: 1 });
    expect((await bench.tech('POST', '/api/devices/told/renew')).body).toEqual({ outcome: 'sent' });
    const [, command] = await eventually(() => heard.find(([topic]) => topic === 'devices/told/commands'));
    expect(JSON.parse(command)).toMatchObject({ command: 'renew-certificate' });

    const key = await newDeviceKey('CN=told');
    await client.publishAsync('devices/told/certificate/request', key.request, { qos: 1 });
    const [, text] = await eventually(() => heard.find(([topic]) => topic === 'devices/told/certificate'));
    const answer = JSON.parse(text) as CertificateAnswer;
    expect([...Value.Errors(CertificateAnswer, answer)]).toEqual([]);
    if (answer.outcome !== 'issued') return expect.fail(text);
    expect(answer.authorities).toEqual([bench.ca]);
    expect((await bench.connect({ cert: answer.certificate, key: key.key }, { clientId: 'x' })).connected).toBe(true);
    expect(await bench.audit('action=device.renew&limit=5')).toContainEqual(
      expect.objectContaining({ actor: expect.objectContaining({ name: 'told' }), outcome: 'allowed' }),
    );

    heard.length = 0;
    const foreign = await newDeviceKey('CN=monitor-7');
    await client.publishAsync('devices/told/certificate/request', foreign.request, { qos: 1 });
    const [, refusal] = await eventually(() => heard.find(([topic]) => topic === 'devices/told/certificate'));
    expect(JSON.parse(refusal)).toMatchObject({ outcome: 'refused', code: 'foreign-name' });
  }, 60_000);

  it('is for devices: nobody renews without a certificate, or for somebody else', async () => {
    const { request } = await newDeviceKey('');
    expect((await bench.est.reenroll(undefined, request)).status).toBe(401);
    const client = await bench.connect(await bench.enrolled('nosy'));
    await expect(client.publishAsync('devices/told/certificate/request', request, { qos: 1 })).rejects.toThrow();
    await expect(client.subscribeAsync('devices/told/certificate')).rejects.toThrow();
  });

  it('in a loop is slowed', async () => {
    const identity = await bench.enrolled('looping');
    const statuses: number[] = [];
    for (let i = 0; i < 13; i++)
      statuses.push((await bench.est.reenroll(identity, (await newDeviceKey('')).request)).status);
    expect([statuses.slice(0, 12), statuses[12]]).toEqual([Array(12).fill(200), 429]);
  }, 60_000);
});

describe('a key that may be somebody else’s', () => {
  it('is cut off, its readings are doubtful and stay, and the device comes back with a new one', async () => {
    const stolen = await bench.enrolled('drilled');
    await bench.give('drilled', 'PA');
    const client = await bench.connect(stolen);
    const reading = (id: string) => {
      const vitals = { heartRate: 72 };
      return JSON.stringify({ id, deviceId: 'drilled', at: new Date().toISOString(), vitals });
    };
    await client.publishAsync('devices/drilled/readings', reading('before'), { qos: 1 });
    await sleep(20);
    const since = new Date().toISOString();
    await client.publishAsync('devices/drilled/readings', reading('after'), { qos: 1 });
    const vitals = async () => (await bench.program.call('charge', 'GET', '/api/patients/PA/vitals')).body;
    await eventually(async () => ((await vitals()).readings.length === 2 ? true : undefined));

    const closed = closeOf(client);
    const body = { reason: 'taken from the ward', code: 'keyCompromise', since };
    const revoked = await bench.tech('POST', '/api/devices/drilled/revoke', body);
    expect(revoked.body).toEqual({ revoked: 1, doubtfulFrom: since });
    await closed;
    await expect(bench.connect(stolen)).rejects.toThrow();
    expect((await bench.est.reenroll(stolen, (await newDeviceKey('')).request)).status).toBe(401);

    const { readings, doubts } = await vitals();
    expect(readings.map(({ id, doubtful }: { id: string; doubtful?: boolean }) => [id, doubtful])).toEqual([
      ['before', undefined],
      ['after', true],
    ]);
    expect(doubts).toMatchObject([{ deviceId: 'drilled', from: since, reason: 'taken from the ward' }]);
    expect((await bench.program.call('charge', 'GET', '/api/patients/PA/trend')).body.doubts).toHaveLength(1);
    const { body: loud } = await bench.tech('GET', '/api/system-alarms?state=active');
    expect(loud.alarms).toContainEqual(expect.objectContaining({ rule: 'device.key-compromised' }));

    expect((await bench.connect(await bench.enrolled('drilled'))).connected).toBe(true);
  }, 60_000);

  it.runIf(hasOpenssl)(
    'is on the revocation list, which openssl believes',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'healthsync-crl-'));
      const good = await bench.enrolled('listed-not');
      const bad = await bench.enrolled('listed');
      await bench.tech('POST', '/api/devices/listed/revoke', {
        reason: 'lost',
        code: 'keyCompromise',
        since: new Date(Date.now() - 60_000).toISOString(),
      });
      const crl = async () => {
        const response = await bench.program.open(undefined, '/pki/devices-1.crl');
        expect(response.headers['content-type']).toBe('application/pkix-crl');
        const chunks: Buffer[] = [];
        for await (const chunk of response) chunks.push(chunk as Buffer);
        return Buffer.concat(chunks);
      };
      await writeFile(join(folder, 'list.crl'), await crl());
      await writeFile(join(folder, 'good.pem'), good.cert);
      await writeFile(join(folder, 'bad.pem'), bad.cert);
      const openssl = async (...args: string[]) => {
        const { stdout } = await promisify(execFile)('openssl', args, { cwd: folder });
        return stdout;
      };
      await openssl('crl', '-inform', 'DER', '-in', 'list.crl', '-out', 'list.pem');
      const text = await openssl('crl', '-in', 'list.pem', '-noout', '-text', '-nameopt', 'RFC2253');
      expect(text).toMatch(/Version 2/);
      expect(text).toMatch(/X509v3 CRL Number/);
      expect(text).toMatch(/X509v3 Authority Key Identifier/);
      expect(text).toMatch(/Next Update: /);
      expect(text).toMatch(/Key Compromise/);
      expect(text).toMatch(/Invalidity Date/);
      expect(text).toContain(serialOf(bad));
      expect(text).not.toContain(serialOf(good));
      const verify = (file: string) =>
        openssl('verify', '-crl_check', '-CAfile', join(bench.pki, 'device-ca.pem'), '-CRLfile', 'list.pem', file);
      expect(await verify('good.pem')).toContain('OK');
      await expect(verify('bad.pem')).rejects.toThrow(/certificate revoked/);
      const shown = await openssl('x509', '-in', 'good.pem', '-noout', '-text');
      expect(shown).toContain(`URI:${bench.program.https}/pki/devices-1.crl`);
      await rm(folder, { recursive: true });
    },
    60_000,
  );
});

describe('an authority whose key may be somebody else’s', () => {
  it('is replaced while devices stay connected, and then believed no more', async () => {
    const old = await bench.enrolled('changing');
    await addAuthority(bench.pki, Date.now);
    const client = await bench.connect(old, { clientId: 'old' });
    const heard: [string, string][] = [];
    client.on('message', (topic, payload) => heard.push([topic, payload.toString()]));
    await client.subscribeAsync(['devices/changing/commands', 'devices/changing/certificate'], { qos: 1 });
    // The server sees the new authority, and tells everybody who is connected with one of the old.
    await eventually(() => heard.find(([topic]) => topic === 'devices/changing/commands'));
    const key = await newDeviceKey('CN=changing');
    await client.publishAsync('devices/changing/certificate/request', key.request, { qos: 1 });
    const [, text] = await eventually(() => heard.find(([topic]) => topic === 'devices/changing/certificate'));
    const answer = JSON.parse(text) as CertificateAnswer;
    if (answer.outcome !== 'issued') return expect.fail(text);
    expect(new X509Certificate(answer.certificate).issuer).toBe('CN=HealthSync device authority 2');
    const fresh = { cert: answer.certificate, key: key.key };
    expect((await bench.connect(fresh, { clientId: 'new' })).connected).toBe(true);
    expect((await bench.program.call(undefined, 'GET', '/pki/devices-2.crl')).status).toBe(200);

    const closed = closeOf(client);
    const { deviceAuthorities } = await openAuthorities({ folder: bench.pki, now: Date.now });
    expect(await retireAuthority(bench.pki, 2, deviceAuthorities)).toBe('signs');
    expect(await retireAuthority(bench.pki, 1, deviceAuthorities)).toBe('retired');
    await withOpenData(bench.program.settings, Date.now, ({ database }) =>
      new PostgresDeviceCertificates(database).revokeAuthority({
        authority: 1,
        atMs: Date.now(),
        reason: 'the drill',
        code: 'cACompromise',
      }),
    );
    await closed;
    await expect(bench.connect(old)).rejects.toThrow();
    expect(await bench.statusOf(old)).toMatchObject({ status: 'revoked', reason: 'cACompromise' });
    expect((await bench.connect(fresh, { clientId: 'new' })).connected).toBe(true);
    // Its list is no longer anybody's business.
    await eventually(async () =>
      (await bench.program.call(undefined, 'GET', '/pki/devices-1.crl')).status === 404 ? true : undefined,
    );
  }, 90_000);
});
