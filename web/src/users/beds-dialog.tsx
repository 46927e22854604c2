import type { ChangeBed, NewBed, PlannedBed, PlannedWard } from '@healthsync/contracts/ward-plan';
import { Button, Select, TextInput } from '@mantine/core';
import { useState } from 'react';
import { Dialog } from '../widgets/dialog.tsx';
import { DialogEnd } from '../widgets/dialog-end.tsx';
import { isolated } from '../widgets/own-direction.ts';
import { SaveProblem, useSaving } from '../widgets/saving.tsx';
import type { SendPlan } from './wards-panel.tsx';

/** The beds of a ward: one dialog, which shows the list, or one bed of it. Who lies there is not shown. */
export function BedsDialog({
  ward,
  wards,
  mayWrite,
  send,
  onClose,
}: {
  readonly ward: PlannedWard;
  readonly wards: readonly PlannedWard[];
  readonly mayWrite: boolean;
  readonly send: SendPlan;
  readonly onClose: () => void;
}) {
  const [edited, setEdited] = useState<PlannedBed | 'new'>();
  const [going, setGoing] = useState<PlannedBed>();
  const saving = useSaving();
  const beds = ward.beds.toSorted((a, b) => a.label.localeCompare(b.label, 'en', { numeric: true }));
  const name = isolated(ward.name);

  if (edited !== undefined)
    return (
      <Dialog title={edited === 'new' ? `A new bed in ${name}` : `Bed ${isolated(edited.label)}`} onClose={onClose}>
        <BedForm
          wards={wards}
          wardId={ward.id}
          {...(edited !== 'new' && { bed: edited })}
          send={send}
          onClose={() => setEdited(undefined)}
        />
      </Dialog>
    );
  if (going !== undefined)
    return (
      <Dialog title={`Remove bed ${isolated(going.label)}`} onClose={onClose}>
        <SaveProblem saving={saving} shown={[]} />
        <p className="dialog-lead">Only a bed in which nobody lies, and which nobody looks after, can go.</p>
        <div className="row dialog-end">
          <Button
            variant="default"
            data-autofocus
            onClick={() => {
              saving.clear();
              setGoing(undefined);
            }}
          >
            Cancel
          </Button>
          <Button
            loading={saving.isBusy}
            onClick={() =>
              void saving.run(() => send(bedPath(going.id), 'DELETE')).then((isDone) => isDone && setGoing(undefined))
            }
          >
            Remove the bed
          </Button>
        </div>
      </Dialog>
    );
  return (
    <Dialog title={`Beds of ${name}`} onClose={onClose}>
      {beds.length === 0 && <p className="empty">No beds yet.</p>}
      <ul className="bed-list">
        {beds.map((bed) => (
          <li key={bed.id} className="row">
            <span>
              <strong>{bed.label}</strong> {bed.id !== bed.label && <span className="soft">{bed.id}</span>}
            </span>
            {mayWrite && (
              <span className="user-acts row-end">
                <Button
                  size="compact-md"
                  variant="default"
                  aria-label={`Change bed ${isolated(bed.label)}`}
                  onClick={() => setEdited(bed)}
                >
                  Change
                </Button>
                <Button
                  size="compact-md"
                  variant="default"
                  aria-label={`Remove bed ${isolated(bed.label)}`}
                  onClick={() => setGoing(bed)}
                >
                  Remove
                </Button>
              </span>
            )}
          </li>
        ))}
      </ul>
      <div className="row dialog-end">
        <Button variant="default" onClick={onClose}>
          Close
        </Button>
        {mayWrite && <Button onClick={() => setEdited('new')}>Make a bed</Button>}
      </div>
    </Dialog>
  );
}

const bedPath = (id: string): string => `/api/beds/${encodeURIComponent(id)}`;

function BedForm({
  bed,
  wardId,
  wards,
  send,
  onClose,
}: {
  readonly bed?: PlannedBed;
  readonly wardId: string;
  readonly wards: readonly PlannedWard[];
  readonly send: SendPlan;
  readonly onClose: () => void;
}) {
  const saving = useSaving();
  const [id, setId] = useState('');
  const [label, setLabel] = useState(bed?.label ?? '');
  const [into, setInto] = useState(wardId);

  function save(): Promise<void> {
    const wanted: ChangeBed = { wardId: into, label: label.trim() };
    if (bed !== undefined) return send(bedPath(bed.id), 'PUT', wanted);
    return send('/api/beds', 'POST', { id: id.trim(), ...wanted } satisfies NewBed);
  }

  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void saving.run(save).then((isSaved) => isSaved && onClose());
      }}
    >
      <SaveProblem saving={saving} shown={['id', 'label', 'wardId']} />
      {bed === undefined && (
        <TextInput
          label="Id"
          description="As W3-01: records and care teams name the bed by it, and it stays."
          required
          maxLength={64}
          autoComplete="off"
          data-autofocus
          value={id}
          error={saving.errorOf('id')}
          onChange={({ target }) => setId(target.value)}
        />
      )}
      <TextInput
        label="Label"
        description="What the wall and messages call it"
        required
        maxLength={64}
        autoComplete="off"
        value={label}
        error={saving.errorOf('label')}
        onChange={({ target }) => setLabel(target.value)}
      />
      {bed !== undefined && (
        <Select
          label="Ward"
          description="A bed in which somebody lies stays where it is"
          searchable
          allowDeselect={false}
          data={wards.map((ward) => ({ value: ward.id, label: ward.name }))}
          value={into}
          error={saving.errorOf('wardId')}
          onChange={(value) => setInto(value ?? wardId)}
        />
      )}
      <DialogEnd
        onCancel={onClose}
        isBusy={saving.isBusy}
        isIncomplete={label.trim() === '' || (bed === undefined && id.trim() === '')}
      >
        {bed === undefined ? 'Make the bed' : 'Save'}
      </DialogEnd>
    </form>
  );
}
