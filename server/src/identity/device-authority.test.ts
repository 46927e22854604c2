import 'reflect-metadata';
import { execFile } from 'node:child_process';
import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import * as x509 from '@peculiar/x509';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseDeviceId } from '../domain/ids.ts';
import { type Authorities, openAuthorities } from './authority.ts';
import { createDeviceAuthority, type DeviceAuthority } from './device-authority.ts';
import { deviceIdOfCertificate } from './device-certificate.ts';
import { ownNames, type ServerCertificate, serverCertificate } from './server-certificate.ts';
import { hasOpenssl } from './test-openssl.ts';

const run = promisify(execFile);
const device = (text: string) => parseDeviceId(text) ?? expect.fail('not a device id');
const DAY_MS = 86_400_000;

let folder: string;
let authorities: Authorities;
let devices: DeviceAuthority;
let server: ServerCertificate;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'healthsync-devices-'));
  authorities = await openAuthorities({ folder: join(folder, 'pki'), now: Date.now });
  devices = createDeviceAuthority(authorities.devices, Date.now);
  server = await certify(['localhost', '127.0.0.1', '::1']);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const certify = (names: readonly string[], now = Date.now, path = join(folder, 'pki', 'server.pem')) =>
  serverCertificate({ authority: authorities.servers, path, names, now });

interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** A mutual handshake as MQTT and HTTPS do it; answers with what the server made of the client. */
async function handshake(
  client: Partial<Identity>,
  shown: Identity = { cert: server.certificatePem, key: server.keyPem },
) {
  const listener = createServer({
    ...shown,
    ca: authorities.devices.certificatePem,
    requestCert: true,
    rejectUnauthorized: true,
  });
  const seen = new Promise<{ raw: Buffer; serial: string }>((resolve, reject) => {
    listener.on('secureConnection', (socket: TLSSocket) => {
      const { raw, serialNumber } = socket.getPeerCertificate();
      resolve({ raw, serial: serialNumber });
      socket.on('error', () => {});
      socket.end('ok');
    });
    listener.on('tlsClientError', reject);
  });
  seen.catch(() => {});
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  try {
    const port = (listener.address() as AddressInfo).port;
    const socket = connect({ port, host: '127.0.0.1', ca: authorities.servers.certificatePem, ...client });
    await new Promise((resolve, reject) => socket.once('data', resolve).once('error', reject).once('close', reject));
    socket.destroy();
    return await seen;
  } finally {
    listener.close();
  }
}

describe('a certificate issued for a fresh key', () => {
  it('signs its device in over mutual TLS, under the serial that was recorded', async () => {
    const issued = await devices.issue(device('monitor-7'));
    const seen = await handshake({ cert: issued.certificatePem, key: issued.keyPem });
    expect(deviceIdOfCertificate(seen.raw)).toBe('monitor-7');
    expect(seen.serial).toBe(issued.record.serial);
    expect(issued.record.serial).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  it('lasts 90 days, and its record says so to the second', async () => {
    const { record, certificatePem } = await devices.issue(device('monitor-7'));
    const certificate = new X509Certificate(certificatePem);
    expect(Date.parse(certificate.validTo)).toBe(record.notAfterMs);
    expect(Date.parse(certificate.validFrom)).toBe(record.notBeforeMs);
    expect(Math.round((record.notAfterMs - Date.now()) / DAY_MS)).toBe(90);
  });

  it.skipIf(!hasOpenssl)('is what openssl calls a client certificate, and not a server certificate', async () => {
    const issued = await devices.issue(device('monitor-7'));
    const path = join(folder, 'cert.pem');
    await writeFile(path, issued.certificatePem);
    const verify = (purpose: string) =>
      run('openssl', [
        'verify',
        '-x509_strict',
        '-CAfile',
        join(folder, 'pki', 'device-ca.pem'),
        '-purpose',
        purpose,
        path,
      ]);
    expect((await verify('sslclient')).stdout).toContain('OK');
    await expect(verify('sslserver')).rejects.toThrow();
    const { stdout } = await run('openssl', ['x509', '-in', path, '-noout', '-text']);
    expect(stdout).toMatch(/URI:spiffe:\/\/healthsync\/device\/monitor-7\n/);
    expect(stdout).toMatch(/Key Usage: critical\s+Digital Signature\n/);
    expect(stdout).toMatch(/Extended Key Usage: \s+TLS Web Client Authentication\n/);
    expect(stdout).toMatch(/CA:FALSE/);
    expect(stdout).toMatch(/Authority Key Identifier/);
    expect(stdout).toMatch(/Subject Key Identifier/);
  });

  it('never has the serial of another', async () => {
    const issued = await Promise.all(Array.from({ length: 20 }, () => devices.issue(device('m'))));
    expect(new Set(issued.map(({ record }) => record.serial)).size).toBe(20);
  });

  it('cannot serve as the server: no device believes it', async () => {
    const issued = await devices.issue(device('localhost'));
    const identity = { cert: issued.certificatePem, key: issued.keyPem };
    await expect(handshake(identity, identity)).rejects.toMatchObject({
      code: expect.stringMatching(/VERIFY|ISSUER|PURPOSE/),
    });
  });
});

describe('a client that is not ours', () => {
  it('is refused without a certificate', async () => {
    await expect(handshake({})).rejects.toThrow();
  });

  it('is refused with the server’s own certificate', async () => {
    await expect(handshake({ cert: server.certificatePem, key: server.keyPem })).rejects.toThrow();
  });

  it('is refused with a certificate of another installation', async () => {
    const elsewhere = await openAuthorities({ folder: join(folder, 'elsewhere'), now: Date.now });
    const issued = await createDeviceAuthority(elsewhere.devices, Date.now).issue(device('monitor-7'));
    await expect(handshake({ cert: issued.certificatePem, key: issued.keyPem })).rejects.toThrow();
  });

  it('is refused with a certificate that has expired', async () => {
    const longAgo = createDeviceAuthority(authorities.devices, () => Date.now() - 91 * DAY_MS);
    const issued = await longAgo.issue(device('monitor-7'));
    await expect(handshake({ cert: issued.certificatePem, key: issued.keyPem })).rejects.toThrow();
  });
});

describe.skipIf(!hasOpenssl)('a certificate request', () => {
  async function opensslRequest(...keyOptions: readonly string[]) {
    const path = join(folder, createHash('sha256').update(keyOptions.join()).digest('hex').slice(0, 12));
    await run('openssl', ['genpkey', ...keyOptions, '-out', `${path}.key`]);
    const subject = [
      '-subj',
      '/CN=spiffe:\\/\\/healthsync\\/device\\/admin',
      '-addext',
      'subjectAltName=URI:spiffe://healthsync/device/admin',
    ];
    const { stdout } = await run('openssl', ['req', '-new', '-key', `${path}.key`, ...subject]);
    const key = (await run('openssl', ['pkey', '-in', `${path}.key`])).stdout;
    return { request: stdout, key };
  }

  it.each([
    ['P-256', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256']],
    ['P-384', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384']],
    ['Ed25519', ['-algorithm', 'ED25519']],
    ['RSA-2048', ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048']],
  ])('with a key of %s is signed for our device, not for the one it asks for', async (_, keyOptions) => {
    const { request, key } = await opensslRequest(...keyOptions);
    const outcome = await devices.issueFor(device('monitor-8'), request);
    if (outcome.kind !== 'issued') return expect.fail(outcome.detail);
    expect(outcome.certificatePem).not.toContain('admin');
    const seen = await handshake({ cert: outcome.certificatePem, key });
    expect(deviceIdOfCertificate(seen.raw)).toBe('monitor-8');
    expect(new X509Certificate(outcome.certificatePem).subject).toBe('CN=monitor-8');
  });

  it('may be DER', async () => {
    const { request } = await opensslRequest('-algorithm', 'ED25519');
    const der = new Uint8Array(x509.PemConverter.decodeFirst(request));
    expect(await devices.issueFor(device('m'), der)).toMatchObject({ kind: 'issued' });
  });

  it.each([
    ['RSA-1024', ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024']],
    ['RSA with the exponent 3', ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_pubexp:3']],
    ['secp256k1', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:secp256k1']],
    ['P-521', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-521']],
    ['P-224', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-224']],
  ])('with a key of %s is refused', async (_, keyOptions) => {
    const { request } = await opensslRequest(...keyOptions);
    expect(await devices.issueFor(device('m'), request)).toMatchObject({ kind: 'refused', code: 'weak-key' });
  });

  it('signed by another key than it carries is refused', async () => {
    const { request } = await opensslRequest('-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256');
    const der = new Uint8Array(x509.PemConverter.decodeFirst(request));
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const theirs = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
    const ours = new Uint8Array(new x509.Pkcs10CertificateRequest(der).publicKey.rawData);
    const at = Buffer.from(der).indexOf(ours);
    der.set(theirs, at);
    expect(await devices.issueFor(device('m'), der)).toMatchObject({ kind: 'refused', code: 'wrong-signature' });
  });

  it('that is none is refused', async () => {
    for (const text of [
      '',
      'hello',
      server.certificatePem,
      server.keyPem,
      '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----',
    ])
      expect(await devices.issueFor(device('m'), text)).toMatchObject({ kind: 'refused', code: 'malformed' });
    expect(await devices.issueFor(device('m'), new Uint8Array(20_000))).toMatchObject({ code: 'too-large' });
  });
});

describe('the server’s certificate', () => {
  const at = (day: number) => () => Date.parse('2027-01-01T00:00:00Z') + day * DAY_MS;
  const path = () => join(folder, 'renewed.pem');

  it('is kept while it fits, renewed a month before it ends, and readable to its owner only', async () => {
    const first = await certify(['localhost'], at(0), path());
    expect((await certify(['localhost'], at(59), path())).certificatePem).toBe(first.certificatePem);
    expect((await stat(path())).mode & 0o777).toBe(0o600);
    const renewed = await certify(['localhost'], at(61), path());
    expect(renewed.certificatePem).not.toBe(first.certificatePem);
    expect((renewed.notAfterMs - at(61)()) / DAY_MS).toBe(90);
  });

  it('is made anew when it lacks a name, has another authority, or cannot be read', async () => {
    const first = await certify(['localhost'], at(0), path());
    const named = await certify(['localhost', 'ward.example', '10.1.2.3'], at(0), path());
    expect(named.certificatePem).not.toBe(first.certificatePem);
    const certificate = new X509Certificate(named.certificatePem);
    expect(certificate.checkHost('ward.example')).toBe('ward.example');
    expect(certificate.checkIP('10.1.2.3')).toBe('10.1.2.3');
    await writeFile(path(), named.certificatePem);
    const repaired = await certify(['localhost', 'ward.example', '10.1.2.3'], at(0), path());
    expect(repaired.certificatePem).not.toBe(named.certificatePem);
    const options = { path: path(), names: ['localhost'], now: at(0) };
    const other = await serverCertificate({ ...options, authority: authorities.devices });
    expect((await serverCertificate({ ...options, authority: authorities.servers })).certificatePem).not.toBe(
      other.certificatePem,
    );
  });

  it('speaks for the machine’s own names, IPv6 loopback included', async () => {
    const certificate = new X509Certificate((await certify(ownNames('ward-server.example'))).certificatePem);
    expect(certificate.checkHost('localhost')).toBe('localhost');
    expect(certificate.checkHost('ward-server.example')).toBe('ward-server.example');
    expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(certificate.checkIP('::1')).toBe('::1');
    expect(ownNames('under_score')).not.toContain('under_score');
    expect(ownNames('x').filter((name) => isIP(name) !== 0)).toHaveLength(2);
  });
});
