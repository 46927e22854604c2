import { type Consent, type ConsentDecision, type ConsentPurpose, decideConsent } from '../domain/consent.ts';
import type { PatientId } from '../domain/ids.ts';
import type { AccessFacts } from './access-facts.ts';

/** What patients have consented to, in memory: so that every decision can ask and none waits. */
export interface HeldConsents extends Pick<AccessFacts, 'consentTo'> {
  /** Grows with every change. */
  version(): number;
  /** Whether treating somebody rests on their consent here. */
  readonly treatment: TreatmentConsent;
  /** All that stand, as read at that moment. Answers whose are others than were held. */
  hold(consents: readonly Consent[], readAtMs: number): readonly PatientId[];
  holdOf(patientId: PatientId, consents: readonly Consent[]): void;
}

export type TreatmentConsent = 'needed' | 'not-needed';

/**
 * Consents are reread every 30 s besides every notice. Older than this, the database is out of reach, and what was revoked
 * elsewhere cannot be known: nothing more goes to research or to others. Treatment goes on by what was known last.
 */
const KNOWN_FOR_MS = 90_000;

export function heldConsents(treatment: TreatmentConsent): HeldConsents {
  let version = 0;
  let readAtMs = Number.NEGATIVE_INFINITY;
  let byPatient = new Map<PatientId, readonly Consent[]>();
  return {
    treatment,
    version: () => version,
    consentTo({ patientId, purpose, party, atMs }) {
      const asked = askedFor(purpose);
      if (asked === 'treatment' && treatment === 'not-needed') return OPEN;
      if (asked !== 'treatment' && atMs - readAtMs > KNOWN_FOR_MS) return CLOSED;
      const decided = decideConsent(byPatient.get(patientId) ?? [], {
        purpose: asked,
        ...(party !== undefined && { party }),
        atMs,
      });
      return { isOpen: decided.kind === 'given', ...refOf(decided) };
    },
    hold(consents, atMs) {
      const before = byPatient;
      byPatient = Map.groupBy(consents, ({ patientId }) => patientId);
      readAtMs = atMs;
      version++;
      const concerned = new Set([...before.keys(), ...byPatient.keys()]);
      return [...concerned].filter((patientId) => !isSame(before.get(patientId), byPatient.get(patientId)));
    },
    holdOf(patientId, consents) {
      if (consents.length === 0) byPatient.delete(patientId);
      else byPatient.set(patientId, consents);
      version++;
    },
  };
}

/** Both as the store reads them, in one order. */
function isSame(some: readonly Consent[] = [], others: readonly Consent[] = []): boolean {
  return (
    some.length === others.length &&
    some.every(({ id, version }, i) => id === others[i]?.id && version === others[i]?.version)
  );
}

/** An emergency is treatment; what else there is, the policies keep from patients altogether. */
function askedFor(purpose: string): ConsentPurpose {
  return purpose === 'research' || purpose === 'sharing' ? purpose : 'treatment';
}

function refOf(decided: ConsentDecision) {
  return 'by' in decided ? { by: { id: decided.by.id, version: decided.by.version } } : {};
}

const OPEN = { isOpen: true } as const;
const CLOSED = { isOpen: false } as const;
