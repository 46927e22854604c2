import { RecentIds } from './recent-ids.ts';

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
    const { stored, pending } = this.#windowOf(deviceId);
    if (stored.has(id)) return DUPLICATE;
    const first = pending.find((each) => each.id === id);
    if (first !== undefined) return first.outcome.then(() => 'duplicate');

    const outcome = store().then(
      () => {
        forget(pending, id);
        stored.add(id);
        return 'stored' as const;
      },
      (error: unknown) => {
        forget(pending, id);
        throw error;
      },
    );
    pending.push({ id, outcome });
    return outcome;
  }

  #windowOf(deviceId: string): DeviceWindow {
    const known = this.#devices.get(deviceId);
    if (known !== undefined) return known;
    if (this.#devices.size >= this.#devicesMax) this.#forgetOne();
    const fresh: DeviceWindow = { stored: new RecentIds(this.#idsPerDevice), pending: [] };
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
  readonly stored: RecentIds;
  /** On their way to the log: one or two, unless the disk is slow. */
  readonly pending: { readonly id: string; readonly outcome: Promise<'stored'> }[];
}

function forget(pending: DeviceWindow['pending'], id: string): void {
  const at = pending.findIndex((each) => each.id === id);
  if (at >= 0) pending.splice(at, 1);
}

const DUPLICATE = Promise.resolve('duplicate' as const);
