import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PatientStatus } from '../../domain/patient-status.ts';
import { VITAL_NAMES } from '../../domain/vital.ts';
import type { PatientPlace } from '../../ports/registry.ts';
import { connectionOf, toTile } from './tile.ts';
import { tileJson } from './tile-json.ts';

const time = fc.integer({ min: 0, max: 2 ** 45 });
const number = fc.double({ noNaN: true, noDefaultInfinity: true });
const value = fc.record({
  value: number,
  atMs: time,
  receivedAtMs: time,
  intervalMs: fc.double({ min: 1, max: 3_600_000, noNaN: true }),
});
const status = fc.record(
  {
    patientId: fc.constant('P1'),
    values: fc.dictionary(fc.constantFrom(...VITAL_NAMES), value, { noNullPrototype: true }),
    leadsOff: fc.boolean(),
    oxygen: fc.record({ value: fc.boolean(), atMs: time }),
    consciousness: fc.record({ value: fc.constantFrom('A', 'C', 'V', 'P', 'U'), atMs: time }),
    battery: number,
    news2NotApplicable: fc.constantFrom('under-16', 'pregnancy'),
    last: fc.record({ readingId: fc.string(), deviceId: fc.constant('D1'), atMs: time, receivedAtMs: time }),
    news2: fc.record({
      score: fc.integer({ min: 0, max: 20 }),
      single3: fc.boolean(),
      points: fc.constant({ spo2: 3 }),
      missing: fc.constant([{ parameter: 'heartRate', sinceMs: 5 }, { parameter: 'oxygen' }]),
    }),
  },
  { requiredKeys: ['patientId', 'values', 'leadsOff'] },
);
const place = fc.record(
  {
    id: fc.constant('P1'),
    bedId: fc.string(),
    wardId: fc.string(),
    bed: fc.string(),
    spo2Scale: fc.constant(1),
  },
  { requiredKeys: ['id', 'spo2Scale'] },
);

describe('a tile written by hand', () => {
  it('is the tile, whatever is known of the patient and however the bed is called', () => {
    fc.assert(
      fc.property(
        place,
        fc.option(status, { nil: undefined }),
        time,
        fc.boolean(),
        (somewhere, known, ms, isOffline) => {
          const at = { ms, isOffline: () => isOffline };
          const [lies, is] = [somewhere as unknown as PatientPlace, known as unknown as PatientStatus | undefined];
          const expected = JSON.parse(JSON.stringify(toTile(lies, is, at)));
          expect(JSON.parse(tileJson(lies, is, connectionOf(is, at)))).toEqual(expected);
          // Once more, now from what was remembered.
          expect(JSON.parse(tileJson(lies, is, connectionOf(is, at)))).toEqual(expected);
        },
      ),
    );
  });
});
