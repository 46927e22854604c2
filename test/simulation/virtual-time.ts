/**
 * Time that passes only when everything that could happen now has happened. Each event belongs to a life (one run of a
 * process) or to the world outside; what it sets going (timers, answers) belongs to the same, so that a life can be ended
 * or frozen as a whole, with everything it was waiting for.
 */
export class VirtualTime {
  nowMs: number;
  /** Whose event is being handled; undefined: the world's. */
  current: Life | undefined;
  /** Thrown by an event itself: a defect of the program or of the simulation. */
  readonly thrown: unknown[] = [];
  events = 0;
  readonly #queue: Event[] = [];
  #sequence = 0;

  constructor(startMs: number) {
    this.nowMs = startMs;
  }

  after(ms: number, life: Life | undefined, run: () => void): Event {
    const event: Event = {
      atMs: this.nowMs + Math.max(ms, 0),
      sequence: this.#sequence++,
      life,
      run,
      isCancelled: false,
    };
    this.#push(event);
    return event;
  }

  /** Handles events until there is none before `untilMs`, or `isOver` says so. */
  run(untilMs: number, isOver: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const step = (): void => {
        const event = this.#next(untilMs);
        if (event === undefined || isOver()) {
          this.current = undefined;
          resolve();
          return;
        }
        this.nowMs = event.atMs;
        this.current = event.life;
        this.events++;
        try {
          event.run();
        } catch (error) {
          this.thrown.push(error);
        }
        void drained.then(afterMicrotasks);
      };
      // A tick queued from a microtask comes once no microtask is left: everything this event set going has settled.
      const afterMicrotasks = (): void => process.nextTick(step);
      const drained = Promise.resolve();
      process.nextTick(step);
    });
  }

  #next(untilMs: number): Event | undefined {
    for (;;) {
      const event = this.#queue[0];
      if (event === undefined || event.atMs > untilMs) return undefined;
      this.#pop();
      if (event.isCancelled || event.life?.isOver === true) continue;
      const frozenUntilMs = event.life?.frozenUntilMs ?? 0;
      if (frozenUntilMs <= event.atMs) return event;
      // In the order in which it would have come.
      this.#push({ ...event, atMs: frozenUntilMs, run: () => !event.isCancelled && event.run() });
    }
  }

  #push(event: Event): void {
    const queue = this.#queue;
    let at = queue.length;
    queue.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, queue[parent] as Event)) break;
      queue[at] = queue[parent] as Event;
      at = parent;
    }
    queue[at] = event;
  }

  #pop(): void {
    const queue = this.#queue;
    const last = queue.pop() as Event;
    if (queue.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= queue.length) break;
      if (child + 1 < queue.length && isBefore(queue[child + 1] as Event, queue[child] as Event)) child++;
      if (!isBefore(queue[child] as Event, last)) break;
      queue[at] = queue[child] as Event;
      at = child;
    }
    queue[at] = last;
  }
}

/** One run of a process, from its start until it is stopped or killed. */
export interface Life {
  readonly name: string;
  isOver: boolean;
  /** Nothing of it happens until then: a long pause of its machine. */
  frozenUntilMs: number;
  /** By how much its clock is ahead of the true time. */
  clockAheadMs: number;
}

interface Event {
  readonly atMs: number;
  readonly sequence: number;
  readonly life: Life | undefined;
  readonly run: () => void;
  isCancelled: boolean;
}

export type { Event as ScheduledEvent };

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);
}
