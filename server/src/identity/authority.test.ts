import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AUTHORITY_FILES, openAuthorities } from './authority.ts';
import { hasOpenssl } from './test-openssl.ts';

const now = () => Date.parse('2026-11-22T03:00:00Z');
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'healthsync-authority-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));
const pki = () => join(folder, 'data', 'pki');
const open = () => openAuthorities({ folder: pki(), now });

describe('the authorities', () => {
  it('are made at first start and are the same ever after', async () => {
    const first = await open();
    const second = await open();
    expect(second.devices.certificatePem).toBe(first.devices.certificatePem);
    expect(second.servers.certificatePem).toBe(first.servers.certificatePem);
    expect(first.devices.certificatePem).not.toBe(first.servers.certificatePem);
  });

  it('are readable to their owner only, whatever the umask', async () => {
    const before = process.umask(0);
    try {
      await open();
    } finally {
      process.umask(before);
    }
    expect((await stat(pki())).mode & 0o777).toBe(0o700);
    for (const name of AUTHORITY_FILES) expect((await stat(join(pki(), name))).mode & 0o777).toBe(0o600);
  });

  it('are one pair, though many processes start at once', async () => {
    const all = await Promise.all(Array.from({ length: 6 }, open));
    expect(new Set(all.map((each) => each.devices.certificatePem)).size).toBe(1);
    expect(await readdir(join(folder, 'data'))).toEqual(['pki']);
  });

  it.skipIf(!hasOpenssl)('verify under openssl as authorities that sign for nobody who signs', async () => {
    await open();
    const { stdout } = await promisify(execFile)('openssl', [
      'x509',
      '-in',
      join(pki(), 'device-ca.pem'),
      '-noout',
      '-text',
    ]);
    expect(stdout).toMatch(/CA:TRUE, pathlen:0/);
    expect(stdout).toMatch(/Certificate Sign, CRL Sign/);
    expect(stdout).toMatch(/prime256v1/);
    expect(stdout).toMatch(/Not After : Nov 21 .* 2036/);
  });
});

describe('a folder that was damaged', () => {
  it.each(AUTHORITY_FILES)('is refused without %s, named, and not completed', async (name) => {
    await open();
    await rm(join(pki(), name));
    await expect(open()).rejects.toMatchObject({
      code: 'data-folder-unusable',
      message: expect.stringContaining(`${name} is missing`),
    });
    expect(await readdir(pki())).toHaveLength(3);
  });

  it('is refused with a key of another authority', async () => {
    await open();
    await writeFile(join(pki(), 'device-ca.key'), await readFile(join(pki(), 'server-ca.key')));
    await expect(open()).rejects.toMatchObject({ message: expect.stringContaining('do not belong together') });
  });

  it('is refused with a key that is cut short', async () => {
    await open();
    const key = await readFile(join(pki(), 'device-ca.key'), 'utf8');
    await writeFile(join(pki(), 'device-ca.key'), key.slice(0, 80));
    await expect(open()).rejects.toMatchObject({ code: 'data-folder-unusable' });
  });

  it('is refused when only other files are left in it', async () => {
    await mkdir(pki(), { recursive: true });
    await writeFile(join(pki(), 'server.pem'), '');
    await expect(open()).rejects.toMatchObject({ message: expect.stringContaining('no authority') });
  });

  it('is filled when it is empty', async () => {
    await mkdir(pki(), { recursive: true });
    await open();
    expect(await readdir(pki())).toHaveLength(4);
  });

  it.skipIf(process.getuid?.() === 0)('is refused with a plain reason when it may not be read', async () => {
    await open();
    await chmod(join(pki(), 'device-ca.key'), 0);
    await expect(open()).rejects.toMatchObject({ message: expect.stringContaining('may not read') });
  });
});
