import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDataFolder, ownerOf } from './data-folder.ts';
import { killHard, startHolder } from './test-processes.ts';

let parent: string;
let path: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'healthsync-folder-'));
  path = join(parent, 'deep', 'data');
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

describe('the data folder', () => {
  it('is made for its owner only', async () => {
    const folder = await openDataFolder(path);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(ownerOf(path)).toBe(process.pid);
    folder.close();
    expect(ownerOf(path)).toBeUndefined();
  });

  it.runIf(existsSync('/proc/self'))('is refused at once where nothing can be made', async () => {
    // The kernel answers ENOENT beneath a folder that is there, on which Node's recursive mkdir never ends.
    const attempt = spawnSync(process.execPath, ['--input-type=module', '-e', OPEN_IN_PROC], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect(attempt).toMatchObject({ status: 0, stdout: 'data-folder-unusable' });
  });

  it('keeps the permissions of a folder that was there', async () => {
    mkdirSync(path, { recursive: true, mode: 0o750 });
    (await openDataFolder(path)).close();
    expect(statSync(path).mode & 0o777).toBe(0o750);
  });

  it('is refused to a second process, which is told who has it', async () => {
    const holder = await startHolder(path, undefined, '--folder-only');
    await expect(openDataFolder(path, { waitMs: 100 })).rejects.toMatchObject({
      code: 'data-folder-in-use',
      message: `The data folder ${path} is in use by process ${holder.process.pid}.`,
    });
    await killHard(holder);
  });

  it('is refused to a second opener in the same process', async () => {
    const folder = await openDataFolder(path);
    await expect(openDataFolder(path, { waitMs: 0 })).rejects.toMatchObject({ code: 'data-folder-in-use' });
    folder.close();
    folder.close();
    (await openDataFolder(path, { waitMs: 0 })).close();
  });

  it('is taken over from a process that was killed', async () => {
    await killHard(await startHolder(path, undefined, '--folder-only'));
    const folder = await openDataFolder(path, { waitMs: 0 });
    expect(ownerOf(path)).toBe(process.pid);
    folder.close();
  });

  it('goes to one of many that reach for it at once', async () => {
    const opened = await Promise.allSettled(
      Array.from({ length: 5 }, () => startHolder(path, undefined, '--folder-only')),
    );
    const holders = opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    expect(holders).toHaveLength(1);
    for (const holder of holders) await killHard(holder);
  });

  it('waits for a predecessor that is just leaving', async () => {
    const holder = await startHolder(path, undefined, '--folder-only');
    const waiting = openDataFolder(path, { waitMs: 20_000 });
    await killHard(holder);
    (await waiting).close();
  });

  it('says so where it cannot be one', async () => {
    const file = join(parent, 'file');
    writeFileSync(file, '');
    await expect(openDataFolder(file)).rejects.toMatchObject({ code: 'data-folder-unusable', retryable: false });
    await expect(openDataFolder(join(file, 'below'))).rejects.toMatchObject({ code: 'data-folder-unusable' });
  });
});

const OPEN_IN_PROC = `
  import { openDataFolder } from ${JSON.stringify(new URL('data-folder.ts', import.meta.url).href)};
  await openDataFolder('/proc/nowhere/data').catch((error) => process.stdout.write(error.code));
`;
