import type { Consent, ConsentSource } from '@healthsync/contracts/consent';
import { evidenceText } from '../times/time-text.ts';
import { isolated } from '../widgets/own-direction.ts';

export const PURPOSE_WORDS = { treatment: 'Treatment', research: 'Research', sharing: 'Sharing' } as const;

export const SOURCE_WORDS: Readonly<Record<ConsentSource, string>> = {
  'in-person': 'said in person',
  form: 'signed form',
  representative: 'said by their representative',
  'other-system': 'told by another system',
};

/** `Sharing with lab-registry`. */
export function aboutText({ purpose, party }: Pick<Consent, 'purpose' | 'party'>): string {
  return party === undefined ? PURPOSE_WORDS[purpose] : `${PURPOSE_WORDS[purpose]} with ${party}`;
}

/** What stands, in a word, and whether it opens, closes, or says nothing now. */
export function standingOf({ standing, decision }: Pick<Consent, 'standing' | 'decision'>): {
  readonly text: string;
  readonly effect: 'permit' | 'forbid' | undefined;
} {
  const isPermit = decision === 'permit';
  switch (standing) {
    case 'in-force':
      return isPermit ? { text: '✓ consents', effect: 'permit' } : { text: '✕ refuses', effect: 'forbid' };
    case 'revoked':
      return { text: isPermit ? '✕ revoked' : 'refusal taken back', effect: isPermit ? 'forbid' : undefined };
    case 'over':
      return { text: isPermit ? 'consent is over' : 'refusal is over', effect: undefined };
    case 'to-come':
      return { text: isPermit ? 'will consent' : 'will refuse', effect: undefined };
    default:
      return standing satisfies never;
  }
}

/** `since 22 Nov 2026, 14:05, without end`. */
export function periodText({ standing, from, until, recordedAt }: Consent): string {
  if (standing === 'revoked') return `on ${evidenceText(recordedAt)}; it had held since ${evidenceText(from)}`;
  const begin = `${standing === 'to-come' ? 'from' : 'since'} ${evidenceText(from)}`;
  return until === undefined ? `${begin}, without end` : `${begin}, until ${evidenceText(until)}`;
}

/** `recorded by Phil (doctor), signed form, nia was there`. */
export function recordText({ recordedBy, source, witness }: Consent): string {
  return [
    `recorded by ${isolated(recordedBy)}`,
    source !== undefined && SOURCE_WORDS[source],
    witness !== undefined && `${witness} was there`,
  ]
    .filter((part) => part !== false)
    .join(' · ');
}
