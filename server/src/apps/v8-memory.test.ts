import { expect, it } from 'vitest';
import { giveBackMemory } from './v8-memory.ts';

it('gives back what nothing holds any more, and leaves no way to do so behind', () => {
  const held = Array.from({ length: 400_000 }, (_, index) => ({ index, text: `${index}` }));
  const before = process.memoryUsage().heapTotal;
  held.length = 0;
  giveBackMemory();
  expect(process.memoryUsage().heapTotal).toBeLessThan(before - 20_000_000);
  expect('gc' in globalThis).toBe(false);
});
