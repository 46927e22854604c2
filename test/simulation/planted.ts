import type { World } from './world.ts';

/** A bug put in on purpose, around a port: to know that the simulator would find it. */
export interface Planted {
  readonly name: string;
  /** In place of what a call to the database does. */
  readonly around?: (call: {
    readonly what: string;
    readonly given: readonly unknown[];
    readonly execute: () => Promise<unknown>;
    readonly world: World;
  }) => Promise<unknown>;
  readonly forgetsEscalation?: boolean;
}
