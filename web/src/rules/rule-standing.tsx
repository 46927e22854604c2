import type { RuleOverride, RuleSetResponse, RuleVersions } from '@healthsync/contracts/rule';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, problemText } from '../api.ts';
import { useSession } from '../session/session.tsx';
import { When } from '../times/when.tsx';
import { Awaited } from '../widgets/awaited.tsx';
import { isolated } from '../widgets/own-direction.ts';
import { showToast } from '../widgets/toast.ts';
import { Proposal } from './proposal.tsx';
import { type RuleScope, rulesPath } from './rule-editor.tsx';
import { ruleIdText, ruleText } from './rule-words.ts';

/** Free text has no place in an address: who ended it and when is what is kept. */
const ENDED = 'ended-in-the-app';

/** What waits for a second person, what holds for a limited time, and what was before. */
export function RuleStanding({ of, known }: { readonly of: RuleScope; readonly known: RuleSetResponse }) {
  const queries = useQueryClient();
  const { may } = useSession();
  async function end(id: string): Promise<void> {
    try {
      await api(`/api/rule-overrides/${encodeURIComponent(id)}?reason=${ENDED}`, { method: 'DELETE' });
    } catch (error) {
      showToast(problemText(error));
    }
    await queries.invalidateQueries({ queryKey: ['rules'] });
  }
  const open = known.proposals.filter(({ state }) => state === 'open');
  return (
    <div className="standing">
      {open.map((proposal) => (
        <Proposal key={proposal.id} proposal={proposal} />
      ))}
      {known.overrides.map((override) => (
        <Override
          key={override.id}
          override={override}
          end={may('limits.write') ? () => end(override.id) : undefined}
        />
      ))}
      <Versions of={of} />
    </div>
  );
}

function Override({
  override: { rule, until, setBy, reason },
  end,
}: {
  readonly override: RuleOverride;
  readonly end: (() => Promise<void>) | undefined;
}) {
  return (
    <p className="override">
      <strong>
        Until <When at={until} />:
      </strong>{' '}
      {rule.off === true ? 'off: ' : ''}
      {ruleText(rule)}{' '}
      <span className="soft">
        {isolated(setBy)}: {reason}
      </span>{' '}
      {end !== undefined && (
        <button type="button" className="plain-button" onClick={() => void end()}>
          End it now
        </button>
      )}
    </p>
  );
}

function Versions({ of }: { readonly of: RuleScope }) {
  const [isOpen, setOpen] = useState(false);
  const query = useQuery({
    queryKey: ['rules', of.scope, of.scopeId, 'versions'],
    queryFn: () => api<RuleVersions>(`${rulesPath(of)}/versions`),
    enabled: isOpen,
    gcTime: 0,
  });
  return (
    <details className="versions" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Earlier versions</summary>
      {isOpen && (
        <Awaited query={query} rows={3}>
          {({ versions }) =>
            versions.length === 0 ? (
              <p className="soft">None: everything is as installed.</p>
            ) : (
              <ol className="timeline">
                {versions.map(({ ruleId, version, rule, setBy, confirmedBy, setAt, reason }) => (
                  <li key={`${ruleId} ${version}`}>
                    <When at={setAt} />
                    <span>
                      <strong>{rule === undefined ? `${ruleIdText(ruleId)} taken away` : ruleText(rule)}</strong>
                      {rule?.off === true && ' (off)'} v{version}, {isolated(setBy)}
                      {confirmedBy !== undefined && `, confirmed by ${isolated(confirmedBy)}`}: {reason}
                    </span>
                  </li>
                ))}
              </ol>
            )
          }
        </Awaited>
      )}
    </details>
  );
}
