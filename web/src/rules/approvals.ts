import type { RuleProposals } from '@healthsync/contracts/rule';
import { type UseQueryResult, useQuery } from '@tanstack/react-query';
import { api } from '../api.ts';
import { useSession } from '../session/session.tsx';

/** Somebody waits for the answer, but nobody's life: half a minute is soon enough, on every page. */
const AGAIN_MS = 30_000;

/** Across all wards and patients: what was asked of a second person and is open. */
export function useProposals(): UseQueryResult<RuleProposals> {
  const { may } = useSession();
  return useQuery({
    queryKey: ['rules', 'proposals'],
    queryFn: () => api<RuleProposals>('/api/rule-proposals'),
    enabled: may('rules.read') && (may('limits.write') || may('rules.write')),
    refetchInterval: AGAIN_MS,
  });
}

export const forMe = ({ proposals }: RuleProposals): RuleProposals['proposals'] =>
  proposals.filter(({ mayConfirm, state }) => mayConfirm && state === 'open');
