import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../ports/failure.ts';
import { furtherAuthorities } from './further-authorities.ts';
import { makePrivateFolder } from './private-files.ts';
import { type Authority, authorityOf, makeAuthority, type SigningKey, signingKeyOf } from './signing-authority.ts';

/**
 * The two certificate authorities of an installation, made at first start in the folder `pki` and never made again:
 * one signs devices and is trusted by the server alone, the other signs the server and is trusted by the devices. A
 * device's certificate can thus never pass for the server's, whatever it says: no device trusts the authority it is
 * from. Two roots rather than one with intermediates, because a chain of one certificate makes the cheapest handshake.
 */
export interface Authorities {
  /** Signs devices from now on. */
  readonly devices: Authority;
  /** Every one that devices may still come with, the newest first (`further-authorities.ts`). */
  readonly deviceAuthorities: readonly Authority[];
  readonly servers: Authority;
}

/** The authorities that devices may come with, as TLS takes them. */
export const trustedDevicesPem = ({ deviceAuthorities }: Authorities): string =>
  deviceAuthorities.map(({ certificatePem }) => certificatePem.trim()).join('\n');

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

/** The names of the files that make up the authorities; a backup must hold them all. */
export const AUTHORITY_FILES = ['device-ca.pem', 'device-ca.key', 'server-ca.pem', 'server-ca.key'] as const;
type AuthorityFile = (typeof AUTHORITY_FILES)[number];

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
  const first = authorityOf('devices', textOf(files, 'device-ca.pem'), await keyOf(folder, files, 'device-ca'));
  const { isFirstRetired, further } = await furtherAuthorities(folder);
  const deviceAuthorities = [...further, ...(isFirstRetired ? [] : [first])];
  const [devices] = deviceAuthorities;
  if (devices === undefined) throw unusable(folder, 'its only authority for devices was retired');
  return {
    devices,
    deviceAuthorities,
    servers: authorityOf('servers', textOf(files, 'server-ca.pem'), await keyOf(folder, files, 'server-ca')),
  };
}

const textOf = (files: ReadonlyMap<AuthorityFile, string>, name: AuthorityFile): string => files.get(name) ?? '';

async function keyOf(
  folder: string,
  files: ReadonlyMap<AuthorityFile, string>,
  name: 'device-ca' | 'server-ca',
): Promise<SigningKey> {
  try {
    return await signingKeyOf(textOf(files, `${name}.pem`), textOf(files, `${name}.key`));
  } catch (cause) {
    throw unusable(folder, `${name}.key and ${name}.pem do not belong together or cannot be read`, cause);
  }
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
