import { availableParallelism } from 'node:os';
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

type Collect = (how: { readonly type: 'major'; readonly flavor: 'last-resort' }) => void;

/**
 * Leaves a processor to the devices while V8 looks through its memory, which it otherwise does on four threads at once:
 * on two processors a tenth of a second in which everybody waits, each half minute or so.
 */
export function collectBehindDevices(): void {
  const helpers = Math.max(1, Math.min(HELPERS_MAX, availableParallelism() - 1));
  setFlagsFromString(`--concurrent-marking-max-worker-num=${helpers}`);
}

/** As many threads has Node for V8. */
const HELPERS_MAX = 4;
