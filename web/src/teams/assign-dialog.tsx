import type { CareRole, CareTeam, PostAssignment } from '@healthsync/contracts/care-team';
import { MultiSelect, Select } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api.ts';
import { useStaff } from '../rota/override-dialog.tsx';
import { Dialog } from '../widgets/dialog.tsx';
import { DialogEnd } from '../widgets/dialog-end.tsx';
import { SaveProblem, useSaving } from '../widgets/saving.tsx';

const ROLES = [
  { value: 'nurse', label: 'Nurse' },
  { value: 'charge-nurse', label: 'Charge nurse' },
  { value: 'doctor', label: 'Doctor' },
];

/** Somebody looks after beds, or after the whole ward, from now on or in a shift. */
export function AssignDialog({
  team,
  bedIds: first,
  onClose,
}: {
  readonly team: CareTeam;
  readonly bedIds: readonly string[];
  readonly onClose: () => void;
}) {
  const queries = useQueryClient();
  const saving = useSaving();
  const { people } = useStaff();
  const [role, setRole] = useState<string>('nurse');
  const [userId, setUserId] = useState<string | null>(null);
  const [bedIds, setBedIds] = useState<string[]>([...first]);
  const [shift, setShift] = useState<string | null>(team.shiftNow ?? null);
  async function save(): Promise<void> {
    const body: PostAssignment = {
      role: role as CareRole,
      userId: userId ?? '',
      ...(bedIds.length > 0 && { bedIds }),
      ...(shift !== null && { shift }),
    };
    const path = `/api/wards/${encodeURIComponent(team.wardId)}/assignments`;
    if (!(await saving.run(() => api(path, { method: 'POST', body })))) return;
    await queries.invalidateQueries({ queryKey: ['care-team', team.wardId] });
    onClose();
  }
  return (
    <Dialog onClose={onClose} title="Assign somebody">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <SaveProblem saving={saving} shown={['userId', 'role', 'bedIds', 'shift']} />
        <Select
          label="Who"
          allowDeselect={false}
          data={people}
          searchable
          required
          data-autofocus
          value={userId}
          error={saving.errorOf('userId')}
          onChange={setUserId}
        />
        <Select
          label="As"
          data={ROLES}
          value={role}
          allowDeselect={false}
          error={saving.errorOf('role')}
          onChange={(value) => setRole(value ?? 'nurse')}
        />
        <MultiSelect
          label="Beds"
          description="None chosen: the whole ward"
          data={team.beds.map(({ bedId, bed }) => ({ value: bedId, label: bed }))}
          searchable
          value={bedIds}
          error={saving.errorOf('bedIds')}
          onChange={setBedIds}
        />
        <Select
          label="Shift"
          description="None chosen: from now on, day and night"
          data={team.shifts.map(({ name, from, to }) => ({ value: name, label: `${name} ${from}–${to}` }))}
          clearable
          value={shift}
          error={saving.errorOf('shift')}
          onChange={setShift}
        />
        <DialogEnd onCancel={onClose} isBusy={saving.isBusy} isIncomplete={userId === null}>
          Assign
        </DialogEnd>
      </form>
    </Dialog>
  );
}
