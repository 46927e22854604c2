import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../ports/failure.ts';
import { makePrivateFolder, writePrivateFile } from './private-files.ts';
import { type Authority, authorityOf, makeAuthority, signingKeyOf } from './signing-authority.ts';

/**
 * Further authorities for devices, beside the first: `pki/device-authorities/2` and so on, each a folder that comes
 * into being with certificate and key at once. The newest signs; all are believed until `N.retired` lies beside them,
 * so that a ward's devices can change over one by one.
 */
export async function furtherAuthorities(
  pki: string,
): Promise<{ readonly isFirstRetired: boolean; readonly further: readonly Authority[] }> {
  const names = await namesIn(pki);
  const retired = new Set(names.flatMap((name) => /^([1-9]\d{0,3})\.retired$/.exec(name)?.[1] ?? []));
  const numbers = names.filter((name) => /^[1-9]\d{0,3}$/.test(name) && !retired.has(name)).map(Number);
  const further = await Promise.all(numbers.sort((a, b) => b - a).map((number) => read(pki, number)));
  return { isFirstRetired: retired.has('1'), further };
}

/** One more, which signs from now on. Answers its number. */
export async function addAuthority(pki: string, now: () => number): Promise<number> {
  for (;;) {
    const taken = (await namesIn(pki)).flatMap((name) => /^([1-9]\d{0,3})(\.retired)?$/.exec(name)?.[1] ?? []);
    const number = Math.max(1, ...taken.map(Number)) + 1;
    const { certificate, key } = await makeAuthority('devices', now(), number);
    const files = new Map([
      ['ca.pem', certificate],
      ['ca.key', key],
    ]);
    // Another process may have made one of this number meanwhile.
    if (await makePrivateFolder(join(folderOf(pki), String(number)), files)) return number;
  }
}

/** It is not believed any more. The one that signs cannot be retired: make another first. */
export async function retireAuthority(
  pki: string,
  number: number,
  open: readonly Authority[],
): Promise<'retired' | 'unknown' | 'signs'> {
  if (!open.some((one) => one.number === number)) return 'unknown';
  if (open[0]?.number === number) return 'signs';
  await mkdir(folderOf(pki), { recursive: true, mode: 0o700 });
  await writePrivateFile(join(folderOf(pki), `${number}.retired`), '');
  return 'retired';
}

const folderOf = (pki: string): string => join(pki, 'device-authorities');

async function namesIn(pki: string): Promise<readonly string[]> {
  try {
    return await readdir(folderOf(pki));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

async function read(pki: string, number: number): Promise<Authority> {
  const folder = join(folderOf(pki), String(number));
  try {
    const [certificate, key] = await Promise.all(
      ['ca.pem', 'ca.key'].map((name) => readFile(join(folder, name), 'utf8')),
    );
    if (certificate === undefined || key === undefined) throw new Error('not all of it');
    return authorityOf('devices', certificate, await signingKeyOf(certificate, key), number);
  } catch (cause) {
    const message = `The certificate authority in ${folder} cannot be used: restore it from a backup.`;
    throw new Failure('data-folder-unusable', message, { retryable: false, cause });
  }
}
