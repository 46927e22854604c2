import type { ChangeWard, NewWard, PlannedWard } from '@healthsync/contracts/ward-plan';
import { TextInput } from '@mantine/core';
import { useState } from 'react';
import { DialogEnd } from '../widgets/dialog-end.tsx';
import { SaveProblem, useSaving } from '../widgets/saving.tsx';
import { type SendPlan, wardPath } from './wards-panel.tsx';

/** A new ward, or what of one can be changed. */
export function WardForm({
  ward,
  send,
  onClose,
}: {
  readonly ward?: PlannedWard;
  readonly send: SendPlan;
  readonly onClose: () => void;
}) {
  const saving = useSaving();
  const [id, setId] = useState('');
  const [name, setName] = useState(ward?.name ?? '');
  const [department, setDepartment] = useState(ward?.departmentId ?? '');

  function save(): Promise<void> {
    const departmentId = department.trim();
    const wanted: ChangeWard = { name: name.trim(), ...(departmentId !== '' && { departmentId }) };
    if (ward !== undefined) return send(wardPath(ward.id), 'PUT', wanted);
    return send('/api/wards', 'POST', { id: id.trim(), ...wanted } satisfies NewWard);
  }

  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void saving.run(save).then((isSaved) => isSaved && onClose());
      }}
    >
      <SaveProblem saving={saving} shown={['id', 'name', 'departmentId']} />
      {ward === undefined && (
        <TextInput
          label="Id"
          description="Short, as W3: records, devices and the directory name the ward by it, and it stays."
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
        label="Name"
        description="What people call it"
        required
        maxLength={64}
        autoComplete="off"
        value={name}
        error={saving.errorOf('name')}
        onChange={({ target }) => setName(target.value)}
      />
      <TextInput
        label="Department"
        description="Whose people can be told of all its wards together; empty for none"
        maxLength={64}
        autoComplete="off"
        value={department}
        error={saving.errorOf('departmentId')}
        onChange={({ target }) => setDepartment(target.value)}
      />
      <DialogEnd
        onCancel={onClose}
        isBusy={saving.isBusy}
        isIncomplete={name.trim() === '' || (ward === undefined && id.trim() === '')}
      >
        {ward === undefined ? 'Make the ward' : 'Save'}
      </DialogEnd>
    </form>
  );
}
