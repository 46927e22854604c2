import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../adapters/postgres/test-database.ts';
import type { PatientId } from '../domain/ids.ts';
import { openKeys } from './open-keys.ts';

const root = mkdtempSync(join(tmpdir(), 'healthsync-key-store-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const P1 = 'P1' as PatientId;
const NAME = { familyName: 'Featherstone' };
let data: TestDatabase;
let keysOnly: TestDatabase;
beforeAll(async () => {
  data = await openTestDatabase();
  keysOnly = await openTestDatabase();
});

function urlOf({ address }: TestDatabase): string {
  if ('url' in address) return address.url;
  const { user, host, port, database } = address;
  return `postgresql://${user}@localhost/${database}?host=${encodeURIComponent(host)}&port=${port}`;
}
const open = (server: string, more: { keyStore: 'file' | 'database'; keyStoreUrl?: string }) =>
  openKeys(
    {
      dataFolder: join(root, server),
      keyManagement: 'file',
      keyFolder: join(root, 'shared-kek'),
      region: 'local',
      ...more,
    },
    data,
    Date.now,
  );
const subjectsIn = async ({ pool }: TestDatabase) =>
  (await pool.query<{ subject: string }>('select subject from subject_key where key is not null order by 1')).rows.map(
    ({ subject }) => subject,
  );

describe('the keys of a server that becomes one of several', () => {
  it('are taken along into the database for keys, and are in no file and not in the data’s database', async () => {
    const alone = await open('first', { keyStore: 'file' });
    const { sealed } = await alone.identities.seal(P1, NAME);
    const secret = await alone.houseSeal.seal('somewhere', 'a secret');
    await alone.close();
    const stored = { keyStore: 'database', keyStoreUrl: urlOf(keysOnly) } as const;
    const shared = await open('first', stored);
    expect(await shared.identities.open(P1, sealed)).toEqual(NAME);
    expect(existsSync(join(root, 'first', 'keys', 'subject-keys.sqlite'))).toBe(false);
    expect(await subjectsIn(keysOnly)).toEqual(['house:secrets', 'patient:P1']);
    expect(await subjectsIn(data)).toEqual([]);

    const other = await open('second', stored);
    expect(await other.identities.open(P1, sealed)).toEqual(NAME);
    expect(await other.houseSeal.open('somewhere', secret)).toBe('a secret');
    await shared.subjects.erase('patient:P1');
    await other.close();
    const again = await open('second', stored);
    expect(await again.identities.open(P1, sealed)).toBeUndefined();
    await again.close();
    await shared.close();
  });

  it('are refused where they are another installation’s', async () => {
    const stranger = await open('stranger', { keyStore: 'file' });
    await stranger.houseSeal.seal('somewhere', 'of another house');
    await stranger.close();
    await expect(open('stranger', { keyStore: 'database', keyStoreUrl: urlOf(keysOnly) })).rejects.toMatchObject({
      code: 'data-folder-unusable',
      message: expect.stringMatching(/another installation/),
    });
    expect(existsSync(join(root, 'stranger', 'keys', 'subject-keys.sqlite'))).toBe(true);
  });
});
