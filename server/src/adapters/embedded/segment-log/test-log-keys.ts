import { createHash, randomBytes } from 'node:crypto';
import type { LogKeys } from '../../../ports/log-keys.ts';

/** Keys for a test's log: the same in every process of the test, each made of its id; a new one for each `begin`. */
export function testLogKeys(): LogKeys & { readonly destroyed: Set<string> } {
  const destroyed = new Set<string>();
  const keyOf = (id: string): Uint8Array => createHash('sha256').update(id).digest();
  let current = '';
  return {
    destroyed,
    async begin(newest) {
      current = newest?.id ?? randomBytes(8).toString('hex');
    },
    current: () => ({ id: current, key: keyOf(current) }),
    find: async (id) => (destroyed.has(id) ? undefined : keyOf(id)),
    async destroy(id) {
      destroyed.add(id);
    },
  };
}
