import type { EmergencyAccess, PostBreakGlass } from '@healthsync/contracts/access';
import { Select, Textarea, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiProblem, api } from '../api.ts';
import { useMyStepUp } from '../session/step-up.tsx';
import { Dialog } from '../widgets/dialog.tsx';
import { DialogEnd } from '../widgets/dialog-end.tsx';
import { SaveProblem, useSaving } from '../widgets/saving.tsx';
import { MY_EMERGENCIES } from './my-emergencies.ts';

/** The house may allow less; the banner shows how long it really is. */
const MINUTES = ['15', '30', '60'] as const;
/** What a review can be made of; the server asks for as much. */
const REASON_MIN = 10;

/** Opens a record in an emergency: why, for how long, and a fresh proof of who asks. The patient by bed, unless known. */
export function BreakGlassDialog({
  patientId,
  bed: typed = '',
  onClose,
  onOpened,
}: {
  readonly patientId?: string;
  /** What was looked for already; it may be a bed. */
  readonly bed?: string;
  readonly onClose: () => void;
  readonly onOpened: (access: EmergencyAccess) => void;
}) {
  const queries = useQueryClient();
  const saving = useSaving();
  const { stepUp, dialog } = useMyStepUp();
  const [bed, setBed] = useState(typed.slice(0, 64));
  /** Asked for where several wards have such a bed. */
  const [ward, setWard] = useState<string>();
  const [reason, setReason] = useState('');
  const [minutes, setMinutes] = useState<string>('30');
  const isReady = reason.trim().length >= REASON_MIN && (patientId !== undefined || bed.trim() !== '') && ward !== '';

  async function open(): Promise<void> {
    const body: PostBreakGlass = {
      ...(patientId === undefined
        ? { bed: bed.trim(), ...(ward !== undefined && { ward: ward.trim() }) }
        : { patientId }),
      reason: reason.trim(),
      minutes: Number(minutes),
    };
    let opened: EmergencyAccess | undefined;
    const isDone = await saving.run(() =>
      stepUp(async () => {
        opened = await api<EmergencyAccess>('/api/break-glass', { method: 'POST', body });
      }).catch((error: unknown) => {
        if (error instanceof ApiProblem && error.problem.code === 'ambiguous-bed') setWard((known) => known ?? '');
        throw inWords(error);
      }),
    );
    // Nothing came back: the proof was not given, and the draft waits.
    if (!isDone || opened === undefined) return;
    await queries.invalidateQueries({ queryKey: MY_EMERGENCIES });
    void queries.resetQueries({ queryKey: ['patient', opened.patientId] });
    onOpened(opened);
  }

  return (
    <>
      <Dialog title="Open a record in an emergency" onClose={onClose}>
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault();
            void open();
          }}
        >
          <p className="dialog-lead">
            For a patient who needs you now and is not in your care. Everybody on duty sees that a record was opened,
            all you open is written down, and a privacy officer reviews it.
          </p>
          <SaveProblem saving={saving} shown={['bed', 'ward', 'reason', 'minutes']} />
          {patientId === undefined && (
            <TextInput
              label="Bed"
              description="As it is written at the bed"
              required
              maxLength={64}
              autoComplete="off"
              data-autofocus
              value={bed}
              error={saving.errorOf('bed')}
              onChange={(event) => {
                setBed(event.target.value);
                setWard(undefined);
              }}
            />
          )}
          {patientId === undefined && ward !== undefined && (
            <TextInput
              label="Ward"
              description="Several have a bed of this name"
              required
              maxLength={128}
              autoComplete="off"
              value={ward}
              error={saving.errorOf('ward')}
              onChange={(event) => setWard(event.target.value)}
            />
          )}
          <Textarea
            label="Reason"
            description={`For the review; at least ${REASON_MIN} characters`}
            required
            autosize
            minRows={2}
            maxLength={500}
            {...(patientId !== undefined && { 'data-autofocus': true })}
            value={reason}
            error={saving.errorOf('reason')}
            onChange={(event) => setReason(event.target.value)}
          />
          <Select
            label="For how long, at most"
            data={MINUTES.map((value) => ({ value, label: `${value} minutes` }))}
            allowDeselect={false}
            value={minutes}
            error={saving.errorOf('minutes')}
            onChange={(value) => setMinutes(value ?? '30')}
          />
          <DialogEnd onCancel={onClose} isBusy={saving.isBusy} isIncomplete={!isReady}>
            Open the record
          </DialogEnd>
        </form>
      </Dialog>
      {dialog}
    </>
  );
}

/** A bed nobody lies in is a slip of the hand, not a riddle. */
function inWords(error: unknown): unknown {
  if (!(error instanceof ApiProblem && error.problem.status === 404)) return error;
  return new ApiProblem({ ...error.problem, detail: 'There is no such patient in this house.' });
}
