import type { OwnRecords, PutOwnRecords } from '@healthsync/contracts/security-alert';
import type { User } from '@healthsync/contracts/user';
import { TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api.ts';
import { Awaited } from '../widgets/awaited.tsx';
import { Dialog } from '../widgets/dialog.tsx';
import { DialogEnd } from '../widgets/dialog-end.tsx';
import { isolated } from '../widgets/own-direction.ts';
import { SaveProblem, useSaving } from '../widgets/saving.tsx';

type Field = keyof PutOwnRecords;
const FIELDS: readonly { readonly field: Field; readonly label: string; readonly max: number }[] = [
  { field: 'patientId', label: 'Their own patient id', max: 64 },
  { field: 'mrn', label: 'Their own record number', max: 64 },
  { field: 'address', label: 'Where they live', max: 200 },
  { field: 'familyName', label: 'Family name', max: 100 },
];

/** Which patient somebody who works here is, and where they live: so that looking these up is noticed. */
export function OwnRecordDialog({
  user,
  send,
  onClose,
}: {
  readonly user: User;
  readonly send: (path: string, method: string, body: PutOwnRecords) => Promise<unknown>;
  readonly onClose: () => void;
}) {
  const path = `/api/users/${encodeURIComponent(user.id)}/own-records`;
  const query = useQuery({ queryKey: ['own-records', user.id], queryFn: () => api<OwnRecords>(path), gcTime: 0 });
  return (
    <Dialog title={`Own record of ${isolated(user.displayName)}`} onClose={onClose}>
      <p className="dialog-lead">
        Whoever opens their own record, or that of somebody at the same address or of a rare name, is noticed under
        Security. What is entered is kept only as a fingerprint and never shown again, but for the patient id.
      </p>
      <Awaited query={query} rows={4}>
        {(known) => <OwnRecordForm known={known} save={(body) => send(path, 'PUT', body)} onClose={onClose} />}
      </Awaited>
    </Dialog>
  );
}

function OwnRecordForm({
  known,
  save,
  onClose,
}: {
  readonly known: OwnRecords;
  readonly save: (body: PutOwnRecords) => Promise<unknown>;
  readonly onClose: () => void;
}) {
  const saving = useSaving();
  /** What was typed; `null`: to be forgotten. */
  const [draft, setDraft] = useState<PutOwnRecords>({});
  const isKnown = (field: Field) => (field === 'patientId' ? known.patientId !== undefined : known.has.includes(field));
  const change = (field: Field, value: string | null) => setDraft({ ...draft, [field]: value });
  const changed = Object.entries(draft).flatMap(([field, value]) =>
    value === null ? [[field, null]] : value.trim() === '' ? [] : [[field, value.trim()]],
  );

  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void saving.run(() => save(Object.fromEntries(changed))).then((isSaved) => isSaved && onClose());
      }}
    >
      <SaveProblem saving={saving} shown={FIELDS.map(({ field }) => field)} />
      {FIELDS.map(({ field, label, max }) => (
        <div key={field} className="own-record">
          <TextInput
            label={label}
            description={draft[field] === null ? 'Will be forgotten.' : isKnown(field) ? KNOWN : undefined}
            placeholder={field === 'patientId' ? known.patientId : undefined}
            maxLength={max}
            autoComplete="off"
            disabled={draft[field] === null}
            value={draft[field] ?? ''}
            error={saving.errorOf(field)}
            onChange={({ target }) => change(field, target.value)}
          />
          {isKnown(field) && (
            <button
              type="button"
              className="plain-button"
              aria-label={`${draft[field] === null ? 'Keep' : 'Forget'}: ${label}`}
              onClick={() => change(field, draft[field] === null ? '' : null)}
            >
              {draft[field] === null ? 'Keep' : 'Forget'}
            </button>
          )}
        </div>
      ))}
      <DialogEnd onCancel={onClose} isBusy={saving.isBusy} isIncomplete={changed.length === 0}>
        Save
      </DialogEnd>
    </form>
  );
}

const KNOWN = '✓ Known; type to replace it.';
