/**
 * The server's time, as this page knows it. Ages are counted by the server's clock alone: a browser whose clock is wrong
 * must not make an old value look live.
 */
export interface ServerClock {
  /** Takes in a time the server has just sent. */
  hear(serverTimeMs: number): void;
  /** The server's time now; before anything was heard, the browser's. */
  now(): number;
  /** How far the browser's clock is ahead of the server's; 0 before anything was heard. */
  skewMs(): number;
  /** How long nothing has been heard; infinite before anything was. */
  silenceMs(): number;
}

/** As many as arrive in some ten seconds: a server whose clock was set back is followed within that time. */
const SAMPLES = 8;

/** `monotonic` never jumps (performance.now), `wall` is what the browser believes (Date.now). */
export function createServerClock(time: {
  readonly monotonic: () => number;
  readonly wall: () => number;
}): ServerClock {
  const offsets: number[] = [];
  let offset: number | undefined;
  let heardAt = Number.NEGATIVE_INFINITY;
  const now = () => (offset === undefined ? time.wall() : time.monotonic() + offset);
  return {
    hear(serverTimeMs) {
      heardAt = time.monotonic();
      offsets.push(serverTimeMs - time.monotonic());
      if (offsets.length > SAMPLES) offsets.shift();
      // The message that travelled least is the nearest to the truth.
      offset = Math.max(...offsets);
    },
    now,
    skewMs: () => (offset === undefined ? 0 : time.wall() - now()),
    silenceMs: () => time.monotonic() - heardAt,
  };
}

/** More than this and times that people write down will disagree with the record. */
export const SKEW_WARNING_MS = 2_000;
