import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecentIds } from './recent-ids.ts';

describe('the recent ids of a device', () => {
  it('are the last that were added, exactly', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '1', '-'), minLength: 1, maxLength: 64 }), {
          maxLength: 200,
        }),
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '1', '-'), minLength: 1, maxLength: 3 })),
        (added, asked) => {
          const ids = new RecentIds(8);
          for (const id of added) ids.add(id);
          const last = added.slice(-8);
          for (const id of [...added, ...asked]) expect(ids.has(id)).toBe(last.includes(id));
        },
      ),
    );
  });

  it('are told apart though their hashes are the same', () => {
    // Two FNV-1a collisions.
    for (const [a, b] of [
      ['costarring', 'liquid'],
      ['declinate', 'macallums'],
    ] as const) {
      const ids = new RecentIds(4);
      ids.add(a);
      expect(ids.has(b)).toBe(false);
      expect(ids.has(a)).toBe(true);
    }
  });

  it('do not hold what was never added, the empty id among it', () => {
    const ids = new RecentIds(4);
    expect(ids.has('')).toBe(false);
    ids.add('');
    expect(ids.has('')).toBe(false);
  });
});
