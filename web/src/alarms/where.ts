import type { Alert } from '@healthsync/contracts/alert';
import type { PatientDetail } from '@healthsync/contracts/patient';
import { useQuery } from '@tanstack/react-query';
import { api } from '../api.ts';
import { useSession } from '../session/session.tsx';
import { shortName } from '../wall/names.ts';

/**
 * Where somebody must go: the bed. A patient who has none is still somebody who may be dying: then it says who it is, to
 * those who may know names, and to everybody where it rang.
 */
export function useWhere(alert: Alert): { readonly place: string; readonly who: string; readonly text: string } {
  const { may } = useSession();
  const { bed, patientId, rangIn } = alert;
  const query = useQuery({
    queryKey: ['patient', patientId, 'name'],
    queryFn: () => api<PatientDetail>(`/api/patients/${encodeURIComponent(patientId)}`),
    enabled: bed === undefined && may('patient.read'),
    select: shortName,
    staleTime: 300_000,
    // What is refused here is refused for good: the alarm then stands without a name.
    retry: false,
  });
  if (bed !== undefined) return { place: bed, who: '', text: bed };
  const left = rangIn?.bed === undefined ? undefined : `left ${rangIn.bed}`;
  const who = query.data === undefined || query.data === '' ? undefined : query.data;
  const known = [who, left].filter((part) => part !== undefined).join(' · ');
  return { place: 'No bed', who: known, text: known === '' ? 'No bed' : `No bed · ${known}` };
}
