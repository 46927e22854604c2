import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeEntry, type RecordedEntry, readEntry } from './audit-entry.ts';
import { scanEntry } from './audit-scan.ts';

/** Mostly as they are in earnest: an entry with a single word of another kind is left to be read. */
const word = fc.oneof(
  { weight: 30, arbitrary: fc.stringMatching(/^[ !#-[\]-~]{0,12}$/) },
  { weight: 1, arbitrary: fc.string({ maxLength: 12 }) },
  { weight: 1, arbitrary: fc.constantFrom('José', 'a"b', 'a\\b') },
);
const maybe = <T>(some: fc.Arbitrary<T>) => fc.option(some, { nil: undefined });
const time = fc.integer({ min: 0, max: 4e12 });

/** Without the fields that are not there. */
const defined = <T extends object>(entry: T): T =>
  Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined)) as T;

const anyEntry: fc.Arbitrary<RecordedEntry> = fc
  .record({
    position: fc.nat(),
    atMs: time,
    recordedAtMs: time,
    salt: fc.constant('00ff'),
    action: word,
    actor: fc
      .record({
        kind: fc.constant('person'),
        name: word,
        userId: maybe(word),
        address: maybe(word),
        sessionId: maybe(word),
      })
      .map(defined),
    resource: fc.record({ kind: word, id: maybe(word) }).map(defined),
    patientId: maybe(word),
    purpose: maybe(word),
    outcome: fc.constantFrom('allowed', 'denied', 'failed'),
    policies: maybe(fc.array(word, { maxLength: 3 })),
    correlationId: word,
    tenantId: maybe(word),
    detail: maybe(
      fc.dictionary(
        fc.stringMatching(/^[a-z][A-Za-z0-9]{0,5}$/),
        fc.oneof(word, fc.boolean(), fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })),
      ),
    ),
  })
  .map((entry) => defined(entry) as RecordedEntry);

/** The same by the longer way. */
function read(text: string) {
  const entry = readEntry(text);
  if (entry === undefined) return undefined;
  const { position, recordedAtMs, action, actor, correlationId, outcome, patientId, resource, tenantId } = entry;
  return {
    ...{ position, recordedAtMs, action, correlationId, outcome, patientId, tenantId },
    ...{ actor: actor.name, actorId: actor.userId, resourceId: resource.id, resourceKind: resource.kind },
  };
}

describe('an entry that is looked at in one pass', () => {
  it('says what it says when it is read, or is left to be read', () => {
    let scanned = 0;
    fc.assert(
      fc.property(anyEntry, (entry) => {
        const text = encodeEntry(entry);
        const seen = scanEntry(text);
        if (seen === undefined) return;
        scanned++;
        expect(seen).toEqual(read(text));
      }),
      { numRuns: 500 },
    );
    expect(scanned).toBeGreaterThan(50);
  });
  it('is nothing that would not be read, whichever byte of it is another', () => {
    const entry: RecordedEntry = {
      ...{ position: 17, atMs: 1_800_000_000_000, recordedAtMs: 1_800_000_000_001, salt: 'ff', action: 'patient.read' },
      actor: { kind: 'person', name: 'ada', userId: 'u1', address: '10.0.0.7', sessionId: '01' },
      ...{ resource: { kind: 'patient', id: 'P1' }, patientId: 'P1', purpose: 'treatment', outcome: 'allowed' },
      ...{
        policies: ['a', 'b'],
        correlationId: 'c',
        tenantId: 'south',
        detail: { route: '/x', status: 200, ok: true },
      },
    };
    const text = encodeEntry(entry);
    expect(scanEntry(text)).toEqual(read(text));
    fc.assert(
      fc.property(
        fc.nat(text.length - 1),
        fc.constantFrom('', '"', '\\', '{', '}', ',', ':', '0', 'x', '-', '.', 'é', '\n'),
        (at, by) => {
          const changed = text.slice(0, at) + by + text.slice(at + 1);
          const seen = scanEntry(changed);
          if (seen !== undefined) expect(seen).toEqual(read(changed));
        },
      ),
      { numRuns: 3_000 },
    );
  });
});
