import type { AccessPolicies, AccessWhy } from '@healthsync/contracts/access';
import type { UserList } from '@healthsync/contracts/user';
import { Button, Select, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api.ts';
import { useSession } from '../session/session.tsx';
import { useWardNames } from '../wall/ward-name.ts';
import { Awaited } from '../widgets/awaited.tsx';
import { isolated } from '../widgets/own-direction.ts';
import { PolicyList } from './policy-list.tsx';
import { WhyAnswer } from './why-answer.tsx';

const ABOUT = [
  { value: 'patient', label: 'a patient' },
  { value: 'ward', label: 'a ward' },
  { value: 'device', label: 'a device' },
  { value: 'nothing', label: 'nothing in particular' },
] as const;

interface Question {
  readonly user: string;
  readonly action: string;
  readonly about: (typeof ABOUT)[number]['value'];
  readonly id: string;
}

/** Why may somebody do something, or not: the decision as the server would take it now, and the policies behind it. */
export function WhyPage() {
  const [asked, setAsked] = useState<Question>();
  const policies = useQuery({
    queryKey: ['access-policies'],
    queryFn: () => api<AccessPolicies>('/api/access/policies'),
    staleTime: 300_000,
  });
  const answer = useQuery({
    queryKey: ['access-why', asked],
    queryFn: () => api<AccessWhy>(`/api/access/why?${search(asked as Question)}`),
    enabled: asked !== undefined,
    gcTime: 0,
  });
  return (
    <main className="page">
      <div className="row page-head">
        <h1>Why can they see?</h1>
      </div>
      <div className="why">
        <WhyForm
          actions={policies.data?.actions ?? []}
          onAsk={(question) => {
            setAsked(question);
            // The same question again is a new one: what it rests on may have changed.
            if (JSON.stringify(question) === JSON.stringify(asked)) void answer.refetch();
          }}
        />
        <section aria-label="Answer" aria-live="polite">
          {asked === undefined ? (
            <p className="empty">Choose a person and what they would do.</p>
          ) : (
            <Awaited query={answer} rows={5}>
              {(why) => <WhyAnswer why={why} />}
            </Awaited>
          )}
        </section>
      </div>
      <h2>All policies</h2>
      <Awaited query={policies} rows={6}>
        {(all) => <PolicyList policies={all.policies} />}
      </Awaited>
    </main>
  );
}

function search({ user, action, about, id }: Question): URLSearchParams {
  return new URLSearchParams({ user, action, ...(about !== 'nothing' && { [about]: id }) });
}

function WhyForm({
  actions,
  onAsk,
}: {
  readonly actions: AccessPolicies['actions'];
  readonly onAsk: (question: Question) => void;
}) {
  const { may } = useSession();
  const users = useQuery({
    queryKey: ['users', 'names'],
    queryFn: () => api<UserList>('/api/users?limit=200'),
    enabled: may('user.read'),
    staleTime: 60_000,
  });
  const wards = useWardNames();
  const [draft, setDraft] = useState<Question>({ user: '', action: 'patient.read', about: 'patient', id: '' });
  const change = (part: Partial<Question>) => setDraft({ ...draft, ...part });
  const needsId = draft.about !== 'nothing';
  // More than the list holds are asked for by their sign-in name.
  const isListed = users.data !== undefined && users.data.total <= users.data.users.length;
  return (
    <form
      className="panel stack"
      aria-label="Question"
      onSubmit={(event) => {
        event.preventDefault();
        onAsk({ ...draft, user: draft.user.trim(), id: draft.id.trim() });
      }}
    >
      {isListed ? (
        <Select
          label="Person"
          placeholder="Name"
          searchable
          // Chosen once more it stays chosen: the next question is often about the same person.
          allowDeselect={false}
          required
          data={(users.data?.users ?? []).map(({ id, displayName, name }) => ({
            value: id,
            label: `${isolated(displayName)} (${name})`,
          }))}
          value={draft.user === '' ? null : draft.user}
          onChange={(user) => change({ user: user ?? '' })}
        />
      ) : (
        <TextInput
          label="Person"
          description="The name they sign in with"
          required
          maxLength={64}
          autoComplete="off"
          value={draft.user}
          onChange={(event) => change({ user: event.target.value })}
        />
      )}
      <Select
        label="Would"
        searchable
        allowDeselect={false}
        data={actions.map(({ name, words }) => ({ value: name, label: words }))}
        value={draft.action}
        onChange={(action) => change({ action: action ?? draft.action })}
      />
      <Select
        label="Of"
        allowDeselect={false}
        data={[...ABOUT]}
        value={draft.about}
        onChange={(about) => change({ about: (about ?? 'patient') as Question['about'], id: '' })}
      />
      {draft.about === 'ward' && (
        <Select
          label="The ward"
          searchable
          allowDeselect={false}
          required
          data={(wards.data?.wards ?? []).map(({ id, name }) => ({ value: id, label: name }))}
          value={draft.id === '' ? null : draft.id}
          onChange={(id) => change({ id: id ?? '' })}
        />
      )}
      {needsId && draft.about !== 'ward' && (
        <TextInput
          label={ID_LABELS[draft.about]}
          required
          maxLength={64}
          autoComplete="off"
          value={draft.id}
          onChange={(event) => change({ id: event.target.value })}
        />
      )}
      <Button type="submit" disabled={draft.user.trim() === '' || (needsId && draft.id.trim() === '')}>
        Ask
      </Button>
    </form>
  );
}

const ID_LABELS = {
  patient: 'The patient’s id',
  ward: 'The ward',
  device: 'The device’s id',
  nothing: '',
} as const;
