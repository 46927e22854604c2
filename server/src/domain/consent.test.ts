import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asRecordedBy, type Consent, consentProblems, decideConsent } from './consent.ts';
import { testConsent } from './test-consent.ts';

const DAY = 86_400_000;
const T = Date.parse('2026-11-22T03:00:00+01:00');

const consent = (change: Partial<Consent> = {}): Consent =>
  testConsent({ fromMs: T, givenAtMs: T, recordedAtMs: T, ...change });
const research = (atMs: number) => ({ purpose: 'research', atMs }) as const;

describe('a consent', () => {
  it('opens nothing that nobody spoke of', () => {
    expect(decideConsent([], research(T))).toEqual({ kind: 'none' });
    expect(decideConsent([consent({ purpose: 'treatment' })], research(T))).toEqual({ kind: 'none' });
  });
  it('holds from its first moment to before its last, the same moment in every zone', () => {
    const until = Date.parse('2026-11-23T02:00:00Z');
    const held = [consent({ fromMs: Date.parse('2026-11-22T02:00:00Z'), untilMs: until })];
    const at = (text: string) => decideConsent(held, research(Date.parse(text))).kind;
    expect(at('2026-11-22T01:59:59.999Z')).toBe('to-come');
    expect(at('2026-11-22T03:00:00+01:00')).toBe('given');
    expect(at('2026-11-22T20:59:59.999-05:00')).toBe('given');
    expect(at('2026-11-22T21:00:00-05:00')).toBe('over');
  });
  it('to sharing with one party opens nothing to another, and nothing for research', () => {
    const held = [consent({ purpose: 'sharing', party: 'registry' })];
    expect(decideConsent(held, { purpose: 'sharing', party: 'registry', atMs: T }).kind).toBe('given');
    expect(decideConsent(held, { purpose: 'sharing', party: 'insurer', atMs: T }).kind).toBe('none');
    expect(decideConsent(held, { purpose: 'sharing', atMs: T }).kind).toBe('none');
    expect(decideConsent(held, research(T)).kind).toBe('none');
  });
  it('names the version that decided: of two that permit the one recorded last', () => {
    const held = [consent({ id: 'older' }), consent({ id: 'newer', recordedAtMs: T + 1, version: 4 })];
    expect(decideConsent(held, research(T + 1))).toMatchObject({ kind: 'given', by: { id: 'newer', version: 4 } });
  });
  it('asked for a moment of the past is what was recorded by then', () => {
    const versions = [
      consent(),
      consent({ version: 2, untilMs: T + 2 * DAY, recordedAtMs: T + DAY }),
      consent({ version: 3, state: 'revoked', recordedAtMs: T + 1.5 * DAY }),
    ];
    const then = (atMs: number) => decideConsent(asRecordedBy(versions, atMs), research(atMs));
    expect(then(T - 1)).toEqual({ kind: 'none' });
    expect(then(T)).toMatchObject({ kind: 'given', by: { version: 1 } });
    expect(then(T + DAY)).toMatchObject({ kind: 'given', by: { version: 2 } });
    expect(then(T + 1.5 * DAY)).toMatchObject({ kind: 'revoked', by: { version: 3 } });
  });

  const anything = fc.array(
    fc.record({
      id: fc.constantFrom('a', 'b', 'c', 'd'),
      decision: fc.constantFrom('permit' as const, 'deny' as const),
      state: fc.constantFrom('active' as const, 'revoked' as const),
      from: fc.integer({ min: -5, max: 5 }),
      length: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
      purpose: fc.constantFrom('research' as const, 'treatment' as const),
      recordedAtMs: fc.integer({ min: T - DAY, max: T + DAY }),
    }),
    { maxLength: 8 },
  );
  const built = (parts: typeof anything extends fc.Arbitrary<infer P> ? P : never): Consent[] =>
    parts.map(({ from, length, ...rest }, index) =>
      consent({
        ...rest,
        id: `${rest.id}${index}`,
        fromMs: T + from,
        ...(length !== undefined && { untilMs: T + from + length }),
      }),
    );
  const inForce = ({ state, purpose, fromMs, untilMs }: Consent, atMs: number) =>
    state === 'active' && purpose === 'research' && fromMs <= atMs && (untilMs === undefined || atMs < untilMs);

  it('is given exactly where one in force permits and none in force denies, in whatever order they come', () => {
    fc.assert(
      fc.property(anything, fc.integer({ min: -7, max: 12 }), (parts, shift) => {
        const held = built(parts);
        const atMs = T + shift;
        const forces = held.filter((each) => inForce(each, atMs));
        const expected =
          forces.some(({ decision }) => decision === 'permit') && forces.every(({ decision }) => decision === 'permit');
        const decided = decideConsent(held, research(atMs));
        expect(decided.kind === 'given').toBe(expected);
        expect(decideConsent(held.toReversed(), research(atMs))).toEqual(decided);
        if (decided.kind === 'given' || decided.kind === 'denied') expect(forces).toContain(decided.by);
      }),
    );
  });
  it('revoked opens nothing more at any moment, and takes nothing of another', () => {
    fc.assert(
      fc.property(anything, fc.nat(7), fc.integer({ min: -7, max: 12 }), (parts, index, shift) => {
        const held = built(parts).filter(({ decision }) => decision === 'permit');
        const after = held.map((each, at) => (at === index ? { ...each, state: 'revoked' as const } : each));
        const others = held.filter((_, at) => at !== index);
        const isGiven = (some: readonly Consent[]) => decideConsent(some, research(T + shift)).kind === 'given';
        expect(isGiven(after)).toBe(isGiven(others));
      }),
    );
  });
});

describe('what is recorded', () => {
  const fields = (change: Partial<Consent>) => consentProblems(consent(change), T).map(({ field }) => field);

  it('names a party for sharing, and none otherwise', () => {
    expect(fields({ purpose: 'sharing' })).toEqual(['party']);
    expect(fields({ purpose: 'research', party: 'registry' })).toEqual(['party']);
    expect(fields({ purpose: 'sharing', party: 'Not An Account' })).toEqual(['party']);
    expect(fields({ purpose: 'sharing', party: 'registry' })).toEqual([]);
  });
  it('says everything that is wrong at once', () => {
    expect(fields({ party: 'x', fromMs: T + 2, untilMs: T - 1, givenAtMs: T + DAY })).toEqual([
      'party',
      'until',
      'until',
      'givenAt',
    ]);
  });
  it('may begin later, and may have been said before', () => {
    expect(fields({ fromMs: T + DAY, untilMs: T + 2 * DAY, givenAtMs: T - DAY })).toEqual([]);
  });
});
