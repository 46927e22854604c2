import type { LoggedReading } from '../../../ports/reading-log.ts';
import type { Segment } from './segments.ts';

/**
 * The readings of one group write, still in memory, linked to the group after it. Who reads along holds one node and
 * follows `next`; what everybody has passed is cut off (`cutOff`) and goes, young, with the garbage. That is all the
 * memory the tail takes, and `LogReader.checkLag` bounds it.
 */
export interface TailNode {
  readonly records: readonly LoggedReading[];
  /** Where the group begins in the files, for who falls behind. */
  readonly segment: Segment | undefined;
  readonly position: number;
  /** Readings made durable by this process up to and with this group. */
  readonly countAfter: number;
  next: TailNode | undefined;
}

/**
 * Ends the links of all nodes before the one that counts `passed`, beginning with `oldest`; answers which is the oldest now.
 *
 * Nobody looks at them any more, and still it matters: one that has grown old is collected only now and then, and until
 * then would keep alive, through every collection of young garbage, whatever it leads to: all the readings since.
 */
export function cutOff(oldest: TailNode, passed: number): TailNode {
  let node = oldest;
  while (node.countAfter < passed && node.next !== undefined) {
    const { next } = node;
    node.next = undefined;
    node = next;
  }
  return node;
}
