import type { Consent } from '@healthsync/contracts/consent';

/** Consents as scripted as the ward: every standing there is, and what is recorded while one looks. */
export type MockConsents = ReturnType<typeof createMockConsents>;

type Body = Readonly<Record<string, unknown>>;
const DAY_MS = 86_400_000;

export function createMockConsents(startedAt: number) {
  const iso = (ms: number) => new Date(ms).toISOString();
  /** Each consent's versions, newest first. */
  const all: Consent[][] = [];
  const first = (part: Partial<Consent> & Pick<Consent, 'id' | 'purpose'>, daysAgo: number): Consent => ({
    version: 1,
    patientId: 'P13',
    decision: 'permit',
    state: 'active',
    standing: 'in-force',
    from: iso(startedAt - daysAgo * DAY_MS),
    givenAt: iso(startedAt - daysAgo * DAY_MS),
    recordedAt: iso(startedAt - daysAgo * DAY_MS),
    recordedBy: 'Dr Ama Osei (physician)',
    source: 'form',
    witness: 'kim',
    ...part,
  });
  const research = first({ id: 'c1', purpose: 'research' }, 40);
  const shared = first({ id: 'c2', purpose: 'sharing', party: 'national-cardiac-registry' }, 30);
  all.push(
    [{ ...research, version: 2, until: iso(startedAt + 300 * DAY_MS) }, research],
    [{ ...shared, version: 2, state: 'revoked', standing: 'revoked', source: 'in-person' }, shared],
    [first({ id: 'c3', purpose: 'sharing', party: 'insurer', decision: 'deny', source: 'representative' }, 12)],
    [first({ id: 'c4', purpose: 'research', patientId: 'P2', standing: 'to-come', from: iso(startedAt + DAY_MS) }, 1)],
    [first({ id: 'c5', purpose: 'treatment', patientId: 'P7', source: 'other-system' }, 3)],
  );
  const newest = () => all.flatMap(([one]) => one ?? []);
  const find = (id: string) => all.find(([one]) => one?.id === id);

  return {
    recent: () => newest().sort((a, b) => b.recordedAt.localeCompare(a.recordedAt)),
    ofPatient: (patientId: string) => newest().filter((one) => one.patientId === patientId),
    versions: (id: string): readonly Consent[] => find(id) ?? [],
    give(patientId: string, body: Body, by: string, now: number): Consent {
      const given = first({ id: `c${all.length + 1}`, purpose: 'research', patientId, recordedBy: by }, 0);
      const { witness: _, ...rest } = { ...given, ...body, recordedAt: iso(now) } as Consent;
      const consent = body['witness'] === undefined ? rest : { ...rest, witness: String(body['witness']) };
      all.unshift([consent]);
      return consent;
    },
    revoke(id: string, body: Body, by: string, now: number): Consent | undefined {
      const versions = find(id);
      const [before] = versions ?? [];
      if (versions === undefined || before === undefined) return undefined;
      const { witness: _, ...rest } = before;
      const next: Consent = {
        ...rest,
        version: before.version + 1,
        state: 'revoked',
        standing: 'revoked',
        recordedAt: iso(now),
        recordedBy: by,
        source: (body['source'] ?? 'in-person') as NonNullable<Consent['source']>,
      };
      versions.unshift(next);
      return next;
    },
    /** Somebody else is quicker: one more version, before the one who looks has sent anything. */
    changeBehind(id: string): void {
      const versions = find(id);
      const [before] = versions ?? [];
      if (before !== undefined)
        versions?.unshift({ ...before, version: before.version + 1, recordedBy: 'Rui Tavares' });
    },
  };
}
