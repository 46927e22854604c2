import type { Alert } from '@healthsync/contracts/alert';
import { useEffect, useState } from 'react';
import { compareAlarms, lookOf, spokenAlarm } from '../live/alarm-rank.ts';
import { useFeed, useServices } from '../services.ts';

/** Beyond this many at once a list read aloud helps nobody. */
const SPOKEN_MAX = 3;

/** Tells screen readers of new alarms, high ones at once, and of the feed. Seen by nobody else. */
export function Announcer() {
  const { store } = useServices();
  const feed = useFeed();
  const [urgent, setUrgent] = useState('');
  const [calm, setCalm] = useState('');
  useEffect(
    () =>
      store.onRaised((alerts) => {
        const high = alerts.filter((alert) => lookOf(alert) === 'high');
        const rest = alerts.filter((alert) => lookOf(alert) !== 'high');
        if (high.length > 0) setUrgent(spoken(high));
        if (rest.length > 0) setCalm(spoken(rest));
      }),
    [store],
  );
  const feedWords = feed.kind === 'down' ? 'Connection lost. Values are not live.' : '';
  return (
    <div className="unseen">
      <div role="alert" aria-live="assertive">
        {urgent}
      </div>
      <div role="status" aria-live="polite">
        {calm}
      </div>
      <div role="alert">{feedWords}</div>
    </div>
  );
}

function spoken(alerts: readonly Alert[]): string {
  const sorted = alerts.toSorted(compareAlarms);
  const more = sorted.length > SPOKEN_MAX ? `, and ${sorted.length - SPOKEN_MAX} more alarms` : '';
  return sorted.slice(0, SPOKEN_MAX).map(spokenAlarm).join('. ') + more;
}
