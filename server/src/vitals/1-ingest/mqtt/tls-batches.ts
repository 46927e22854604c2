/**
 * What the thread of the sockets and the main thread tell each other: many small things at once, as bytes, because a
 * message of its own for each would cost more than what is in it.
 *
 * One after the other: connection (4 bytes), what it is (1 byte), length (4 bytes), so many bytes. Big endian.
 */

/** What the thread says of a connection. */
export const Said = {
  /** Its handshake is done; the bytes are an `Opened` as JSON. The first that is said of it. */
  opened: 1,
  bytes: 2,
  /** The last that is said of it. */
  closed: 3,
  /** It does not read what was sent to it. */
  behind: 4,
  /** A handshake failed; the bytes are a `Refused` as JSON. Of no connection: 0. */
  refused: 5,
  /** There was no room for another. Of no connection: 0. */
  full: 6,
} as const;

/** What the thread is told to do with a connection. One that is closed meanwhile is passed over. */
export const Told = { write: 1, end: 2, destroy: 3, pause: 4, resume: 5 } as const;

/** As much is handed over at once, however much of a round of the event loop is still to come. */
export const BATCH_BYTES_MAX = 256 * 1024;

const HEAD_BYTES = 9;
const NOTHING = Buffer.alloc(0);

export class BatchWriter {
  #buffer = Buffer.allocUnsafeSlow(64 * 1024);
  #end = 0;

  /** How many bytes wait to be taken. */
  get size(): number {
    return this.#end;
  }

  /** The first `length` of `bytes` are copied. */
  add(connection: number, what: number, bytes: Buffer = NOTHING, length = bytes.length): void {
    const end = this.#end + HEAD_BYTES + length;
    if (end > this.#buffer.length) this.#grow(end);
    const buffer = this.#buffer;
    buffer.writeUInt32BE(connection, this.#end);
    buffer[this.#end + 4] = what;
    buffer.writeUInt32BE(length, this.#end + 5);
    bytes.copy(buffer, this.#end + HEAD_BYTES, 0, length);
    this.#end = end;
  }

  /** What waits, in memory of its own, which can be given away. */
  take(): Uint8Array<ArrayBuffer> {
    const batch = new Uint8Array(this.#end);
    batch.set(this.#buffer.subarray(0, this.#end));
    this.#end = 0;
    return batch;
  }

  #grow(bytes: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(bytes, 2 * this.#buffer.length));
    this.#buffer.copy(grown, 0, 0, this.#end);
    this.#buffer = grown;
  }
}

/** Hands on each part with its bytes as `batch[start, end)`. */
export function readBatch(
  batch: Buffer,
  each: (connection: number, what: number, start: number, end: number) => void,
): void {
  for (let at = 0; at < batch.length; ) {
    const start = at + HEAD_BYTES;
    const end = start + batch.readUInt32BE(at + 5);
    each(batch.readUInt32BE(at), batch[at + 4] as number, start, end);
    at = end;
  }
}
