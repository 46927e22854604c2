import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { acknowledgeMany } from '../alarms/alarm-actions.ts';
import { useAlarmShortcuts } from '../alarms/alarm-buttons.tsx';
import { ageText } from '../live/freshness.ts';
import { useFeed, useSeconds, useServices, useShape } from '../services.ts';
import { useSession } from '../session/session.tsx';
import { useSettings } from '../settings.ts';
import { Skeleton } from '../widgets/awaited.tsx';
import { openHelp } from '../widgets/help-dialog.tsx';
import { useShortcuts } from '../widgets/shortcuts.ts';
import { PastAlarms } from './past-alarms.tsx';
import { useWorkFocus } from './work-focus.ts';
import { mayBeBulk } from './work-order.ts';
import { WorkRow } from './work-row.tsx';

/** Everything that is open, in the order in which it wants somebody; and, apart, what is over. */
export function WorklistPage() {
  const { may } = useSession();
  const [tab, setTab] = useState<'open' | 'past'>('open');
  return (
    <main className="page">
      <div className="row page-head">
        <h1>Worklist</h1>
        {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would bring a frame of its own */}
        <div className="tabs" role="group" aria-label="Which alarms">
          <button type="button" aria-pressed={tab === 'open'} onClick={() => setTab('open')}>
            Open
          </button>
          <button type="button" aria-pressed={tab === 'past'} onClick={() => setTab('past')}>
            Over
          </button>
        </div>
        {tab === 'open' && <KeyLine mayAct={may('alarm.acknowledge')} />}
      </div>
      {tab === 'open' ? <OpenAlarms /> : <PastAlarms />}
    </main>
  );
}

function OpenAlarms() {
  const { store } = useServices();
  const { may } = useSession();
  const navigate = useNavigate();
  useShape();
  const [marked, setMarked] = useState<ReadonlySet<string>>(new Set());
  const alerts = store.alarms();
  const focus = useWorkFocus(alerts);
  const mayAct = may('alarm.acknowledge');
  const bulk = alerts.filter((alert) => marked.has(alert.id) && mayBeBulk(alert)).map(({ id }) => id);
  const mark = (id: string, isMarked: boolean) => {
    const next = new Set(marked);
    if (isMarked) next.add(id);
    else next.delete(id);
    setMarked(next);
  };
  useShortcuts({
    j: () => focus.move(1),
    k: () => focus.move(-1),
    arrowdown: () => focus.move(1),
    arrowup: () => focus.move(-1),
    ...useAlarmShortcuts(focus.focused),
    x: () => {
      const alert = focus.focused();
      if (alert === undefined || !mayAct) return false;
      if (mayBeBulk(alert)) mark(alert.id, !marked.has(alert.id));
      return true;
    },
    enter: () => {
      const alert = focus.focused();
      if (alert === undefined || document.activeElement instanceof HTMLButtonElement) return false;
      void navigate({ to: '/alarms/$alarmId', params: { alarmId: alert.id } });
      return true;
    },
  });

  if (alerts.length === 0) return <NoAlarms />;
  return (
    <>
      <div className="work-head" aria-hidden="true">
        <span />
        <span>Priority</span>
        <span>Bed</span>
        <span>Alarm</span>
        <span>Open for</span>
        <span>Told</span>
        <span>Owner</span>
        <span />
      </div>
      <ol
        className="work"
        aria-label="Open alarms"
        onFocus={focus.onFocus}
        onBlur={focus.onBlur}
        onPointerOver={focus.onPointerOver}
        onPointerLeave={focus.onPointerLeave}
      >
        {focus.rows.map((alert) => (
          <WorkRow
            key={alert.id}
            alert={alert}
            isCurrent={alert.id === focus.current}
            isMarked={marked.has(alert.id)}
            onMark={(isMarked) => mark(alert.id, isMarked)}
          />
        ))}
      </ol>
      {mayAct && (
        <BulkBar
          count={bulk.length}
          all={alerts.filter(mayBeBulk).length}
          onAll={() => setMarked(new Set(alerts.filter(mayBeBulk).map(({ id }) => id)))}
          onNone={() => setMarked(new Set())}
          onAcknowledge={() =>
            void acknowledgeMany(store, bulk).then((isDone) => {
              if (isDone) setMarked(new Set());
            })
          }
        />
      )}
    </>
  );
}

/** What the single keys do, for those who have them; `?` says the rest. */
function KeyLine({ mayAct }: { readonly mayAct: boolean }) {
  const { keys } = useSettings();
  if (!keys) return null;
  return (
    <p className="key-line">
      <kbd>J</kbd> <kbd>K</kbd> next, previous
      {mayAct && (
        <>
          {' · '}
          <kbd>A</kbd> acknowledge · <kbd>Z</kbd> snooze · <kbd>E</kbd> escalate · <kbd>M</kbd> note · <kbd>X</kbd> mark
        </>
      )}
      {' · '}
      <kbd>Enter</kbd> open ·{' '}
      <button type="button" className="plain-button" onClick={openHelp}>
        All keys and signs <kbd>?</kbd>
      </button>
    </p>
  );
}

function BulkBar({
  count,
  all,
  onAll,
  onNone,
  onAcknowledge,
}: {
  readonly count: number;
  readonly all: number;
  readonly onAll: () => void;
  readonly onNone: () => void;
  readonly onAcknowledge: () => void;
}) {
  if (all === 0) return null;
  return (
    <div className="bulk" data-any={count > 0 || undefined}>
      {count === 0 ? (
        <button type="button" className="act" onClick={onAll}>
          Mark all but high ({all})
        </button>
      ) : (
        <>
          <strong>{count} marked</strong>
          <button type="button" className="act act-main" onClick={onAcknowledge}>
            Acknowledge {count}
          </button>
          <button type="button" className="act" onClick={onNone}>
            Mark none
          </button>
        </>
      )}
      <span className="soft bulk-word">Each high alarm is acknowledged by itself.</span>
    </div>
  );
}

function NoAlarms() {
  const { store } = useServices();
  const feed = useFeed();
  useSeconds();
  if (feed.kind === 'connecting') return <Skeleton rows={6} />;
  if (feed.kind === 'live')
    return <p className="empty">No open alarms — feed live {ageText(store.clock.silenceMs())} ago</p>;
  return <p className="empty">Not known: the feed is down for {ageText(store.clock.now() - feed.sinceMs)}.</p>;
}
