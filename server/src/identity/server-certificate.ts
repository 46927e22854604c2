import 'reflect-metadata'; // @peculiar/x509 needs it loaded first
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { writePrivateFile } from './private-files.ts';
import { type Authority, CLOCK_SLACK_MS, P256, privateKeyPem } from './signing-authority.ts';

/** What the server shows to devices and browsers. */
export interface ServerCertificate {
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly notAfterMs: number;
}

/**
 * The server's certificate: the stored one while it still fits, otherwise a new one, stored. Ask at every start and
 * once a day; TLS takes a new one for new connections by `setSecureContext`.
 */
export async function serverCertificate(options: {
  readonly authority: Authority;
  /** `pki/server.pem` in the data folder: certificate and key in one file, so that they are replaced together. */
  readonly path: string;
  /** Host names and IP addresses under which clients reach this server. */
  readonly names: readonly string[];
  readonly now: () => number;
}): Promise<ServerCertificate> {
  const names = [...new Set(options.names.filter((name) => name !== ''))];
  const stored = await readStored(options.path);
  if (stored !== undefined && stillFits(stored, options.authority, names, options.now()))
    return { ...stored, notAfterMs: Date.parse(new X509Certificate(stored.certificatePem).validTo) };
  return issue({ ...options, names });
}

/** What every server is reached by, besides the configured names. */
export function ownNames(hostName: string): readonly string[] {
  return ['localhost', '127.0.0.1', '::1', ...(HOST_NAME.test(hostName) ? [hostName] : [])];
}

// RFC 1123 §2.1: a machine's name may be more than a certificate can carry.
const HOST_NAME =
  /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/;

const DAY_MS = 86_400_000;
/** Clients' libraries refuse server certificates of more than 398 days. */
const VALID_DAYS = 90;
/** A month in which somebody can notice that it is not renewed. */
const RENEW_DAYS_BEFORE = 30;

async function issue(options: {
  readonly authority: Authority;
  readonly path: string;
  readonly names: readonly string[];
  readonly now: () => number;
}): Promise<ServerCertificate> {
  const nowMs = Math.floor(options.now() / 1000) * 1000;
  const notAfterMs = nowMs + VALID_DAYS * DAY_MS;
  const keys = await crypto.subtle.generateKey(P256, true, ['sign', 'verify']);
  const certificate = await options.authority.sign({
    publicKey: keys.publicKey,
    commonName: (options.names[0] ?? 'localhost').slice(0, 64), // RFC 5280 ub-common-name
    names: options.names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
    notBeforeMs: nowMs - CLOCK_SLACK_MS,
    notAfterMs,
  });
  const certificatePem = certificate.toString('pem');
  const keyPem = await privateKeyPem(keys.privateKey);
  await writePrivateFile(options.path, `${certificatePem}\n${keyPem}\n`);
  return { certificatePem, keyPem, notAfterMs };
}

interface Stored {
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** A file that cannot be understood counts as none: this certificate, unlike an authority, can be made anew. */
async function readStored(path: string): Promise<Stored | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const certificatePem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(text)?.[0];
  const keyPem = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----/.exec(text)?.[0];
  return certificatePem === undefined || keyPem === undefined ? undefined : { certificatePem, keyPem };
}

function stillFits(stored: Stored, authority: Authority, names: readonly string[], nowMs: number): boolean {
  try {
    const certificate = new X509Certificate(stored.certificatePem);
    return (
      certificate.verify(new X509Certificate(authority.certificatePem).publicKey) &&
      certificate.checkPrivateKey(createPrivateKey(stored.keyPem)) &&
      Date.parse(certificate.validFrom) <= nowMs &&
      Date.parse(certificate.validTo) - nowMs > RENEW_DAYS_BEFORE * DAY_MS &&
      names.every((name) => answersTo(certificate, name))
    );
  } catch {
    return false;
  }
}

const answersTo = (certificate: X509Certificate, name: string): boolean =>
  (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;
