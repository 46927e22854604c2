import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DEFAULT_TENANT } from '../../domain/ids.ts';
import { keyManagementContract } from '../../ports/key-management.contract.ts';
import { openLocalKeys } from './local-keys.ts';

const folders: string[] = [];
const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'healthsync-keys-'));
  folders.push(folder);
  return folder;
};
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const now = () => 1_800_000_000_000;
const CONTEXT = { region: 'local', tenant: DEFAULT_TENANT, subject: 'patient:P1' };

keyManagementContract('a key file', () => openLocalKeys({ folder: newFolder(), now }));

describe('the key file', () => {
  it('is its owner’s alone, and opened again it opens what it wrapped', async () => {
    const folder = newFolder();
    const { key, wrapped } = await (await openLocalKeys({ folder, now })).newDataKey(CONTEXT);
    const path = join(folder, 'kek-000001.json');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const again = await openLocalKeys({ folder, now });
    expect(Buffer.from(await again.unwrap(wrapped, CONTEXT))).toEqual(Buffer.from(key));
  });

  it('is refused where others may read it, and where it is damaged, without quoting it', async () => {
    const folder = newFolder();
    const keys = await openLocalKeys({ folder, now });
    await keys.newest(CONTEXT);
    const path = join(folder, 'kek-000001.json');
    chmodSync(path, 0o640);
    await expect(openLocalKeys({ folder, now })).rejects.toThrow(/can be read by others/);
    chmodSync(path, 0o600);
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.slice(0, -20));
    const refusal: Error = await openLocalKeys({ folder, now }).catch((error) => error);
    expect(refusal.message).toMatch(/damaged/);
    expect(`${refusal.message} ${String(refusal.cause)}`).not.toContain(/"key":"([^"]+)"/.exec(text)?.[1]);
  });

  it('made by many at the same moment is one, and nobody’s is lost', async () => {
    const folder = newFolder();
    const all = await Promise.all(Array.from({ length: 8 }, () => openLocalKeys({ folder, now })));
    const made = await Promise.all(all.flatMap((keys) => [keys.newDataKey(CONTEXT), keys.newDataKey(CONTEXT)]));
    expect(new Set(made.map(({ wrapped }) => wrapped.kek)).size).toBe(1);
    const again = await openLocalKeys({ folder, now });
    for (const { key, wrapped } of made)
      expect(Buffer.from(await again.unwrap(wrapped, CONTEXT))).toEqual(Buffer.from(key));
  });

  it('rotated by one process serves another that had it open', async () => {
    const folder = newFolder();
    const [a, b] = [await openLocalKeys({ folder, now }), await openLocalKeys({ folder, now })];
    await a.newest(CONTEXT);
    await b.newest(CONTEXT);
    await a.rotate(CONTEXT);
    const { key, wrapped } = await a.newDataKey(CONTEXT);
    expect(Buffer.from(await b.unwrap(wrapped, CONTEXT))).toEqual(Buffer.from(key));
  });
});
