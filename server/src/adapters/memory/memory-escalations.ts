import type { Alarm, AlarmChange } from '../../domain/alarm.ts';
import type { EscalationRound } from '../../domain/escalation-round.ts';
import { definitionFor, roundMoves } from '../../domain/escalation-round.ts';
import { type EscalationTimes, escalationInput, executionName } from '../../domain/escalation-times.ts';
import type { AlarmId } from '../../domain/ids.ts';
import type {
  Escalations,
  EscalationWatch,
  HeldTelling,
  LeftAlarm,
  LeftReason,
  RoundKey,
  ToldRound,
  ToldStep,
} from '../../ports/escalations.ts';
import type { ExecutionStatus, WorkflowStore } from '../../ports/workflow-store.ts';

interface AlarmSource {
  readonly alarms: ReadonlyMap<AlarmId, Alarm>;
}

interface KeptRound {
  round: EscalationRound;
  readonly steps: ToldStep[];
}

/**
 * Escalations while the process lives, for tests and simulations. Everything is done when a method has been called, so
 * `follow`, handed to `MemoryAlarmStore`, is one with the change of the alarm.
 */
export class MemoryEscalations implements Escalations, EscalationWatch {
  readonly kept = new Map<AlarmId, KeptRound[]>();
  readonly #alarms: () => AlarmSource;
  readonly #workflow: Pick<WorkflowStore, 'start' | 'completeTask'>;
  readonly #statusOf: (execution: string) => ExecutionStatus | undefined;
  readonly #times: EscalationTimes;
  readonly #now: () => number;
  readonly #held = new Map<string, HeldTelling>();
  readonly claims: { readonly alarmId: AlarmId; readonly atMs: number; readonly reason: LeftReason }[] = [];
  readonly #beats = new Map<string, number>();

  constructor(parts: {
    /** Asked for late: the alarms are given `follow`, and so are made after this. */
    readonly alarms: () => AlarmSource;
    readonly workflow: Pick<WorkflowStore, 'start' | 'completeTask'> & {
      statusOf(execution: string): ExecutionStatus | undefined;
    };
    readonly times: EscalationTimes;
    readonly now: () => number;
  }) {
    this.#alarms = parts.alarms;
    this.#workflow = parts.workflow;
    this.#statusOf = (execution) => parts.workflow.statusOf(execution);
    this.#times = parts.times;
    this.#now = parts.now;
  }

  /** What changes of alarms mean for their escalations; answers whether anything. */
  follow(changes: readonly AlarmChange[]): boolean {
    const nowMs = this.#now();
    let moves = 0;
    for (const change of changes) {
      if (WITHOUT_EFFECT.has(change.kind)) continue;
      const rounds = this.kept.get(change.alarm.id) ?? [];
      for (const move of roundMoves(change, rounds.at(-1)?.round, nowMs)) {
        moves++;
        if (move.kind === 'start') this.#begin(move.round);
        else if (move.kind === 'end') this.#finish(move, nowMs);
        else this.#answer(move.round, 'pushed', nowMs);
      }
    }
    return moves > 0;
  }

  #begin(round: EscalationRound): void {
    const { alarmId, definition, startedAtMs } = round;
    this.kept.set(alarmId, [...(this.kept.get(alarmId) ?? []), { round, steps: [] }]);
    const input = escalationInput(round, this.#times);
    void this.#workflow.start([{ definition, name: executionName(round), input, nowMs: startedAtMs }]);
  }

  #finish({ round, end, by }: ReturnType<typeof roundMoves>[number] & { readonly kind: 'end' }, nowMs: number): void {
    const kept = this.#keptOf(round);
    if (kept === undefined || kept.round.end !== undefined) return;
    const { dueAtMs, ...rest } = kept.round;
    kept.round = { ...rest, end, endedAtMs: nowMs, ...(by === undefined ? {} : { endedBy: by }) };
    this.#answer(kept.round, end, nowMs);
  }

  #answer({ token }: EscalationRound, answer: string, nowMs: number): void {
    if (token !== undefined) void this.#workflow.completeTask({ token, output: { answer }, nowMs });
  }

  #keptOf({ alarmId, round }: RoundKey): KeptRound | undefined {
    return this.kept.get(alarmId)?.find((each) => each.round.round === round);
  }

  async round(of: RoundKey): Promise<EscalationRound | undefined> {
    return this.#keptOf(of)?.round;
  }

  async rounds(alarmId: AlarmId): Promise<readonly ToldRound[]> {
    return (this.kept.get(alarmId) ?? []).map(({ round, steps }) => ({
      ...round,
      execution: `${round.definition}:${executionName(round)}`,
      steps: steps.slice(),
    }));
  }

  async told({
    token,
    alarmId,
    round,
    passed = [],
    ...step
  }: Parameters<Escalations['told']>[0]): Promise<EscalationRound> {
    const kept = this.#keptOf({ alarmId, round });
    if (kept === undefined) throw new TypeError(`no round ${round} of ${alarmId}`);
    if (kept.round.end !== undefined) return kept.round;
    for (const each of [...passed, step]) write(kept.steps, each);
    const dueAtMs = step.untilMs ?? step.atMs;
    kept.round = { ...kept.round, step: step.step, toldAtMs: step.atMs, dueAtMs, token };
    return kept.round;
  }

  async end({
    end,
    atMs,
    onlyIfConditionEnded,
    ...of
  }: Parameters<Escalations['end']>[0]): ReturnType<Escalations['end']> {
    const kept = this.#keptOf(of);
    if (kept === undefined || kept.round.end !== undefined) return 'was-over';
    const condition = this.#alarms().alarms.get(of.alarmId)?.condition;
    if (onlyIfConditionEnded === true && condition === 'present') return 'condition-present';
    const { dueAtMs, ...rest } = kept.round;
    kept.round = { ...rest, end, endedAtMs: atMs };
    return 'ended';
  }

  async hold(tellings: readonly HeldTelling[]): Promise<void> {
    for (const telling of tellings) if (!this.#held.has(telling.dedupeKey)) this.#held.set(telling.dedupeKey, telling);
  }

  async dueTellings({ nowMs, limit }: Parameters<Escalations['dueTellings']>[0]): Promise<readonly HeldTelling[]> {
    for (const [key, { alarmId, dueAtMs }] of this.#held) {
      const alarm = this.#alarms().alarms.get(alarmId);
      const calls = alarm?.state === 'active' && alarm.acknowledgedAtMs === undefined;
      if (dueAtMs <= nowMs && !calls) this.#held.delete(key);
    }
    return [...this.#held.values()]
      .filter(({ dueAtMs }) => dueAtMs <= nowMs)
      .sort((a, b) => a.dueAtMs - b.dueAtMs)
      .slice(0, limit);
  }

  async release(dedupeKeys: readonly string[]): Promise<void> {
    for (const key of dedupeKeys) this.#held.delete(key);
  }

  async left(request: Parameters<EscalationWatch['left']>[0]): Promise<readonly LeftAlarm[]> {
    const { nowMs, repeatMs, limit, includeTold = false } = request;
    const found: LeftAlarm[] = [];
    for (const alarm of this.#alarms().alarms.values()) {
      const left = this.#leftOf(alarm, request);
      const wasTold = () => this.claims.some((each) => each.alarmId === alarm.id && each.atMs > nowMs - repeatMs);
      if (left !== undefined && (includeTold || !wasTold())) found.push({ alarm, ...left });
    }
    const rank = ({ alarm }: LeftAlarm) => (alarm.priority === 'high' ? 0 : 1);
    return found.sort((a, b) => rank(a) - rank(b) || a.sinceMs - b.sinceMs).slice(0, limit);
  }

  #leftOf(
    alarm: Alarm,
    { nowMs, graceMs, lateMs, repeatMs }: Parameters<EscalationWatch['left']>[0],
  ): Pick<LeftAlarm, 'reason' | 'sinceMs'> | undefined {
    const isCalling =
      alarm.state === 'active' && alarm.acknowledgedAtMs === undefined && alarm.snoozedUntilMs === undefined;
    if (!isCalling || definitionFor(alarm) === undefined) return undefined;
    const newest = this.kept.get(alarm.id)?.at(-1)?.round;
    // What came and went is latched, and calls nobody; but of what nobody was ever told, somebody must be.
    const wasNeverTold = newest?.endedAtMs === undefined && newest?.step === undefined;
    if (alarm.condition !== 'present' && !wasNeverTold) return undefined;
    const sinceMs = newest?.endedAtMs ?? newest?.dueAtMs ?? newest?.startedAtMs ?? alarm.raisedAtMs;
    const as = (reason: LeftReason, is: boolean) => (is ? { reason, sinceMs } : undefined);
    if (newest?.end === 'exhausted') return as('exhausted', (newest.endedAtMs ?? 0) <= nowMs - repeatMs);
    if (newest === undefined || newest.endedAtMs !== undefined)
      return as('missing', Math.max(alarm.raisedAtMs, newest?.endedAtMs ?? 0) <= nowMs - graceMs);
    if (this.#statusOf(`${newest.definition}:${executionName(newest)}`) !== 'RUNNING') return as('failed', true);
    return as('late', (newest.dueAtMs ?? newest.startedAtMs) <= nowMs - lateMs);
  }

  async claim({ alarmId, reason, atMs, repeatMs }: Parameters<EscalationWatch['claim']>[0]): Promise<boolean> {
    if (this.claims.some((each) => each.alarmId === alarmId && each.atMs > atMs - repeatMs)) return false;
    this.claims.push({ alarmId, reason, atMs });
    return true;
  }

  async beat({ name, atMs }: Parameters<EscalationWatch['beat']>[0]): Promise<void> {
    this.#beats.set(name, atMs);
  }

  async lastBeatMs(name: string): Promise<number | undefined> {
    return this.#beats.get(name);
  }
}

/** These never begin or end anything. */
const WITHOUT_EFFECT: ReadonlySet<AlarmChange['kind']> = new Set(['reminder', 'noted', 'ended', 'unchanged']);

/** What was written first of a step stays, but for how long it waits. */
function write(steps: ToldStep[], step: ToldStep): void {
  const before = steps.findIndex((each) => each.step === step.step && each.repeat === step.repeat);
  if (before < 0) steps.push(step);
  else {
    const { untilMs, ...first } = steps[before] as ToldStep;
    steps[before] = { ...first, ...(step.untilMs === undefined ? {} : { untilMs: step.untilMs }) };
  }
}
