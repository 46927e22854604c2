import type { WardList } from '@healthsync/contracts/patient';
import { useQuery } from '@tanstack/react-query';
import { api } from '../api.ts';

/** Wards by the name people call them; one that is not known here by its id. */
export function useWardName(): (wardId: string) => string {
  const { data } = useQuery({
    queryKey: ['wards'],
    queryFn: () => api<WardList>('/api/wards'),
    staleTime: 60_000,
    retry: false,
  });
  return (wardId) => data?.wards.find(({ id }) => id === wardId)?.name ?? wardId;
}
