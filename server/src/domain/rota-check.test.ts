import { describe, expect, it } from 'vitest';
import type { RotaId, UserId, WardId } from './ids.ts';
import type { Rota, RotaOverride } from './rota.ts';
import { overrideProblems, rotaProblems, rotaWarnings } from './rota-check.ts';

const ms = (text: string) => Date.parse(text);
const PERIOD = { fromMs: ms('2026-11-02T00:00:00Z'), toMs: ms('2026-11-30T00:00:00Z') };
const ALL_KNOWN = { isKnown: () => true, isReachable: () => true };

function rota(over: Partial<Rota> = {}): Rota {
  return {
    id: 'R' as RotaId,
    version: 1,
    name: 'Night',
    wardIds: [],
    zone: 'UTC',
    layers: [
      { name: 'first', people: ['ada', 'ben'] as UserId[], startsOn: '2026-11-02', handoverAt: '00:00', turnDays: 7 },
      { name: 'second', people: ['cleo'] as UserId[], startsOn: '2026-11-02', handoverAt: '00:00', turnDays: 7 },
    ],
    ...over,
  };
}
const override = (over: Partial<RotaOverride> = {}): RotaOverride => ({
  id: 'o1',
  rotaId: 'R' as RotaId,
  layer: 'first',
  userId: 'dan' as UserId,
  fromMs: ms('2026-11-10T00:00:00Z'),
  toMs: ms('2026-11-11T00:00:00Z'),
  madeAtMs: 0,
  ...over,
});

describe('a rota is refused', () => {
  const known = { userIds: new Set(['ada', 'ben', 'cleo']), wardIds: new Set(['W1']) };

  it('never where everything is in order', () => {
    expect(rotaProblems(rota({ wardIds: ['W1' as WardId] }), known)).toEqual([]);
  });

  it('with every problem at once, each with its field', () => {
    const wrong = rota({
      zone: 'Europe/Atlantis',
      wardIds: ['W9' as WardId],
      layers: [
        { name: 'first', people: ['ada', 'zoe'] as UserId[], startsOn: '2026-02-30', handoverAt: '08:00', turnDays: 7 },
        { name: 'first', people: ['ben'] as UserId[], startsOn: '2026-11-02', handoverAt: '08:00', turnDays: 7 },
      ],
    });
    expect(rotaProblems(wrong, known).map(({ code, field }) => `${code} ${field}`)).toEqual([
      'unknown-zone zone',
      'unknown-ward wardIds.0',
      'unknown-person layers.0.people.1',
      'not-a-date layers.0.startsOn',
      'named-twice layers.1.name',
    ]);
  });
});

describe('an override is refused', () => {
  const known = { userIds: new Set(['dan']), nowMs: ms('2026-11-05T00:00:00Z') };
  const codes = (over: Partial<RotaOverride>) =>
    overrideProblems(rota(), override(over), known).map(({ code }) => code);

  it('where its layer, person or time cannot be', () => {
    expect(codes({})).toEqual([]);
    expect(codes({ layer: 'third', userId: 'zoe' as UserId })).toEqual(['unknown-layer', 'unknown-person']);
    expect(codes({ toMs: override().fromMs })).toEqual(['empty-period']);
    expect(codes({ toMs: override().fromMs + 367 * 86_400_000 })).toEqual(['too-long']);
    expect(codes({ fromMs: known.nowMs - 9, toMs: known.nowMs })).toEqual(['in-the-past']);
  });

  it('not where it has begun already: somebody has just gone home ill', () => {
    expect(codes({ fromMs: known.nowMs - 3_600_000, toMs: known.nowMs + 3_600_000 })).toEqual([]);
  });
});

describe('a rota warns', () => {
  const codes = (...args: Parameters<typeof rotaWarnings>) =>
    rotaWarnings(...args).map(({ code, layer, userId }) => [code, layer, userId].filter(Boolean).join(' '));

  it('of nothing where all is well', () => {
    expect(codes({ rota: rota(), overrides: [] }, ALL_KNOWN, PERIOD)).toEqual([]);
  });

  it('of gaps, in the order of when', () => {
    const late = rota({
      layers: rota().layers.map((each) => ({ ...each, startsOn: each.name === 'first' ? '2026-11-09' : '2026-11-02' })),
    });
    const [gap] = rotaWarnings({ rota: late, overrides: [] }, ALL_KNOWN, PERIOD);
    expect(gap).toMatchObject({ code: 'gap', fromMs: PERIOD.fromMs, toMs: ms('2026-11-09T00:00:00Z') });
  });

  it('of one person in two layers at once, once', () => {
    const both = override({ userId: 'cleo' as UserId });
    expect(codes({ rota: rota(), overrides: [both] }, ALL_KNOWN, PERIOD)).toEqual(['double-booked first cleo']);
  });

  it('of one person on two rotas at once', () => {
    const other = rota({ id: 'R2' as RotaId, name: 'Cardiology' });
    const own = { rota: rota({ layers: rota().layers.slice(0, 1) }), overrides: [] };
    const elsewhere = {
      rota: { ...other, layers: [{ ...other.layers[0], people: ['ben'] as UserId[] }] } as Rota,
      overrides: [],
    };
    const found = rotaWarnings(own, ALL_KNOWN, PERIOD, [own, elsewhere]);
    expect(found.map(({ code, userId, fromMs }) => [code, userId, new Date(fromMs ?? 0).toISOString()])).toEqual([
      ['double-booked', 'ben', '2026-11-09T00:00:00.000Z'],
      ['double-booked', 'ben', '2026-11-23T00:00:00.000Z'],
    ]);
  });

  it('of people who have left, and of people nobody can reach', () => {
    const people = { isKnown: (id: UserId) => id !== 'ben', isReachable: (id: UserId) => id !== 'cleo' };
    expect(codes({ rota: rota(), overrides: [] }, people, PERIOD)).toEqual([
      'unreachable second cleo',
      'unknown-person first ben',
    ]);
  });

  it('of two overrides that give one time to two people', () => {
    const two = [override(), override({ id: 'o2', userId: 'eve' as UserId, madeAtMs: 1 })];
    expect(codes({ rota: rota(), overrides: two }, ALL_KNOWN, PERIOD)).toEqual(['overlapping-overrides first']);
    const same = [override(), override({ id: 'o2' })];
    expect(codes({ rota: rota(), overrides: same }, ALL_KNOWN, PERIOD)).toEqual([]);
  });
});
