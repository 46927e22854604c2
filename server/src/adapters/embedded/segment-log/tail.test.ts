import { describe, expect, it } from 'vitest';
import { cutOff, type TailNode } from './tail.ts';

/** Groups of ten readings each, linked in order. */
function chain(length: number): readonly TailNode[] {
  const nodes = Array.from(
    { length },
    (_, i): TailNode => ({ records: [], segment: undefined, position: 0, countAfter: 10 * i, next: undefined }),
  );
  nodes.forEach((node, i) => {
    node.next = nodes[i + 1];
  });
  return nodes;
}

describe('what everybody has passed', () => {
  it('leads to nothing any more, and from the slowest on everything is there', () => {
    const nodes = chain(5);
    const [first, , third] = nodes as [TailNode, TailNode, TailNode];
    expect(cutOff(first, third.countAfter)).toBe(third);
    expect(nodes.map(({ next }) => next !== undefined)).toEqual([false, false, true, true, false]);
  });
  it('is nothing where the slowest stands at the oldest', () => {
    const nodes = chain(3);
    const [first] = nodes as [TailNode];
    expect(cutOff(first, first.countAfter)).toBe(first);
    expect(first.next).toBe(nodes[1]);
  });
  it('never goes beyond the newest, to which the next group will be linked', () => {
    const nodes = chain(3);
    expect(cutOff(nodes[0] as TailNode, Number.POSITIVE_INFINITY)).toBe(nodes[2]);
  });
});
