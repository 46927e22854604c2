import type { Machine } from './definition.ts';
import type { Fields } from './fields.ts';

/** What reading one machine needs from around it. */
export interface Reading {
  /** A state of the machine that is being read, named by this field. */
  readonly target: (of: Fields, name: string) => string | undefined;
  /** Next, or undefined for End. */
  readonly next: (of: Fields) => string | undefined;
  /** A machine inside this one: a branch, or an ItemProcessor. */
  readonly machine: (of: Fields) => Machine;
  readonly resource: (name: string, at: string) => void;
  /** Names are unique over the whole definition, States Language "States". */
  readonly names: Set<string>;
}
