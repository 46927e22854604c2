import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Alarm, type AlarmChange, nextAlarm, urgencyOf } from './alarm.ts';
import { type ActDecision, actOn } from './alarm-act.ts';
import { ALARM_POLICY, snoozeChoicesMs } from './alarm-policy.ts';
import { nextDueMs, scheduled, timePassed } from './alarm-time.ts';
import { ANNA, BEN, MINUTE, makeAlarm, T, transition } from './test-alarm.ts';

/** Every state an alarm can be in: its condition, whether somebody has it, whether it is silenced. */
const SNOOZED = { snoozedUntilMs: T + 5 * MINUTE, snoozedAtMs: T, snoozedBy: BEN.by };
const TAKEN = { acknowledgedAtMs: T, acknowledgedBy: ANNA.by, owner: ANNA.by, ownerId: ANNA.byId as never };
const STATES: Readonly<Record<string, Alarm>> = {
  calling: makeAlarm(),
  'calling, snoozed': makeAlarm(SNOOZED),
  taken: makeAlarm({ ...TAKEN, acknowledgementExpiresAtMs: T + 30 * MINUTE }),
  'taken, snoozed': makeAlarm({ ...TAKEN, ...SNOOZED, acknowledgementExpiresAtMs: T + 30 * MINUTE }),
  latched: makeAlarm({ condition: 'ended', endedAtMs: T }),
  'latched, snoozed': makeAlarm({ condition: 'ended', endedAtMs: T, ...SNOOZED }),
  over: makeAlarm({ condition: 'ended', endedAtMs: T, ...TAKEN, state: 'resolved', resolvedAtMs: T }),
};

function stateOf(alarm: Alarm): string {
  if (alarm.state === 'resolved') return 'over';
  const snoozed = alarm.snoozedUntilMs === undefined ? '' : ', snoozed';
  if (alarm.acknowledgedAtMs !== undefined) return `taken${snoozed}`;
  return alarm.condition === 'ended' ? `latched${snoozed}` : `calling${snoozed}`;
}

/** Everything that can happen, each as what it makes of an alarm. */
type Happening = (alarm: Alarm, nowMs: number) => AlarmChange | ActDecision | undefined;
const condition = (...of: Parameters<typeof transition>): Happening => {
  const each = transition(...of);
  return (alarm, atMs) => nextAlarm(alarm.state === 'active' ? alarm : undefined, { ...each, atMs }, {});
};
const act = (what: Parameters<typeof actOn>[1], who = ANNA): Happening => {
  return (alarm, atMs) => actOn(alarm, what, who, atMs, ALARM_POLICY);
};
const HAPPENINGS: Readonly<Record<string, Happening>> = {
  'goes on': condition('began'),
  'gets worse': condition('worsened', { value: 190 }),
  'more urgent': condition('worsened', { value: 190, priority: 'high' }),
  'less urgent': condition('eased', { priority: 'low' }),
  ends: condition('ended'),
  'Anna acknowledges': act({ kind: 'acknowledge' }),
  'Ben acknowledges': act({ kind: 'acknowledge' }, BEN),
  'Ben takes it as nobody’s': act({ kind: 'own' }, BEN),
  'Ben takes it from Anna': act({ kind: 'own', from: ANNA.by }, BEN),
  'Anna gives it back': act({ kind: 'release' }),
  'Ben gives it back': act({ kind: 'release' }, BEN),
  'snoozed 15 min': act({ kind: 'snooze', forMs: 15 * MINUTE }),
  'snoozed 16 min': act({ kind: 'snooze', forMs: 16 * MINUTE }),
  'woken up': act({ kind: 'unsnooze' }),
  note: act({ kind: 'note', note: 'x' }),
  escalates: act({ kind: 'escalate', step: 'physician' }),
  'an hour passes': (alarm) => timePassed(alarm, T + 60 * MINUTE),
};

function outcome(happening: Happening, alarm: Alarm): string {
  const result = happening(alarm, T);
  if (result === undefined) return '-';
  if (result.kind === 'refused') return `no: ${'reason' in result ? result.reason : ''}`;
  const change = result.kind === 'done' ? (result as ActDecision & { kind: 'done' }).change : (result as AlarmChange);
  const undone = change.undone === undefined ? '' : ` (-${change.undone.join(' -')})`;
  return `${change.kind}${undone} > ${stateOf(change.alarm)}`;
}

// What each happening makes of each state. Read as: change (what it put an end to) > the state after it.
const TABLE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  calling: {
    'goes on': 'unchanged > calling',
    'gets worse': 'worsened > calling',
    'more urgent': 'priority-changed > calling',
    'less urgent': 'priority-changed > calling',
    ends: 'ended > latched',
    'Anna acknowledges': 'acknowledged > taken',
    'Ben acknowledges': 'acknowledged > taken',
    'Ben takes it as nobody’s': 'acknowledged > taken',
    'Ben takes it from Anna': 'no: owned-by-other',
    'Anna gives it back': 'no: not-owner',
    'Ben gives it back': 'no: not-owner',
    'snoozed 15 min': 'snoozed > calling, snoozed',
    'snoozed 16 min': 'no: snooze-not-offered',
    'woken up': 'no: not-snoozed',
    note: 'noted > calling',
    escalates: 'escalated > calling',
    'an hour passes': '-',
  },
  'calling, snoozed': {
    'goes on': 'unchanged > calling, snoozed',
    'gets worse': 'worsened (-snooze) > calling',
    'more urgent': 'priority-changed (-snooze) > calling',
    'less urgent': 'priority-changed > calling, snoozed',
    ends: 'ended > latched, snoozed',
    'Anna acknowledges': 'acknowledged (-snooze) > taken',
    'Ben acknowledges': 'acknowledged (-snooze) > taken',
    'Ben takes it as nobody’s': 'acknowledged (-snooze) > taken',
    'Ben takes it from Anna': 'no: owned-by-other',
    'Anna gives it back': 'no: not-owner',
    'Ben gives it back': 'no: not-owner',
    'snoozed 15 min': 'snoozed > calling, snoozed',
    'snoozed 16 min': 'no: snooze-not-offered',
    'woken up': 'unsnoozed > calling',
    note: 'noted > calling, snoozed',
    escalates: 'escalated > calling, snoozed',
    'an hour passes': 'unsnoozed (-snooze) > calling',
  },
  taken: {
    'goes on': 'unchanged > taken',
    'gets worse': 'worsened > taken',
    'more urgent': 'priority-changed (-acknowledgement) > calling',
    'less urgent': 'priority-changed > taken',
    ends: 'resolved > over',
    'Anna acknowledges': 'no: already-acknowledged',
    'Ben acknowledges': 'no: already-acknowledged',
    'Ben takes it as nobody’s': 'no: owned-by-other',
    'Ben takes it from Anna': 'owner-changed > taken',
    'Anna gives it back': 'released (-acknowledgement) > calling',
    'Ben gives it back': 'no: not-owner',
    'snoozed 15 min': 'snoozed > taken, snoozed',
    'snoozed 16 min': 'no: snooze-not-offered',
    'woken up': 'no: not-snoozed',
    note: 'noted > taken',
    escalates: 'no: already-acknowledged',
    'an hour passes': 'acknowledgement-expired (-acknowledgement) > calling',
  },
  'taken, snoozed': {
    'goes on': 'unchanged > taken, snoozed',
    'gets worse': 'worsened (-snooze) > taken',
    'more urgent': 'priority-changed (-acknowledgement -snooze) > calling',
    'less urgent': 'priority-changed > taken, snoozed',
    ends: 'resolved > over',
    'Anna acknowledges': 'no: already-acknowledged',
    'Ben acknowledges': 'no: already-acknowledged',
    'Ben takes it as nobody’s': 'no: owned-by-other',
    'Ben takes it from Anna': 'owner-changed > taken, snoozed',
    'Anna gives it back': 'released (-acknowledgement -snooze) > calling',
    'Ben gives it back': 'no: not-owner',
    'snoozed 15 min': 'snoozed > taken, snoozed',
    'snoozed 16 min': 'no: snooze-not-offered',
    'woken up': 'unsnoozed > taken',
    note: 'noted > taken, snoozed',
    escalates: 'no: already-acknowledged',
    'an hour passes': 'unsnoozed (-snooze) > taken',
  },
  latched: {
    'goes on': 'returned > calling',
    'gets worse': 'returned > calling',
    'more urgent': 'returned > calling',
    'less urgent': 'returned > calling',
    ends: 'unchanged > latched',
    'Anna acknowledges': 'resolved > over',
    'Ben acknowledges': 'resolved > over',
    'Ben takes it as nobody’s': 'resolved > over',
    'Ben takes it from Anna': 'no: owned-by-other',
    'Anna gives it back': 'no: not-owner',
    'Ben gives it back': 'no: not-owner',
    'snoozed 15 min': 'snoozed > latched, snoozed',
    'snoozed 16 min': 'no: snooze-not-offered',
    'woken up': 'no: not-snoozed',
    note: 'noted > latched',
    escalates: 'escalated > latched',
    'an hour passes': '-',
  },
  'latched, snoozed': {
    'goes on': 'returned (-snooze) > calling',
    'gets worse': 'returned (-snooze) > calling',
    'more urgent': 'returned (-snooze) > calling',
    'less urgent': 'returned (-snooze) > calling',
    ends: 'unchanged > latched, snoozed',
    'Anna acknowledges': 'resolved (-snooze) > over',
    'Ben acknowledges': 'resolved (-snooze) > over',
    'Ben takes it as nobody’s': 'resolved (-snooze) > over',
    'Ben takes it from Anna': 'no: owned-by-other',
    'Anna gives it back': 'no: not-owner',
    'Ben gives it back': 'no: not-owner',
    'snoozed 15 min': 'snoozed > latched, snoozed',
    'snoozed 16 min': 'no: snooze-not-offered',
    'woken up': 'unsnoozed > latched',
    note: 'noted > latched, snoozed',
    escalates: 'escalated > latched, snoozed',
    'an hour passes': 'unsnoozed (-snooze) > latched',
  },
  over: {
    'goes on': 'raised > calling',
    'gets worse': 'raised > calling',
    'more urgent': 'raised > calling',
    'less urgent': 'raised > calling',
    ends: '-',
    ...Object.fromEntries(
      Object.keys(HAPPENINGS)
        .slice(5, -1)
        .map((name) => [name, 'no: already-resolved']),
    ),
    note: 'noted > over',
    'an hour passes': '-',
  },
};

describe('every state, and everything that can happen to it', () => {
  it('the table leaves nothing out', () => {
    expect(Object.keys(TABLE)).toEqual(Object.keys(STATES));
    for (const row of Object.values(TABLE)) expect(Object.keys(row).sort()).toEqual(Object.keys(HAPPENINGS).sort());
  });
  it.each(Object.entries(STATES))('%s', (name, alarm) => {
    expect(stateOf(alarm)).toBe(name);
    const is = Object.fromEntries(Object.entries(HAPPENINGS).map(([what, how]) => [what, outcome(how, alarm)]));
    expect(is).toEqual(TABLE[name]);
  });
});

// Lives as they may be led: conditions, people and time in any order. ---------------------------------------------------

type Step = { readonly after: number; readonly what: string };
const step: fc.Arbitrary<Step> = fc.record({
  after: fc.integer({ min: 0, max: 20 * MINUTE }),
  what: fc.constantFrom(...Object.keys(HAPPENINGS).slice(0, -1), 'time', 'snoozed 5 min'),
});

/** Leads an alarm through the steps as a store does; tells each change with the moment and what was before. */
function lead(first: Alarm, steps: readonly Step[], seen: (change: AlarmChange, before: Alarm, nowMs: number) => void) {
  let nowMs = T;
  let alarm = scheduled({ kind: 'raised', alarm: first, atMs: T }, undefined, ALARM_POLICY, nowMs).alarm;
  const put = (change: AlarmChange) => {
    const next = scheduled(change, alarm, ALARM_POLICY, nowMs);
    seen(next, alarm, nowMs);
    alarm = next.alarm;
  };
  for (const { after, what } of steps) {
    nowMs += after;
    if (what === 'time') {
      for (let due = timePassed(alarm, nowMs); due !== undefined; due = timePassed(alarm, nowMs)) put(due);
      continue;
    }
    if (alarm.state === 'resolved') return;
    const result = (HAPPENINGS[what] ?? act({ kind: 'snooze', forMs: 5 * MINUTE }))(alarm, nowMs);
    if (result === undefined || result.kind === 'refused') continue;
    const change = result.kind === 'done' ? (result as ActDecision & { kind: 'done' }).change : (result as AlarmChange);
    put(change);
  }
}

describe('whatever happens, in whatever order', () => {
  const first = fc.constantFrom(
    makeAlarm(),
    makeAlarm({ priority: 'high', highestPriority: 'high' }),
    makeAlarm({ kind: 'technical', priority: 'low', highestPriority: 'low' }),
    makeAlarm({ kind: 'technical', priority: 'medium' }),
  );
  const lives = fc.array(step, { maxLength: 40 });
  const holds = (claim: (change: AlarmChange, before: Alarm, nowMs: number) => void) =>
    fc.assert(
      fc.property(first, lives, (alarm, steps) => lead(alarm, steps, claim)),
      { numRuns: 500 },
    );

  it('a snooze has an author and an end that the clock will see, and never covers a high technical alarm', () =>
    holds(({ alarm }, _before, nowMs) => {
      const parts = [alarm.snoozedUntilMs, alarm.snoozedAtMs, alarm.snoozedBy].filter((part) => part !== undefined);
      expect([0, 3]).toContain(parts.length);
      if (alarm.snoozedUntilMs === undefined || alarm.snoozedAtMs === undefined) return;
      expect(alarm.snoozedUntilMs - alarm.snoozedAtMs).toBeLessThanOrEqual(60 * MINUTE);
      expect(alarm.snoozedAtMs).toBeLessThanOrEqual(nowMs);
      expect(nextDueMs(alarm)).toBeLessThanOrEqual(alarm.snoozedUntilMs);
      expect(alarm.kind === 'technical' && alarm.priority === 'high').toBe(false);
    }));

  it('what calls for somebody and is not silenced will be reminded of, or was as often as may be', () =>
    holds(({ alarm }) => {
      const calls = alarm.state === 'active' && stateOf(alarm) === 'calling';
      if (calls) expect(alarm.remindAtMs !== undefined || alarm.reminders >= ALARM_POLICY.remindersMax).toBe(true);
      else expect(alarm.remindAtMs).toBeUndefined();
      expect(alarm.reminders).toBeLessThanOrEqual(ALARM_POLICY.remindersMax);
    }));

  it('an acknowledgement has an owner and an end, and the highest priority is never forgotten', () =>
    holds(({ alarm }, before) => {
      if (alarm.acknowledgedAtMs !== undefined && alarm.state === 'active') {
        expect(alarm.owner).toBeDefined();
        expect(alarm.acknowledgementExpiresAtMs).toBeDefined();
      }
      if (alarm.id !== before.id) return;
      expect(urgencyOf(alarm.highestPriority)).toBeGreaterThanOrEqual(urgencyOf(alarm.priority));
      expect(urgencyOf(alarm.highestPriority)).toBeGreaterThanOrEqual(urgencyOf(before.highestPriority));
    }));

  it('it is over only when its condition has ended and somebody had it, or a rule says that nobody is needed', () =>
    holds(({ kind, alarm }) => {
      if (alarm.state !== 'resolved') return;
      expect(alarm.condition).toBe('ended');
      if (alarm.resolvedBy === 'rule') expect([alarm.kind, alarm.highestPriority]).toEqual(['technical', 'low']);
      else if (kind !== 'noted') expect(alarm.acknowledgedAtMs).toBeDefined();
      expect(nextDueMs(alarm)).toBeUndefined();
    }));

  it('time comes to rest: asked again at the same moment it has nothing more to do', () =>
    holds(({ alarm }, _before, nowMs) => {
      let [now, turns] = [alarm, 0];
      for (let due = timePassed(now, nowMs); due !== undefined; due = timePassed(now, nowMs)) {
        now = scheduled(due, now, ALARM_POLICY, nowMs).alarm;
        expect(++turns).toBeLessThanOrEqual(4);
      }
    }));
});

describe('an acknowledgement', () => {
  const take = (alarm: Alarm, atMs: number) => {
    const decision = actOn(alarm, { kind: 'acknowledge' }, ANNA, atMs, ALARM_POLICY);
    if (decision.kind !== 'done') throw new Error('refused');
    return scheduled(decision.change, alarm, ALARM_POLICY, atMs).alarm;
  };
  it.each(['high', 'medium', 'low'] as const)('of a %s alarm holds as long as its urgency allows', (priority) =>
    expect(take(makeAlarm({ priority }), T).acknowledgementExpiresAtMs).toBe(
      T + ALARM_POLICY.acknowledgementMs[priority],
    ),
  );
  it('of a NEWS2 alarm holds for a shift; an emergency that reaches a new worst calls anew, a milder one does not', () => {
    const score = (value: number) => ({ vital: 'news2', value, text: `NEWS2 ${value}` }) as const;
    const taken = take(makeAlarm({ priority: 'high', cause: score(7), worst: score(7) }), T);
    expect(taken.acknowledgementExpiresAtMs).toBe(T + (ALARM_POLICY.news2AcknowledgementMs?.high ?? 0));
    const to = (alarm: Alarm, value: number) =>
      nextAlarm(alarm, transition('worsened', { priority: alarm.priority, cause: score(value) }), {});
    expect(to(taken, 7)).toMatchObject({ kind: 'unchanged', alarm: { acknowledgedBy: ANNA.by } });
    const outgrown = to(taken, 8);
    expect(outgrown).toMatchObject({ kind: 'acknowledgement-expired', undone: ['acknowledgement'] });
    expect(outgrown?.alarm.acknowledgedAtMs).toBeUndefined();
    const medium = take(makeAlarm({ cause: score(5), worst: score(5) }), T);
    expect(to(medium, 6)).toMatchObject({ kind: 'worsened', alarm: { acknowledgedBy: ANNA.by } });
    // Of a value the owner is there for: as before.
    const ofValue = take(makeAlarm({ priority: 'high' }), T);
    expect(nextAlarm(ofValue, transition('worsened', { priority: 'high', value: 250 }), {})).toMatchObject({
      kind: 'worsened',
      alarm: { acknowledgedBy: ANNA.by },
    });
  });
  it('does not expire under a snooze, and expires with its end', () => {
    const taken = take(makeAlarm(), T);
    const decision = actOn(taken, { kind: 'snooze', forMs: 30 * MINUTE }, ANNA, T + 20 * MINUTE, ALARM_POLICY);
    if (decision.kind !== 'done') throw new Error('refused');
    const snoozed = scheduled(decision.change, taken, ALARM_POLICY, T + 20 * MINUTE).alarm;
    expect(timePassed(snoozed, T + 49 * MINUTE)).toBeUndefined();
    const awake = timePassed(snoozed, T + 50 * MINUTE);
    expect(awake?.kind).toBe('unsnoozed');
    expect(awake && timePassed(awake.alarm, T + 50 * MINUTE)?.kind).toBe('acknowledgement-expired');
  });
  it('that may hold for ever does', () => {
    const policy = { ...ALARM_POLICY, acknowledgementMs: { high: 0, medium: 0, low: 0 } };
    const decision = actOn(makeAlarm(), { kind: 'acknowledge' }, ANNA, T, policy);
    if (decision.kind !== 'done') throw new Error('refused');
    expect(nextDueMs(scheduled(decision.change, makeAlarm(), policy, T).alarm)).toBeUndefined();
  });
  it('is found to be one’s own by account, though the name has changed', () => {
    const taken = take(makeAlarm(), T);
    const renamed = { by: 'Anna Berg (anna)', byId: ANNA.byId as never };
    expect(actOn(taken, { kind: 'release' }, renamed, T, ALARM_POLICY).kind).toBe('done');
    const namesake = { by: ANNA.by, byId: 'u-other' as never };
    expect(actOn(taken, { kind: 'release' }, namesake, T, ALARM_POLICY).kind).toBe('refused');
  });
});

describe('what may be snoozed', () => {
  it('a high technical alarm never, however it is configured', () => {
    const policy = { snoozeMs: { high: [5 * MINUTE], medium: [], low: [] } };
    expect(snoozeChoicesMs({ kind: 'technical', priority: 'high' }, policy)).toEqual([]);
    expect(snoozeChoicesMs({ kind: 'physiological', priority: 'high' }, policy)).toEqual([5 * MINUTE]);
  });
  it('nothing for longer than an hour, nor for no time at all', () => {
    const policy = { snoozeMs: { high: [], medium: [0, -1, 61 * MINUTE, Number.POSITIVE_INFINITY, MINUTE], low: [] } };
    expect(snoozeChoicesMs({ kind: 'physiological', priority: 'medium' }, policy)).toEqual([MINUTE]);
  });
});

it('an alarm has room for two hundred notes, and then says so', () => {
  const full = makeAlarm({ notes: 200, ...TAKEN });
  for (const what of [
    { kind: 'note', note: 'x' },
    { kind: 'own', from: ANNA.by, note: 'x' },
  ] as const)
    expect(actOn(full, what, BEN, T, ALARM_POLICY)).toMatchObject({ kind: 'refused', reason: 'too-many-notes' });
  expect(actOn(full, { kind: 'own', from: ANNA.by }, BEN, T, ALARM_POLICY).kind).toBe('done');
});
