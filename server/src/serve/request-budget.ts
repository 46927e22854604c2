/** Requests a minute, as installed. */
export const REQUESTS_PER_MINUTE = {
  /** 200 a second: a house of walls and people behind one address stays below. */
  address: 12_000,
  /** 100 a second is a busy interface to another system. */
  caller: 6_000,
  /** Wrong secrets of devices from one address: a ward's devices whose tokens have just ended, each once or twice. */
  deviceGuess: 60,
} as const;

/** A bucket per key that refills evenly and holds a minute's worth. Counted in whole 1/60,000 of a request: exact. */
export class RequestBudget {
  readonly #perMinute: number;
  readonly #keysMax: number;
  readonly #buckets = new Map<string, { left: number; atMs: number }>();

  /** 20,000 keys are about 3 MB; whoever was unseen longest gives way, and begins anew. */
  constructor({ perMinute, keysMax = 20_000 }: { readonly perMinute: number; readonly keysMax?: number }) {
    this.#perMinute = perMinute;
    this.#keysMax = keysMax;
  }

  /** Takes `cost` and answers 0, or takes nothing and answers after how many ms that much may be had. */
  take(key: string, cost: number, nowMs: number): number {
    const known = this.#buckets.get(key);
    const full = this.#perMinute * MINUTE_MS;
    // A clock set back must not stop a caller for as long as it was set back.
    const passedMs = known === undefined ? MINUTE_MS : Math.max(0, nowMs - known.atMs);
    const left = Math.min(full, (known?.left ?? 0) + passedMs * this.#perMinute);
    const wanted = cost * MINUTE_MS;
    const isEnough = left >= wanted;
    this.#buckets.delete(key); // the longest unseen comes first, and goes first
    this.#buckets.set(key, { left: isEnough ? left - wanted : left, atMs: nowMs });
    if (this.#buckets.size > this.#keysMax) this.#buckets.delete(this.#buckets.keys().next().value as string);
    return isEnough ? 0 : Math.ceil((wanted - left) / this.#perMinute);
  }
}

const MINUTE_MS = 60_000;
