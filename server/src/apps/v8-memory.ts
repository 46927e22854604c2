import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Has V8 give back what loading took: some two thousand modules fill its young generation, and a server that has little
 * to do afterwards makes it look again only hours later. About 50 MiB, for some tenths of a second in which nothing else
 * runs: before anybody can connect.
 */
export function giveBackMemory(): void {
  // V8 has no other name for this than the one its tests use.
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('globalThis.gc') as Collect | undefined;
  setFlagsFromString('--no-expose-gc');
  collect?.({ type: 'major', flavor: 'last-resort' });
}

/**
 * Has V8 look through all of its memory when that has doubled. Left to itself it waits for some 8 MiB more, and counts the
 * bytes of messages and of the log among them, which are gone with the next look at what is young: at 20,000 readings a
 * second that was every other second, for nothing. A V8 that no longer knows the flag says so on stderr, and goes on.
 */
export function letMemoryDouble(): void {
  setFlagsFromString('--heap-growing-percent=100');
}

type Collect = (how: { readonly type: 'major'; readonly flavor: 'last-resort' }) => void;
