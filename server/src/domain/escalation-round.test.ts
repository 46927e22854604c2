import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Alarm, AlarmChange, AlarmChangeKind, Priority } from './alarm.ts';
import {
  definitionFor,
  ESCALATION_ACTOR,
  type EscalationRound,
  PUSH_AGAIN_MS,
  roundMoves,
} from './escalation-round.ts';
import type { AlarmId } from './ids.ts';

const NOW = Date.parse('2026-11-22T03:00:00Z');
const alarm = (over: Partial<Alarm> = {}) =>
  ({
    id: 'A1' as AlarmId,
    rule: 'heartRate.above.high',
    kind: 'physiological',
    priority: 'high',
    state: 'active',
    condition: 'present',
    ...over,
  }) as Alarm;
const change = (kind: AlarmChangeKind, over: Partial<Alarm> = {}, more: Partial<AlarmChange> = {}): AlarmChange => ({
  kind,
  alarm: alarm(over),
  atMs: NOW,
  ...more,
});
const round = (over: Partial<EscalationRound> = {}): EscalationRound => ({
  alarmId: 'A1' as AlarmId,
  round: 1,
  definition: 'escalation-high',
  priority: 'high',
  fromStep: 'nurse',
  startedBy: 'raised',
  startedAtMs: NOW - 60_000,
  ...over,
});
const TAKEN = { acknowledgedAtMs: NOW, acknowledgedBy: 'Nia' };

/** `start 2 nurse raised`, `end acknowledged`, `push`. */
const moves = (one: AlarmChange, last?: EscalationRound) =>
  roundMoves(one, last, NOW).map((move) =>
    move.kind === 'start'
      ? `start ${move.round.round} ${move.round.fromStep} ${move.round.startedBy} ${move.round.definition}`
      : move.kind === 'end'
        ? `end ${move.end}`
        : 'push',
  );

describe('an escalation begins', () => {
  it('with every high and medium alarm, and with a patient nobody can see', () => {
    expect(moves(change('raised'))).toEqual(['start 1 nurse raised escalation-high']);
    expect(moves(change('raised', { priority: 'medium' }))).toEqual(['start 1 nurse raised escalation-medium']);
    expect(moves(change('raised', { priority: 'low' }))).toEqual([]);
    expect(definitionFor(alarm({ kind: 'technical', rule: 'technical.lost', priority: 'medium' }))).toBe(
      'escalation-technical',
    );
    expect(definitionFor(alarm({ kind: 'technical', rule: 'technical.battery', priority: 'low' }))).toBeUndefined();
  });

  it('again where the alarm calls again', () => {
    const ended = round({ end: 'acknowledged' });
    expect(moves(change('acknowledgement-expired'), ended)).toEqual([
      'start 2 nurse acknowledgement-expired escalation-high',
    ]);
    expect(moves(change('released'), ended)).toEqual(['start 2 nurse released escalation-high']);
    expect(moves(change('returned'), round({ end: 'recovered' }))).toEqual(['start 2 nurse returned escalation-high']);
  });

  it('not for what is over, taken, or silenced for a while', () => {
    const ended = round({ end: 'recovered' });
    expect(moves(change('unsnoozed', { condition: 'ended' }), ended)).toEqual([]);
    expect(moves(change('released', TAKEN), ended)).toEqual([]);
    expect(moves(change('released', { snoozedUntilMs: NOW + 1 }), ended)).toEqual([]);
    for (const kind of ['reminder', 'noted', 'ended', 'owner-changed', 'worsened'] as const)
      expect(moves(change(kind), ended)).toEqual([]);
  });
});

describe('a running escalation', () => {
  const running = round({ step: 'charge-nurse-and-doctor', toldAtMs: NOW - 60_000 });

  it('ends when somebody takes the alarm, however they do it', () => {
    expect(moves(change('acknowledged', TAKEN), running)).toEqual(['end acknowledged']);
    expect(moves(change('resolved', { ...TAKEN, state: 'resolved' }), running)).toEqual(['end acknowledged']);
    expect(moves(change('resolved', { state: 'resolved' }), running)).toEqual(['end over']);
  });

  it('goes on when the condition ends: the vital is read again in its time', () => {
    expect(moves(change('ended', { condition: 'ended' }), running)).toEqual([]);
    expect(moves(change('returned'), running)).toEqual([]);
    expect(moves(change('worsened'), running)).toEqual([]);
    expect(moves(change('reminder'), running)).toEqual([]);
  });

  it('begins anew from where it was when the alarm becomes more urgent, and goes on when it becomes less so', () => {
    const medium = round({ priority: 'medium', definition: 'escalation-medium', step: 'charge-nurse-and-doctor' });
    expect(moves(change('priority-changed', {}, { previousPriority: 'medium' }), medium)).toEqual([
      'end superseded',
      'start 2 charge-nurse-and-doctor priority-raised escalation-high',
    ]);
    expect(moves(change('priority-changed', { priority: 'medium' }, { previousPriority: 'high' }), running)).toEqual(
      [],
    );
    expect(moves(change('priority-changed', { priority: 'low' }, { previousPriority: 'high' }), running)).toEqual([
      'end superseded',
    ]);
  });

  it('is not begun by an alarm that became less urgent', () => {
    const exhausted = round({ end: 'exhausted' });
    const eased = change('priority-changed', { priority: 'medium' }, { previousPriority: 'high' });
    expect(moves(eased, exhausted)).toEqual([]);
  });
});

describe('a snooze', () => {
  it('puts a step off once, and not for ever', () => {
    const snoozed = round({ step: 'nurse' });
    expect(moves(change('snoozed', { snoozedUntilMs: NOW + 1 }), snoozed)).toEqual(['end snoozed']);
    const again = change('unsnoozed');
    expect(moves(again, round({ step: 'nurse', end: 'snoozed' }))).toEqual([
      'start 2 nurse snooze-ended escalation-high',
    ]);
    const second = round({ round: 2, startedBy: 'snooze-ended', step: 'nurse', end: 'snoozed' });
    expect(moves(again, second)).toEqual(['start 3 charge-nurse-and-doctor snooze-ended escalation-high']);
    const third = round({ ...second, round: 3, fromStep: 'charge-nurse-and-doctor', step: 'charge-nurse-and-doctor' });
    expect(moves(again, third)).toEqual(['start 4 on-call snooze-ended escalation-high']);
  });

  it('that a worse value ends lets the escalation go on', () => {
    const worse = change('worsened', {}, { undone: ['snooze'] });
    expect(moves(worse, round({ step: 'nurse', end: 'snoozed' }))).toEqual([
      'start 2 nurse snooze-ended escalation-high',
    ]);
  });

  it('repeated at every step still reaches everyone', () => {
    let last = round({ step: 'nurse', end: 'snoozed' });
    const steps: string[] = [];
    for (let times = 0; times < 8; times++) {
      const [started] = roundMoves(change('unsnoozed'), last, NOW);
      if (started?.kind !== 'start') throw new Error('nothing was started');
      steps.push(started.round.fromStep);
      last = { ...started.round, step: started.round.fromStep, end: 'snoozed' };
    }
    expect(steps).toEqual([
      'nurse',
      'charge-nurse-and-doctor',
      'on-call',
      'everyone',
      'everyone',
      'everyone',
      'everyone',
      'everyone',
    ]);
  });
});

describe('a person who pushes it', () => {
  const wish = change('escalated', {}, { by: 'Nia' });

  it('gets the next step now', () => {
    expect(moves(wish, round({ step: 'nurse', toldAtMs: NOW - 1_000 }))).toEqual(['push']);
  });

  it('not again before those told have had a moment to answer', () => {
    const told = (ms: number) => round({ step: 'on-call', toldAtMs: NOW - ms });
    expect(moves(wish, told(PUSH_AGAIN_MS - 1))).toEqual([]);
    expect(moves(wish, told(PUSH_AGAIN_MS))).toEqual(['push']);
  });

  it('begins one beyond the nurse where none runs, also for a low alarm', () => {
    expect(moves(change('escalated', { priority: 'low' }, { by: 'Nia' }))).toEqual([
      'start 1 charge-nurse-and-doctor person escalation-high',
    ]);
    expect(moves(change('escalated', TAKEN, { by: 'Nia' }), round({ end: 'acknowledged' }))).toEqual([]);
  });

  it('is not the escalation itself, which marks its own steps', () => {
    expect(moves(change('escalated', {}, { by: ESCALATION_ACTOR }), round({ step: 'nurse' }))).toEqual([]);
  });
});

describe('whatever happens to an alarm, in whatever order', () => {
  const kinds: readonly AlarmChangeKind[] = [
    'raised',
    'worsened',
    'priority-changed',
    'ended',
    'returned',
    'acknowledged',
    'owner-changed',
    'released',
    'snoozed',
    'unsnoozed',
    'acknowledgement-expired',
    'reminder',
    'escalated',
    'noted',
    'resolved',
    'unchanged',
  ];
  const changes = fc.array(
    fc.record({
      kind: fc.constantFrom(...kinds),
      priority: fc.constantFrom<Priority>('high', 'medium', 'low'),
      condition: fc.constantFrom('present' as const, 'ended' as const),
      isTaken: fc.boolean(),
      isSnoozed: fc.boolean(),
      isOver: fc.boolean(),
    }),
    { maxLength: 12 },
  );

  it('at most one round runs, numbers go up by one, and none runs for an alarm that somebody has', () => {
    fc.assert(
      fc.property(changes, (all) => {
        let last: EscalationRound | undefined;
        for (const { kind, priority, condition, isTaken, isSnoozed, isOver } of all) {
          const one = change(kind, {
            priority,
            condition,
            state: isOver ? 'resolved' : 'active',
            ...(isTaken ? TAKEN : {}),
            ...(isSnoozed && !isOver ? { snoozedUntilMs: NOW + 1 } : {}),
          });
          for (const move of roundMoves(one, last, NOW)) {
            if (move.kind === 'start') {
              expect(last === undefined || last.end !== undefined).toBe(true);
              expect(move.round.round).toBe((last?.round ?? 0) + 1);
              last = move.round;
            } else {
              expect(move.round).toBe(last);
              expect(last?.end).toBeUndefined();
              if (move.kind === 'end') last = { ...move.round, end: move.end };
            }
          }
          if (isTaken && kind !== 'escalated') expect(last === undefined || last.end !== undefined).toBe(true);
        }
      }),
    );
  });
});
