import type { PatientVip, PutPatientVip } from '@healthsync/contracts/security-alert';
import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api.ts';
import { useSession } from '../session/session.tsx';
import { useMyStepUp } from '../session/step-up.tsx';
import { Dialog } from '../widgets/dialog.tsx';
import { DialogEnd } from '../widgets/dialog-end.tsx';
import { ReasonField } from '../widgets/reason-field.tsx';
import { SaveProblem, useSaving } from '../widgets/saving.tsx';

/**
 * That a record is specially protected, and why; whoever may protects it, or lifts it. Nobody else's page asks: a refusal
 * at every patient would look like somebody who tries doors.
 */
export function VipMark({ patientId }: { readonly patientId: string }) {
  const { may } = useSession();
  const path = `/api/patients/${encodeURIComponent(patientId)}/vip`;
  const query = useQuery({
    queryKey: ['vip', patientId],
    queryFn: () => api<PatientVip>(path),
    enabled: may('vip.set'),
    gcTime: 0,
    retry: false,
  });
  const [isAsking, setAsking] = useState(false);
  // Not known is not shown: a record is not called unprotected because nobody could be asked.
  if (query.data === undefined) return null;
  const { isVip } = query.data;
  const mayChange = may(isVip ? 'vip.lift' : 'vip.set');
  return (
    <>
      {isVip && (
        <span className="state vip" title={query.data.reason ?? ''}>
          <span aria-hidden="true">◆ </span>Specially protected
        </span>
      )}
      {mayChange && (
        <Button variant="default" size="compact-md" onClick={() => setAsking(true)}>
          {isVip ? 'Lift the protection' : 'Protect specially'}
        </Button>
      )}
      {isAsking && <VipDialog vip={query.data} path={path} onClose={() => setAsking(false)} />}
    </>
  );
}

function VipDialog({
  vip: { patientId, isVip, reason: before, by },
  path,
  onClose,
}: {
  readonly vip: PatientVip;
  readonly path: string;
  readonly onClose: () => void;
}) {
  const queries = useQueryClient();
  const saving = useSaving();
  const { stepUp, dialog } = useMyStepUp();
  const [reason, setReason] = useState('');

  async function save(): Promise<void> {
    const body: PutPatientVip = { isVip: !isVip, reason: reason.trim() };
    await saving.run(() =>
      stepUp(async () => {
        queries.setQueryData(['vip', patientId], await api<PatientVip>(path, { method: 'PUT', body }));
        onClose();
      }),
    );
  }

  return (
    <>
      <Dialog title={isVip ? 'Lift the special protection' : 'Protect this record specially'} onClose={onClose}>
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault();
            void save();
          }}
        >
          <p className="dialog-lead">
            {isVip
              ? `Set by ${by ?? 'somebody'}${before === undefined ? '' : `: ${before}`}. Once lifted, opening it raises no more questions than any other record.`
              : 'For somebody whom others are curious about. From then on it opens to those who care for the patient by the plan, and to others only in an emergency, with a reason; security looks at each. If you are not in their care team, it closes for you, too.'}
          </p>
          <SaveProblem saving={saving} shown={['reason']} />
          <ReasonField value={reason} saving={saving} onChange={setReason} />
          <DialogEnd onCancel={onClose} isBusy={saving.isBusy} isIncomplete={reason.trim().length < 3}>
            {isVip ? 'Lift it' : 'Protect it'}
          </DialogEnd>
        </form>
      </Dialog>
      {dialog}
    </>
  );
}
