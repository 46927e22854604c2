import type { AppAnswered, AppQuestion } from '@healthsync/contracts/openid';
import type { PatientList } from '@healthsync/contracts/patient';
import { Button, Select, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { api, problemText } from '../api.ts';
import { Awaited } from '../widgets/awaited.tsx';
import { useSaving } from '../widgets/saving.tsx';
import { DoorProblem } from './door-problem.tsx';
import { lastingText, scopeText } from './scope-words.ts';
import { useSession } from './session.tsx';
import { Brand } from './sign-in.tsx';
import { useMyStepUp } from './step-up.tsx';

/** An app wants to act for whoever is signed in: which, with what, for which patient, and whether they let it. */
export function AppConsentPage() {
  const { uid = '' } = useParams({ strict: false });
  const { me } = useSession();
  const question = useQuery({
    queryKey: ['app-question', uid],
    queryFn: () => api<AppQuestion>(`/authorize/${uid}/question`),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  return (
    <main className="door">
      <div className="door-card">
        <Brand />
        <Awaited query={question}>{(asked) => <Consent uid={uid} asked={asked} person={me.displayName} />}</Awaited>
      </div>
    </main>
  );
}

function Consent({
  uid,
  asked,
  person,
}: {
  readonly uid: string;
  readonly asked: AppQuestion;
  readonly person: string;
}) {
  const [patientId, setPatientId] = useState(asked.patientId ?? null);
  const words = new Map(Object.entries(asked.words));
  const saving = useSaving();
  const problem = saving.problem === undefined ? undefined : problemText(saving.problem);
  const { stepUp, dialog } = useMyStepUp();

  async function answer(allow: boolean): Promise<void> {
    const body = { allow, ...(allow && patientId !== null && { patientId }) };
    await saving.run(() =>
      stepUp(async () => {
        const { location: next } = await api<AppAnswered>(`/authorize/${uid}/answer`, { method: 'POST', body });
        location.assign(next);
      }),
    );
  }

  return (
    <Stack gap="md">
      <h2 className="door-title">
        Let {asked.client} act for {person}?
      </h2>
      <DoorProblem text={problem} />
      <ul className="scope-list" aria-label="What it may">
        {asked.scopes.map((scope) => (
          <li key={scope}>{scopeText(scope, words)}</li>
        ))}
      </ul>
      <p className="door-note">{lastingText(asked)} You can end it before that: My account, Sessions and keys.</p>
      {asked.needsPatient && <PatientChoice value={patientId} onChange={setPatientId} />}
      {asked.patientId !== undefined && <p className="door-note">For patient {asked.patientId}.</p>}
      <Button
        size="md"
        loading={saving.isBusy}
        disabled={asked.needsPatient && patientId === null}
        onClick={() => void answer(true)}
      >
        Let it
      </Button>
      <Button size="md" variant="default" disabled={saving.isBusy} onClick={() => void answer(false)}>
        No
      </Button>
      {dialog}
    </Stack>
  );
}

function PatientChoice({
  value,
  onChange,
}: {
  readonly value: string | null;
  readonly onChange: (id: string | null) => void;
}) {
  const list = useQuery({ queryKey: ['patients-for-app'], queryFn: () => api<PatientList>('/api/patients') });
  const data = (list.data?.patients ?? []).map(({ id, familyName, givenName, bed }) => ({
    value: id,
    label: [[familyName, givenName].filter(Boolean).join(', ') || id, bed].filter(Boolean).join(' · '),
  }));
  return (
    <Select
      label="The patient it works with"
      allowDeselect={false}
      data={data}
      value={value}
      onChange={onChange}
      searchable
      required
      nothingFoundMessage="Nobody of that name"
    />
  );
}
