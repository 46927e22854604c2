import type { WardList } from '@healthsync/contracts/patient';
import type { RuleProposals } from '@healthsync/contracts/rule';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api.ts';
import { Awaited } from '../widgets/awaited.tsx';
import { RuleEditor, type RuleScope } from './rule-editor.tsx';

/** The rules of a ward, or of the whole house; a patient's own are on the patient's page. */
export function RulesPage() {
  const wards = useQuery({ queryKey: ['wards'], queryFn: () => api<WardList>('/api/wards'), staleTime: 60_000 });
  const [chosen, setChosen] = useState<string>();
  return (
    <main className="page">
      <Awaited query={wards} rows={8}>
        {({ wards: all }) => {
          const wardId = chosen ?? all[0]?.id ?? '';
          const of: RuleScope =
            wardId === ''
              ? { scope: 'house', scopeId: '', wardId: undefined }
              : { scope: 'ward', scopeId: wardId, wardId };
          return (
            <>
              <div className="row page-head">
                <h1>Rules</h1>
                <label>
                  <span className="unseen">Whose rules</span>
                  <select value={wardId} onChange={(event) => setChosen(event.target.value)}>
                    {all.map(({ id, name }) => (
                      <option key={id} value={id}>
                        {name}
                      </option>
                    ))}
                    <option value="">The whole house</option>
                  </select>
                </label>
                <span className="soft">
                  The most specific rule holds: as installed, house, ward, patient; what is set for a limited time
                  before what is not.
                </span>
              </div>
              <Waiting />
              <RuleEditor key={wardId} of={of} />
            </>
          );
        }}
      </Awaited>
    </main>
  );
}

/** Across all wards and patients: what somebody asked a second person for. */
function Waiting() {
  const query = useQuery({
    queryKey: ['rules', 'proposals'],
    queryFn: () => api<RuleProposals>('/api/rule-proposals'),
    refetchInterval: 30_000,
  });
  const mine = query.data?.proposals.filter(({ mayConfirm, state }) => mayConfirm && state === 'open') ?? [];
  if (mine.length === 0) return null;
  return (
    <p className="second-person" role="status">
      <strong>
        {mine.length} {mine.length === 1 ? 'change waits' : 'changes wait'} for your confirmation:
      </strong>{' '}
      {mine.map(({ id, scope, scopeId, effect }) => (
        <span key={id}>
          {scope === 'patient' ? (
            <a href={`/patients/${encodeURIComponent(scopeId)}`}>patient</a>
          ) : (
            `${scope} ${scopeId}`
          )}
          : {effect}.{' '}
        </span>
      ))}
    </p>
  );
}
