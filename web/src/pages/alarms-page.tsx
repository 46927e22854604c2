import type { AlertList } from '@healthsync/contracts/alert';
import { useQuery } from '@tanstack/react-query';
import { api } from '../api.ts';
import { ageText } from '../live/freshness.ts';
import { useFeed, useServices, useShape } from '../services.ts';
import { AlarmTable } from '../widgets/alarm-table.tsx';

/** What is open, live; below it, what is over. */
export function AlarmsPage() {
  const { store } = useServices();
  const feed = useFeed();
  const shape = useShape();
  const past = useQuery({
    queryKey: ['alerts', 'resolved', shape],
    queryFn: () => api<AlertList>('/api/alerts?state=resolved&limit=100'),
    placeholderData: (before) => before,
  });
  const open = store.alarms();
  return (
    <main className="page">
      <h1>Open alarms</h1>
      {open.length > 0 ? (
        <AlarmTable alarms={open} showBed />
      ) : feed.kind === 'live' ? (
        <p className="soft">No open alarms. The feed is live.</p>
      ) : (
        <p className="soft">{feed.kind === 'connecting' ? 'Connecting…' : `Not known: ${downFor(feed.sinceMs)}`}</p>
      )}
      <h2>Over and acknowledged</h2>
      {past.data === undefined ? (
        <p className="soft">{past.isError ? 'Could not be loaded.' : 'Loading…'}</p>
      ) : past.data.alerts.length === 0 ? (
        <p className="soft">None yet.</p>
      ) : (
        <AlarmTable alarms={past.data.alerts} showBed />
      )}
    </main>
  );

  function downFor(sinceMs: number): string {
    return `the feed is down for ${ageText(store.clock.now() - sinceMs)}.`;
  }
}
