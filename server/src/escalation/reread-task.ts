import { type Recheck, recheck } from '../domain/escalation-recheck.ts';
import { ESCALATION_ACTOR } from '../domain/escalation-round.ts';
import type { AlarmId, PatientId } from '../domain/ids.ts';
import type { PatientStatus } from '../domain/patient-status.ts';
import type { AlarmStore } from '../ports/alarm-store.ts';
import type { Escalations } from '../ports/escalations.ts';
import { parseRoundKey } from './task-payload.ts';

export interface RereadTaskParts {
  readonly alarms: Pick<AlarmStore, 'find' | 'act' | 'notes'>;
  readonly escalations: Pick<Escalations, 'round' | 'end'>;
  /** What the assessor knows of the patient now; undefined: nothing. */
  readonly statusOf: (patientId: PatientId) => PatientStatus | undefined;
  readonly now: () => number;
}

/**
 * The function `escalation-reread`: a step's time is over, nobody answered: what does the vital say now? Where it has
 * recovered, the round is closed and a note says so. The alarm itself stays, visible and unacknowledged, until somebody
 * has seen it or a rule of the installation closes such alarms: that it came and went is news too.
 */
export function createRereadTask(parts: RereadTaskParts) {
  const { alarms, escalations, statusOf, now } = parts;

  return async function reread(payload: unknown): Promise<Pick<Recheck, 'verdict'>> {
    const of = parseRoundKey(payload);
    const [round, alarm] = await Promise.all([escalations.round(of), alarms.find(of.alarmId)]);
    if (alarm === undefined || round === undefined) return { verdict: 'over' };
    if (round.end === 'recovered') {
      // This very task closed it, before it was interrupted.
      await note(alarm.id);
      return { verdict: 'recovered' };
    }
    if (round.end !== undefined) return { verdict: 'over' };

    const { verdict } = recheck(alarm, statusOf(alarm.patientId), now());
    if (verdict !== 'recovered') return { verdict };
    // No engine was there when the first were due. It came and went, and somebody must hear of it: the next step tells
    // those before it too.
    if (round.step === undefined) return { verdict: 'untold' };
    const end = await escalations.end({ ...of, end: 'recovered', onlyIfConditionEnded: true, atMs: now() });
    if (end === 'condition-present') return { verdict: 'breaching' };
    if (end === 'was-over') return { verdict: 'over' };
    await note(alarm.id);
    return { verdict: 'recovered' };
  };

  /** Once for a round, however often the task is called. */
  async function note(id: AlarmId): Promise<void> {
    const notes = await alarms.notes(id);
    const last = notes.findLast(({ author }) => author === ESCALATION_ACTOR);
    if (last !== undefined && now() - last.atMs < SAME_NOTE_MS) return;
    await alarms.act({
      id,
      act: { kind: 'note', note: RECOVERED_NOTE },
      by: ESCALATION_ACTOR,
      atMs: now(),
    });
  }
}

const RECOVERED_NOTE = 'Recovered when the vital was read again; the escalation was closed without an acknowledgement.';
/** A task is tried again within seconds; the shortest step is longer than this where times are as they should be. */
const SAME_NOTE_MS = 60_000;
