import 'reflect-metadata'; // @peculiar/x509 needs it loaded first
import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { RevocationCode } from '../ports/device-certificates.ts';

/** One key that signs certificates, and the lists of those that do not count any more. */
export interface Authority {
  /** From 1; a further one is made when the key of one may be somebody else's. */
  readonly number: number;
  readonly certificatePem: string;
  /** Signs a certificate for somebody else's public key. */
  sign(request: {
    readonly publicKey: x509.PublicKeyType;
    readonly commonName: string;
    readonly names: x509.JsonGeneralNames;
    readonly notBeforeMs: number;
    readonly notAfterMs: number;
    /** Where its revocation list is (RFC 5280 §4.2.1.13). */
    readonly crlUrl?: string;
  }): Promise<x509.X509Certificate>;
  /** Signs a revocation list (RFC 5280 §5), DER. */
  signList(list: {
    readonly number: number;
    readonly thisUpdateMs: number;
    readonly nextUpdateMs: number;
    readonly revoked: readonly RevokedCertificate[];
  }): Promise<Uint8Array>;
}

export interface RevokedCertificate {
  /** Hex. */
  readonly serial: string;
  readonly atMs: number;
  readonly code?: RevocationCode;
  readonly invalidFromMs?: number;
}

/** ECDSA on P-256: known to every TLS library a device may carry, and the cheapest to verify that is. */
export const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

const YEAR_MS = 365.25 * 24 * 3600 * 1000;
/** Longer than any device or installation is expected to last without being set up anew. */
const AUTHORITY_YEARS = 10;

const USE = {
  devices: { name: 'CN=HealthSync device authority', usage: x509.ExtendedKeyUsage.clientAuth },
  servers: { name: 'CN=HealthSync server authority', usage: x509.ExtendedKeyUsage.serverAuth },
} as const;

/** A key and its certificate that signs itself; `number` keeps the names of several apart. */
export async function makeAuthority(use: keyof typeof USE, nowMs: number, number = 1) {
  const keys = await crypto.subtle.generateKey(P256, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    keys,
    name: number === 1 ? USE[use].name : `${USE[use].name} ${number}`,
    serialNumber: randomSerial(),
    notBefore: new Date(nowMs - CLOCK_SLACK_MS),
    notAfter: new Date(nowMs + AUTHORITY_YEARS * YEAR_MS),
    signingAlgorithm: P256,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true), // signs nobody who signs
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      new x509.ExtendedKeyUsageExtension([USE[use].usage]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: certificate.toString('pem'), key: await privateKeyPem(keys.privateKey) };
}

/** Clocks of devices and servers differ: a certificate is valid from a little before it was made. */
export const CLOCK_SLACK_MS = 3_600_000;

/** As the platform’s own Web Crypto makes it: what that calls the type differs between Node and a page. */
export type SigningKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

export async function privateKeyPem(key: SigningKey): Promise<string> {
  return x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), x509.PemConverter.PrivateKeyTag);
}

export function authorityOf(use: keyof typeof USE, certificatePem: string, key: SigningKey, number = 1): Authority {
  const issuer = new x509.X509Certificate(certificatePem);
  return {
    number,
    certificatePem,
    async sign({ publicKey, commonName, names, notBeforeMs, notAfterMs, crlUrl }) {
      return x509.X509CertificateGenerator.create({
        publicKey,
        signingKey: key,
        signingAlgorithm: P256,
        issuer: issuer.subjectName,
        subject: [{ CN: [commonName] }],
        serialNumber: randomSerial(),
        notBefore: new Date(notBeforeMs),
        notAfter: new Date(notAfterMs),
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension([USE[use].usage]),
          new x509.SubjectAlternativeNameExtension(names),
          await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
          await x509.SubjectKeyIdentifierExtension.create(publicKey),
          ...(crlUrl === undefined ? [] : [new x509.CRLDistributionPointsExtension([crlUrl])]),
        ],
      });
    },
    async signList({ number: listNumber, thisUpdateMs, nextUpdateMs, revoked }) {
      const list = await x509.X509CrlGenerator.create({
        issuer: issuer.subjectName,
        thisUpdate: new Date(thisUpdateMs),
        nextUpdate: new Date(nextUpdateMs),
        signingAlgorithm: P256,
        signingKey: key,
        entries: revoked.map(({ serial, atMs, code, invalidFromMs }) => ({
          serialNumber: serial,
          revocationDate: new Date(atMs),
          // RFC 5280 §5.3.1: rather absent than `unspecified`.
          ...(code !== undefined && code !== 'unspecified' && { reason: x509.X509CrlReason[code] }),
          ...(invalidFromMs !== undefined && { invalidity: new Date(invalidFromMs) }),
        })),
        extensions: [
          await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
          new x509.Extension(CRL_NUMBER, false, derInteger(listNumber)),
        ],
      });
      return new Uint8Array(list.rawData);
    },
  };
}

/** id-ce-cRLNumber, RFC 5280 §5.2.3. */
const CRL_NUMBER = '2.5.29.20';

/** X.690 §8.3: two's complement, so that a first bit of 1 needs a zero byte before it. */
function derInteger(value: number): Uint8Array<ArrayBuffer> {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  const content = (bytes[0] as number) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
  return Uint8Array.from([0x02, content.length, ...content]);
}

/**
 * 128 bits, upper-case hex: what TLS in Node shows as `serialNumber`. The first byte lies between 0x40 and 0x7F, so
 * that the number is positive and always 16 bytes, and no leading zero can be written in two ways. 126 bits stay
 * random, against the 64 that CA/Browser BR 7.1 asks for.
 */
function randomSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] as number) & 0x3f) | 0x40;
  return bytes.toString('hex').toUpperCase();
}

/** Throws where the two do not belong together. */
export async function signingKeyOf(certificatePem: string, keyPem: string): Promise<SigningKey> {
  const key = createPrivateKey(keyPem);
  if (!new X509Certificate(certificatePem).checkPrivateKey(key)) throw new Error('another key');
  return crypto.subtle.importKey('pkcs8', key.export({ type: 'pkcs8', format: 'der' }), P256, false, ['sign']);
}
