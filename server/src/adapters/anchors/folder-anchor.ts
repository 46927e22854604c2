import { mkdir, open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AnchoredHead, ReadableAnchor } from '../../ports/tree-head-anchor.ts';

/**
 * Tree heads as files that are made once and are read-only from then on, one each: in the data folder, or on a share
 * that lets nothing be changed (WORM). The same head again is the same file.
 */
export class FolderAnchor implements ReadableAnchor {
  readonly name: string;
  readonly #folder: string;

  constructor(name: string, folder: string) {
    this.name = name;
    this.#folder = folder;
  }

  async keep({ size, signedAtMs, note }: AnchoredHead): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const path = join(this.#folder, `${String(size).padStart(16, '0')}-${signedAtMs}${SUFFIX}`);
    const file = await open(path, 'wx', 0o400).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    if (file === undefined) return;
    try {
      await file.writeFile(note);
      await file.sync();
    } finally {
      await file.close();
    }
    const folder = await open(this.#folder, 'r');
    await folder.sync().finally(() => folder.close());
  }

  async kept(): Promise<readonly string[]> {
    const names = await readdir(this.#folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    const notes = names.filter((name) => name.endsWith(SUFFIX)).sort();
    return await Promise.all(notes.map((name) => readFile(join(this.#folder, name), 'utf8')));
  }
}

const SUFFIX = '.head';
