import { beforeAll, describe, expect, it } from 'vitest';
import type { TenantId } from '../domain/ids.ts';
import type { KeyManagement } from './key-management.ts';

/** What every holder of key-encryption keys must do. */
export function keyManagementContract(engine: string, open: () => Promise<KeyManagement>): void {
  describe(`${engine} as key management`, () => {
    const scope = { region: 'eu-1', tenant: 'north' as TenantId };
    const context = { ...scope, subject: 'patient:P1' };
    let keys: KeyManagement;
    beforeAll(async () => {
      keys = await open();
    });

    it('hands out data keys that are never the same, and opens each again', async () => {
      const [a, b] = [await keys.newDataKey(context), await keys.newDataKey(context)];
      expect(a.key).toHaveLength(32);
      expect(Buffer.from(a.key).equals(b.key)).toBe(false);
      expect(Buffer.from(a.wrapped.bytes).includes(Buffer.from(a.key))).toBe(false);
      expect(Buffer.from(await keys.unwrap(a.wrapped, context))).toEqual(Buffer.from(a.key));
    });

    it.each([
      ['another patient', { ...context, subject: 'patient:P2' }],
      ['another organisation', { ...context, tenant: 'south' as TenantId }],
      ['another region', { ...context, region: 'us-1' }],
    ])('opens no key for %s', async (_, foreign) => {
      const { wrapped } = await keys.newDataKey(context);
      await expect(keys.unwrap(wrapped, foreign)).rejects.toMatchObject({ code: 'keys-refused', retryable: false });
    });

    it('opens nothing that was altered by one bit', async () => {
      const { wrapped } = await keys.newDataKey(context);
      const bytes = Buffer.from(wrapped.bytes);
      bytes[bytes.length - 1] = (bytes[bytes.length - 1] as number) ^ 1;
      await expect(keys.unwrap({ ...wrapped, bytes }, context)).rejects.toMatchObject({ code: 'keys-refused' });
    });

    it('knows no key that it did not make', async () => {
      const { wrapped } = await keys.newDataKey(context);
      const kek = wrapped.kek.replace(/.$/, (last) => (last === '0' ? '9' : '0'));
      await expect(keys.unwrap({ ...wrapped, kek }, context)).rejects.toMatchObject({ code: 'keys-refused' });
    });

    it('rotates while what an older key wrapped goes on being opened, and wraps it anew', async () => {
      const { key, wrapped } = await keys.newDataKey(context);
      const kek = await keys.rotate(scope);
      expect(kek).not.toBe(wrapped.kek);
      expect(await keys.newest(scope)).toBe(kek);
      expect(Buffer.from(await keys.unwrap(wrapped, context))).toEqual(Buffer.from(key));
      const again = await keys.rewrap(wrapped, context);
      expect(again.kek).toBe(kek);
      expect(Buffer.from(await keys.unwrap(again, context))).toEqual(Buffer.from(key));
      expect((await keys.newDataKey(context)).wrapped.kek).toBe(kek);
    });
  });
}
