import type { PatientDetail } from '@healthsync/contracts/patient';
import type { RuleProposal } from '@healthsync/contracts/rule';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api } from '../api.ts';
import { useServices } from '../services.ts';
import { useSession } from '../session/session.tsx';
import { shortName } from '../wall/names.ts';
import { useWardName } from '../wall/ward-name.ts';
import { Awaited } from '../widgets/awaited.tsx';
import { forMe, useProposals } from './approvals.ts';
import { Proposal } from './proposal.tsx';

/** What waits for a second person: where the second person finds it, and who asked sees that it still waits. */
export function ApprovalsPage() {
  const query = useProposals();
  return (
    <main className="page">
      <div className="row page-head">
        <h1>Approvals</h1>
        <span className="soft">
          Whoever makes a high alarm ring later, or not at all, needs a second person. Until then nothing changes.
        </span>
      </div>
      <Awaited query={query} rows={4}>
        {(data) => {
          const mine = forMe(data);
          const others = data.proposals.filter(({ state, mayConfirm }) => state === 'open' && !mayConfirm);
          return (
            <>
              <h2>For you to decide</h2>
              <List proposals={mine} none="Nothing waits for you." />
              {others.length > 0 && (
                <>
                  <h2>Waiting for somebody else</h2>
                  <List proposals={others} none="" />
                </>
              )}
            </>
          );
        }}
      </Awaited>
    </main>
  );
}

function List({ proposals, none }: { readonly proposals: readonly RuleProposal[]; readonly none: string }) {
  if (proposals.length === 0) return <p className="empty">{none}</p>;
  return (
    <ul className="approvals">
      {proposals.map((proposal) => (
        <li key={proposal.id}>
          <Proposal proposal={proposal} where={<Whose proposal={proposal} />} />
        </li>
      ))}
    </ul>
  );
}

function Whose({ proposal: { scope, scopeId } }: { readonly proposal: RuleProposal }) {
  const { store } = useServices();
  const { may } = useSession();
  const wardName = useWardName();
  const query = useQuery({
    queryKey: ['patient', scopeId, 'place'],
    queryFn: () => api<PatientDetail>(`/api/patients/${encodeURIComponent(scopeId)}`),
    enabled: scope === 'patient' && may('patient.read'),
    select: (patient) => [patient.bed ?? 'No bed', shortName(patient)].filter((part) => part !== '').join(' · '),
    staleTime: 60_000,
    retry: false,
  });
  switch (scope) {
    case 'house':
      return 'The whole house';
    case 'ward':
      return wardName(scopeId);
    case 'patient':
      return (
        <Link to="/patients/$patientId" params={{ patientId: scopeId }}>
          {query.data ?? store.tile(scopeId)?.bed ?? 'A patient'}
        </Link>
      );
    default:
      return scope satisfies never;
  }
}
