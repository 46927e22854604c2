/**
 * The ids each device sent last, so that a resent reading is answered without being stored again. Only a shortcut:
 * what falls out of it is stored once more, and history knows it by its id.
 */
export class RecentReadings {
  readonly #devices = new Map<string, DeviceWindow>();
  readonly #devicesMax: number;
  readonly #idsPerDevice: number;

  /**
   * 32 ids of up to 64 bytes are at most 2 KiB a device. That covers everything a device may have in flight when its
   * connection breaks; 20,000 devices are twice the installation we are built for.
   */
  constructor({ devicesMax = 20_000, idsPerDevice = 32 } = {}) {
    this.#devicesMax = devicesMax;
    this.#idsPerDevice = idsPerDevice;
  }

  /**
   * Runs `store` unless this id was stored lately. The same id again while the first is still on its way waits for the
   * first and shares its fate: nothing is called a duplicate that is not durable.
   */
  once(deviceId: string, id: string, store: () => Promise<unknown>): Promise<'stored' | 'duplicate'> {
    const window = this.#windowOf(deviceId);
    if (window.ids.includes(id)) return DUPLICATE;
    const pending = window.pending.get(id);
    if (pending !== undefined) return pending.then(() => 'duplicate');

    const stored = store().then(
      () => {
        window.pending.delete(id);
        window.ids[window.next] = id;
        window.next = (window.next + 1) % this.#idsPerDevice;
        return 'stored' as const;
      },
      (error: unknown) => {
        window.pending.delete(id);
        throw error;
      },
    );
    window.pending.set(id, stored);
    return stored;
  }

  #windowOf(deviceId: string): DeviceWindow {
    const known = this.#devices.get(deviceId);
    if (known !== undefined) return known;
    if (this.#devices.size >= this.#devicesMax) this.#forgetOne();
    const fresh: DeviceWindow = { ids: [], next: 0, pending: new Map() };
    this.#devices.set(deviceId, fresh);
    return fresh;
  }

  /** The device first seen longest ago; one with readings on their way would only lose the shortcut for them. */
  #forgetOne(): void {
    for (const deviceId of this.#devices.keys()) {
      this.#devices.delete(deviceId);
      return;
    }
  }
}

interface DeviceWindow {
  readonly ids: string[];
  next: number;
  readonly pending: Map<string, Promise<'stored'>>;
}

const DUPLICATE = Promise.resolve('duplicate' as const);
