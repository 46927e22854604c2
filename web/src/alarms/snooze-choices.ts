import type { AlertChoices } from '@healthsync/contracts/alert';
import { type UseQueryResult, useQuery } from '@tanstack/react-query';
import { api } from '../api.ts';

/** How long this installation lets an alarm be snoozed, by its priority: the same all day. */
export function useSnoozeChoices(isWanted = true): UseQueryResult<AlertChoices> {
  return useQuery({
    queryKey: ['alert-choices'],
    queryFn: () => api<AlertChoices>('/api/alerts/choices'),
    staleTime: 600_000,
    enabled: isWanted,
  });
}
