import { Link } from '@tanstack/react-router';
import { useEffect } from 'react';
import { ALARM_LOOKS, ALARM_MARK, isUnacknowledged, lookOf } from '../live/alarm-rank.ts';
import { durationText } from '../live/freshness.ts';
import { SKEW_WARNING_MS } from '../live/server-clock.ts';
import { forMe, useProposals } from '../rules/approvals.ts';
import { useFeed, useSeconds, useServices, useShape, useSound } from '../services.ts';
import { useSession } from '../session/session.tsx';
import { timeText } from '../times/time-text.ts';
import { openHelp } from './help-dialog.tsx';
import { Navigation } from './navigation.tsx';
import { UserMenu } from './user-menu.tsx';

/** On every page: where one can go, how many alarms call, whether sound and feed are alive, and the server's clock. */
export function TopBar() {
  const { may } = useSession();
  const watches = may('wall.watch');
  return (
    <header className="bar">
      <span className="brand">
        <img src="/icon.svg" alt="" width="22" height="22" />
        <span className="brand-name">HealthSync</span>
      </span>
      <Navigation />
      {watches && <AlarmCounts />}
      <div className="bar-end">
        <ApprovalSign />
        {watches && <SoundControl />}
        {watches && <FeedSign />}
        <span className="bar-last">
          <ServerClockSign />
          <button type="button" className="help-button" onClick={openHelp} title="Keys and signs (?)">
            <span aria-hidden="true">?</span>
            <span className="unseen">Keys and signs</span>
          </button>
        </span>
        <UserMenu />
      </div>
    </header>
  );
}

function AlarmCounts() {
  const { store } = useServices();
  useShape();
  const open = store.alarms().filter(isUnacknowledged);
  const counts = ALARM_LOOKS.map((look) => [look, open.filter((alert) => lookOf(alert) === look).length] as const);
  const high = counts[0]?.[1] ?? 0;
  useEffect(() => {
    document.title = high > 0 ? `▲▲▲ ${high} high · HealthSync` : 'HealthSync';
  }, [high]);
  return (
    <ul className="counts" aria-label="Alarms nobody has acknowledged">
      {counts.map(([look, count]) => (
        <li key={look} className="count" data-look={look} data-none={count === 0 || undefined}>
          <span aria-hidden="true">{ALARM_MARK[look].symbol}</span> {count} <span className="count-word">{look}</span>
        </li>
      ))}
    </ul>
  );
}

function SoundControl() {
  const { sound } = useServices();
  const { isLocked, pausedUntil } = useSound();
  useSeconds();
  if (isLocked)
    return (
      <button type="button" className="sound sound-off">
        <span>
          Sound is off <span className="sound-long">until you click</span>
        </span>
      </button>
    );
  if (pausedUntil !== undefined)
    return (
      <button type="button" className="sound sound-paused" onClick={sound.togglePause}>
        Sound paused {durationText(pausedUntil - performance.now() + 999)} <kbd>S</kbd>
      </button>
    );
  return (
    <button type="button" className="sound" onClick={sound.togglePause}>
      Pause sound <span className="sound-long">2 min</span> <kbd>S</kbd>
    </button>
  );
}

/** A second person is asked for: seen on every page by those who can answer. */
function ApprovalSign() {
  const { data } = useProposals();
  const count = data === undefined ? 0 : forMe(data).length;
  if (count === 0) return null;
  return (
    <Link to="/approvals" className="approval-sign" aria-label={`${count} to approve`}>
      <span aria-hidden="true">⚖</span> {count} <span className="approval-word">to approve</span>
    </Link>
  );
}

function FeedSign() {
  const feed = useFeed();
  switch (feed.kind) {
    case 'live':
      return (
        <span className="feed feed-live">
          <span aria-hidden="true">●</span> Live
        </span>
      );
    case 'connecting':
      return <span className="feed">Connecting…</span>;
    case 'down':
    case 'signed-out':
      return (
        <span className="feed feed-down">
          <span aria-hidden="true">✕</span> Not live
        </span>
      );
    default:
      return feed satisfies never;
  }
}

function ServerClockSign() {
  const { store } = useServices();
  useSeconds();
  const skew = store.clock.skewMs();
  return (
    <>
      {Math.abs(skew) > SKEW_WARNING_MS && (
        <span className="skew" role="status">
          ⚠ This screen’s clock is {Math.round(Math.abs(skew) / 1_000)} s {skew > 0 ? 'ahead' : 'behind'}
        </span>
      )}
      <time
        className="clock"
        title={Number.isFinite(store.clock.silenceMs()) ? 'The server’s clock' : 'This screen’s clock'}
      >
        {timeText(store.clock.now(), 'clock-second', 'named')}
      </time>
    </>
  );
}
