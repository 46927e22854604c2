import { syncBuiltinESMExports } from 'node:module';
import timersPromises from 'node:timers/promises';
import type { ScheduledEvent, VirtualTime } from './virtual-time.ts';

/**
 * Puts virtual time under everything that waits: Node's own timers are replaced for the whole process, so that the rooms
 * run as they are, and none has to know that it is simulated. Therefore simulations run in a process of their own.
 */
let time: VirtualTime | undefined;

/** From here on timers belong to this time; undefined: nobody may wait. */
export function useTime(next: VirtualTime | undefined): void {
  time = next;
}

class VirtualTimer {
  event: ScheduledEvent | undefined;
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
  hasRef(): boolean {
    return true;
  }
}

function needed(): VirtualTime {
  if (time === undefined) throw new Error('nothing waits outside a simulation');
  return time;
}

function startTimer(work: (...given: unknown[]) => void, ms = 0, ...given: unknown[]): VirtualTimer {
  const timer = new VirtualTimer();
  const now = needed();
  // As Node does: never sooner than the next millisecond.
  timer.event = now.after(Math.max(1, ms), now.current, () => work(...given));
  return timer;
}

function startInterval(work: (...given: unknown[]) => void, ms = 0, ...given: unknown[]): VirtualTimer {
  const timer = new VirtualTimer();
  const now = needed();
  const { current } = now;
  const again = (): void => {
    timer.event = now.after(Math.max(1, ms), current, () => {
      again();
      work(...given);
    });
  };
  again();
  return timer;
}

function startImmediate(work: (...given: unknown[]) => void, ...given: unknown[]): VirtualTimer {
  const timer = new VirtualTimer();
  const now = needed();
  timer.event = now.after(0, now.current, () => work(...given));
  return timer;
}

function stopTimer(timer: unknown): void {
  if (timer instanceof VirtualTimer && timer.event !== undefined) timer.event.isCancelled = true;
}

function sleep<T>(ms = 0, value?: T, options: { readonly signal?: AbortSignal } = {}): Promise<T | undefined> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => {
      stopTimer(timer);
      reject(signal?.reason);
    };
    const timer = startTimer(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve(value);
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

function abortAfter(ms: number): AbortSignal {
  const controller = new AbortController();
  startTimer(() => controller.abort(new DOMException('too late', 'TimeoutError')), ms);
  return controller.signal;
}

const ENDED = new DOMException('ended', 'AbortError');

export function takeOverTimers(): void {
  Object.assign(globalThis, {
    setTimeout: startTimer,
    setInterval: startInterval,
    setImmediate: startImmediate,
    clearTimeout: stopTimer,
    clearInterval: stopTimer,
    clearImmediate: stopTimer,
  });
  Object.assign(timersPromises, {
    setTimeout: sleep,
    setImmediate: <T>(value?: T) => new Promise<T | undefined>((resolve) => startImmediate(() => resolve(value))),
  });
  syncBuiltinESMExports();
  AbortSignal.timeout = abortAfter;
  // Nobody looks at the reason, and making an error for each end of a sleep takes a twentieth of all time.
  const abort = AbortController.prototype.abort;
  AbortController.prototype.abort = function (reason: unknown = ENDED) {
    abort.call(this, reason);
  };
}
