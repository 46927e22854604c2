import type { Alert } from '@healthsync/contracts/alert';
import type { EscalationPreview } from '@healthsync/contracts/escalation';

import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api.ts';
import { Awaited } from '../widgets/awaited.tsx';
import { Dialog } from '../widgets/dialog.tsx';
import { StepList } from './step-list.tsx';

const PRIORITIES = ['high', 'medium', 'low'] as const;

/** "Who would be told, when, if this rang now and nobody answered?" */
export function PreviewDialog({ patientId, onClose }: { readonly patientId: string; readonly onClose: () => void }) {
  const [priority, setPriority] = useState<Alert['priority']>('high');
  const query = useQuery({
    queryKey: ['escalation-preview', patientId, priority, 'physiological'],
    queryFn: () =>
      api<EscalationPreview>(
        `/api/escalation/preview?patient=${encodeURIComponent(patientId)}&priority=${priority}&kind=physiological`,
      ),
    gcTime: 0,
  });
  return (
    <Dialog onClose={onClose} title="Who would be told, if it rang now" size="lg">
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would bring a frame of its own */}
      <div className="tabs" role="group" aria-label="Priority">
        {PRIORITIES.map((each) => (
          <button key={each} type="button" aria-pressed={each === priority} onClick={() => setPriority(each)}>
            {each}
          </button>
        ))}
      </div>
      <p className="dialog-lead">And nobody answered. As rota, care team and quiet hours stand at this moment.</p>
      <Awaited query={query} rows={4}>
        {({ steps, definition }) =>
          definition === undefined || steps.length === 0 ? (
            <p>Such alarms are not escalated.</p>
          ) : (
            <StepList steps={steps} isPlan firstIsNow />
          )
        }
      </Awaited>
    </Dialog>
  );
}
