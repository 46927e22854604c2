import type { News2Prescription, PutNews2, RuleProposal } from '@healthsync/contracts/rule';
import { Button, Select, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api.ts';
import { SaveProblem, useSaving } from '../widgets/saving.tsx';

const SCALES = [
  { value: '1', label: 'Scale 1 (96 % and above is normal)' },
  { value: '2', label: 'Scale 2 (88–92 % prescribed)' },
];
const USES = [
  { value: 'by-age', label: 'From 16 years on' },
  { value: 'off', label: 'Not for this patient' },
];
const REASONS = [
  { value: 'pregnancy', label: 'Pregnancy' },
  { value: 'end-of-life', label: 'End of life' },
  { value: 'other', label: 'Other' },
];

/** How NEWS2 is scored for this patient, if at all: a prescription, with its reason. */
export function News2Form({ patientId, news2 }: { readonly patientId: string; readonly news2: News2Prescription }) {
  const queries = useQueryClient();
  const saving = useSaving();
  const [scale, setScale] = useState(String(news2.spo2Scale));
  const [use, setUse] = useState<string>(news2.use);
  const [why, setWhy] = useState<string>(news2.why ?? 'pregnancy');
  const [reason, setReason] = useState('');
  const [isWaiting, setWaiting] = useState(false);
  const isDirty =
    scale !== String(news2.spo2Scale) || use !== news2.use || (use === 'off' && why !== (news2.why ?? 'pregnancy'));

  async function save(): Promise<void> {
    const body: PutNews2 = {
      reason: reason.trim(),
      spo2Scale: scale === '2' ? 2 : 1,
      use: use === 'off' ? 'off' : 'by-age',
      ...(use === 'off' && { why: why as NonNullable<PutNews2['why']> }),
      version: news2.version,
    };
    const path = `/api/patients/${encodeURIComponent(patientId)}/news2`;
    const done = await saving.run(async () => {
      const answer = await api<News2Prescription | RuleProposal>(path, { method: 'PUT', body });
      const isProposal = 'askedBy' in answer;
      setWaiting(isProposal);
      if (!isProposal) return;
      setScale(String(news2.spo2Scale));
      setUse(news2.use);
    });
    if (!done) return;
    setReason('');
    await queries.invalidateQueries({ queryKey: ['rules'] });
    await queries.invalidateQueries({ queryKey: ['patient', patientId] });
  }
  return (
    <form
      className="news2-form"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <h3>NEWS2</h3>
      <SaveProblem saving={saving} shown={['reason']} />
      <div role="status">
        {isWaiting && (
          <p className="second-person">
            <strong>Saved, but not in force yet: a second person has to confirm it</strong>, under Approvals. Until then
            NEWS2 is used as before.
          </p>
        )}
      </div>
      <div className="pair">
        <Select label="SpO₂" data={SCALES} value={scale} allowDeselect={false} onChange={(v) => setScale(v ?? '1')} />
        <Select label="Used" data={USES} value={use} allowDeselect={false} onChange={(v) => setUse(v ?? 'by-age')} />
        {use === 'off' && (
          <Select
            label="Because of"
            data={REASONS}
            value={why}
            allowDeselect={false}
            onChange={(v) => setWhy(v ?? '')}
          />
        )}
        {isDirty && (
          <TextInput
            label="Reason for NEWS2"
            required
            maxLength={500}
            value={reason}
            error={saving.errorOf('reason')}
            onChange={(event) => setReason(event.target.value)}
          />
        )}
      </div>
      {isDirty && (
        <div className="row dialog-end">
          <Button type="submit" loading={saving.isBusy} disabled={reason.trim().length < 3}>
            Save NEWS2
          </Button>
        </div>
      )}
    </form>
  );
}
