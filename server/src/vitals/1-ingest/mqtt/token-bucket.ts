/** How fast one device may talk: `perSecond` on average, `burst` at once. Time is monotonic milliseconds. */
export class TokenBucket {
  #tokens: number;
  #filledAtMs: number;
  readonly #perMs: number;
  readonly #burst: number;

  constructor(perSecond: number, burst: number, nowMs: number) {
    this.#tokens = burst;
    this.#filledAtMs = nowMs;
    this.#perMs = perSecond / 1000;
    this.#burst = burst;
  }

  /** Takes `cost` if there is one token, for what is more on credit: nothing is too dear ever to be had. */
  take(nowMs: number, cost = 1): boolean {
    this.#fill(nowMs);
    if (this.#tokens < 1) return false;
    this.#tokens -= cost;
    return true;
  }

  has(nowMs: number): boolean {
    this.#fill(nowMs);
    return this.#tokens >= 1;
  }

  #fill(nowMs: number): void {
    const passedMs = nowMs - this.#filledAtMs;
    if (passedMs <= 0) return;
    this.#tokens = Math.min(this.#burst, this.#tokens + passedMs * this.#perMs);
    this.#filledAtMs = nowMs;
  }
}
