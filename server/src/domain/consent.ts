import type { PatientId, TenantId } from './ids.ts';

/** For what a patient can consent. Emergencies and the running of the house rest on law, not on consent. */
export type ConsentPurpose = 'treatment' | 'research' | 'sharing';

/** Said to us, signed, said by whoever may speak for the patient, or told by another system. */
export type ConsentSource = 'in-person' | 'form' | 'representative' | 'other-system';

/** One version of a consent. Its id, patient, purpose and party are the same in all of them. */
export interface Consent {
  readonly id: string;
  readonly version: number;
  readonly tenantId: TenantId;
  readonly patientId: PatientId;
  readonly purpose: ConsentPurpose;
  /** Who is shared with, by the sign-in name of its account: with `sharing`, and only there. */
  readonly party?: string;
  readonly decision: 'permit' | 'deny';
  readonly state: 'active' | 'revoked';
  /** From this moment on. */
  readonly fromMs: number;
  /** The first moment at which it no longer holds. */
  readonly untilMs?: number;
  /** When the patient said so. */
  readonly givenAtMs: number;
  readonly recordedAtMs: number;
  readonly recordedBy: string;
  readonly source?: ConsentSource;
  /** A colleague who was there, by their sign-in name: of whoever else was, nothing is kept. */
  readonly witness?: string;
}

export interface ConsentQuestion {
  readonly purpose: ConsentPurpose;
  readonly party?: string;
  readonly atMs: number;
}

/** What decided, and by which version. `none`: nothing was ever said about it. */
export type ConsentDecision =
  | { readonly kind: 'given' | 'denied' | 'revoked' | 'over' | 'to-come'; readonly by: Consent }
  | { readonly kind: 'none' };

/**
 * Whether a patient's consents, each in its newest version, open this at a moment. Nothing is open by itself; of those
 * in force a deny stands above every permit; what is not in force only says why not.
 */
export function decideConsent(consents: readonly Consent[], question: ConsentQuestion): ConsentDecision {
  const { purpose, party, atMs } = question;
  const concerned = consents
    .filter((consent) => consent.purpose === purpose && (purpose !== 'sharing' || consent.party === party))
    .sort(newestFirst);
  const first = (kind: Standing, decision?: Consent['decision']) =>
    concerned.find(
      (consent) => standingOf(consent, atMs) === kind && (decision === undefined || consent.decision === decision),
    );
  const denied = first('in-force', 'deny');
  if (denied !== undefined) return { kind: 'denied', by: denied };
  const given = first('in-force', 'permit');
  if (given !== undefined) return { kind: 'given', by: given };
  for (const kind of ['revoked', 'over', 'to-come'] as const) {
    const by = first(kind, 'permit');
    if (by !== undefined) return { kind, by };
  }
  return { kind: 'none' };
}

/**
 * Of all versions of all consents, those that were the newest at a moment: for asking afterwards what held then. Not for
 * deciding now, where another process's clock must not delay what was revoked.
 */
export function asRecordedBy(versions: readonly Consent[], atMs: number): readonly Consent[] {
  const newest = new Map<string, Consent>();
  for (const version of versions) {
    const known = newest.get(version.id);
    if (version.recordedAtMs <= atMs && (known === undefined || known.version < version.version))
      newest.set(version.id, version);
  }
  return [...newest.values()];
}

type Standing = 'in-force' | 'to-come' | 'over' | 'revoked';

/** Revoked is revoked at whatever moment: it was recorded, and holds at once. */
export function standingOf({ state, fromMs, untilMs }: Consent, atMs: number): Standing {
  if (state === 'revoked') return 'revoked';
  if (atMs < fromMs) return 'to-come';
  return untilMs !== undefined && atMs >= untilMs ? 'over' : 'in-force';
}

/** For a stable answer to "which decided": the one recorded last. */
function newestFirst(a: Consent, b: Consent): number {
  return b.recordedAtMs - a.recordedAtMs || (a.id < b.id ? -1 : a.id > b.id ? 1 : b.version - a.version);
}

type ConsentField = 'party' | 'witness' | 'from' | 'until' | 'givenAt';

/** Whether a party or a witness could be named so. */
export const isPartyName = (text: string): boolean => PARTY.test(text);

/** A name that an account can have: see `contracts/src/consent.ts`. */
const PARTY = /^[a-z0-9][a-z0-9._@-]{0,63}$/;

/** Everything that is wrong with what is to be recorded, each with its field. */
export function consentProblems(
  consent: Pick<Consent, 'purpose' | 'party' | 'witness' | 'fromMs' | 'untilMs' | 'givenAtMs'>,
  nowMs: number,
): readonly { readonly field: ConsentField; readonly detail: string }[] {
  const { purpose, party, witness, fromMs, untilMs, givenAtMs } = consent;
  const problems: { field: ConsentField; detail: string }[] = [];
  if (purpose === 'sharing' && party === undefined)
    problems.push({ field: 'party', detail: 'is needed: sharing is with somebody who is named' });
  if (purpose !== 'sharing' && party !== undefined)
    problems.push({ field: 'party', detail: 'only sharing is with a party' });
  if (party !== undefined && !PARTY.test(party))
    problems.push({ field: 'party', detail: 'must be the sign-in name of an account' });
  if (witness !== undefined && !PARTY.test(witness))
    problems.push({ field: 'witness', detail: 'must be the sign-in name of an account' });
  if (untilMs !== undefined && untilMs <= fromMs) problems.push({ field: 'until', detail: 'must be after `from`' });
  if (untilMs !== undefined && untilMs <= nowMs) problems.push({ field: 'until', detail: 'is over already' });
  // A clock of another system may run a little ahead of ours.
  if (givenAtMs > nowMs + CLOCK_SLACK_MS) problems.push({ field: 'givenAt', detail: 'is to come' });
  return problems;
}

const CLOCK_SLACK_MS = 60_000;
