import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AssignedReading } from '../domain/reading.ts';
import { VITAL_NAMES } from '../domain/vital.ts';
import { decodeReading, ENCODED_READING_BYTES_MAX, encodeReading } from './reading-codec.ts';

const id = fc.stringMatching(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/);
/** What monitors send, what unit conversion makes of it, and whatever else a double can be. */
const value = fc.oneof(
  fc.integer({ min: -330, max: 330 }),
  fc.integer({ min: -40_000, max: 40_000 }).map((hundredths) => hundredths / 100),
  fc.double(),
);
const optional = { requiredKeys: [] as [], noNullPrototype: true };

const reading = fc.record(
  {
    id: fc.stringMatching(/^[\x21-\x7e]{1,64}$/),
    deviceId: id,
    patientId: id,
    atMs: fc.double({ noNaN: true }),
    receivedAtMs: fc.integer({ min: 0, max: 8.64e15 }),
    vitals: fc.record(Object.fromEntries(VITAL_NAMES.map((name) => [name, value])), optional),
    context: fc.record({ oxygen: fc.boolean(), consciousness: fc.constantFrom('A', 'C', 'V', 'P', 'U') }, optional),
    status: fc.record({ leadsOff: fc.boolean(), battery: fc.double({ min: 0, max: 1, noNaN: true }) }, optional),
  },
  { noNullPrototype: true },
) as unknown as fc.Arbitrary<AssignedReading>;

describe('a reading as bytes', () => {
  it('comes back exactly as it went in, wherever in a buffer it stood', () => {
    fc.assert(
      fc.property(reading, fc.nat(9), (given, start) => {
        const buffer = Buffer.alloc(start + ENCODED_READING_BYTES_MAX, 0xff);
        const end = encodeReading(given, buffer, start);
        expect(end - start).toBeLessThanOrEqual(ENCODED_READING_BYTES_MAX);
        expect(decodeReading(buffer, start, end)).toStrictEqual(given);
      }),
      { numRuns: 2_000 },
    );
  });

  it('does not confuse absent with false', () => {
    const absent = { ...plain, context: {}, status: {} };
    const no = { ...plain, context: { oxygen: false }, status: { leadsOff: false, battery: 0 } };
    expect(throughBytes(absent)).toStrictEqual(absent);
    expect(throughBytes(no)).toStrictEqual(no);
  });

  it('refuses a form it does not know, rather than guessing', () => {
    const buffer = Buffer.alloc(ENCODED_READING_BYTES_MAX);
    const end = encodeReading(plain, buffer, 0);
    buffer[0] = 2;
    expect(() => decodeReading(buffer, 0, end)).toThrow(/form 2/);
  });

  it('refuses bytes that do not add up', () => {
    const buffer = Buffer.alloc(ENCODED_READING_BYTES_MAX);
    const end = encodeReading(plain, buffer, 0);
    expect(() => decodeReading(buffer, 0, end - 1)).toThrow(RangeError);
    expect(() => decodeReading(buffer, 0, end + 1)).toThrow(RangeError);
  });

  it('refuses an id that no parser let through', () => {
    const buffer = Buffer.alloc(ENCODED_READING_BYTES_MAX);
    for (const patientId of ['Müller', 'x'.repeat(256)])
      expect(() => encodeReading({ ...plain, patientId } as AssignedReading, buffer, 0)).toThrow(RangeError);
  });

  it('takes no more than 80 bytes for a full set of usual vitals with short ids', () => {
    expect(encodeReading(plain, Buffer.alloc(ENCODED_READING_BYTES_MAX), 0)).toBeLessThanOrEqual(80);
  });
});

const plain = {
  id: '0192f1d3-000123',
  deviceId: 'W3-01-monitor',
  patientId: 'P-000123',
  atMs: Date.UTC(2026, 10, 22, 1, 2, 3, 456),
  receivedAtMs: Date.UTC(2026, 10, 22, 1, 2, 3, 489),
  vitals: { heartRate: 82, spo2: 97, respiratoryRate: 16, temperature: 36.8, systolic: 120, diastolic: 80, mean: 93 },
  context: { oxygen: false, consciousness: 'A' },
  status: { leadsOff: false },
} as unknown as AssignedReading;

function throughBytes(given: AssignedReading): AssignedReading {
  const buffer = Buffer.alloc(ENCODED_READING_BYTES_MAX);
  return decodeReading(buffer, 0, encodeReading(given, buffer, 0));
}
