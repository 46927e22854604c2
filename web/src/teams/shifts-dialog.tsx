import type { CareTeam, PutShifts, Shift } from '@healthsync/contracts/care-team';
import { Button, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api.ts';
import { Dialog } from '../widgets/dialog.tsx';
import { SaveProblem, useSaving } from '../widgets/saving.tsx';

/** The shifts of a ward, in its own time zone: assignments can hold in one of them only. */
export function ShiftsDialog({ team, onClose }: { readonly team: CareTeam; readonly onClose: () => void }) {
  const queries = useQueryClient();
  const saving = useSaving();
  const [version, setVersion] = useState(team.shiftsVersion);
  const [zone, setZone] = useState(team.zone);
  const [shifts, setShifts] = useState<readonly Shift[]>(team.shifts);
  const ward = `/api/wards/${encodeURIComponent(team.wardId)}`;
  const change = (at: number, part: Partial<Shift>) =>
    setShifts(shifts.map((shift, i) => (i === at ? { ...shift, ...part } : shift)));
  async function save(): Promise<void> {
    const body: PutShifts = { zone: zone.trim(), shifts: [...shifts], version };
    if (!(await saving.run(() => api(`${ward}/shifts`, { method: 'PUT', body })))) return;
    await queries.invalidateQueries({ queryKey: ['care-team', team.wardId] });
    onClose();
  }
  /** What somebody else saved meanwhile, in place of what is written here. */
  const reload = () =>
    saving.run(async () => {
      const now = await api<CareTeam>(`${ward}/care-team`);
      queries.setQueryData(['care-team', team.wardId], now);
      setVersion(now.shiftsVersion);
      setZone(now.zone);
      setShifts(now.shifts);
    });
  return (
    <Dialog onClose={onClose} title="Shifts of this ward">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <SaveProblem saving={saving} shown={['zone', 'shifts']} reload={reload} />
        <TextInput
          label="Time zone"
          required
          value={zone}
          error={saving.errorOf('zone')}
          onChange={(event) => setZone(event.target.value)}
        />
        {shifts.map((shift, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a shift is its place in the day
          <div key={at} className="shift">
            <TextInput
              label="Shift"
              required
              maxLength={32}
              value={shift.name}
              error={saving.errorOf(`shifts.${at}`)}
              onChange={(event) => change(at, { name: event.target.value })}
            />
            <TextInput
              label="From"
              type="time"
              required
              value={shift.from}
              onChange={(event) => change(at, { from: event.target.value })}
            />
            <TextInput
              label="To"
              type="time"
              required
              value={shift.to}
              onChange={(event) => change(at, { to: event.target.value })}
            />
            <button type="button" className="plain-button" onClick={() => setShifts(shifts.filter((_, i) => i !== at))}>
              ✕<span className="unseen"> take away {shift.name}</span>
            </button>
          </div>
        ))}
        <div className="row dialog-end">
          <button
            type="button"
            className="plain-button"
            onClick={() => setShifts([...shifts, { name: '', from: '06:00', to: '14:00' }])}
          >
            Add a shift
          </button>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={saving.isBusy}>
            Save shifts
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
