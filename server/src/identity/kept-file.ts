import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Failure } from '../ports/failure.ts';
import type { KeptSecret } from '../ports/kept-secret.ts';
import { writePrivateFile } from './private-files.ts';

/** A secret in a file that only its owner reads. A file that cannot be read is said, never taken for a missing one. */
export function keptFile(path: string): KeptSecret {
  const read = (): Promise<string | undefined> =>
    readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return undefined;
      throw new Failure('data-folder-unusable', `The secret in ${path} cannot be read.`, { retryable: false, cause });
    });
  return {
    read,
    async replace(before, after) {
      if ((await read()) !== before) return false;
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writePrivateFile(path, after);
      return true;
    },
  };
}
