import type { LoggedReading } from '../../../ports/reading-log.ts';
import type { Segment } from './segments.ts';

/**
 * The readings of one group write, still in memory, linked to the group after it. Who reads along holds one node and
 * follows `next`; what everybody has passed is nobody's any more and goes, young, with the garbage. That is all the
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
