import { beforeEach, describe, expect, it } from 'vitest';
import type { ConditionTransition } from '../domain/alarm.ts';
import type { AlarmId, UserId } from '../domain/ids.ts';
import type { AlarmStore } from './alarm-store.ts';
import type { Escalations, EscalationWatch, ToldStep } from './escalations.ts';
import { began, ended, MINUTE, T } from './test-transitions.ts';
import type { WorkflowStore } from './workflow-store.ts';

export interface EscalationWorld {
  /** Empty, and at `T`; whose changes begin and end rounds. Definitions are kept. */
  readonly alarms: AlarmStore;
  readonly escalations: Escalations;
  readonly watch: EscalationWatch;
  readonly workflow: WorkflowStore;
}

const A = 'A-1' as AlarmId;
const ROUND = { alarmId: A, round: 1 };
const TOKEN = 'escalation-high:A-1.1~1~token';
const LATE = { graceMs: 30_000, lateMs: MINUTE, repeatMs: 10 * MINUTE, limit: 10 };

/** What every keeper of escalations must do. */
export function escalationsContract(engine: string, makeWorld: () => Promise<EscalationWorld>): void {
  describe(`${engine} for escalations`, () => {
    let world: EscalationWorld;
    beforeEach(async () => {
      world = await makeWorld();
    });
    const raise = (over: Partial<ConditionTransition> = {}) => world.alarms.apply([began(1, over)]);
    const acknowledge = () => world.alarms.acknowledge({ id: A, by: 'Nia', atMs: T });
    const tell = (over: Partial<ToldStep> = {}, token = TOKEN, passed: readonly ToldStep[] = []) =>
      world.escalations.told({ ...ROUND, ...step(), ...over, token, passed });
    const round = () => world.escalations.round(ROUND);

    describe('a round', () => {
      it('begins with its alarm, and runs', async () => {
        await raise();
        expect(await round()).toEqual({
          ...ROUND,
          definition: 'escalation-high',
          priority: 'high',
          fromStep: 'nurse',
          startedBy: 'raised',
          startedAtMs: T,
        });
        expect(await world.escalations.rounds(A)).toMatchObject([{ execution: 'escalation-high:A-1.1', steps: [] }]);
        expect(await world.workflow.find('escalation-high:A-1.1')).toMatchObject({ status: 'RUNNING' });
      });

      it('is not begun for a low alarm', async () => {
        await raise({ priority: 'low' });
        expect(await world.escalations.rounds(A)).toEqual([]);
      });

      it('ends when somebody takes the alarm, and whoever waits for an answer has it', async () => {
        await raise();
        await waitFor(TOKEN);
        await tell();
        await acknowledge();
        expect(await round()).toMatchObject({ end: 'acknowledged', endedBy: 'Nia', endedAtMs: T });
        expect((await round())?.dueAtMs).toBeUndefined();
        expect(await signals()).toMatchObject([{ kind: 'succeeded', output: { answer: 'acknowledged' } }]);
      });

      it('is followed by the next when the alarm is given back', async () => {
        await raise();
        await acknowledge();
        await world.alarms.act({ id: A, act: { kind: 'release' }, by: 'Nia', atMs: T });
        expect(await world.escalations.rounds(A)).toMatchObject([
          { round: 1, end: 'acknowledged' },
          { round: 2, startedBy: 'released' },
        ]);
      });

      it('that does not exist is nobody’s', async () => {
        expect(await round()).toBeUndefined();
        expect(await world.escalations.end({ ...ROUND, end: 'recovered', atMs: T })).toBe('was-over');
        await expect(tell()).rejects.toThrow(TypeError);
      });
    });

    describe('a step', () => {
      it('is written, and says until when it waits', async () => {
        await raise();
        expect(await tell()).toMatchObject({ step: 'nurse', toldAtMs: T, dueAtMs: T + MINUTE, token: TOKEN });
        expect(await world.escalations.rounds(A)).toMatchObject([{ steps: [step()] }]);
      });

      it('told again keeps what was written first, but for the token and how long it waits', async () => {
        await raise();
        await tell();
        const again = await tell({ atMs: T + 5_000, untilMs: T + 2 * MINUTE, recipients: [] }, `${TOKEN}2`);
        expect(again).toMatchObject({ token: `${TOKEN}2`, dueAtMs: T + 2 * MINUTE });
        expect(await world.escalations.rounds(A)).toMatchObject([{ steps: [{ ...step(), untilMs: T + 2 * MINUTE }] }]);
      });

      it('where nobody could be told is due at once', async () => {
        await raise();
        const { untilMs, ...atOnce } = step();
        const told = await world.escalations.told({ ...ROUND, ...atOnce, recipients: [], token: TOKEN });
        expect(told.dueAtMs).toBe(T);
      });

      it('is written with those that were passed before it, which wait for nobody', async () => {
        await raise();
        const { untilMs, ...atOnce } = step();
        const passed = [{ ...atOnce, recipients: [] }];
        const told = await tell({ step: 'on-call', atMs: T + 1 }, TOKEN, passed);
        expect(told).toMatchObject({ step: 'on-call', toldAtMs: T + 1, dueAtMs: T + MINUTE, token: TOKEN });
        const [written] = await world.escalations.rounds(A);
        expect(written?.steps).toEqual([...passed, { ...step(), step: 'on-call', atMs: T + 1 }]);
      });

      it('of a round that has ended meanwhile is not written', async () => {
        await raise();
        await acknowledge();
        expect(await tell()).toMatchObject({ end: 'acknowledged' });
        expect(await world.escalations.rounds(A)).toMatchObject([{ steps: [] }]);
      });
    });

    describe('an end by the escalation itself', () => {
      it('is refused while the condition is present, where that was asked', async () => {
        await raise();
        const recovered = { ...ROUND, end: 'recovered', atMs: T, onlyIfConditionEnded: true } as const;
        expect(await world.escalations.end(recovered)).toBe('condition-present');
        await world.alarms.apply([ended(2)]);
        expect(await world.escalations.end(recovered)).toBe('ended');
        expect(await world.escalations.end(recovered)).toBe('was-over');
        expect(await round()).toMatchObject({ end: 'recovered', endedAtMs: T });
      });
    });

    describe('what quiet hours hold back', () => {
      const held = {
        alarmId: A,
        event: 'raised',
        channel: 'mail',
        recipient: 'nia@ward.example',
        dedupeKey: 'k1',
        dueAtMs: T + MINUTE,
      } as const;
      const due = (nowMs: number) => world.escalations.dueTellings({ nowMs, limit: 10 });

      it('is due when they end, until it is released', async () => {
        await raise();
        await world.escalations.hold([held, { ...held, dedupeKey: 'k2', dueAtMs: T + 2 * MINUTE }]);
        await world.escalations.hold([{ ...held, dueAtMs: T }]);
        expect(await due(T)).toEqual([]);
        expect(await due(T + MINUTE)).toEqual([held]);
        await world.escalations.release(['k1']);
        expect(await due(T + MINUTE)).toEqual([]);
        expect(await due(T + 2 * MINUTE)).toHaveLength(1);
      });

      it('is forgotten where the alarm calls nobody any more', async () => {
        await raise();
        await world.escalations.hold([held]);
        await acknowledge();
        expect(await due(T + MINUTE)).toEqual([]);
      });
    });

    describe('the watch', () => {
      const left = async (nowMs: number, more: { readonly includeTold?: boolean } = {}) =>
        (await world.watch.left({ ...LATE, ...more, nowMs })).map(({ alarm, reason, sinceMs }) => [
          alarm.id,
          reason,
          sinceMs,
        ]);

      it('finds an alarm whose next step is late', async () => {
        await raise();
        await tell();
        expect(await left(T + 2 * MINUTE - 1)).toEqual([]);
        expect(await left(T + 2 * MINUTE)).toEqual([[A, 'late', T + MINUTE]]);
        await acknowledge();
        expect(await left(T + 2 * MINUTE)).toEqual([]);
      });

      it('finds one whose escalation never told anybody, also when its condition is over', async () => {
        await raise();
        await world.alarms.apply([ended(2)]);
        expect(await left(T + MINUTE)).toEqual([[A, 'late', T]]);
        await tell();
        expect(await left(T + 10 * MINUTE)).toEqual([]);
      });

      it('finds one that told everybody in vain, after a while', async () => {
        await raise();
        await world.escalations.end({ ...ROUND, end: 'exhausted', atMs: T });
        expect(await left(T + 10 * MINUTE - 1)).toEqual([]);
        expect(await left(T + 10 * MINUTE)).toEqual([[A, 'exhausted', T]]);
      });

      it('finds one whose round is over although it calls', async () => {
        await raise();
        await world.escalations.end({ ...ROUND, end: 'failed', atMs: T });
        expect(await left(T + 31_000)).toEqual([[A, 'missing', T]]);
      });

      it('tells of each once in a while, whoever of two asks first', async () => {
        await raise();
        const claim = (atMs: number) => world.watch.claim({ alarmId: A, reason: 'late', atMs, repeatMs: 10 * MINUTE });
        expect(await claim(T + MINUTE)).toBe(true);
        expect(await claim(T + 2 * MINUTE)).toBe(false);
        expect(await left(T + 2 * MINUTE)).toEqual([]);
        expect(await left(T + 2 * MINUTE, { includeTold: true })).toHaveLength(1);
        expect(await claim(T + 11 * MINUTE)).toBe(true);
      });

      it('says when it looked last', async () => {
        expect(await world.watch.lastBeatMs('dog')).toBeUndefined();
        await world.watch.beat({ name: 'dog', atMs: T });
        await world.watch.beat({ name: 'dog', atMs: T + 1, detail: 'nothing left' });
        expect(await world.watch.lastBeatMs('dog')).toBe(T + 1);
      });
    });

    /** The execution waits for this token, as after its first task. */
    const waitFor = (token: string) =>
      world.workflow.advanceDue({
        worker: 'w',
        nowMs: T,
        limit: 10,
        decide: (due) =>
          due.map(({ key, version, state }) => ({
            key,
            version,
            state,
            status: 'RUNNING',
            wakeAtMs: T + MINUTE,
            signalsSeen: 0,
            tokens: [token],
          })),
      });

    async function signals() {
      let seen: readonly unknown[] = [];
      await world.workflow.advanceDue({
        worker: 'w',
        nowMs: T + MINUTE,
        limit: 10,
        decide(due) {
          seen = due.flatMap((each) => each.signals);
          return [];
        },
      });
      return seen;
    }
  });
}

const step = () =>
  ({
    step: 'nurse',
    repeat: 1,
    atMs: T,
    untilMs: T + MINUTE,
    recipients: [
      {
        userId: 'nia' as UserId,
        role: 'nurse',
        channel: 'mail',
        address: 'nia@ward.example',
        why: 'nurse of the ward',
        dedupeKey: 'k',
      },
    ],
    warnings: [],
  }) satisfies ToldStep;
