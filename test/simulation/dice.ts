import { seededRandom } from '../../server/src/simulation/random.ts';

/** Everything that is left to chance in one story; the same seed throws the same. */
export interface Dice {
  /** In [0, 1). */
  next(): number;
  chance(probability: number): boolean;
  /** A whole number, both ends included. */
  between(least: number, most: number): number;
  pick<T>(from: readonly T[]): T;
  /** Dice of its own, so that one part of a story throws the same whatever the others do. */
  own(): Dice;
}

export function dice(seed: number): Dice {
  const random = seededRandom(Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995);
  const next = () => random.next();
  const between = (least: number, most: number) => least + Math.floor(next() * (most - least + 1));
  return {
    next,
    chance: (probability) => next() < probability,
    between,
    pick: (from) => from[Math.floor(next() * from.length)] as (typeof from)[number],
    own: () => dice(between(0, 0x7fffffff)),
  };
}
