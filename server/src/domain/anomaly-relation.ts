import { DAY_MS } from './anomaly-memory.ts';
import { type Detector, isEmergency, isOversight, reason, type Sight } from './anomaly-sight.ts';
import type { SecurityReason } from './security-alert.ts';

/** A name that more patients have says nothing of kinship. */
const SHARED_NAME_MAX = 3;
/** Looking again at the same patient the same day is the same matter. */
const FOR_MS = DAY_MS;

/** Somebody's own record, opened past the desk where patients ask for theirs. */
export const ownRecord: Detector = (memory, sight) => {
  const { entry, facts, opens } = sight;
  if (!opens || facts.relation?.kind !== 'own') return { memory };
  const isChange = /write|vip|command/.test(entry.action);
  const done = isChange ? 'changed it' : isOversight(entry.action) ? 'searched the audit for it' : 'opened it';
  return {
    memory,
    noticed: {
      kind: 'own-record',
      ...aboutPatient(sight),
      score: weighed(sight, isChange ? 90 : 70),
      reasons: [reason('own-record', `The record is their own, and they ${done}.`), ...attempt(sight)],
    },
  };
};

/** A specially protected patient, opened without a part in their care. */
export const vip: Detector = (memory, sight) => {
  const { entry, facts, opens, isService } = sight;
  // Whoever reviews access to them looks at what was done, not at the record.
  const isNone = !opens || isService || isOversight(entry.action) || isProtecting(entry);
  if (isNone || !facts.isVip || facts.isInCare) return { memory };
  const [score, why] = protectedOpened(sight);
  return {
    memory,
    noticed: {
      kind: 'vip',
      ...aboutPatient(sight),
      score: weighed(sight, score),
      reasons: [
        reason('vip', 'The patient is specially protected, and was not in their care by a plan.'),
        ...why,
        ...attempt(sight),
      ],
    },
  };
};

/** How much it weighs, and what makes it weigh less. */
function protectedOpened({ entry, facts }: Sight): readonly [score: number, why: readonly SecurityReason[]] {
  if (isEmergency(entry)) return [55, [reason('emergency', 'It was opened as an emergency, with a reason given.')]];
  if (!facts.roles.includes('privacy-officer')) return [75, []];
  // Theirs to keep, and never in anybody's care: on the page of alerts it is seen, and nobody is called for it.
  if (entry.action === 'consent.read')
    return [30, [reason('consent-work', 'They answer for consents, and opened only what the patient consents to.')]];
  // What is changed may open the record to others: somebody shall look at it.
  if (entry.action === 'consent.write')
    return [45, [reason('consent-work', 'They answer for consents, and changed what the patient consents to.')]];
  return [75, []];
}

/** Asking for the protection, or setting it, opens nothing of the record. Lifting it does: what comes after is not noticed. */
const isProtecting = ({ action, detail = {} }: Sight['entry']): boolean =>
  action === 'vip.set' && detail['isVip'] !== false;

/**
 * Somebody who lives at the same address, or bears the same rare name. A name alone is a weak sign: nothing where the
 * patient is in their care, where an emergency was answered for, or where several patients bear it.
 */
export const neighbour: Detector = (memory, sight) => {
  const { entry, facts, opens, isService } = sight;
  const { relation } = facts;
  if (!opens || isService || relation === undefined || relation.kind === 'own') return { memory };
  if (relation.kind === 'same-address') {
    const care = facts.isInCare ? [reason('in-their-care', 'The patient was in their care by the plan.')] : [];
    return {
      memory,
      noticed: {
        kind: 'neighbour',
        ...aboutPatient(sight),
        score: weighed(sight, facts.isInCare ? 25 : 65),
        reasons: [
          reason('same-address', 'The patient lives at the same address as they do.'),
          ...care,
          ...attempt(sight),
        ],
      },
    };
  }
  if (facts.isInCare || isEmergency(entry) || relation.patients > SHARED_NAME_MAX) return { memory };
  return {
    memory,
    noticed: {
      kind: 'neighbour',
      ...aboutPatient(sight),
      score: weighed(sight, 35),
      reasons: [
        reason(
          'same-family-name',
          'The patient has the same family name, which few patients here have, and was not in their care by a plan.',
          {
            patients: relation.patients,
          },
        ),
        ...attempt(sight),
      ],
    },
  };
};

function aboutPatient({ entry: { patientId = '' } }: Sight) {
  return { key: patientId, forMs: FOR_MS, patientId };
}

/** What was refused opened nothing, and was wanted nevertheless. */
function weighed({ entry: { outcome } }: Sight, score: number): number {
  return outcome === 'allowed' ? score : Math.round(score * 0.6);
}

function attempt({ entry: { outcome } }: Sight) {
  return outcome === 'allowed' ? [] : [reason('refused', 'It was refused: nothing was opened.')];
}
