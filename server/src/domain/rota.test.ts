import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RotaId, UserId } from './ids.ts';
import { gapsOf, onCallAt, type Rota, type RotaLayer, type RotaOverride, rotaSpans } from './rota.ts';

const iso = (ms: number) => new Date(ms).toISOString();
const ms = (text: string) => Date.parse(text);
const HOUR = 3_600_000;

function layer(over: Partial<RotaLayer> = {}): RotaLayer {
  return {
    name: 'first',
    people: ['ada', 'ben', 'cleo'] as UserId[],
    startsOn: '2026-10-05', // a Monday
    handoverAt: '08:00',
    turnDays: 7,
    ...over,
  };
}

function rota(...layers: readonly RotaLayer[]): Rota {
  return { id: 'R' as RotaId, version: 1, name: 'Night', wardIds: [], zone: 'Europe/Berlin', layers };
}

function override(over: Partial<RotaOverride>): RotaOverride {
  return {
    id: 'o1',
    rotaId: 'R' as RotaId,
    layer: 'first',
    userId: 'dan' as UserId,
    fromMs: 0,
    toMs: 1,
    madeAtMs: 0,
    ...over,
  };
}

const who = (one: Rota, overrides: readonly RotaOverride[], at: string) =>
  onCallAt(one, overrides, ms(at)).map((each) => ('userId' in each ? each.userId : each.by));

describe('a weekly rotation', () => {
  it('hands over at the local time, and goes round', () => {
    const one = rota(layer());
    expect(who(one, [], '2026-10-05T05:59:59Z')).toEqual(['nobody']);
    expect(who(one, [], '2026-10-05T06:00:00Z')).toEqual(['ada']); // 08:00 in summer
    expect(who(one, [], '2026-10-12T05:59:59Z')).toEqual(['ada']);
    expect(who(one, [], '2026-10-12T06:00:00Z')).toEqual(['ben']);
    expect(who(one, [], '2026-10-26T06:59:59Z')).toEqual(['cleo']);
    expect(who(one, [], '2026-10-26T07:00:00Z')).toEqual(['ada']); // 08:00 in winter
  });

  it('makes the week in which the clocks change an hour longer or shorter', () => {
    const [autumn] = rotaSpans(rota(layer({ startsOn: '2026-10-19' })), [], {
      fromMs: ms('2026-10-19T06:00:00Z'),
      toMs: ms('2026-10-26T07:00:00Z'),
    });
    expect(((autumn?.toMs ?? 0) - (autumn?.fromMs ?? 0)) / HOUR).toBe(169);
    const [spring] = rotaSpans(rota(layer({ startsOn: '2027-03-22' })), [], {
      fromMs: ms('2027-03-22T07:00:00Z'),
      toMs: ms('2027-03-29T06:00:00Z'),
    });
    expect(((spring?.toMs ?? 0) - (spring?.fromMs ?? 0)) / HOUR).toBe(167);
  });

  it('that hands over at a skipped hour does so when the clocks have jumped', () => {
    const nightly = rota(layer({ startsOn: '2027-03-27', handoverAt: '02:30', turnDays: 1 }));
    const spans = rotaSpans(nightly, [], { fromMs: ms('2027-03-27T12:00:00Z'), toMs: ms('2027-03-28T12:00:00Z') });
    expect(spans.map(({ fromMs }) => iso(fromMs))).toEqual(['2027-03-27T12:00:00.000Z', '2027-03-28T01:30:00.000Z']);
  });

  it('says until when somebody is on call', () => {
    const [now] = onCallAt(rota(layer()), [], ms('2026-10-20T12:00:00Z'));
    expect(now).toMatchObject({ userId: 'cleo', by: 'rotation', untilMs: ms('2026-10-26T07:00:00Z') });
  });

  it('has a gap before it begins, and none after', () => {
    const period = { fromMs: ms('2026-10-01T00:00:00Z'), toMs: ms('2027-10-01T00:00:00Z') };
    expect(gapsOf(rota(layer()), [], period)).toEqual([
      { layer: 'first', by: 'nobody', fromMs: period.fromMs, toMs: ms('2026-10-05T06:00:00Z') },
    ]);
  });
});

describe('a layer for certain hours', () => {
  const nights = layer({ hours: [{ weekdays: [1, 2, 3, 4, 5, 6, 7], from: '20:00', to: '07:00' }] });

  it('needs nobody outside them, which is no gap', () => {
    expect(who(rota(nights), [], '2026-11-18T12:00:00Z')).toEqual(['not-needed']);
    expect(onCallAt(rota(nights), [], ms('2026-11-18T12:00:00Z'))[0]?.untilMs).toBe(ms('2026-11-18T19:00:00Z'));
    expect(who(rota(nights), [], '2026-11-18T19:00:00Z')).toEqual(['ada']);
    const period = { fromMs: ms('2026-11-01T00:00:00Z'), toMs: ms('2026-12-01T00:00:00Z') };
    expect(gapsOf(rota(nights), [], period)).toEqual([]);
  });

  it('has somebody outside them where an override says so', () => {
    const day = override({ fromMs: ms('2026-11-18T11:00:00Z'), toMs: ms('2026-11-18T13:00:00Z') });
    expect(who(rota(nights), [day], '2026-11-18T12:00:00Z')).toEqual(['dan']);
  });
});

describe('an override', () => {
  const one = rota(layer(), layer({ name: 'second', people: ['eve', 'fay'] as UserId[] }));
  const swap = override({ fromMs: ms('2026-10-13T06:00:00Z'), toMs: ms('2026-10-14T06:00:00Z') });

  it('takes its stretch of its layer and gives it back', () => {
    expect(who(one, [swap], '2026-10-13T05:59:59Z')).toEqual(['ben', 'fay']);
    expect(who(one, [swap], '2026-10-13T06:00:00Z')).toEqual(['dan', 'fay']);
    expect(who(one, [swap], '2026-10-14T06:00:00Z')).toEqual(['ben', 'fay']);
  });

  it('fills a gap', () => {
    const early = override({ fromMs: ms('2026-10-01T00:00:00Z'), toMs: ms('2026-10-05T06:00:00Z') });
    const period = { fromMs: ms('2026-10-01T00:00:00Z'), toMs: ms('2026-10-10T00:00:00Z') };
    expect(gapsOf(rota(layer()), [early], period)).toEqual([]);
  });

  it('made last counts where two say different things', () => {
    const later = override({ ...swap, id: 'o2', userId: 'gil' as UserId, madeAtMs: 5, toMs: swap.toMs - HOUR });
    expect(who(one, [swap, later], '2026-10-13T08:00:00Z')).toEqual(['gil', 'fay']);
    expect(who(one, [later, swap], '2026-10-13T08:00:00Z')).toEqual(['gil', 'fay']);
    expect(who(one, [swap, later], '2026-10-14T05:30:00Z')).toEqual(['dan', 'fay']);
  });

  it('of another rota or layer changes nothing here', () => {
    expect(who(one, [{ ...swap, rotaId: 'X' as RotaId }], '2026-10-13T08:00:00Z')).toEqual(['ben', 'fay']);
    expect(who(one, [{ ...swap, layer: 'third' }], '2026-10-13T08:00:00Z')).toEqual(['ben', 'fay']);
  });
});

describe('any rota, whatever its overrides', () => {
  const START = Date.UTC(2026, 8, 1);
  const span = fc
    .tuple(fc.integer({ min: 0, max: 120 * 24 }), fc.integer({ min: 1, max: 14 * 24 }))
    .map(([from, hours]) => ({ fromMs: START + from * HOUR, toMs: START + (from + hours) * HOUR }));
  const overrides = fc.array(
    fc.record({ span, person: fc.constantFrom('dan', 'ada', 'gil'), madeAtMs: fc.integer({ min: 0, max: 3 }) }),
    { maxLength: 6 },
  );
  const layers = fc.record({
    turnDays: fc.integer({ min: 1, max: 14 }),
    handoverAt: fc.constantFrom('00:00', '02:30', '08:00', '23:59'),
    zone: fc.constantFrom('Europe/Berlin', 'America/New_York', 'UTC', 'Australia/Lord_Howe'),
    hours: fc.constantFrom(undefined, [{ weekdays: [1, 3, 5], from: '20:00', to: '07:00' }]),
  });

  it('covers every moment that needs somebody exactly once, and agrees with who is on call then', () => {
    fc.assert(
      fc.property(layers, overrides, span, ({ turnDays, handoverAt, zone, hours }, made, period) => {
        const one = {
          ...rota(layer({ turnDays, handoverAt, startsOn: '2026-09-15', ...(hours === undefined ? {} : { hours }) })),
          zone,
        };
        const all = made.map(({ span: at, person, madeAtMs }, index) =>
          override({ ...at, id: `o${index}`, userId: person as UserId, madeAtMs }),
        );
        const spans = rotaSpans(one, all, period);
        let lastMs = period.fromMs;
        for (const each of spans) {
          expect(each.fromMs).toBeGreaterThanOrEqual(lastMs);
          expect(each.toMs).toBeGreaterThan(each.fromMs);
          if (hours === undefined) expect(each.fromMs).toBe(lastMs);
          lastMs = each.toMs;
          const middle = Math.floor((each.fromMs + each.toMs) / 2);
          const [now] = onCallAt(one, all, middle);
          expect(now?.by).toBe(each.by);
          if (each.by !== 'nobody') expect(now).toMatchObject({ userId: each.userId });
        }
        if (hours === undefined) expect(lastMs).toBe(period.toMs);
      }),
      { numRuns: 60 },
    );
  });
});
