/** Work that is done again and again, one round after the other, until it is stopped. */
export interface Repeating {
  /** There may be something to do: the next round begins at once, or right after the present one. */
  wake(): void;
  /** No round begins any more; waits for the present one. */
  stop(): Promise<void>;
}

/** The first round comes after `repeat` has returned. A round that fails is told, and the next comes. */
export function repeat(
  work: () => Promise<void>,
  options: {
    readonly everyMs: number;
    /** How much later the second round comes: what is begun together would ask the database together ever after. */
    readonly asideMs?: number;
    readonly onError: (error: unknown) => void;
  },
): Repeating {
  let isStopped = false;
  let isAwake = false;
  let rouse = (): void => {};

  async function run(): Promise<void> {
    // What follows runs once whoever called has what it returned.
    await Promise.resolve();
    let asideMs = options.asideMs ?? 0;
    while (!isStopped) {
      isAwake = false;
      await work().catch(options.onError);
      if (isAwake) continue;
      await sleep(options.everyMs + asideMs);
      asideMs = 0;
    }
  }

  function sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      rouse = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  function wake(): void {
    isAwake = true;
    rouse();
  }

  const running = run();
  return {
    wake,
    async stop() {
      isStopped = true;
      wake();
      await running;
    },
  };
}
