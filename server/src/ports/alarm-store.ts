import type { Alarm, AlarmChange, ConditionTransition } from '../domain/alarm.ts';
import type { AlarmId, PatientId, WardId } from '../domain/ids.ts';

/** The alarms, their life, and the outbox of what must be told about them. */
export interface AlarmStore {
  /**
   * Applies condition transitions to the alarms in one transaction, with an outbox entry for every change. The decision
   * is `domain/alarm.ts#nextAlarm`, taken on the row locked in that transaction. A transition at or before the position
   * already applied to its (patient, rule) changes nothing: replay is harmless. Answers with the resulting alarms.
   */
  apply(transitions: readonly ConditionTransition[]): Promise<readonly AlarmChange[]>;

  /** One owner wins; whoever comes second is told who it is. */
  acknowledge(request: {
    readonly id: AlarmId;
    readonly by: string;
    readonly atMs: number;
  }): Promise<AcknowledgeOutcome>;

  /** Newest first. `open` means not resolved. */
  list(query: {
    readonly patientId?: PatientId;
    readonly wardIds?: readonly WardId[];
    readonly open?: boolean;
    readonly fromMs?: number;
    readonly toMs?: number;
    readonly limit: number;
  }): Promise<readonly Alarm[]>;

  find(id: AlarmId): Promise<Alarm | undefined>;
}

export type AcknowledgeOutcome =
  | { readonly kind: 'acknowledged'; readonly change: AlarmChange }
  | { readonly kind: 'already-acknowledged'; readonly alarm: Alarm }
  | { readonly kind: 'already-resolved'; readonly alarm: Alarm }
  | { readonly kind: 'not-found' };
