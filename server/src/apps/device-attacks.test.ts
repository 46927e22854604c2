import 'reflect-metadata';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAuthorities } from '../identity/authority.ts';
import { createDeviceAuthority } from '../identity/device-authority.ts';
import { newDeviceKey } from '../simulation/device-key.ts';
import { type DeviceBench, type DeviceIdentityPem, startDeviceBench, withBadSignature } from './test-est-device.ts';

/** The whole program, and whoever tries to pass for one of its devices, over real TLS. */
let bench: DeviceBench;
beforeAll(async () => {
  bench = await startDeviceBench();
}, 120_000);
afterAll(() => bench?.stop());

describe('whoever has stolen a code', () => {
  it('finds it used: the second key is refused, rings, and what the first asked for still waits', async () => {
    const { code } = await bench.invite('monitor-8');
    const own = await newDeviceKey('CN=monitor-8');
    const thief = await newDeviceKey('CN=monitor-8');
    expect((await bench.est.enroll('monitor-8', code, own.request)).status).toBe(202);
    const stolen = await bench.est.enroll('monitor-8', code, thief.request);
    expect([stolen.status, JSON.parse(stolen.body).code]).toEqual([403, 'code-used']);
    expect((await bench.est.enroll('monitor-8', code, own.request)).status).toBe(202);
    const { body } = await bench.tech('GET', '/api/system-alarms?state=active');
    expect(body.alarms).toContainEqual(expect.objectContaining({ rule: 'device.code-used-twice' }));
  });

  it('cannot use it for another device, nor one that was taken back; and learns no difference', async () => {
    const { id, code } = await bench.invite('monitor-9');
    const key = await newDeviceKey('');
    const elsewhere = await bench.est.enroll('monitor-10', code, key.request);
    expect(
      (await bench.tech('POST', `/api/device-enrollments/${id}/refuse`, { reason: 'lost the slip' })).body.state,
    ).toBe('withdrawn');
    const gone = await bench.est.enroll('monitor-9', code, key.request);
    const never = await bench.est.enroll('monitor-9', '0000-0000-0000-0000', key.request);
    expect([elsewhere.status, gone.status, never.status]).toEqual([401, 401, 401]);
    expect(new Set([elsewhere.body, gone.body, never.body]).size).toBe(1);
    expect(gone.headers['www-authenticate']).toMatch(/^Basic /);
  });

  it('has to slow down', async () => {
    const { request } = await newDeviceKey('');
    const statuses = new Set<number>();
    for (let i = 0; i < 8; i++)
      statuses.add((await bench.est.enroll('guessed', `0000-0000-0000-000${i}`, request)).status);
    expect([...statuses]).toEqual([401, 429]);
  });
});

describe('a request that is not what it should be', () => {
  it.each([
    ['signed by nobody', async () => withBadSignature((await newDeviceKey('CN=strange')).request), 'wrong-signature'],
    ['of RSA-512', () => rsaRequest(512), 'weak-key'],
    ['for another device', async () => (await newDeviceKey('CN=monitor-7')).request, 'foreign-name'],
    [
      'with another device’s SAN',
      async () =>
        (await newDeviceKey('CN=strange', [{ type: 'url', value: 'spiffe://healthsync/device/monitor-7' }])).request,
      'foreign-name',
    ],
    [
      'with a host’s name',
      async () => (await newDeviceKey('CN=strange', [{ type: 'dns', value: 'localhost' }])).request,
      'foreign-name',
    ],
    ['that is none', async () => Buffer.from('hello'), 'malformed'],
    ['that is empty', async () => Buffer.alloc(0), 'malformed'],
  ])('%s is refused, and the code is still good', async (_, make, refusal) => {
    const { code } = await bench.invite('strange');
    const answer = await bench.est.enroll('strange', code, await make());
    expect([answer.status, JSON.parse(answer.body).code]).toEqual([expect.any(Number), refusal]);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    const good = await newDeviceKey('CN=strange', [{ type: 'url', value: 'spiffe://healthsync/device/strange' }]);
    expect((await bench.est.enroll('strange', code, good.request)).status).toBe(202);
  });

  it('of another kind than PKCS#10 is refused by its type', async () => {
    const { code } = await bench.invite('strange');
    const path = '/.well-known/est/simpleenroll';
    const sent = { basic: ['strange', code] as const, body: '{}', type: 'application/json' };
    expect((await bench.est.send(path, sent)).status).toBe(415);
  });

  it('replayed for another device, or for a key that was withdrawn, is refused', async () => {
    const identity = await bench.enrolled('replayed');
    const key = await newDeviceKey('');
    const next = await bench.est.reenroll(identity, key.request);
    expect(next.status).toBe(200);
    const { code } = await bench.invite('replayer');
    const answer = await bench.est.enroll('replayer', code, key.request);
    expect([answer.status, JSON.parse(answer.body).code]).toEqual([409, 'key-in-use']);
    await bench.tech('POST', '/api/devices/replayed/revoke', { reason: 'the drill', code: 'keyCompromise' });
    const again = await bench.invite('replayed');
    const withdrawn = await bench.est.enroll('replayed', again.code, key.request);
    expect([withdrawn.status, JSON.parse(withdrawn.body).code]).toEqual([409, 'key-withdrawn']);
  });
});

async function rsaRequest(modulusLength: number): Promise<Buffer> {
  // What no platform signs any more is put together by hand: the key into a request of a sound one.
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength });
  const keys = await crypto.subtle.generateKey(RSA, true, ['sign', 'verify']);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: 'CN=strange',
    keys,
    signingAlgorithm: RSA,
  });
  const der = Buffer.from(request.rawData);
  const theirs = Buffer.from(request.publicKey.rawData);
  const weak = publicKey.export({ type: 'spki', format: 'der' });
  const at = der.indexOf(theirs);
  const info = Buffer.concat([der.subarray(0, at), weak, der.subarray(at + theirs.length)]);
  // Outer and inner SEQUENCE have lengths of two bytes each, and lose what the key lost.
  for (const header of [2, 6]) info.writeUInt16BE(info.readUInt16BE(header) - (theirs.length - weak.length), header);
  return info;
}
const RSA = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
} as const;

describe('a certificate that does not count', () => {
  const forgedBy = async (authority: Parameters<typeof createDeviceAuthority>[0], deviceId: string) => {
    const { certificatePem, keyPem } = await createDeviceAuthority(authority, Date.now).issue(deviceId as never);
    return { cert: certificatePem, key: keyPem };
  };
  /** Opens neither door. */
  async function isNobody(identity: DeviceIdentityPem) {
    await expect(bench.connect(identity)).rejects.toThrow();
    const answer = bench.est.reenroll(identity, (await newDeviceKey('')).request).then(
      ({ status }) => status,
      () => 'no connection',
    );
    expect([401, 'no connection']).toContain(await answer);
  }

  it('because another installation issued it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'healthsync-foreign-'));
    const foreign = await openAuthorities({ folder: join(folder, 'pki'), now: Date.now });
    await isNobody(await forgedBy(foreign.devices, 'monitor-7'));
    await rm(folder, { recursive: true });
  });

  it('because it is signed by our own authority’s stolen key, and was never issued', async () => {
    const { devices } = await openAuthorities({ folder: bench.pki, now: Date.now });
    await isNobody(await forgedBy(devices, 'monitor-7'));
  });

  it('because it copies the serial number of one that was issued, signed by our authority’s stolen key', async () => {
    const own = new X509Certificate((await bench.enrolled('copied')).cert);
    const authority = new x509.X509Certificate(readFileSync(join(bench.pki, 'device-ca.pem'), 'utf8'));
    const pem = readFileSync(join(bench.pki, 'device-ca.key'), 'utf8');
    const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
    const [signingKey, keys] = await Promise.all([
      crypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(pem), P256, false, ['sign']),
      crypto.subtle.generateKey(P256, true, ['sign', 'verify']),
    ]);
    const forged = await x509.X509CertificateGenerator.create({
      serialNumber: own.serialNumber,
      subject: 'CN=copied',
      issuer: authority.subjectName,
      notBefore: own.validFromDate,
      notAfter: own.validToDate,
      signingKey,
      publicKey: keys.publicKey,
      signingAlgorithm: P256,
      extensions: [
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
        new x509.SubjectAlternativeNameExtension([{ type: 'url', value: 'spiffe://healthsync/device/copied' }]),
      ],
    });
    const pkcs8 = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
    await isNobody({ cert: forged.toString('pem'), key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY') });
  });

  it('because it has expired, or is a server’s, or names a host', async () => {
    const { devices, servers } = await openAuthorities({ folder: bench.pki, now: Date.now });
    const longAgo = createDeviceAuthority(devices, () => Date.now() - 91 * 86_400_000);
    const expired = await longAgo.issue('monitor-7' as never);
    await isNobody({ cert: expired.certificatePem, key: expired.keyPem });
    // Signed for servers: wrong authority and wrong use (EKU serverAuth).
    await isNobody(await forgedBy(servers, 'monitor-7'));
    const keys = await newDeviceKey('');
    const { publicKey } = new x509.Pkcs10CertificateRequest(keys.request);
    const named = await devices.sign({
      publicKey,
      commonName: 'monitor-7',
      names: [{ type: 'dns', value: 'monitor-7' }],
      notBeforeMs: Date.now() - 1000,
      notAfterMs: Date.now() + 60_000,
    });
    await isNobody({ cert: named.toString('pem'), key: keys.key });
  });
});
