import type { PostOverride, Rota, StaffList } from '@healthsync/contracts/rota';
import { Button, Select, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api.ts';
import { localDate, localTime, momentOf } from '../times/zoned-time.ts';
import { Dialog } from '../widgets/dialog.tsx';
import { ReasonField } from '../widgets/reason-field.tsx';
import { SaveProblem, useSaving } from '../widgets/saving.tsx';
import { dayTime } from './rota-page.tsx';
import type { Slot } from './week-grid.tsx';

/** Somebody stands in for a while; or the one who does is taken out again. */
export function OverrideDialog({
  rota,
  slot,
  onClose,
}: {
  readonly rota: Rota;
  readonly slot: Slot;
  readonly onClose: () => void;
}) {
  const queries = useQueryClient();
  const saving = useSaving();
  const { people } = useStaff();
  const [userId, setUserId] = useState<string | null>(null);
  const [from, setFrom] = useState(() => localText(slot.fromMs, rota.zone));
  const [to, setTo] = useState(() => localText(slot.toMs, rota.zone));
  const [reason, setReason] = useState('');
  const path = `/api/rotas/${encodeURIComponent(rota.id)}/overrides`;

  async function send(action: () => Promise<unknown>): Promise<void> {
    if (!(await saving.run(action))) return;
    await queries.invalidateQueries({ queryKey: ['rotas'] });
    onClose();
  }
  const save = () => {
    const body: PostOverride = {
      layer: slot.layer,
      userId: userId ?? '',
      from: rfc(from, rota.zone),
      to: rfc(to, rota.zone),
      reason: reason.trim(),
    };
    return send(() => api(path, { method: 'POST', body }));
  };
  return (
    <Dialog onClose={onClose} title={`${rota.name}, ${slot.layer}`}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <p className="dialog-lead">
          {dayTime(slot.fromMs, rota.zone)} – {dayTime(slot.toMs, rota.zone)}. Times of {rota.zone}.
        </p>
        <SaveProblem saving={saving} shown={['userId', 'from', 'to', 'reason']} />
        <Select
          label="Who stands in"
          allowDeselect={false}
          data={people}
          value={userId}
          onChange={setUserId}
          searchable
          required
          error={saving.errorOf('userId')}
        />
        <div className="pair">
          <TextInput
            label="From"
            type="datetime-local"
            value={from}
            required
            error={saving.errorOf('from')}
            onChange={(event) => setFrom(event.target.value)}
          />
          <TextInput
            label="To"
            type="datetime-local"
            value={to}
            required
            error={saving.errorOf('to')}
            onChange={(event) => setTo(event.target.value)}
          />
        </div>
        <ReasonField value={reason} saving={saving} onChange={setReason} />
        <div className="row dialog-end">
          {slot.id !== undefined && (
            <Button
              variant="default"
              mr="auto"
              onClick={() => void send(() => api(`${path}/${encodeURIComponent(slot.id ?? '')}`, { method: 'DELETE' }))}
            >
              Take the stand-in out
            </Button>
          )}
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={saving.isBusy} disabled={userId === null || reason.trim().length < 3}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** Whom a rota may name; those nobody can reach are marked, for that is the mistake to make at night. */
export function useStaff() {
  const staff = useQuery({ queryKey: ['staff'], queryFn: () => api<StaffList>('/api/staff'), staleTime: 60_000 });
  const people = (staff.data?.staff ?? []).map(({ userId, name, reachable }) => ({
    value: userId,
    label: reachable ? name : `${name} (no verified contact)`,
  }));
  const nameOf = (userId: string) => staff.data?.staff.find((each) => each.userId === userId)?.name ?? userId;
  return { people, nameOf, staff: staff.data?.staff ?? [] };
}

const localText = (ms: number, zone: string): string => `${localDate(ms, zone)}T${localTime(ms, zone)}`;

function rfc(text: string, zone: string): string {
  const [date = '', time = ''] = text.split('T');
  return new Date(momentOf(date, time.slice(0, 5), zone)).toISOString();
}
