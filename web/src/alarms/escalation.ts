import type { Alert } from '@healthsync/contracts/alert';
import type {
  Escalation,
  EscalationRecipient,
  EscalationStep,
  EscalationStepName,
} from '@healthsync/contracts/escalation';
import { useQuery } from '@tanstack/react-query';
import { api } from '../api.ts';

/** Who is told in which order. */
export const LADDER: readonly EscalationStepName[] = ['nurse', 'charge-nurse-and-doctor', 'on-call', 'everyone'];

export const STEP_WORDS: Readonly<Record<EscalationStepName, string>> = {
  nurse: 'Nurse',
  'charge-nurse-and-doctor': 'Charge nurse, doctor',
  'on-call': 'On call',
  everyone: 'Everyone',
};

/** A step as an alarm's history names it. */
export const stepText = (step: string): string =>
  (STEP_WORDS as Readonly<Record<string, string | undefined>>)[step] ?? step.replaceAll('-', ' ');

/** Receipts come in without the alarm itself changing. */
const AGAIN_MS = 10_000;

/** Asked again whenever the alarm has changed, and now and then for receipts. */
export function useEscalation(alert: Alert, isShown = true) {
  const { acknowledgedAt, condition, escalation, snooze, priority, reminders } = alert;
  return useQuery({
    queryKey: ['escalation', alert.id, { acknowledgedAt, condition, escalation, snooze, priority, reminders }],
    queryFn: () => api<Escalation>(`/api/alerts/${encodeURIComponent(alert.id)}/escalation`),
    enabled: isShown,
    refetchInterval: alert.state === 'active' ? AGAIN_MS : false,
    placeholderData: (before) => before,
    gcTime: 60_000,
  });
}

/** Of the plan, not of what happened: a step still to come that would reach nobody stands there as skipped, too. */
export const isToCome = (step: EscalationStep, now: number): boolean =>
  step.state === 'planned' || (step.state === 'skipped' && Date.parse(step.at) > now);

/** The steps of the running round, each at its latest repeat that happened, and with the next repeat: what is to come never hides who has been told. */
export function stepsShown(escalation: Escalation, now: number): readonly EscalationStep[] {
  const steps = escalation.rounds.at(-1)?.steps ?? [];
  return LADDER.flatMap((name) => {
    const ofStep = steps.filter(({ step }) => step === name);
    const happened = ofStep.findLast((step) => !isToCome(step, now));
    const toCome = ofStep.find((step) => isToCome(step, now));
    return [happened, toCome].filter((step) => step !== undefined);
  });
}

const RECEIPT_RANK: Readonly<Record<EscalationRecipient['state'], number>> = {
  read: 5,
  delivered: 4,
  pending: 3,
  held: 2,
  failed: 1,
  dropped: 0.5,
  planned: 0,
};

/** The best that became of a step: one who has read it is what matters. */
export function bestReceipt(step: EscalationStep): EscalationRecipient['state'] | undefined {
  return step.recipients.map(({ state }) => state).toSorted((a, b) => RECEIPT_RANK[b] - RECEIPT_RANK[a])[0];
}

export const RECEIPT_WORDS: Readonly<Record<EscalationRecipient['state'], string>> = {
  planned: '',
  held: 'held by quiet hours',
  pending: 'sending',
  delivered: '✓ delivered',
  read: '✓✓ read',
  failed: '✕ not delivered',
  dropped: 'no longer worth telling',
};
