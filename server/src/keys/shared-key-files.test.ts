import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { keptFile } from '../identity/kept-file.ts';
import { shareKeyFiles } from './shared-key-files.ts';

const root = mkdtempSync(join(tmpdir(), 'healthsync-shared-files-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let counter = 0;

function server() {
  const folder = join(root, `server-${counter++}`);
  mkdirSync(folder);
  const files = {
    name: 'authorities',
    paths: ['pki/ca.pem', 'pki/ca.key'],
    async make() {
      mkdirSync(join(folder, 'pki'));
      for (const name of ['ca.pem', 'ca.key']) writeFileSync(join(folder, 'pki', name), `${name} of ${folder}`);
    },
  };
  return { folder, files, read: (name: string) => readFileSync(join(folder, 'pki', name), 'utf8') };
}
const store = () => keptFile(join(root, `store-${counter++}`));

describe('the key files that servers have in common', () => {
  it('are those of the first server, readable to their owner only', async () => {
    const [a, b, kept] = [server(), server(), store()];
    for (const { folder, files } of [a, b, a]) await shareKeyFiles(folder, files, kept);
    expect([b.read('ca.pem'), b.read('ca.key')]).toEqual([a.read('ca.pem'), a.read('ca.key')]);
    expect(statSync(join(b.folder, 'pki/ca.key')).mode & 0o777).toBe(0o600);
  });

  it('are those that were there before the server was one of several', async () => {
    const [a, b, kept] = [server(), server(), store()];
    await a.files.make();
    const before = a.read('ca.key');
    for (const { folder, files } of [a, b]) await shareKeyFiles(folder, files, kept);
    expect([a.read('ca.key'), b.read('ca.key')]).toEqual([before, before]);
  });

  it('of another installation are refused, and nothing is changed', async () => {
    const [a, b, kept] = [server(), server(), store()];
    await shareKeyFiles(a.folder, a.files, kept);
    await b.files.make();
    const before = b.read('ca.key');
    await expect(shareKeyFiles(b.folder, b.files, kept)).rejects.toMatchObject({ code: 'data-folder-unusable' });
    expect(b.read('ca.key')).toBe(before);
  });

  it('are the same also where two servers start at one moment', async () => {
    const [a, b, kept] = [server(), server(), store()];
    // Both have found nothing when the other one is through.
    const racing = {
      ...b.files,
      async make() {
        await b.files.make();
        await shareKeyFiles(a.folder, a.files, kept);
      },
    };
    await shareKeyFiles(b.folder, racing, kept);
    expect(b.read('ca.key')).toBe(a.read('ca.key'));
  });
});
