/** What `Frames.next` found. Numbers, because the hot path switches on it for every packet. */
export const Found = { packet: 0, incomplete: 1, tooLarge: 2, malformed: 3 } as const;
export type Found = (typeof Found)[keyof typeof Found];

const EMPTY = Buffer.alloc(0);

/**
 * Cuts the byte stream into packets (fixed header: MQTT 2.1 in v5, 2.2 in 3.1.1). In the usual case, whole packets in
 * one chunk, nothing is copied and nothing is kept. The chunk is its sender's, who may use it again after `settle`.
 */
export class Frames {
  /** The packet last found: its first byte, and its body as `bytes[bodyStart, bodyEnd)`. Valid until the next call. */
  first = 0;
  bodyStart = 0;
  bodyEnd = 0;
  bytes: Buffer = EMPTY;
  /** Its length was written in more bytes than needed: malformed in v5 (MQTT-1.5.5-1), allowed in 3.1.1. */
  isPadded = false;
  #position = 0;
  #filled = 0;
  #packetStart = 0;
  /** Whether `bytes` is our own buffer, or the chunk that is being read. */
  #isOurs = false;

  /** `chunk[start, end)` has arrived. */
  push(chunk: Buffer, start = 0, end = chunk.length): void {
    const waiting = this.#filled - this.#position;
    if (waiting > 0) {
      this.#append(chunk, start, end, waiting);
      return;
    }
    this.bytes = chunk;
    this.#isOurs = false;
    this.#position = start;
    this.#filled = end;
  }

  /** What is left of the chunk is copied; the chunk itself is let go. */
  settle(): void {
    if (this.#isOurs) return;
    const waiting = this.#filled - this.#position;
    if (waiting > 0) this.#append(EMPTY, 0, 0, waiting);
    else this.#letGo();
  }

  /** The first byte of what waits to be found; `undefined` if nothing does. */
  get upcoming(): number | undefined {
    return this.#position < this.#filled ? this.bytes[this.#position] : undefined;
  }

  /** `sizeMax` counts the whole packet, fixed header included, as v5's Maximum Packet Size does. */
  next(sizeMax: number): Found {
    const bytes = this.bytes;
    const start = this.#position;
    const filled = this.#filled;
    if (start === filled) {
      this.#letGo();
      return Found.incomplete;
    }
    let at = start + 1;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      if (shift === 28) return Found.malformed;
      if (at >= filled) return Found.incomplete;
      const byte = bytes[at++] as number;
      length += (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.isPadded = byte === 0 && shift > 0;
        break;
      }
    }
    if (at - start + length > sizeMax) return Found.tooLarge;
    if (at + length > filled) return Found.incomplete;
    this.first = bytes[start] as number;
    this.bodyStart = at;
    this.bodyEnd = at + length;
    this.#packetStart = start;
    this.#position = this.bodyEnd;
    return Found.packet;
  }

  /** Puts the packet last found back, to be found again: its sender has to wait. */
  putBack(): void {
    this.#position = this.#packetStart;
  }

  /** Grows by doubling: a packet dripped byte by byte costs linear time, and memory only for what was really sent. */
  #append(chunk: Buffer, start: number, end: number, waiting: number): void {
    const length = end - start;
    if (this.#filled + length > this.bytes.length || !this.#isOurs) {
      const grown = Buffer.allocUnsafeSlow(Math.max(256, 2 * (waiting + length)));
      this.bytes.copy(grown, 0, this.#position, this.#filled);
      this.bytes = grown;
      this.#isOurs = true;
      this.#position = 0;
      this.#filled = waiting;
    }
    chunk.copy(this.bytes, this.#filled, start, end);
    this.#filled += length;
  }

  /** Nothing waits: ten thousand idle sessions would hold a buffer each. */
  #letGo(): void {
    this.bytes = EMPTY;
    this.#isOurs = false;
    this.#position = 0;
    this.#filled = 0;
  }
}
