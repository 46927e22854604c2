import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useWardNames } from '../wall/ward-name.ts';
import { Awaited } from '../widgets/awaited.tsx';
import { forMe, useProposals } from './approvals.ts';
import { RuleEditor, type RuleScope } from './rule-editor.tsx';

/** The rules of a ward, or of the whole house; a patient's own are on the patient's page. */
export function RulesPage() {
  const wards = useWardNames();
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
                  A patient’s own limits come before the ward’s, the ward’s before the house’s; what is set for a
                  limited time comes first.
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

function Waiting() {
  const { data } = useProposals();
  const count = data === undefined ? 0 : forMe(data).length;
  if (count === 0) return null;
  return (
    <p className="second-person" role="status">
      <strong>
        {count} {count === 1 ? 'change waits' : 'changes wait'} for your confirmation.
      </strong>{' '}
      <Link to="/approvals">Approvals</Link>
    </p>
  );
}
