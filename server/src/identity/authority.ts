import 'reflect-metadata'; // @peculiar/x509 needs it loaded first
import { createPrivateKey, randomBytes, type webcrypto, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { Failure } from '../ports/failure.ts';
import { makePrivateFolder } from './private-files.ts';

/**
 * The two certificate authorities of an installation, made at first start in the folder `pki` and never made again:
 * one signs devices and is trusted by the server alone, the other signs the server and is trusted by the devices. A
 * device's certificate can thus never pass for the server's, whatever it says: no device trusts the authority it is
 * from. Two roots rather than one with intermediates, because a chain of one certificate makes the cheapest handshake.
 */
export interface Authorities {
  readonly devices: Authority;
  readonly servers: Authority;
}

export interface Authority {
  readonly certificatePem: string;
  /** Signs a certificate for somebody else's public key. */
  sign(request: {
    readonly publicKey: x509.PublicKeyType;
    readonly commonName: string;
    readonly names: x509.JsonGeneralNames;
    readonly notBeforeMs: number;
    readonly notAfterMs: number;
  }): Promise<x509.X509Certificate>;
}

/** Opens the authorities of a data folder, or makes them where there is no folder `pki` yet. */
export async function openAuthorities(options: {
  /** `pki` in the data folder. */
  readonly folder: string;
  readonly now: () => number;
}): Promise<Authorities> {
  const stored = await readStored(options.folder);
  if (stored !== undefined) return authoritiesOf(options.folder, stored);
  const made = await makeAuthorities(options.now());
  // Another process may have made the folder meanwhile: then theirs count.
  if (await makePrivateFolder(options.folder, made)) return authoritiesOf(options.folder, made);
  const theirs = await readStored(options.folder);
  if (theirs === undefined) throw unusable(options.folder, 'it holds files, but no authority');
  return authoritiesOf(options.folder, theirs);
}

/** ECDSA on P-256: known to every TLS library a device may carry, and the cheapest to verify that is. */
export const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** The names of the files that make up the authorities; a backup must hold them all. */
export const AUTHORITY_FILES = ['device-ca.pem', 'device-ca.key', 'server-ca.pem', 'server-ca.key'] as const;
type AuthorityFile = (typeof AUTHORITY_FILES)[number];

const YEAR_MS = 365.25 * 24 * 3600 * 1000;
/** Longer than any device or installation is expected to last without being set up anew. */
const AUTHORITY_YEARS = 10;

const USE = {
  devices: { name: 'CN=HealthSync device authority', usage: x509.ExtendedKeyUsage.clientAuth },
  servers: { name: 'CN=HealthSync server authority', usage: x509.ExtendedKeyUsage.serverAuth },
} as const;

async function makeAuthorities(nowMs: number): Promise<ReadonlyMap<AuthorityFile, string>> {
  const devices = await makeAuthority('devices', nowMs);
  const servers = await makeAuthority('servers', nowMs);
  return new Map([
    ['device-ca.pem', devices.certificate],
    ['device-ca.key', devices.key],
    ['server-ca.pem', servers.certificate],
    ['server-ca.key', servers.key],
  ]);
}

async function makeAuthority(use: keyof typeof USE, nowMs: number) {
  const keys = await crypto.subtle.generateKey(P256, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    keys,
    name: USE[use].name,
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

export async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), x509.PemConverter.PrivateKeyTag);
}

function authorityOf(use: keyof typeof USE, certificatePem: string, key: webcrypto.CryptoKey): Authority {
  const issuer = new x509.X509Certificate(certificatePem);
  return {
    certificatePem,
    async sign({ publicKey, commonName, names, notBeforeMs, notAfterMs }) {
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
        ],
      });
    },
  };
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

/**
 * The files of the folder; undefined if it has none of them. A folder that lacks some is never completed: a new
 * authority would lock every enrolled device out. The folder comes with all its files, so it is looked for first.
 */
async function readStored(folder: string): Promise<ReadonlyMap<AuthorityFile, string> | undefined> {
  if (!(await isThere(folder))) return undefined;
  const found = new Map<AuthorityFile, string>();
  for (const name of AUTHORITY_FILES) {
    const text = await readIfThere(join(folder, name));
    if (text !== undefined) found.set(name, text);
  }
  if (found.size === 0) return undefined;
  const missing = AUTHORITY_FILES.filter((name) => !found.has(name));
  if (missing.length > 0) throw unusable(folder, `${missing.join(' and ')} is missing there`);
  return found;
}

async function authoritiesOf(folder: string, files: ReadonlyMap<AuthorityFile, string>): Promise<Authorities> {
  return {
    devices: authorityOf('devices', textOf(files, 'device-ca.pem'), await keyOf(folder, files, 'device-ca')),
    servers: authorityOf('servers', textOf(files, 'server-ca.pem'), await keyOf(folder, files, 'server-ca')),
  };
}

const textOf = (files: ReadonlyMap<AuthorityFile, string>, name: AuthorityFile): string => files.get(name) ?? '';

async function keyOf(
  folder: string,
  files: ReadonlyMap<AuthorityFile, string>,
  name: 'device-ca' | 'server-ca',
): Promise<webcrypto.CryptoKey> {
  let der: Buffer;
  try {
    const key = createPrivateKey(textOf(files, `${name}.key`));
    if (!new X509Certificate(textOf(files, `${name}.pem`)).checkPrivateKey(key)) throw new Error('another key');
    der = key.export({ type: 'pkcs8', format: 'der' });
  } catch (cause) {
    throw unusable(folder, `${name}.key and ${name}.pem do not belong together or cannot be read`, cause);
  }
  return crypto.subtle.importKey('pkcs8', der, P256, false, ['sign']);
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return undefined;
    throw unusable(path, code === 'EACCES' ? 'you may not read it; run as the user who owns it' : String(code), error);
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw unusable(path, 'it cannot be reached', error);
  }
}

function unusable(path: string, reason: string, cause?: unknown): Failure {
  const message = `The certificate authority in ${path} cannot be used: ${reason}. Restore it from a backup; only if there is none, remove the folder and enroll every device anew.`;
  return new Failure('data-folder-unusable', message, { retryable: false, cause });
}
