import type { AlertList } from '@healthsync/contracts/alert';
import { useInfiniteQuery } from '@tanstack/react-query';
import { api } from '../api.ts';
import { Awaited } from '../widgets/awaited.tsx';
import { AlarmTable } from './alarm-table.tsx';

/** One page: about what is read before one narrows the search. */
const PAGE = 50;

/** What is over and acknowledged, page by page as the server hands it out. */
export function PastAlarms({ patientId }: { readonly patientId?: string }) {
  const query = useInfiniteQuery({
    queryKey: ['past-alarms', patientId],
    queryFn: ({ pageParam }) => {
      const search = new URLSearchParams({ state: 'resolved', limit: String(PAGE) });
      if (patientId !== undefined) search.set('patient', patientId);
      if (pageParam !== '') search.set('cursor', pageParam);
      return api<AlertList>(`/api/alerts?${search}`);
    },
    initialPageParam: '',
    getNextPageParam: ({ next }) => next,
    gcTime: 0,
  });
  return (
    <>
      <Awaited query={query} rows={6}>
        {({ pages }) => {
          const alerts = pages.flatMap((page) => page.alerts);
          if (alerts.length === 0) return <p className="empty">None yet.</p>;
          return <AlarmTable alarms={alerts} showBed={patientId === undefined} />;
        }}
      </Awaited>
      {query.hasNextPage && (
        <button
          type="button"
          className="plain-button more"
          disabled={query.isFetchingNextPage}
          onClick={() => void query.fetchNextPage()}
        >
          {query.isFetchingNextPage ? 'Loading…' : 'Earlier ones'}
        </button>
      )}
    </>
  );
}
