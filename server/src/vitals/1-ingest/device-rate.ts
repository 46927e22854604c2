/**
 * As how many readings something counts that has so many bytes. A hostile reading of 64 KiB is as much work as a hundred
 * plain ones; a vendor's list of observations, of a few KiB, is one or two.
 */
export function workOf(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / READING_BYTES));
}
const READING_BYTES = 4 * 1024;

/** How much each device may do: `perSecond` on average and `burst` at once, counted per device. */
export class DeviceRate {
  readonly #perMs: number;
  readonly #burst: number;
  readonly #devicesMax: number;
  readonly #devices = new Map<string, { left: number; atMs: number }>();

  /** 20,000 devices: twice the installation we are built for. */
  constructor({ perSecond, burst, devicesMax = 20_000 }: DeviceRateOptions) {
    this.#perMs = perSecond / 1000;
    this.#burst = burst;
    this.#devicesMax = devicesMax;
  }

  /** Takes `count` and answers 0, or takes nothing and answers after how many ms that many may be had. */
  take(deviceId: string, count: number, nowMs: number): number {
    const bucket = this.#bucketOf(deviceId, nowMs);
    // A clock set back must not stop a device for as long as it was set back.
    bucket.left = Math.min(this.#burst, bucket.left + Math.max(0, nowMs - bucket.atMs) * this.#perMs);
    bucket.atMs = nowMs;
    if (bucket.left >= count) {
      bucket.left -= count;
      return 0;
    }
    return Math.ceil((count - bucket.left) / this.#perMs);
  }

  #bucketOf(deviceId: string, nowMs: number): { left: number; atMs: number } {
    const known = this.#devices.get(deviceId);
    if (known !== undefined) return known;
    if (this.#devices.size >= this.#devicesMax) {
      const [oldest] = this.#devices.keys();
      if (oldest !== undefined) this.#devices.delete(oldest);
    }
    const full = { left: this.#burst, atMs: nowMs };
    this.#devices.set(deviceId, full);
    return full;
  }
}

export interface DeviceRateOptions {
  readonly perSecond: number;
  readonly burst: number;
  readonly devicesMax?: number;
}
