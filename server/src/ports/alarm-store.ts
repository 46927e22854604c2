import type { Alarm, AlarmChange, ConditionTransition, Priority } from '../domain/alarm.ts';
import type { ActDecision, Actor, AlarmAct } from '../domain/alarm-act.ts';
import type { AlarmHistoryEntry } from '../domain/alarm-history.ts';
import type { AlarmPlace } from '../domain/alarm-order.ts';
import type { AlarmId, PatientId, UserId, WardId } from '../domain/ids.ts';

/** The alarms, their life, and the outbox of what must be told about them. */
export interface AlarmStore {
  /**
   * Applies condition transitions to the alarms in one transaction, with an outbox entry for every change. The decision
   * is `domain/alarm.ts#nextAlarm`, taken on the row locked in that transaction. A transition at or before the position
   * already applied to its (patient, rule) changes nothing: replay is harmless. Answers with the resulting alarms.
   */
  apply(transitions: readonly ConditionTransition[]): Promise<readonly AlarmChange[]>;

  /**
   * What a person does to an alarm (`domain/alarm-act.ts#actOn`), decided on the locked row: of two who reach for it at
   * once one has it, and the other is told who. A note and the act it belongs to are one transaction.
   */
  act(request: ActRequest): Promise<ActOutcome>;

  /** The same as `act` with `acknowledge`, in the words of the commonest act. */
  acknowledge(request: Omit<ActRequest, 'act'>): Promise<AcknowledgeOutcome>;

  /** Many at once, none of them high; one answer for each, in the order asked for. */
  acknowledgeMany(
    request: Omit<ActRequest, 'act' | 'id'> & { readonly ids: readonly AlarmId[] },
  ): Promise<readonly ManyOutcome[]>;

  /**
   * Does what time has brought due (`domain/alarm-time.ts#timePassed`) to at most `limit` alarms, those due for longest
   * first. Of two processes that ask at once each thing is done by one. Fewer changes than alarms that are due are no
   * error: somebody else has the rest.
   */
  passTime(request: { readonly nowMs: number; readonly limit: number }): Promise<readonly AlarmChange[]>;

  /** When the next thing is due, if any is. */
  nextDueMs(): Promise<number | undefined>;

  /** By where the patients lie now, newest first unless asked otherwise. */
  list(query: AlarmQuery): Promise<readonly Alarm[]>;

  find(id: AlarmId): Promise<Alarm | undefined>;

  /** What happened to it, oldest first, at most `HISTORY_MAX` of the newest. */
  history(id: AlarmId): Promise<readonly AlarmHistoryEntry[]>;

  /** What people wrote on it, oldest first. May hold patient data: for the eyes of those who may read notes only. */
  notes(id: AlarmId): Promise<readonly AlarmNote[]>;
}

export interface ActRequest extends Actor {
  readonly id: AlarmId;
  readonly act: AlarmAct;
  readonly atMs: number;
}

/** `noteId`: of the note that was written with it. */
export type ActOutcome = (ActDecision & { readonly noteId?: string }) | { readonly kind: 'not-found' };

export type AcknowledgeOutcome =
  | { readonly kind: 'acknowledged'; readonly change: AlarmChange }
  | { readonly kind: 'already-acknowledged'; readonly alarm: Alarm }
  | { readonly kind: 'already-resolved'; readonly alarm: Alarm }
  | { readonly kind: 'not-found' };

export function acknowledgeOutcome(outcome: ActOutcome): AcknowledgeOutcome {
  if (outcome.kind === 'not-found') return outcome;
  if (outcome.kind === 'done') return { kind: 'acknowledged', change: outcome.change };
  const { alarm } = outcome;
  return { kind: alarm.state === 'resolved' ? 'already-resolved' : 'already-acknowledged', alarm };
}

export type ManyOutcome =
  | (AcknowledgeOutcome & { readonly id: AlarmId })
  | { readonly kind: 'high-priority'; readonly id: AlarmId; readonly alarm: Alarm };

export interface AlarmQuery {
  readonly patientId?: PatientId;
  /** Where the patient lies now; where it rang, if they have left every bed since; else `UNPLACED_WARD`. */
  readonly wardIds?: readonly WardId[];
  /** Patients whose alarms are wanted besides those of `wardIds`. */
  readonly besides?: readonly PatientId[];
  /** Not resolved. */
  readonly open?: boolean;
  readonly priorities?: readonly Priority[];
  readonly unacknowledged?: boolean;
  readonly ownerId?: UserId;
  readonly fromMs?: number;
  readonly toMs?: number;
  /** `worklist`: what calls for somebody first, see `domain/alarm-order.ts`. */
  readonly order?: 'newest' | 'worklist';
  /** Only what comes after this one in that order. */
  readonly after?: AlarmPlace;
  readonly limit: number;
}

/** The ward of patients without a bed. No real ward's id: ids have no `~`. */
export const UNPLACED_WARD = '~none' as WardId;

/** An alarm that has more behind it is a limit that should be changed: what is older stays in the events. */
export const HISTORY_MAX = 1_000;

export interface AlarmNote {
  readonly id: string;
  readonly atMs: number;
  readonly author: string;
  readonly authorId?: UserId;
  readonly text: string;
}
