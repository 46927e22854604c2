import { describe, expect, it } from 'vitest';
import { isolated } from './own-direction.ts';

describe('a name within a line', () => {
  it('stays by itself when it is written from right to left, and as it is otherwise', () => {
    expect(`${isolated('ليلى حسن')}, 22 Nov`).toBe('\u2068ليلى حسن\u2069, 22 Nov');
    expect(isolated('נועה')).toBe('\u2068נועה\u2069');
    for (const name of ['Kim Larsen', 'Søren Ångström', '李小龍', '']) expect(isolated(name)).toBe(name);
  });
});
