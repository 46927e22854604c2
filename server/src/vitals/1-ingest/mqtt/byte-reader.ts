import { isUtf8 } from 'node:buffer';

/**
 * Reads MQTT's data types (v5 section 1.5) from one packet. The first thing that does not fit sets `broken`, and
 * everything after it reads as empty: decoders run straight through and look once, at the end.
 */
export class ByteReader {
  broken = false;
  position: number;
  readonly #bytes: Buffer;
  readonly #end: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.position = start;
    this.#end = end;
  }

  get remaining(): number {
    return this.#end - this.position;
  }

  byte(): number {
    const at = this.#take(1);
    return at < 0 ? 0 : (this.#bytes[at] as number);
  }

  uint16(): number {
    const at = this.#take(2);
    return at < 0 ? 0 : this.#bytes.readUInt16BE(at);
  }

  uint32(): number {
    const at = this.#take(4);
    return at < 0 ? 0 : this.#bytes.readUInt32BE(at);
  }

  /** Variable byte integer: at most four bytes, in the fewest that hold it (MQTT-1.5.5-1). */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0) this.broken = true;
        return value;
      }
    }
    this.broken = true;
    return 0;
  }

  /** A view, not a copy. */
  binary(): Buffer {
    const length = this.uint16();
    const at = this.#take(length);
    return at < 0 ? this.#bytes.subarray(0, 0) : this.#bytes.subarray(at, at + length);
  }

  /** MQTT-1.5.4-1 and -2: well-formed UTF-8 without U+0000. */
  text(): string {
    const bytes = this.binary();
    if (!isUtf8(bytes) || bytes.includes(0)) {
      this.broken = true;
      return '';
    }
    return bytes.toString('utf8');
  }

  /** Reads the next `length` bytes on their own, so that nothing in them can reach beyond. */
  section(length: number): ByteReader {
    const at = this.#take(length);
    const section = new ByteReader(this.#bytes, at, at + length);
    section.broken = at < 0;
    return section;
  }

  rest(): Buffer {
    const at = this.#take(this.remaining);
    return at < 0 ? this.#bytes.subarray(0, 0) : this.#bytes.subarray(at, this.#end);
  }

  #take(length: number): number {
    const at = this.position;
    if (this.broken || at + length > this.#end) {
      this.broken = true;
      return -1;
    }
    this.position = at + length;
    return at;
  }
}
