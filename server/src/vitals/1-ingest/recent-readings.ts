import type { AssignedReading } from '../../domain/reading.ts';
import type { AppendAsker, ReadingLog } from '../../ports/reading-log.ts';
import { RecentIds } from './recent-ids.ts';

/** Who wants a reading kept. Hears one of the two, once, and never before it has finished asking. */
export interface KeepAsker {
  kept(how: 'stored' | 'duplicate'): void;
  notKept(error: unknown): void;
}

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
   * Appends the reading unless one of its id was stored lately. The same id again while the first is still on its way
   * waits for the first and shares its fate: nothing is called a duplicate that is not durable.
   */
  keepOnce(log: Pick<ReadingLog, 'append'>, reading: AssignedReading, asker: KeepAsker): void {
    const window = this.#windowOf(reading.deviceId);
    const { id } = reading;
    if (window.stored.has(id)) {
      queueMicrotask(() => asker.kept('duplicate'));
      return;
    }
    const first = window.find(id);
    if (first !== undefined) {
      first.alsoAsked ??= [];
      first.alsoAsked.push(asker);
      return;
    }
    const onItsWay = new OnItsWay(window, id, asker);
    // Which does not answer before it returns; and what it throws over is not on its way.
    log.append(reading, onItsWay);
    window.add(onItsWay);
  }

  #windowOf(deviceId: string): DeviceWindow {
    const known = this.#devices.get(deviceId);
    if (known !== undefined) return known;
    if (this.#devices.size >= this.#devicesMax) this.#forgetOne();
    const fresh = new DeviceWindow(this.#idsPerDevice);
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

class DeviceWindow {
  readonly stored: RecentIds;
  /** On their way to the log, each with the next: one or two, unless the disk is slow. */
  #newest: OnItsWay | undefined;

  constructor(idsPerDevice: number) {
    this.stored = new RecentIds(idsPerDevice);
  }

  find(id: string): OnItsWay | undefined {
    let each = this.#newest;
    while (each !== undefined && each.id !== id) each = each.older;
    return each;
  }

  add(one: OnItsWay): void {
    one.older = this.#newest;
    this.#newest = one;
  }

  remove(one: OnItsWay): void {
    if (this.#newest === one) this.#newest = one.older;
    else {
      let each = this.#newest;
      while (each !== undefined && each.older !== one) each = each.older;
      if (each !== undefined) each.older = one.older;
    }
    one.older = undefined;
  }
}

/** A reading that the log was asked to keep. */
class OnItsWay implements AppendAsker {
  readonly id: string;
  older: OnItsWay | undefined;
  /** Who sent the same meanwhile. */
  alsoAsked: KeepAsker[] | undefined;
  readonly #window: DeviceWindow;
  readonly #asker: KeepAsker;

  constructor(window: DeviceWindow, id: string, asker: KeepAsker) {
    this.#window = window;
    this.id = id;
    this.#asker = asker;
  }

  stored(): void {
    this.#window.remove(this);
    this.#window.stored.add(this.id);
    try {
      this.#asker.kept('stored');
    } finally {
      for (const also of this.alsoAsked ?? []) also.kept('duplicate');
    }
  }

  refused(error: unknown): void {
    this.#window.remove(this);
    try {
      this.#asker.notKept(error);
    } finally {
      for (const also of this.alsoAsked ?? []) also.notKept(error);
    }
  }
}
