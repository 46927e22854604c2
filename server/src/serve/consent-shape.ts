import type { Consent as Shown } from '@healthsync/contracts/consent';
import { type Consent, standingOf } from '../domain/consent.ts';
import { rfc3339 } from './alert-shape.ts';

export function consentShown(consent: Consent, nowMs: number): Shown {
  const { id, version, patientId, purpose, party, decision, state, fromMs, untilMs, recordedBy } = consent;
  return {
    id,
    version,
    patientId,
    purpose,
    ...(party !== undefined && { party }),
    decision,
    state,
    standing: standingOf(consent, nowMs),
    from: rfc3339(fromMs),
    ...(untilMs !== undefined && { until: rfc3339(untilMs) }),
    givenAt: rfc3339(consent.givenAtMs),
    recordedAt: rfc3339(consent.recordedAtMs),
    recordedBy,
    ...(consent.source !== undefined && { source: consent.source }),
    ...(consent.witness !== undefined && { witness: consent.witness }),
  };
}

/** Each consent in its newest version. */
export function newestOf(versions: readonly Consent[]): readonly Consent[] {
  const newest = new Map<string, Consent>();
  for (const version of versions)
    if ((newest.get(version.id)?.version ?? 0) < version.version) newest.set(version.id, version);
  return [...newest.values()];
}
