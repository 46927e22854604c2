/** Does something again and again, one after the other, until it is stopped. A round that fails is told, and the next comes. */
export function repeat(
  work: () => Promise<void>,
  options: { readonly everyMs: number; readonly onError: (error: unknown) => void },
): { readonly stop: () => Promise<void> } {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let running: Promise<void> = Promise.resolve();

  function round(): void {
    running = work()
      .catch(options.onError)
      .finally(() => {
        if (!isStopped) timer = setTimeout(round, options.everyMs);
      });
  }
  timer = setTimeout(round, 0);
  return {
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
