import type { AuditRecord } from '@healthsync/contracts/audit';
import { Button, Select, TextInput } from '@mantine/core';
import { useState } from 'react';
import { MomentField } from '../times/moment-field.tsx';
import { momentOf, typedOf } from '../times/typed-moment.ts';
import type { AuditFilter } from './audit-filter.ts';

const OUTCOMES = [
  { value: '', label: 'any' },
  { value: 'allowed', label: 'allowed' },
  { value: 'denied', label: 'refused' },
  { value: 'failed', label: 'failed' },
];

/** Whom, about whom, what, how it ended, when. */
export function AuditFilterForm({
  filter,
  onShow,
}: {
  readonly filter: AuditFilter;
  readonly onShow: (filter: AuditFilter) => void;
}) {
  const [draft, setDraft] = useState({
    person: filter.person ?? '',
    patient: filter.patient ?? '',
    action: filter.action ?? '',
    outcome: filter.outcome ?? '',
    from: typedOf(filter.from),
    to: typedOf(filter.to),
  });
  const change = (part: Partial<typeof draft>) => setDraft({ ...draft, ...part });

  function submit(): void {
    const from = momentOf(draft.from);
    const to = momentOf(draft.to);
    const [person, patient, action] = [draft.person.trim(), draft.patient.trim(), draft.action.trim()];
    onShow({
      ...(person !== '' && { person }),
      ...(patient !== '' && { patient }),
      ...(action !== '' && { action }),
      ...(draft.outcome !== '' && { outcome: draft.outcome as AuditRecord['outcome'] }),
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to }),
    });
  }

  const field = (name: 'person' | 'patient' | 'action', label: string, placeholder: string) => (
    <TextInput
      label={label}
      placeholder={placeholder}
      maxLength={128}
      autoComplete="off"
      value={draft[name]}
      onChange={(event) => change({ [name]: event.target.value })}
    />
  );
  const moment = (name: 'from' | 'to', label: string) => (
    <MomentField label={label} value={draft[name]} onChange={(value) => change({ [name]: value })} />
  );
  return (
    <form
      className="audit-filter"
      aria-label="Filter"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {field('person', 'Who', 'sign-in name or id')}
      {field('patient', 'Patient', 'id')}
      {field('action', 'What', 'alarm.*')}
      <Select
        label="Outcome"
        allowDeselect={false}
        data={OUTCOMES}
        value={draft.outcome}
        onChange={(outcome) => change({ outcome: (outcome ?? '') as typeof draft.outcome })}
      />
      {moment('from', 'From')}
      {moment('to', 'Before')}
      <Button type="submit" className="align-end">
        Show
      </Button>
    </form>
  );
}
