import type { EmergencyAccess, EmergencyAccessList } from '@healthsync/contracts/access';
import { Button } from '@mantine/core';
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api, problemText } from '../api.ts';
import { useSession } from '../session/session.tsx';
import { When } from '../times/when.tsx';
import { useWardName } from '../wall/ward-name.ts';
import { Awaited } from '../widgets/awaited.tsx';
import { LoadMore } from '../widgets/load-more.tsx';
import { isolated } from '../widgets/own-direction.ts';
import { showToast } from '../widgets/toast.ts';
import { ReviewDialog } from './review-dialog.tsx';

const PAGE = 50;
const WHICH = { open: 'To review', reviewed: 'Reviewed' } as const;

/** Emergency access, for the privacy officer: what waits for its review, oldest first; and what was reviewed. */
export function ReviewsPage() {
  const queries = useQueryClient();
  const [state, setState] = useState<keyof typeof WHICH>('open');
  const [reviewed, setReviewed] = useState<EmergencyAccess>();
  const query = useInfiniteQuery({
    queryKey: ['emergency-accesses', state],
    queryFn: ({ pageParam }) => {
      const search = new URLSearchParams({ state, limit: String(PAGE) });
      if (pageParam !== '') search.set('cursor', pageParam);
      return api<EmergencyAccessList>(`/api/break-glass?${search}`);
    },
    initialPageParam: '',
    getNextPageParam: ({ next }) => next,
    refetchInterval: 60_000,
    gcTime: 0,
  });
  const reread = () => queries.invalidateQueries({ queryKey: ['emergency-accesses'] });

  async function end({ id }: EmergencyAccess): Promise<void> {
    try {
      await api(`/api/break-glass/${encodeURIComponent(id)}/end`, { method: 'POST' });
    } catch (error) {
      showToast(problemText(error));
    }
    await reread();
  }

  return (
    <main className="page">
      <div className="row page-head">
        <h1>Emergency access</h1>
        {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would bring a frame of its own */}
        <div className="tabs" role="group" aria-label="Which">
          {(['open', 'reviewed'] as const).map((each) => (
            <button key={each} type="button" aria-pressed={each === state} onClick={() => setState(each)}>
              {WHICH[each]}
            </button>
          ))}
        </div>
      </div>
      <Awaited query={query} rows={4}>
        {({ pages }) => {
          const accesses = pages.flatMap((page) => page.accesses);
          if (accesses.length === 0)
            return <p className="empty">{state === 'open' ? 'Nothing waits for a review.' : 'None yet.'}</p>;
          return (
            <ul className="emergencies">
              {accesses.map((access) => (
                <li key={access.id} className="panel">
                  <Case access={access} onReview={() => setReviewed(access)} onEnd={() => void end(access)} />
                </li>
              ))}
            </ul>
          );
        }}
      </Awaited>
      <LoadMore query={query} />
      {reviewed !== undefined && (
        <ReviewDialog
          access={reviewed}
          onClose={() => setReviewed(undefined)}
          onDone={() => {
            setReviewed(undefined);
            void reread();
          }}
        />
      )}
    </main>
  );
}

const PROOF_WORDS = { password: 'with a password', 'second-factor': 'with a second factor' } as const;

function Case({
  access,
  onReview,
  onEnd,
}: {
  readonly access: EmergencyAccess;
  readonly onReview: () => void;
  readonly onEnd: () => void;
}) {
  const { may } = useSession();
  const wardName = useWardName();
  const { userId, by, patientId, wardId, reason, proof, beganAt, until, endedAt, state, review } = access;
  const isRunning = endedAt === undefined && state !== 'ended' && Date.parse(until) > Date.now();
  return (
    <>
      <div className="row">
        <h2>{by}</h2>
        {isRunning && <span className="chip-warn">⚠ open now</span>}
        <span className="row-end row">
          {may('audit.read') && (
            <Link to="/audit" state={{ audit: { person: userId, patient: patientId, from: beganAt } }}>
              What they did
            </Link>
          )}
          {isRunning && (
            <Button size="xs" variant="default" onClick={onEnd}>
              End it now
            </Button>
          )}
          {review === undefined && (
            <Button size="xs" onClick={onReview}>
              Review it
            </Button>
          )}
        </span>
      </div>
      <blockquote className="emergency-reason">{reason}</blockquote>
      <p className="soft">
        Patient {patientId}
        {wardId !== undefined && `, ${wardName(wardId)}`} · <When at={beganAt} zone="named" /> to{' '}
        <When at={endedAt ?? until} zone="named" /> · proved {PROOF_WORDS[proof]}
      </p>
      {review !== undefined && (
        <p>
          <strong className={review.justified ? 'fine' : 'chip-warn'}>
            {review.justified ? '✓ Justified' : '✕ Not justified'}
          </strong>{' '}
          {review.comment}{' '}
          <span className="soft">
            {isolated(review.by)}, <When at={review.at} zone="named" />
          </span>
        </p>
      )}
    </>
  );
}
