import type { DeviceId, PatientId, ReadingId } from '../../domain/ids.ts';
import type { AssignedReading, Consciousness } from '../../domain/reading.ts';
import type { VitalName } from '../../domain/vital.ts';
import { VITALS_BY_COLUMN } from './vitals-columns.ts';

/** What `decodeReading` reads, in this order: the columns of `vitals` but for the patient, who is asked for. */
export const DECODED_COLUMNS = [
  'at',
  'device_id',
  'reading_id',
  'received_at',
  ...VITALS_BY_COLUMN.map(([, column]) => column),
  'battery',
  'oxygen',
  'leads_off',
  'consciousness',
].join(', ');

/**
 * Rows of COPY's binary format as readings, one a message (PostgreSQL, "COPY", File Formats): several times quicker than
 * pg's own rows, whose times and numbers come as text. The header may come before the first row or with it, the trailer
 * ends them.
 */
export function readingDecoder(patientId: PatientId, take: (reading: AssignedReading) => void) {
  let isHeaderRead = false;
  /** A device's name comes with each of its readings: kept once. */
  let device: DeviceId | undefined;
  return (message: Buffer): void => {
    const start = isHeaderRead ? 0 : HEADER_BYTES;
    isHeaderRead = true;
    if (message.length < start + 2 || message.readInt16BE(start) === TRAILER) return;
    const row = new Row(message, start + 2);
    const atMs = row.time();
    device = row.text(device) as DeviceId;
    const id = row.text(undefined) as ReadingId;
    const receivedAtMs = row.time();
    const vitals: { [Name in VitalName]?: number } = {};
    for (const name of NAMES) {
      const value = row.number();
      if (value !== undefined) vitals[name] = value;
    }
    const battery = row.number();
    const oxygen = row.boolean();
    const leadsOff = row.boolean();
    const consciousness = row.textOrNull() as Consciousness | undefined;
    take({
      id,
      deviceId: device,
      patientId,
      atMs,
      receivedAtMs,
      vitals,
      context:
        oxygen === undefined && consciousness === undefined
          ? NOTHING
          : {
              ...(oxygen === undefined ? undefined : { oxygen }),
              ...(consciousness === undefined ? undefined : { consciousness }),
            },
      status: {
        ...(leadsOff === undefined ? undefined : { leadsOff }),
        ...(battery === undefined ? undefined : { battery }),
      },
    });
  };
}

const NAMES = VITALS_BY_COLUMN.map(([name]) => name);
const NOTHING = {};
/** Signature, flags, length of the header's extension; we ask for none. */
const HEADER_BYTES = 19;
const TRAILER = -1;
const POSTGRES_EPOCH_MS = Date.UTC(2000, 0, 1);

class Row {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** timestamptz, to the millisecond in which all ours are. */
  time(): number {
    const at = this.#field(8);
    const micros = this.#bytes.readInt32BE(at) * 2 ** 32 + this.#bytes.readUInt32BE(at + 4);
    return POSTGRES_EPOCH_MS + Math.round(micros / 1000);
  }

  number(): number | undefined {
    const at = this.#field(8);
    return at < 0 ? undefined : this.#bytes.readDoubleBE(at);
  }

  boolean(): boolean | undefined {
    const at = this.#field(1);
    return at < 0 ? undefined : this.#bytes[at] === 1;
  }

  textOrNull(): string | undefined {
    const length = this.#bytes.readInt32BE(this.#at);
    if (length < 0) {
      this.#at += 4;
      return undefined;
    }
    return this.text(undefined);
  }

  /** Ids are ASCII. Where it is the known one again, that one is answered, and no text made. */
  text(known: string | undefined): string {
    const length = this.#bytes.readInt32BE(this.#at);
    const from = this.#at + 4;
    this.#at = from + length;
    if (known?.length === length && this.#is(known, from)) return known;
    return this.#bytes.toString('latin1', from, from + length);
  }

  #is(text: string, from: number): boolean {
    for (let i = 0; i < text.length; i++) if (this.#bytes[from + i] !== text.charCodeAt(i)) return false;
    return true;
  }

  /** Where the field's bytes begin; negative: there is no value. */
  #field(bytes: number): number {
    const length = this.#bytes.readInt32BE(this.#at);
    const at = this.#at + 4;
    if (length < 0) {
      this.#at = at;
      return -1;
    }
    if (length !== bytes) throw new TypeError(`a field of ${length} bytes, where ${bytes} were expected`);
    this.#at = at + bytes;
    return at;
  }
}
