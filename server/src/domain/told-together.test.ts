import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AlarmId, UserId } from './ids.ts';
import { type OtherPage, type PageInQuestion, pageThatTells, TOGETHER_MS } from './told-together.ts';

const T = 1_800_000_000_000;
const CALLING = { state: 'active', condition: 'present', priority: 'high', kind: 'physiological' } as const;
const other = (over: Partial<OtherPage> = {}): OtherPage => ({
  deliveryId: 'd1',
  alarmId: 'A-1' as AlarmId,
  event: 'raised',
  priority: 'high',
  orderedAtMs: T - 10_000,
  deliveredAtMs: T - 9_000,
  state: 'delivered',
  goesFirst: true,
  alarm: CALLING,
  ...over,
});
const page = (over: Partial<PageInQuestion> = {}, others: readonly OtherPage[] = [other()]): PageInQuestion => ({
  event: 'raised',
  userId: 'nia' as UserId,
  priority: 'high',
  orderedAtMs: T,
  insists: false,
  alarm: CALLING,
  others,
  ...over,
});
const told = (of: PageInQuestion) => pageThatTells(of, TOGETHER_MS)?.deliveryId;

describe('a page to a person who was called to the same patient a moment ago', () => {
  it('is told with that one', () => {
    expect(told(page())).toBe('d1');
    expect(told(page({ event: 'escalated' }))).toBe('d1');
  });

  it('waits for one that is under way and was ordered before', () => {
    expect(told(page({}, [other({ state: 'under-way' })]))).toBe('d1');
    expect(told(page({}, [other({ state: 'under-way', goesFirst: false })]))).toBeUndefined();
  });

  it('is told with the one that arrived, rather than wait for another', () => {
    expect(told(page({}, [other({ state: 'under-way' }), other({ deliveryId: 'd2' })]))).toBe('d2');
  });

  it.each<[string, Partial<PageInQuestion>, Partial<OtherPage>]>([
    ['is the first', {}, { orderedAtMs: T - TOGETHER_MS }],
    ['goes to a mailbox or a machine', { userId: undefined as never }, {}],
    ['was asked for', { insists: true }, {}],
    ['says that it grew worse', { event: 'worsened' }, {}],
    ['is more urgent than that one was', {}, { priority: 'medium' }],
    ['is more urgent than that alarm has become', {}, { alarm: { ...CALLING, priority: 'medium' } }],
    ['has grown more urgent since', { priority: 'medium' }, { priority: 'medium' }],
    ['is of the other kind', {}, { alarm: { ...CALLING, kind: 'technical' } }],
    ['follows one that is in trouble', {}, { state: 'in-trouble' }],
    ['follows one that called nobody', {}, { event: 'acknowledged' }],
    ['follows one that somebody has taken', {}, { alarm: { ...CALLING, acknowledgedAtMs: T - 1 } }],
    ['follows one that is silenced', {}, { alarm: { ...CALLING, snoozedUntilMs: T + 1 } }],
    ['follows one whose condition has ended', {}, { alarm: { ...CALLING, condition: 'ended' } }],
    ['follows one that is over', {}, { alarm: { ...CALLING, state: 'resolved' } }],
    ['comes after somebody took another of the patient’s alarms', { takenAtMs: T - 5_000 }, {}],
  ])('goes out when it %s', (_, own, its) => {
    const { userId, ...rest } = own;
    const of = page('userId' in own ? rest : own, [other(its)]);
    if ('userId' in own) delete (of as { userId?: UserId }).userId;
    expect(told(of)).toBeUndefined();
  });

  it('is not told with one from before somebody came, but with one from after', () => {
    const others = [other({ deliveredAtMs: T - 11_000 }), other({ deliveryId: 'd2', deliveredAtMs: T - 9_000 })];
    expect(told(page({ takenAtMs: T - 10_000 }, others))).toBe('d2');
  });
});

/**
 * A model of one person's phone: pages of several alarms of one patient are ordered, sent and fail; alarms are taken and
 * end. What is told with another is due again once that one no longer stands, as the outbox does it.
 */
describe('over any course of events', () => {
  const RANK = { high: 2, medium: 1, low: 0 } as const;
  const happening = fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('page' as const), alarm: fc.nat(3), fails: fc.nat(2) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('take' as const), alarm: fc.nat(3) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('end' as const), alarm: fc.nat(3) }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('time' as const), ms: fc.nat(90_000) }) },
  );
  const course = fc.record({
    priorities: fc.array(fc.constantFrom('high' as const, 'medium' as const), { minLength: 4, maxLength: 4 }),
    happenings: fc.array(happening, { maxLength: 40 }),
  });

  it('whoever would have been told hears of the patient, as urgently, while the alarm calls', () => {
    fc.assert(
      fc.property(course, ({ priorities, happenings }) => {
        const phone = new Phone(priorities);
        for (const each of happenings) {
          if (each.kind === 'page') phone.order(each.alarm, each.fails);
          else if (each.kind === 'take') phone.take(each.alarm);
          else if (each.kind === 'end') phone.end(each.alarm);
          else phone.pass(each.ms);
          phone.settle();
          for (const wanted of phone.pages) {
            if (wanted.state === 'delivered' || !phone.calls(wanted)) continue;
            // Not sent although its alarm calls: another stands for it that did arrive, is as urgent and still calls.
            const by = wanted.toldWith;
            expect(by?.state).toBe('delivered');
            if (by === undefined) return;
            expect(phone.calls(by)).toBe(true);
            expect(RANK[by.priority]).toBeGreaterThanOrEqual(RANK[wanted.priority]);
            expect(Math.abs(by.orderedAtMs - wanted.orderedAtMs)).toBeLessThan(TOGETHER_MS);
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('one deterioration is one page', () => {
    const phone = new Phone(['high', 'high', 'high', 'medium']);
    for (const alarm of [0, 1, 2, 3]) {
      phone.order(alarm, 0);
      phone.settle();
      phone.pass(15_000);
    }
    expect(phone.sent).toBe(1);
  });
});

interface Page {
  readonly id: number;
  readonly alarm: number;
  readonly priority: 'high' | 'medium';
  readonly orderedAtMs: number;
  failsLeft: number;
  attempts: number;
  state: 'pending' | 'delivered' | 'held';
  deliveredAtMs?: number;
  toldWith?: Page;
}

class Phone {
  nowMs = T;
  sent = 0;
  readonly pages: Page[] = [];
  readonly #alarms: { readonly priority: 'high' | 'medium'; takenAtMs?: number; isOver: boolean }[];

  constructor(priorities: readonly ('high' | 'medium')[]) {
    this.#alarms = priorities.map((priority) => ({ priority, isOver: false }));
  }

  order(alarm: number, failsLeft: number): void {
    const { priority } = this.#of(alarm);
    const id = this.pages.length;
    this.pages.push({ id, alarm, priority, orderedAtMs: this.nowMs, failsLeft, attempts: 0, state: 'pending' });
  }

  take(alarm: number): void {
    this.#of(alarm).takenAtMs = this.nowMs;
  }

  end(alarm: number): void {
    this.#of(alarm).isOver = true;
  }

  pass(ms: number): void {
    this.nowMs += ms;
  }

  calls({ alarm }: Page): boolean {
    const { takenAtMs, isOver } = this.#of(alarm);
    return takenAtMs === undefined && !isOver;
  }

  /** Everything that is due is tried until nothing waits. */
  settle(): void {
    for (const held of this.pages) {
      const by = held.toldWith;
      if (by === undefined || (by.state === 'delivered' && this.calls(by)) || !this.calls(held)) continue;
      delete held.toldWith;
      held.state = 'pending';
    }
    for (let tries = 0; tries < 8; tries++)
      for (const each of this.pages) if (each.state === 'pending' && this.calls(each)) this.#look(each);
  }

  #look(each: Page): void {
    const taken = this.#alarms.flatMap(({ takenAtMs }) => takenAtMs ?? []);
    const by = pageThatTells(
      page(
        {
          priority: each.priority,
          alarm: this.#alarmOf(each),
          orderedAtMs: each.orderedAtMs,
          ...(taken.length === 0 ? {} : { takenAtMs: Math.max(...taken) }),
        },
        this.#others(each),
      ),
      TOGETHER_MS,
    );
    if (by?.state === 'delivered') {
      each.state = 'held';
      each.toldWith = this.pages[Number(by.deliveryId)] as Page;
    } else if (by === undefined) {
      each.attempts++;
      if (each.failsLeft-- > 0) return;
      each.state = 'delivered';
      each.deliveredAtMs = this.nowMs;
      this.sent++;
    }
  }

  #others(each: Page): readonly OtherPage[] {
    return this.pages
      .filter(({ alarm, state }) => alarm !== each.alarm && state !== 'held')
      .map((one) => ({
        deliveryId: String(one.id),
        alarmId: `A-${one.alarm}` as AlarmId,
        event: 'raised',
        priority: one.priority,
        orderedAtMs: one.orderedAtMs,
        ...(one.deliveredAtMs === undefined ? {} : { deliveredAtMs: one.deliveredAtMs }),
        state: one.state === 'delivered' ? 'delivered' : one.attempts === 0 ? 'under-way' : 'in-trouble',
        goesFirst: one.id < each.id,
        alarm: this.#alarmOf(one),
      }));
  }

  #alarmOf({ alarm }: Page): OtherPage['alarm'] {
    const { priority, takenAtMs, isOver } = this.#of(alarm);
    return {
      ...CALLING,
      priority,
      ...(isOver ? { condition: 'ended' as const } : {}),
      ...(takenAtMs === undefined ? {} : { acknowledgedAtMs: takenAtMs }),
    };
  }

  #of(alarm: number) {
    const found = this.#alarms[alarm];
    if (found === undefined) throw new Error('no such alarm');
    return found;
  }
}
