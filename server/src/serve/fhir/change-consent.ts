import type { ConsentDesk } from '../../access/consent-desk.ts';
import type { Consent } from '../../domain/consent.ts';
import { type ElementProblem, type ParsedConsent, parseConsent } from './parse-consent.ts';

/** What a resource that is sent for a consent means for it; a version is the whole of it (FHIR R4 http#update). */
type ConsentUpdate =
  | {
      readonly kind: 'times';
      readonly change: Parameters<ConsentDesk['amend']>[0]['change'];
    }
  | { readonly kind: 'revoke'; readonly how: Pick<Consent, 'source' | 'witness'> }
  | { readonly kind: 'refused'; readonly problems: readonly ElementProblem[] }
  /** It is another consent's (http#update: 400). */
  | { readonly kind: 'id-differs'; readonly problems: readonly ElementProblem[] };

/**
 * Other times, or taken back. Whose it is, for what, with whom, what is permitted and since when that was said are the
 * same in every version: to say anything else is another consent, and is refused rather than passed over.
 */
export function consentUpdate(resource: unknown, standing: Consent, nowMs: number): ConsentUpdate {
  const id = typeof resource === 'object' && resource !== null && 'id' in resource ? resource.id : undefined;
  if (id !== standing.id)
    return {
      kind: 'id-differs',
      problems: [{ element: 'Consent.id', code: 'value', detail: 'expected that of the address' }],
    };
  const parsed = parseConsent(resource, nowMs, ['active', 'inactive']);
  if (parsed.kind === 'refused') return parsed;
  const { consent, status } = parsed;
  const isRevoked = status === 'inactive';
  // One that is revoked already has none of these; that it is, is said when it is to be changed.
  const isOver = isRevoked || standing.state === 'revoked';
  const problems = otherThan(standing, consent, isOver ? OF_ALL_VERSIONS : [...OF_ALL_VERSIONS, ...OF_THOSE_GIVEN]);
  if (problems.length > 0) return { kind: 'refused', problems };
  if (!isRevoked) return { kind: 'times', change: { fromMs: consent.fromMs, untilMs: consent.untilMs ?? null } };
  return { kind: 'revoke', how: howRevoked(consent, standing) };
}

type Said = Extract<ParsedConsent, { readonly kind: 'consent' }>['consent'];

const OF_ALL_VERSIONS = [
  ['patientId', 'Consent.patient.reference'],
  ['purpose', 'Consent.provision'],
  ['party', 'Consent.provision'],
  ['decision', 'Consent.provision'],
] as const satisfies readonly (readonly [keyof Said, string])[];

/** Taken back in whatever way and whenever it was written: it holds at once, and these say nothing of that. */
const OF_THOSE_GIVEN = [
  ['givenAtMs', 'Consent.dateTime'],
  ['source', 'Consent.sourceAttachment.title'],
  ['witness', 'Consent.extension[0]'],
] as const satisfies readonly (readonly [keyof Said, string])[];

function otherThan(
  standing: Consent,
  said: Said,
  fields: readonly (readonly [keyof Said, string])[],
): readonly ElementProblem[] {
  const elements = fields.filter(([field]) => said[field] !== standing[field]).map(([, element]) => element);
  return [...new Set(elements)].map((element) => ({
    element,
    code: 'not-supported',
    detail: 'is the same in every version: record another consent',
  }));
}

/** What came back as it had been read says how it was given, and nothing of how it was taken back. */
function howRevoked(said: Said, standing: Consent): Pick<Consent, 'source' | 'witness'> {
  const { source, witness } = said;
  return {
    ...(source !== undefined && source !== standing.source && { source }),
    ...(witness !== undefined && witness !== standing.witness && { witness }),
  };
}

/** FHIR R4 http#concurrency writes the version of a resource as a weak tag: `If-Match: W/"3"`. */
export function versionMatched(header: string | undefined): number | 'none' | 'not-ours' {
  if (header === undefined) return 'none';
  const version = /^(?:W\/)?"([1-9]\d{0,8})"$/.exec(header.trim())?.[1];
  return version === undefined ? 'not-ours' : Number(version);
}
