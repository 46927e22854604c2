import type { Alarm } from '../domain/alarm.ts';
import type { EscalationStep, EscalationWarning, StepRecipient } from '../domain/escalation.ts';
import type { EscalationRound, RoundEnd } from '../domain/escalation-round.ts';
import type { AlarmId } from '../domain/ids.ts';
import type { DeliveryOrder } from './outbox.ts';

/**
 * The rounds of escalation and what each step did. Rounds begin and end in the alarm's own transaction, by
 * `domain/escalation-round.ts#roundMoves`; here is what the running ones ask and write.
 */
export interface Escalations {
  round(of: RoundKey): Promise<EscalationRound | undefined>;
  /** All rounds of an alarm with their steps, oldest first. */
  rounds(alarmId: AlarmId): Promise<readonly ToldRound[]>;

  /**
   * Writes what a step did, and what an answer to it completes from now on. The same step again keeps what was written
   * first, but for the token. Answers with the round as it is then: one that ended meanwhile waits for nothing.
   * `passed`: steps before it that were made up for with it.
   */
  told(
    step: ToldStep & RoundKey & { readonly token: string; readonly passed?: readonly ToldStep[] },
  ): Promise<EscalationRound>;

  /**
   * Ends a round that still runs. With `onlyIfConditionEnded`, asked in the same transaction: an alarm whose condition
   * has returned goes on.
   */
  end(
    request: RoundKey & {
      readonly end: RoundEnd;
      readonly atMs: number;
      readonly onlyIfConditionEnded?: boolean;
    },
  ): Promise<'ended' | 'was-over' | 'condition-present'>;

  /** Keeps tellings for when quiet hours end. Idempotent by `dedupeKey`. */
  hold(tellings: readonly HeldTelling[]): Promise<void>;
  /** Takes those that are due; those whose alarm calls nobody any more are dropped and not among them. */
  dueTellings(request: { readonly nowMs: number; readonly limit: number }): Promise<readonly HeldTelling[]>;
  release(dedupeKeys: readonly string[]): Promise<void>;
}

export interface RoundKey {
  readonly alarmId: AlarmId;
  readonly round: number;
}

export interface ToldStep {
  readonly step: EscalationStep;
  /** 1 for the first time. */
  readonly repeat: number;
  readonly atMs: number;
  /** When the next step is due; absent: at once, since nobody could be told. */
  readonly untilMs?: number;
  readonly recipients: readonly ToldRecipient[];
  readonly warnings: readonly EscalationWarning[];
}

export interface ToldRecipient extends StepRecipient {
  readonly dedupeKey: string;
}

export interface ToldRound extends EscalationRound {
  readonly execution: string;
  readonly steps: readonly ToldStep[];
}

export interface HeldTelling extends DeliveryOrder {
  readonly dueAtMs: number;
}

/** Looks at alarms and their escalations from outside, by the tables alone: independent of the engine that runs them. */
export interface EscalationWatch {
  /**
   * Alarms that call for somebody while their escalation does not: none began within `graceMs`, or the next step is
   * overdue by `lateMs`, or the last one told everybody in vain `repeatMs` ago. Those the watchdog told of within
   * `repeatMs` are left out. Most urgent first.
   */
  left(request: {
    readonly nowMs: number;
    readonly graceMs: number;
    readonly lateMs: number;
    readonly repeatMs: number;
    readonly limit: number;
    /** Also those it told of a moment ago. */
    readonly includeTold?: boolean;
  }): Promise<readonly LeftAlarm[]>;
  /** Written before everybody is told; false where another watchdog was first. */
  claim(request: {
    readonly alarmId: AlarmId;
    readonly reason: LeftReason;
    readonly atMs: number;
    readonly repeatMs: number;
  }): Promise<boolean>;
  beat(beat: { readonly name: string; readonly atMs: number; readonly detail?: string }): Promise<void>;
  /** Undefined: never. */
  lastBeatMs(name: string): Promise<number | undefined>;
}

export type LeftReason =
  | 'missing' // no escalation was ever begun
  | 'late' // the next step is overdue
  | 'failed' // it ended with an error
  | 'exhausted'; // everybody was told in vain

export interface LeftAlarm {
  readonly alarm: Alarm;
  readonly reason: LeftReason;
  /** Since when somebody should have been told. */
  readonly sinceMs: number;
}
