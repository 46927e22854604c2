import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_TENANT, type TenantId } from '../domain/ids.ts';
import type { WrappedKey } from './key-management.ts';
import type { SubjectKeyStore } from './subject-keys.ts';

/** What every store of wrapped data keys must do. `open` answers a fresh one, and the way to open the same again. */
export function subjectKeysContract(
  engine: string,
  open: () => Promise<{ readonly store: SubjectKeyStore; readonly again: () => SubjectKeyStore; close(): void }>,
): void {
  describe(`${engine} as a store of wrapped keys`, () => {
    let opened: Awaited<ReturnType<typeof open>>;
    let store: SubjectKeyStore;
    beforeEach(async () => {
      opened = await open();
      store = opened.store;
    });
    afterEach(() => opened.close());
    const wrapped = (byte: number, kek = 'kek/1'): WrappedKey => ({ kek, bytes: Buffer.alloc(60, byte) });
    const tenant = DEFAULT_TENANT;
    const put = (subject: string, key: WrappedKey, atMs = 1_000, of = tenant, into = store) =>
      into.putIfNone(subject, { key, tenant: of }, atMs);
    const bytesOf = async (subject: string) => {
      const found = await store.find(subject);
      return found?.kind === 'kept' ? [found.key.kek, Buffer.from(found.key.bytes)] : found;
    };

    it('keeps the first key of a subject, whoever comes second', async () => {
      expect(await store.find('patient:P1')).toBeUndefined();
      await put('patient:P1', wrapped(1));
      const second = await put('patient:P1', wrapped(2), 2_000, tenant, opened.again());
      expect(second.kind === 'kept' && Buffer.from(second.key.bytes)).toEqual(Buffer.alloc(60, 1));
      expect(await bytesOf('patient:P1')).toEqual(['kek/1', Buffer.alloc(60, 1)]);
    });

    it('erases for good: what was erased is known as erased, and gets no key again', async () => {
      await put('patient:P1', wrapped(1));
      expect(await store.erase('patient:P1', 5_000)).toEqual({ kind: 'erased', atMs: 5_000 });
      expect(await store.erase('patient:P1', 9_000)).toEqual({ kind: 'erased', atMs: 5_000 });
      expect(await put('patient:P1', wrapped(2), 9_500)).toEqual({ kind: 'erased', atMs: 5_000 });
      await store.erase('patient:never', 6_000);
      expect([...(await opened.again().erased())].sort()).toEqual(['patient:P1', 'patient:never']);
      expect(await store.counts()).toEqual({ kept: 0, erased: 2 });
    });

    it('removes what never comes again without a trace', async () => {
      await put('log:1', wrapped(1));
      await store.remove('log:1');
      expect(await store.find('log:1')).toBeUndefined();
      expect(await store.erased()).toEqual([]);
      expect(await store.counts()).toEqual({ kept: 0, erased: 0 });
    });

    it('wraps anew what is as it was read, and leaves alone what was erased or wrapped meanwhile', async () => {
      for (const n of [1, 2, 3]) await put(`patient:P${n}`, wrapped(n));
      await put('patient:P4', wrapped(4, 'kek/2'));
      await put('patient:S1', wrapped(5), 1_000, 'south' as TenantId);
      const batch = await store.wrappedByOthers(tenant, 'kek/2', 2);
      expect(batch).toHaveLength(2);
      const others = await store.wrappedByOthers(tenant, 'kek/2', 10);
      expect(others.map(({ subject }) => subject).sort()).toEqual(['patient:P1', 'patient:P2', 'patient:P3']);
      await store.erase('patient:P1', 5_000);
      await store.rewrap([{ subject: 'patient:P2', before: wrapped(2), after: wrapped(22, 'kek/2') }]);
      await store.rewrap([...others.map(({ subject, key }) => ({ subject, before: key, after: wrapped(9, 'kek/2') }))]);
      expect(await bytesOf('patient:P1')).toEqual({ kind: 'erased', atMs: 5_000 });
      expect(await bytesOf('patient:P2')).toEqual(['kek/2', Buffer.alloc(60, 22)]);
      expect(await bytesOf('patient:P3')).toEqual(['kek/2', Buffer.alloc(60, 9)]);
      expect(await store.wrappedByOthers(tenant, 'kek/2', 10)).toEqual([]);
      const south = await store.wrappedByOthers('south' as TenantId, 'kek/2', 10);
      expect(south.map(({ subject }) => subject)).toEqual(['patient:S1']);
      expect([...(await store.tenants())].sort()).toEqual([tenant, 'south']);
    });
  });
}
