import type { EscalationRound } from '../../domain/escalation-round.ts';
import { withoutNulls } from './without-nulls.ts';

/** The columns of `escalation` under the names of the domain. */
export const ROUND_FIELDS = `alarm_id as "alarmId", round, definition, priority, from_step as "fromStep",
  started_by as "startedBy", started_at as "startedAtMs", step, told_at as "toldAtMs", due_at as "dueAtMs", token,
  end_reason as "end", ended_at as "endedAtMs", ended_by as "endedBy"`;

export const toRound = (row: object): EscalationRound => withoutNulls(row) as EscalationRound;
