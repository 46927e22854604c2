import type { AuditPage } from '@healthsync/contracts/audit';
import { useQuery } from '@tanstack/react-query';
import { api } from '../api.ts';
import { AuditEntryDialog } from '../audit/audit-entry-dialog.tsx';

/** The entry an alert rests on, as the audit shows it, with its proof. */
export function EvidenceDialog({ position, onClose }: { readonly position: number; readonly onClose: () => void }) {
  const { data } = useQuery({
    queryKey: ['audit-entry', position],
    queryFn: () => api<AuditPage>(`/api/audit?limit=1&before=${position + 1}`),
    gcTime: 0,
  });
  const entry = data?.entries.find((one) => one.position === position);
  return <AuditEntryDialog position={position} entry={entry} onClose={onClose} />;
}
