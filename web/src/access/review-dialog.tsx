import type { EmergencyAccess, ReviewBreakGlass } from '@healthsync/contracts/access';
import { Radio, Textarea } from '@mantine/core';
import { useState } from 'react';
import { api } from '../api.ts';
import { useMyStepUp } from '../session/step-up.tsx';
import { Dialog } from '../widgets/dialog.tsx';
import { DialogEnd } from '../widgets/dialog-end.tsx';
import { isolated } from '../widgets/own-direction.ts';
import { SaveProblem, useSaving } from '../widgets/saving.tsx';

/** Whether an emergency access was justified, with a word why. Once, and by somebody else than who opened it. */
export function ReviewDialog({
  access,
  onClose,
  onDone,
}: {
  readonly access: EmergencyAccess;
  readonly onClose: () => void;
  readonly onDone: () => void;
}) {
  const saving = useSaving();
  const { stepUp, dialog } = useMyStepUp();
  const [verdict, setVerdict] = useState('');
  const [comment, setComment] = useState('');

  async function save(): Promise<void> {
    const body: ReviewBreakGlass = { justified: verdict === 'justified', comment: comment.trim() };
    let isSent = false;
    const isDone = await saving.run(() =>
      stepUp(async () => {
        await api(`/api/break-glass/${encodeURIComponent(access.id)}/review`, { method: 'POST', body });
        isSent = true;
      }),
    );
    if (isDone && isSent) onDone();
  }

  return (
    <>
      <Dialog title={`Review: ${isolated(access.by)}`} onClose={onClose}>
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault();
            void save();
          }}
        >
          <blockquote className="emergency-reason">{access.reason}</blockquote>
          <SaveProblem saving={saving} shown={['justified', 'comment']} />
          <Radio.Group label="Opening this record was" required value={verdict} onChange={setVerdict}>
            <div className="choices">
              <Radio value="justified" label="justified" />
              <Radio value="not" label="not justified" />
            </div>
          </Radio.Group>
          <Textarea
            label="Comment"
            description="Kept with the access; cannot be changed later"
            required
            autosize
            minRows={2}
            maxLength={1_000}
            value={comment}
            error={saving.errorOf('comment')}
            onChange={(event) => setComment(event.target.value)}
          />
          <DialogEnd
            onCancel={onClose}
            isBusy={saving.isBusy}
            isIncomplete={verdict === '' || comment.trim().length < 3}
          >
            Save the review
          </DialogEnd>
        </form>
      </Dialog>
      {dialog}
    </>
  );
}
