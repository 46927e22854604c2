import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openPushKeys } from './push-keys.ts';

describe('the keys for web push', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'healthsync-keys-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('are made once, kept, and readable to their owner only', async () => {
    const path = join(folder, 'push.pem');
    const made = await openPushKeys(path);
    expect(Buffer.from(made.publicKey, 'base64url')).toHaveLength(65);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await openPushKeys(path)).publicKey).toBe(made.publicKey);
    expect((await openPushKeys(join(folder, 'other.pem'))).publicKey).not.toBe(made.publicKey);
  });
  it('that cannot be used are said, and never replaced', async () => {
    const path = join(folder, 'push.pem');
    await writeFile(path, 'nonsense');
    await expect(openPushKeys(path)).rejects.toMatchObject({ code: 'data-folder-unusable' });
    await expect(openPushKeys(folder)).rejects.toMatchObject({ code: 'data-folder-unusable' });
    expect((await stat(path)).size).toBe(8);
  });
});
