import 'reflect-metadata';
import { X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deviceIdOfCertificate } from './device-certificate.ts';

const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

async function certificateWith(extensions: readonly x509.Extension[]): Promise<Uint8Array> {
  const keys = await crypto.subtle.generateKey(EC, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    keys,
    name: 'CN=spiffe://healthsync/device/from-the-subject',
    signingAlgorithm: EC,
    extensions: [...extensions],
  });
  return new Uint8Array(certificate.rawData);
}

const named = (...names: x509.JsonGeneralNames) => certificateWith([new x509.SubjectAlternativeNameExtension(names)]);

describe('the device a certificate speaks of', () => {
  it('is the one in its only SAN, the SPIFFE URI', async () => {
    const der = await named({ type: 'url', value: 'spiffe://healthsync/device/monitor-7' });
    expect(deviceIdOfCertificate(der)).toBe('monitor-7');
    expect(deviceIdOfCertificate(new X509Certificate(der))).toBe('monitor-7');
  });

  it('is found beside other extensions and when the SAN is critical', async () => {
    const der = await certificateWith([
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.SubjectAlternativeNameExtension([{ type: 'url', value: 'spiffe://healthsync/device/m' }], true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
    ]);
    expect(deviceIdOfCertificate(der)).toBe('m');
  });

  it.each([
    ['another trust domain', 'spiffe://elsewhere/device/monitor-7'],
    ['another kind', 'spiffe://healthsync/user/monitor-7'],
    ['no id', 'spiffe://healthsync/device/'],
    ['a path below the id', 'spiffe://healthsync/device/a/b'],
    ['an escaped id', 'spiffe://healthsync/device/a%2fb'],
    ['a query', 'spiffe://healthsync/device/a?b'],
    ['an upper-case scheme', 'SPIFFE://healthsync/device/a'],
    ['a topic wildcard', 'spiffe://healthsync/device/+'],
    ['a null byte', 'spiffe://healthsync/device/a\0b'],
    ['text that imitates a second entry', 'spiffe://healthsync/device/a, URI:spiffe://healthsync/device/b'],
    ['an id that is too long', `spiffe://healthsync/device/${'a'.repeat(65)}`],
  ])('is nobody with %s', async (_, value) => {
    expect(deviceIdOfCertificate(await named({ type: 'url', value }))).toBeUndefined();
  });

  it('is nobody when the URI stands in another kind of name', async () => {
    const value = 'spiffe://healthsync/device/monitor-7';
    expect(deviceIdOfCertificate(await named({ type: 'dns', value }))).toBeUndefined();
    expect(deviceIdOfCertificate(await named({ type: 'email', value }))).toBeUndefined();
  });

  it('is nobody with two names, or two SAN extensions, or none', async () => {
    const a = { type: 'url' as const, value: 'spiffe://healthsync/device/a' };
    const b = { type: 'url' as const, value: 'spiffe://healthsync/device/b' };
    const san = (name: x509.JsonGeneralName) => new x509.SubjectAlternativeNameExtension([name]);
    expect(deviceIdOfCertificate(await named(a, b))).toBeUndefined();
    expect(deviceIdOfCertificate(await named(a, { type: 'dns', value: 'localhost' }))).toBeUndefined();
    expect(deviceIdOfCertificate(await certificateWith([san(a), san(b)]))).toBeUndefined();
    expect(deviceIdOfCertificate(await certificateWith([]))).toBeUndefined();
  });
});

describe('bytes that are not a certificate', () => {
  it('never throw, whatever they are', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => deviceIdOfCertificate(bytes) === undefined));
  });

  it('never throw and never become another device, cut or with a byte changed', async () => {
    const der = await named({ type: 'url', value: 'spiffe://healthsync/device/monitor-7' });
    for (let length = 0; length < der.length; length++)
      expect(deviceIdOfCertificate(der.subarray(0, length))).toBeUndefined();
    expect(deviceIdOfCertificate(Uint8Array.of(...der, 0))).toBeUndefined();
    for (let i = 0; i < der.length; i++) {
      const changed = Uint8Array.from(der);
      changed[i] = (changed[i] as number) ^ 0x80;
      expect([undefined, 'monitor-7']).toContain(deviceIdOfCertificate(changed));
    }
  });
});
