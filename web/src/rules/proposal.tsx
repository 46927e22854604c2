import type { RuleProposal } from '@healthsync/contracts/rule';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, problemText } from '../api.ts';
import { useSession } from '../session/session.tsx';
import { timeText } from '../times/time-text.ts';
import { When } from '../times/when.tsx';
import { isolated } from '../widgets/own-direction.ts';
import { showToast } from '../widgets/toast.ts';

/** A change of a critical limit as it waits: what it does, who asked and why, and until when it may be decided. */
export function Proposal({ proposal, where }: { readonly proposal: RuleProposal; readonly where?: React.ReactNode }) {
  const { effect, askedBy, askedAt, reason, expiresAt, until, mayConfirm } = proposal;
  return (
    <div className="second-person">
      <p>
        {where === undefined ? <strong>Waits for a second person:</strong> : <strong>{where}:</strong>} {effect}
        {until !== undefined && `, until ${timeText(until)}`}
      </p>
      <p className="soft">
        {isolated(askedBy)}, <When at={askedAt} />: {reason}. Lapses <When at={expiresAt} />; until then the limit stays
        as it was.
      </p>
      {mayConfirm ? <Decide proposal={proposal} /> : <Waits proposal={proposal} />}
    </div>
  );
}

function Decide({ proposal }: { readonly proposal: RuleProposal }) {
  const { isBusy, decide } = useDecision(proposal);
  return (
    <div className="row">
      <button type="button" className="act act-main" disabled={isBusy} onClick={() => void decide('confirm')}>
        Confirm<span className="unseen">: {proposal.effect}</span>
      </button>
      <button type="button" className="act" disabled={isBusy} onClick={() => void decide('refuse')}>
        Refuse<span className="unseen">: {proposal.effect}</span>
      </button>
    </div>
  );
}

/** Nobody confirms their own wish; but whoever asked can take it back. */
function Waits({ proposal }: { readonly proposal: RuleProposal }) {
  const { me } = useSession();
  const { isBusy, decide } = useDecision(proposal);
  const isMine = proposal.askedBy === `${me.displayName} (${me.name})` || proposal.askedBy === me.displayName;
  if (!isMine) return <p className="soft">Somebody who may change limits has to confirm it.</p>;
  return (
    <div className="row">
      <span className="soft">Somebody else who may change limits has to confirm it, under Approvals.</span>
      <button type="button" className="act" disabled={isBusy} onClick={() => void decide('refuse')}>
        Take it back
      </button>
    </div>
  );
}

function useDecision({ id }: RuleProposal) {
  const queries = useQueryClient();
  const [isBusy, setBusy] = useState(false);
  return {
    isBusy,
    async decide(what: 'confirm' | 'refuse'): Promise<void> {
      setBusy(true);
      try {
        await api(`/api/rule-proposals/${encodeURIComponent(id)}/${what}`, { method: 'POST' });
      } catch (error) {
        showToast(problemText(error));
      }
      setBusy(false);
      await queries.invalidateQueries({ queryKey: ['rules'] });
      await queries.invalidateQueries({ queryKey: ['patient'] });
    },
  };
}
