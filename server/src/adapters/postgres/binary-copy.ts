/**
 * Rows in the binary format of COPY (PostgreSQL, "COPY", File Formats): a header, rows of length-prefixed fields in
 * network order, a trailer. Writes into one buffer that grows and is used again after the next `begin`.
 */
export class BinaryCopyWriter {
  #bytes = Buffer.alloc(256 * 1024);
  #view = viewOf(this.#bytes);
  #length = 0;

  begin(): void {
    this.#bytes.set(HEADER);
    this.#length = HEADER.length;
  }

  /** Every field of the row must follow. */
  row(fields: number): void {
    // The longest row of ours is far below a kilobyte: ids are at most 64 characters.
    if (this.#bytes.length - this.#length < 4096) this.#grow();
    this.#view.setInt16(this.#length, fields);
    this.#length += 2;
  }

  /** Ids: ASCII by their parsers, so that a character is a byte. */
  ascii(text: string): void {
    const length = text.length;
    if (length > 1024) throw new RangeError('an id of more than 1,024 characters');
    this.#view.setInt32(this.#length, length);
    const start = this.#length + 4;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7e || code < 0x20) throw new RangeError('an id that is not printable ASCII');
      this.#bytes[start + i] = code;
    }
    this.#length = start + length;
  }

  asciiOrNull(text: string | undefined): void {
    if (text === undefined) this.#null();
    else this.ascii(text);
  }

  /** Any text without NUL, of any length; what follows in the row still has its 4,096 bytes. */
  utf8(text: string): void {
    while (this.#bytes.length - this.#length < 3 * text.length + 4 + 4096) this.#grow();
    const written = this.#bytes.write(text, this.#length + 4, 'utf8');
    this.#view.setInt32(this.#length, written);
    this.#length += 4 + written;
  }

  utf8OrNull(text: string | undefined): void {
    if (text === undefined) this.#null();
    else this.utf8(text);
  }

  /** bigint, as far as a number is exact. */
  bigint(value: number): void {
    const high = Math.floor(value / 2 ** 32);
    this.#view.setInt32(this.#length, 8);
    this.#view.setInt32(this.#length + 4, high);
    this.#view.setUint32(this.#length + 8, value - high * 2 ** 32);
    this.#length += 12;
  }

  /** timestamptz: microseconds since 2000-01-01 UTC, 8 bytes. Exact until the year 2255. */
  time(ms: number): void {
    const micros = (ms - POSTGRES_EPOCH_MS) * 1000;
    const high = Math.floor(micros / 2 ** 32);
    this.#view.setInt32(this.#length, 8);
    this.#view.setInt32(this.#length + 4, high);
    this.#view.setUint32(this.#length + 8, micros - high * 2 ** 32);
    this.#length += 12;
  }

  timeOrNull(ms: number | undefined): void {
    if (ms === undefined) this.#null();
    else this.time(ms);
  }

  /** double precision. */
  numberOrNull(value: number | undefined): void {
    if (value === undefined) {
      this.#null();
      return;
    }
    this.#view.setInt32(this.#length, 8);
    this.#view.setFloat64(this.#length + 4, value);
    this.#length += 12;
  }

  booleanOrNull(value: boolean | undefined): void {
    if (value === undefined) {
      this.#null();
      return;
    }
    this.#view.setInt32(this.#length, 1);
    this.#bytes[this.#length + 4] = value ? 1 : 0;
    this.#length += 5;
  }

  get length(): number {
    return this.#length;
  }

  /** Takes back what was written from there on: half a row. */
  cutTo(length: number): void {
    this.#length = length;
  }

  /** The whole so far; valid until the next row or `begin`. */
  end(): Buffer {
    this.#view.setInt16(this.#length, -1);
    return this.#bytes.subarray(0, this.#length + 2);
  }

  #null(): void {
    this.#view.setInt32(this.#length, -1);
    this.#length += 4;
  }

  #grow(): void {
    const larger = Buffer.alloc(this.#bytes.length * 2);
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = viewOf(larger);
  }
}

/** Signature, flags, length of the header's extension. */
const HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const POSTGRES_EPOCH_MS = Date.UTC(2000, 0, 1);

const viewOf = (bytes: Buffer) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
