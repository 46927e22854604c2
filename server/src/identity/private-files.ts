import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Replaces a file as a whole: after a crash it holds the old text or the new, never a part. Readable to its owner only,
 * from the first byte on.
 */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const folder = dirname(path);
  // The random part keeps two processes that write at once out of each other's file.
  const draft = join(folder, `.${basename(path)}.${randomBytes(6).toString('hex')}`);
  try {
    await writeSynced(draft, text);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

/**
 * Makes a folder with these files in one step: it is there with all of them or not at all. `false` when it was there
 * already, and then nothing changed.
 */
export async function makePrivateFolder(path: string, files: ReadonlyMap<string, string>): Promise<boolean> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  await mkdir(draft, { mode: 0o700 });
  await chmod(draft, 0o700); // whatever the umask
  try {
    for (const [name, text] of files) await writeSynced(join(draft, name), text);
    await syncFolder(draft);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw error;
  }
  await syncFolder(dirname(path));
  return true;
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.chmod(0o600);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A rename is only durable once its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
