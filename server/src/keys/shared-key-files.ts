import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writePrivateFile } from '../identity/private-files.ts';
import { Failure } from '../ports/failure.ts';
import type { KeptSecret } from '../ports/kept-secret.ts';

/** Key files of a data folder that every server must have the same of. */
export interface KeyFiles {
  /** `authorities` */
  readonly name: string;
  /** Within the data folder. */
  readonly paths: readonly string[];
  /** Makes them where there are none. */
  make(): Promise<unknown>;
}

/**
 * Brings the key files of a data folder in line with what all servers have in common: the first server's become
 * everybody's. A folder with others belongs to another installation, and is refused.
 */
export async function shareKeyFiles(folder: string, files: KeyFiles, kept: KeptSecret): Promise<void> {
  const own = await readFiles(folder, files.paths);
  const isOurs = Object.keys(own).length > 0;
  // Whoever opens them says what is wrong where only some are there.
  if (!isOurs && (await kept.read()) === undefined) await files.make();
  const text = JSON.stringify(isOurs ? own : await readFiles(folder, files.paths));
  if (!(await kept.replace(undefined, text))) {
    const shared = (await kept.read()) ?? text;
    const theirs = JSON.parse(shared) as TextsByPath;
    // What was made just now, while another server made its own, has been seen by nobody.
    if (isOurs && Object.entries(own).some(([path, one]) => theirs[path] !== one)) throw differs(files);
    if (shared !== text) await writeFiles(folder, theirs);
  }
}

type TextsByPath = Readonly<Record<string, string>>;

async function readFiles(folder: string, paths: readonly string[]): Promise<TextsByPath> {
  const texts: Record<string, string> = {};
  for (const path of paths) {
    const text = await readFile(join(folder, path), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (text !== undefined) texts[path] = text;
  }
  return texts;
}

async function writeFiles(folder: string, texts: TextsByPath): Promise<void> {
  for (const [path, text] of Object.entries(texts)) {
    await mkdir(dirname(join(folder, path)), { recursive: true, mode: 0o700 });
    await writePrivateFile(join(folder, path), text);
  }
}

function differs({ name, paths }: KeyFiles): Failure {
  const message = `The data folder has other ${name} (${paths.join(', ')}) than the key store: it belongs to another installation. Start on an empty data folder.`;
  return new Failure('data-folder-unusable', message, { retryable: false });
}
