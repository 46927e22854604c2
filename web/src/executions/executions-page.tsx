import type { ExecutionList, ExecutionStatus } from '@healthsync/contracts/workflow';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api } from '../api.ts';
import { timeText } from '../times/time-text.ts';
import { When } from '../times/when.tsx';
import { Awaited } from '../widgets/awaited.tsx';
import { LoadMore } from '../widgets/load-more.tsx';

type Execution = ExecutionList['executions'][number];
const STATUSES = ['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'] as const;
const PAGE = 50;

/** Escalations as the engine runs them: what waits for what, and how each ended. */
export function ExecutionsPage() {
  const [status, setStatus] = useState<ExecutionStatus | 'all'>('all');
  const query = useInfiniteQuery({
    queryKey: ['executions', status],
    queryFn: ({ pageParam }) => {
      const search = new URLSearchParams({ limit: String(PAGE) });
      if (status !== 'all') search.set('status', status);
      if (pageParam !== '') search.set('cursor', pageParam);
      return api<ExecutionList>(`/api/workflows/executions?${search}`);
    },
    initialPageParam: '',
    getNextPageParam: ({ next }) => next,
    refetchInterval: 15_000,
    gcTime: 0,
  });
  return (
    <main className="page">
      <div className="row page-head">
        <h1>Escalation runs</h1>
        {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would bring a frame of its own */}
        <div className="tabs" role="group" aria-label="Which">
          {(['all', ...STATUSES] as const).map((each) => (
            <button key={each} type="button" aria-pressed={each === status} onClick={() => setStatus(each)}>
              {STATUS_WORDS[each]}
            </button>
          ))}
        </div>
      </div>
      <Awaited query={query} rows={8}>
        {({ pages }) => <Executions executions={pages.flatMap((page) => page.executions)} />}
      </Awaited>
      <LoadMore query={query} words="Earlier ones" />
    </main>
  );
}

function Executions({ executions }: { readonly executions: readonly Execution[] }) {
  if (executions.length === 0) return <p className="empty">None.</p>;
  return (
    <div className="table-box">
      <table className="table stacking">
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col">Run</th>
            <th scope="col">Began</th>
            <th scope="col">Goes on at</th>
            <th scope="col">Ended</th>
          </tr>
        </thead>
        <tbody>
          {executions.map((one) => (
            <Row key={one.id} execution={one} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ execution }: { readonly execution: Execution }) {
  const { id, name, definition, status, startedAt, wakeAt, endedAt, error } = execution;
  return (
    <tr>
      <td>
        <ExecutionBadge status={status} />
      </td>
      <td className="run">
        <Link to="/executions/$executionId" params={{ executionId: id }}>
          {definition}
        </Link>{' '}
        <span className="soft">{name}</span>
        {error !== undefined && <strong> {error}</strong>}
      </td>
      <td className="nowrap" data-label="Began">
        <When at={startedAt} as="second" />
      </td>
      <td className="nowrap" data-label="Goes on at">
        {wakeAt === undefined ? '' : timeText(wakeAt, 'second')}
      </td>
      <td className="nowrap" data-label="Ended">
        {endedAt === undefined ? '' : timeText(endedAt, 'second')}
      </td>
    </tr>
  );
}

const STATUS_WORDS = {
  all: 'All',
  RUNNING: 'Running',
  SUCCEEDED: 'Done',
  FAILED: 'Failed',
  TIMED_OUT: 'Out of time',
  ABORTED: 'Stopped',
} as const;

export function ExecutionBadge({ status }: { readonly status: ExecutionStatus }) {
  return (
    <span className="state" data-state={status}>
      {STATUS_WORDS[status]}
    </span>
  );
}
