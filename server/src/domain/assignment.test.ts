import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Assignment, patientAt, sortAssignments } from './assignment.ts';
import type { DeviceId, PatientId } from './ids.ts';

const worn = (patientId: string, fromMs: number, toMs?: number): Assignment => ({
  deviceId: 'D' as DeviceId,
  patientId: patientId as PatientId,
  fromMs,
  ...(toMs === undefined ? {} : { toMs }),
});

describe('patientAt', () => {
  const assignments = sortAssignments([worn('second', 200, 300), worn('first', 100, 200), worn('third', 400)]);

  it.each([
    [99, undefined],
    [100, 'first'],
    [199, 'first'],
    [200, 'second'],
    [299, 'second'],
    [300, undefined],
    [399, undefined],
    [400, 'third'],
    [Number.MAX_SAFE_INTEGER, 'third'],
  ])('at %i answers %s', (atMs, patient) => {
    expect(patientAt(assignments, atMs)).toBe(patient);
  });

  it('answers nobody for a device that nobody wore', () => {
    expect(patientAt([], 0)).toBeUndefined();
  });

  it('ignores an assignment that ends before it begins', () => {
    expect(patientAt(sortAssignments([worn('real', 0, 100), worn('never', 50, 50)]), 60)).toBe('real');
  });

  it('agrees with looking at every assignment in turn', () => {
    const spans = fc.uniqueArray(fc.integer({ min: 0, max: 1000 }), { minLength: 2, maxLength: 20 });
    fc.assert(
      fc.property(spans, fc.integer({ min: -10, max: 1010 }), (cuts, atMs) => {
        const sorted = cuts.toSorted((a, b) => a - b);
        const list = sorted.slice(1).flatMap((to, i) => (i % 3 === 2 ? [] : [worn(`p${i}`, sorted[i] as number, to)]));
        const plain = list.find((a) => a.fromMs <= atMs && atMs < (a.toMs as number))?.patientId;
        expect(patientAt(sortAssignments(list.toReversed()), atMs)).toBe(plain);
      }),
    );
  });
});
