import type * as Shown from '@healthsync/contracts/escalation';
import type { EscalationWarning, StepRecipient } from '../domain/escalation.ts';
import type { PlannedStep } from '../escalation/preview.ts';
import type { ToldRound, ToldStep } from '../ports/escalations.ts';
import type { DeliveryRecord } from '../ports/outbox.ts';
import { rfc3339 } from './alert-shape.ts';
import type { NameOf } from './rota-shape.ts';

/** A step that was told, with what became of each message. `isRunning`: its round still runs. */
export function toToldStep(
  told: ToldStep,
  round: Pick<ToldRound, 'end' | 'step' | 'toldAtMs'>,
  deliveries: ReadonlyMap<string, DeliveryRecord>,
  nameOf: NameOf,
): Shown.EscalationStep {
  const isLatest = round.end === undefined && round.step === told.step && round.toldAtMs === told.atMs;
  const state = told.recipients.length === 0 ? 'skipped' : isLatest ? 'waiting' : 'told';
  return {
    step: told.step,
    repeat: told.repeat,
    // Where nobody can be told at the last step, it waits all the same: somebody may come.
    state: told.untilMs !== undefined && isLatest ? 'waiting' : state,
    at: rfc3339(told.atMs),
    ...(told.untilMs !== undefined && { until: rfc3339(told.untilMs) }),
    recipients: told.recipients.map((each) => ({
      ...toRecipient(each, nameOf),
      ...stateOf(deliveries.get(each.dedupeKey), each),
    })),
    warnings: told.warnings.map(toWarning),
  };
}

export function toPlannedStep(planned: PlannedStep, nameOf: NameOf): Shown.EscalationStep {
  return {
    step: planned.step,
    repeat: planned.repeat,
    state: planned.recipients.length === 0 ? 'skipped' : 'planned',
    at: rfc3339(planned.atMs),
    ...(planned.untilMs !== undefined && { until: rfc3339(planned.untilMs) }),
    recipients: planned.recipients.map((each) => ({
      ...toRecipient(each, nameOf),
      state: each.heldUntilMs === undefined ? 'planned' : 'held',
    })),
    warnings: planned.warnings.map(toWarning),
  };
}

/** Never the address: it may be a private number. */
function toRecipient({ userId, role, channel, why, heldUntilMs }: StepRecipient, nameOf: NameOf) {
  const name = userId === undefined ? undefined : nameOf(userId);
  return {
    ...(userId !== undefined && { userId }),
    ...(name !== undefined && { name }),
    role,
    channel,
    why,
    ...(heldUntilMs !== undefined && { heldUntil: rfc3339(heldUntilMs) }),
  };
}

function stateOf(
  delivery: DeliveryRecord | undefined,
  { heldUntilMs }: StepRecipient,
): Pick<Shown.EscalationRecipient, 'state' | 'updatedAt' | 'toldWith'> {
  if (delivery === undefined) return { state: heldUntilMs === undefined ? 'pending' : 'held' };
  const { state, receiptState, receiptAtMs, updatedAtMs } = delivery;
  const latest = receiptState ?? state;
  return {
    state: latest,
    updatedAt: rfc3339(receiptState === undefined ? updatedAtMs : (receiptAtMs ?? updatedAtMs)),
    ...toldWithOf(delivery),
  };
}

/** The other alarm whose page told of this one. */
export function toldWithOf({ toldWith }: { readonly toldWith?: DeliveryRecord['toldWith'] | undefined }) {
  return toldWith === undefined ? {} : { toldWith: { alarmId: toldWith.alarmId, at: rfc3339(toldWith.atMs) } };
}

const toWarning = ({ code, userId, text }: EscalationWarning): Shown.EscalationWarning => ({
  code,
  ...(userId !== undefined && { userId }),
  text,
});
