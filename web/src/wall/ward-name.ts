import type { WardNames } from '@healthsync/contracts/patient';
import { useQuery } from '@tanstack/react-query';
import { api } from '../api.ts';

/** What wards are called: for whoever is signed in, also those who manage and watch nobody. */
export function useWardNames() {
  return useQuery({
    queryKey: ['ward-names'],
    queryFn: () => api<WardNames>('/api/ward-names'),
    staleTime: 60_000,
  });
}

/** Wards by the name people call them; one that is not known here by its id. */
export function useWardName(): (wardId: string) => string {
  const { data } = useWardNames();
  return (wardId) => data?.wards.find(({ id }) => id === wardId)?.name ?? wardId;
}
