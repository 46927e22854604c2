/** A call that may be wanted more often than it is worth carrying out. */
export interface Paced {
  (): void;
  /** Nothing is called any more. */
  stop(): void;
}

/** Calls at once where the last call is `ms` ago; else then, once for all who wanted it meanwhile. */
export function atMostEvery(ms: number, call: () => void): Paced {
  let resting: NodeJS.Timeout | undefined;
  let isWanted = false;
  let isStopped = false;

  function carryOut(): void {
    isWanted = false;
    resting = setTimeout(() => {
      resting = undefined;
      if (isWanted) carryOut();
    }, ms);
    call();
  }

  const paced = () => {
    isWanted = true;
    if (resting === undefined && !isStopped) carryOut();
  };
  return Object.assign(paced, {
    stop() {
      isStopped = true;
      clearTimeout(resting);
    },
  });
}
