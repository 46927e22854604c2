import { durationText } from '../live/freshness.ts';
import { useFeed, useSeconds, useServices } from '../services.ts';

/** White, across the page: what is shown is not live. Alarms stay as they were last known. */
export function FeedBanner() {
  const { store } = useServices();
  const feed = useFeed();
  useSeconds();
  if (feed.kind !== 'down' && feed.kind !== 'signed-out') return null;
  const since = durationText(store.clock.now() - feed.sinceMs);
  return (
    <div className="banner">
      <strong>
        <span aria-hidden="true">✕ </span>
        {feed.kind === 'down' ? 'CONNECTION LOST' : 'SIGNED OUT'}
      </strong>{' '}
      Values are not live for {since}. Alarms are shown as last known: look at the patients.
      {feed.kind === 'down' && ' Reconnecting…'}
    </div>
  );
}
