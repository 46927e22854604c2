import 'reflect-metadata'; // @peculiar/x509 needs it loaded first
import { createHash } from 'node:crypto';
import * as x509 from '@peculiar/x509';

/** A key as a device makes it, and the request (PKCS#10) that asks for a certificate of it. */
export interface DeviceKey {
  /** PEM. */
  readonly key: string;
  /** DER. */
  readonly request: Buffer;
  /** SHA-256 of the public key, as a device would show it: upper-case hex with colons. */
  readonly fingerprint: string;
}

/** `subject` as RFC 4514 writes it: `CN=monitor-7, O=Maker, OU=Model, 2.5.4.5=serial`. */
export async function newDeviceKey(subject: string, alternativeNames: x509.JsonGeneralNames = []): Promise<DeviceKey> {
  const keys = await crypto.subtle.generateKey(P256, true, ['sign', 'verify']);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: subject,
    keys,
    signingAlgorithm: P256,
    extensions: alternativeNames.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(alternativeNames)],
  });
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  const hash = createHash('sha256').update(new Uint8Array(request.publicKey.rawData)).digest('hex');
  return {
    key: x509.PemConverter.encode(pkcs8, x509.PemConverter.PrivateKeyTag),
    request: Buffer.from(request.rawData),
    fingerprint: hash.toUpperCase().replace(/..(?=.)/g, '$&:'),
  };
}

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
