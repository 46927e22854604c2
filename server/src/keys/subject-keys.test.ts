import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLocalKeys } from '../adapters/embedded/local-keys.ts';
import { openLocalSubjectKeys } from '../adapters/embedded/local-subject-keys.ts';
import { DEFAULT_TENANT, type TenantId } from '../domain/ids.ts';
import type { KeyManagement } from '../ports/key-management.ts';
import { seal, unseal } from './seal.ts';
import { createSubjectKeys } from './subject-keys.ts';

const folder = mkdtempSync(join(tmpdir(), 'healthsync-subject-keys-'));
const scope = { region: 'local', tenant: DEFAULT_TENANT };
const stores: { close(): void }[] = [];
let counter = 0;
let management: KeyManagement;
beforeAll(async () => {
  management = await openLocalKeys({ folder, now: () => 1_800_000_000_000 });
});
afterAll(() => {
  for (const store of stores) store.close();
  rmSync(folder, { recursive: true, force: true });
});

async function openKeys(path = join(folder, String(counter++), 'subject-keys.sqlite')) {
  let nowMs = 1_800_000_000_000;
  const store = openLocalSubjectKeys(path);
  stores.push(store);
  const keys = createSubjectKeys({ management, store, scope, now: () => nowMs, rewrapBatch: 10 });
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { keys, store, path, pass };
}
const place = { subject: 'patient:P1', field: 'patient.identity' };

describe('the key of a patient', () => {
  it('is made once, is the same for everybody, and outlives a restart', async () => {
    const { keys, path } = await openKeys();
    const [a, b] = await Promise.all([keys.forSealing('patient:P1'), keys.forSealing('patient:P1')]);
    expect(Buffer.from(a as Uint8Array)).toEqual(Buffer.from(b as Uint8Array));
    const other = await openKeys(path);
    expect(Buffer.from((await other.keys.forOpening('patient:P1')) ?? [])).toEqual(Buffer.from(a));
    expect(await keys.forOpening('patient:nobody')).toBeUndefined();
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('once erased opens nothing, is not made again, and is in no file of the store', async () => {
    const { keys, store, path } = await openKeys();
    const sealed = seal(await keys.forSealing('patient:P1'), place, Buffer.from('Featherstone'));
    const stored = await store.find('patient:P1');
    if (stored?.kind !== 'kept') throw new Error('no key');
    const bytes = () => readdirSync(join(path, '..')).map((name) => readFileSync(join(path, '..', name)));
    expect(bytes().some((file) => file.includes(Buffer.from(stored.key.bytes)))).toBe(true);
    await keys.erase('patient:P1');
    expect(await keys.forOpening('patient:P1')).toBeUndefined();
    await expect(keys.forSealing('patient:P1')).rejects.toMatchObject({ code: 'keys-refused' });
    expect(bytes().some((file) => file.includes(Buffer.from(stored.key.bytes)))).toBe(false);
    expect(sealed.includes('Featherstone')).toBe(false);
  });

  it('erased by another process is forgotten here soon', async () => {
    const { keys, path, pass } = await openKeys();
    await keys.forSealing('patient:P1');
    await (await openKeys(path)).keys.erase('patient:P1');
    pass(30_001);
    expect(await keys.forOpening('patient:P1')).toBeUndefined();
  });

  it('goes on opening what it sealed through a rotation, which wraps every key anew', async () => {
    const { keys, store } = await openKeys();
    const subjects = Array.from({ length: 35 }, (_, i) => `patient:P${i}`);
    const sealed = seal(await keys.forSealing('patient:P1'), place, Buffer.from('Featherstone'));
    for (const subject of subjects) await keys.forSealing(subject);
    const { kek, rewrapped } = await keys.rotate();
    expect(rewrapped).toBe(35);
    expect(await store.wrappedByOthers(DEFAULT_TENANT, kek, 10)).toEqual([]);
    expect(unseal((await keys.forOpening('patient:P1')) ?? key0, place, sealed)?.toString()).toBe('Featherstone');
    expect(await store.counts()).toEqual({ kept: 35, erased: 0 });
  });
});

describe('the keys of several organisations', () => {
  it('are wrapped by a key-encryption key each, which all change with a rotation', async () => {
    const { keys, store } = await openKeys();
    const south = 'south' as TenantId;
    await keys.forSealing('patient:P1');
    const before = Buffer.from(await keys.forSealing('patient:S1', south));
    const kekOf = async (subject: string) => {
      const stored = await store.find(subject);
      return stored?.kind === 'kept' ? [stored.tenant, stored.key.kek] : [];
    };
    expect(await kekOf('patient:P1')).toEqual(['default', expect.stringMatching(/^local\/local\/default\//)]);
    const [, first] = await kekOf('patient:S1');
    expect(first).toMatch(/^local\/local\/south\//);
    await keys.rotate();
    const [, second] = await kekOf('patient:S1');
    expect(second).toMatch(/^local\/local\/south\//);
    expect(second).not.toBe(first);
    const again = createSubjectKeys({ management, store, scope, now: () => 0 });
    expect(Buffer.from((await again.forOpening('patient:S1')) ?? [])).toEqual(before);
  });

  it('follow the patient, where somebody wrote of one who was not named', async () => {
    const { store } = await openKeys();
    const tenantOf = async () => 'south' as TenantId;
    const keys = createSubjectKeys({ management, store, scope, tenantOf, now: () => 0 });
    await keys.forSealing('patient:S2');
    expect(await store.find('patient:S2')).toMatchObject({ tenant: 'south' });
  });
});

describe('many patients', () => {
  it('have their keys opened once, not again every half minute', async () => {
    const { keys: first, store } = await openKeys();
    for (let n = 0; n < 50; n += 1) await first.forSealing(`patient:P${n}`);
    let unwrapped = 0;
    let nowMs = 0;
    const counting = {
      ...management,
      unwrap: (...asked: Parameters<KeyManagement['unwrap']>) => {
        unwrapped += 1;
        return management.unwrap(...asked);
      },
    };
    const keys = createSubjectKeys({ management: counting, store, scope, now: () => nowMs });
    for (; nowMs < 300_000; nowMs += 31_000)
      await Promise.all(Array.from({ length: 50 }, (_, n) => keys.forOpening(`patient:P${n}`)));
    expect(unwrapped).toBe(50);
    await store.erase('patient:P7', 1);
    nowMs += 31_000;
    expect(await keys.forOpening('patient:P7')).toBeUndefined();
    expect(unwrapped).toBe(50);
  });
});

const key0 = Buffer.alloc(32);
