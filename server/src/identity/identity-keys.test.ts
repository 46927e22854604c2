import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openIdentityKeys, rotateSigningKeys } from './identity-keys.ts';
import { keptFile } from './kept-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'healthsync-identity-keys-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let counter = 0;
const START = 1_800_000_000_000;
const DAY_MS = 86_400_000;
const fresh = () => keptFile(join(folder, `${counter++}`, 'keys.json'));
const at = (nowMs: number) => () => nowMs;
const kids = (keys: Awaited<ReturnType<typeof openIdentityKeys>>) => keys.signing.map(({ jwk }) => jwk.kid);

describe('the keys behind signing in', () => {
  it('are made once and the same for every server that has them in common', async () => {
    const kept = fresh();
    const both = await Promise.all([openIdentityKeys(kept, at(START)), openIdentityKeys(kept, at(START))]);
    const again = await openIdentityKeys(kept, at(START + DAY_MS));
    expect(again).toEqual(await openIdentityKeys(kept, at(START + 2 * DAY_MS)));
    expect(both.some((keys) => kids(keys).join() === kids(again).join())).toBe(true);
  });

  it('rotate without a gap: the new ones are shown before they sign, the old ones after', async () => {
    const kept = fresh();
    const before = await openIdentityKeys(kept, at(START));
    const published = await rotateSigningKeys(kept, { now: at(START + DAY_MS), isCompromised: false });
    expect(published.signing).toHaveLength(4);
    // Who signs is the first of its kind: still the old ones.
    expect(kids(published).slice(0, 2)).toEqual(kids(before));
    const signing = await openIdentityKeys(kept, at(START + DAY_MS + 10 * 60_000));
    expect(kids(signing).slice(2)).toEqual(kids(before));
    expect(signing.seal).toEqual(before.seal);
  });

  it('are replaced when their time has come, and vouch no longer than they must', async () => {
    const kept = fresh();
    const first = await openIdentityKeys(kept, at(START));
    const second = await openIdentityKeys(kept, at(START + 91 * DAY_MS));
    expect(kids(second)).toEqual(expect.arrayContaining([...kids(first)]));
    const third = await openIdentityKeys(kept, at(START + 182 * DAY_MS));
    for (const kid of kids(first)) expect(kids(third)).not.toContain(kid);
  });

  it('once compromised are gone at once', async () => {
    const kept = fresh();
    const before = await openIdentityKeys(kept, at(START));
    const after = await rotateSigningKeys(kept, { now: at(START + 1), isCompromised: true });
    expect(after.signing).toHaveLength(2);
    for (const kid of kids(before)) expect(kids(after)).not.toContain(kid);
  });

  it('that cannot be used are said, never replaced', async () => {
    const path = join(folder, 'damaged.json');
    writeFileSync(path, '{"seal":"x"}');
    await expect(openIdentityKeys(keptFile(path), at(START))).rejects.toMatchObject({ code: 'data-folder-unusable' });
    await expect(openIdentityKeys(keptFile(folder), at(START))).rejects.toMatchObject({ code: 'data-folder-unusable' });
  });
});
