import type { EmergencyAccessList } from '@healthsync/contracts/access';
import { useQuery } from '@tanstack/react-query';
import { api } from '../api.ts';
import { useSession } from '../session/session.tsx';

/** Somebody else may end it before its time; the server refuses at once, and the banner follows within this. */
const REREAD_MS = 15_000;

export const MY_EMERGENCIES = ['my-emergencies'] as const;

/** What I have opened in an emergency, as long as it is open. */
export function useMyEmergencies() {
  const { may } = useSession();
  return useQuery({
    queryKey: MY_EMERGENCIES,
    queryFn: () => api<EmergencyAccessList>('/api/me/break-glass'),
    enabled: may('break-glass.use'),
    // Every question is an entry of the audit: while nothing is open there is nothing to ask.
    refetchInterval: ({ state }) => ((state.data?.accesses.length ?? 0) > 0 ? REREAD_MS : false),
    select: ({ accesses }) => accesses,
  });
}
