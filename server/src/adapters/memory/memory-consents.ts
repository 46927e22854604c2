import type { Consent } from '../../domain/consent.ts';
import type { Consents } from '../../ports/consents.ts';

/** Consents that are remembered as long as the process: for tests. */
export function memoryConsents(): Consents {
  const all = new Map<string, readonly Consent[]>();
  const newest = () => [...all.values()].flatMap(([first]) => first ?? []);
  const byRecorded = (a: Consent, b: Consent) =>
    b.recordedAtMs - a.recordedAtMs || (a.id < b.id ? -1 : a.id > b.id ? 1 : b.version - a.version);
  return {
    async keep(consent) {
      const versions = all.get(consent.id) ?? [];
      if (consent.version !== (versions[0]?.version ?? 0) + 1) return { kind: 'changed-meanwhile' };
      all.set(consent.id, [consent, ...versions]);
      return { kind: 'kept' };
    },
    versions: async (id) => all.get(id) ?? [],
    ofPatient: async (patientId) =>
      [...all.values()]
        .flat()
        .filter((consent) => consent.patientId === patientId)
        .sort(byRecorded),
    recent: async ({ tenantId, limit, after }) =>
      newest()
        .filter((consent) => consent.tenantId === tenantId)
        .sort(byRecorded)
        .filter(
          ({ recordedAtMs, id }) =>
            after === undefined ||
            recordedAtMs < after.recordedAtMs ||
            (recordedAtMs === after.recordedAtMs && id > after.id),
        )
        .slice(0, limit),
    standing: async ({ nowMs, patientId }) =>
      newest()
        .filter((consent) => patientId === undefined || consent.patientId === patientId)
        .filter(({ state, untilMs }) => state === 'active' && (untilMs === undefined || untilMs > nowMs))
        .sort(byRecorded),
  };
}
