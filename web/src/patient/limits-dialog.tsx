import type { PatientDetail } from '@healthsync/contracts/patient';
import type { RuleSetResponse } from '@healthsync/contracts/rule';

import { useQuery } from '@tanstack/react-query';
import { api } from '../api.ts';
import { News2Form } from '../rules/news2-form.tsx';
import { RuleEditor, type RuleScope, rulesPath } from '../rules/rule-editor.tsx';
import { useSession } from '../session/session.tsx';
import { Dialog } from '../widgets/dialog.tsx';

/** Which values ring for this patient, and how NEWS2 is scored. */
export function LimitsDialog({ patient, onClose }: { readonly patient: PatientDetail; readonly onClose: () => void }) {
  const { may } = useSession();
  const of: RuleScope = { scope: 'patient', scopeId: patient.id, wardId: patient.wardId };
  // The same question as the editor's: asked once, answered to both.
  const query = useQuery({
    queryKey: ['rules', 'patient', patient.id],
    queryFn: () => api<RuleSetResponse>(rulesPath(of)),
    gcTime: 0,
  });
  const news2 = query.data?.news2;
  return (
    <Dialog
      onClose={onClose}
      title={`Limits of ${patient.bed ?? 'this patient'}`}
      size="min(1180px, 96vw)"
      className="limits-dialog"
    >
      <RuleEditor of={of} onSaved={onClose} />
      {news2 !== undefined && may('limits.write') && (
        <News2Form key={`${news2.spo2Scale} ${news2.use} ${news2.why}`} patientId={patient.id} news2={news2} />
      )}
    </Dialog>
  );
}
