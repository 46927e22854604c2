/** A QoS 1 or 2 message that is not acknowledged yet. */
export interface PendingAck {
  readonly packetId: number;
  readonly qos: 0 | 1 | 2;
  /** `undefined` while it is with the log; `NEVER` if it must not be acknowledged. */
  reason: number | undefined;
  text: string | undefined;
  /** The one that was received after it. */
  next: PendingAck | undefined;
}

/** `PendingAck.reason` of a message that was not stored: it, and all after it, stay unacknowledged. */
export const NEVER = -1;

/**
 * What is to be acknowledged, in the order received (MQTT-4.6.0-2, -3). Each leads to the next, because an array that is
 * emptied after every reading is made anew for every reading.
 */
export class PendingAcks {
  length = 0;
  #first: PendingAck | undefined;
  #last: PendingAck | undefined;

  push(ack: PendingAck): void {
    if (this.#last === undefined) this.#first = ack;
    else this.#last.next = ack;
    this.#last = ack;
    this.length += 1;
  }

  has(packetId: number): boolean {
    for (let each = this.#first; each !== undefined; each = each.next) if (each.packetId === packetId) return true;
    return false;
  }

  /** Takes the oldest, if it is ready to be acknowledged. */
  takeReady(): PendingAck | undefined {
    const first = this.#first;
    if (first === undefined || (first.reason ?? NEVER) === NEVER) return undefined;
    this.#first = first.next;
    if (this.#first === undefined) this.#last = undefined;
    this.length -= 1;
    // Whoever is kept by the collector for a while must not keep all that came after it.
    first.next = undefined;
    return first;
  }

  clear(): void {
    this.length = 0;
    this.#first = undefined;
    this.#last = undefined;
  }
}
