import { Navigate, useNavigate } from '@tanstack/react-router';
import { acknowledge } from '../alarms/alarm-actions.ts';
import { firstPage } from '../pages.ts';
import { useFeed, useServices, useShape } from '../services.ts';
import { useSession } from '../session/session.tsx';
import { changeSettings, useSettings } from '../settings.ts';
import { useShortcuts } from '../widgets/shortcuts.ts';
import { useNames } from './names.ts';
import { Tile } from './tile.tsx';
import { WallControls } from './wall-controls.tsx';
import { useWallFocus } from './wall-focus.ts';
import { useWallLayout } from './wall-layout.ts';
import { useSparkCanvas } from './wall-sparks.ts';

export function WallPage() {
  const { may } = useSession();
  if (may('wall.watch')) return <Wall />;
  // Whoever has no wall begins with the first page that is theirs.
  return <Navigate to={firstPage(may)} replace />;
}

function Wall() {
  const { store } = useServices();
  const { may } = useSession();
  const navigate = useNavigate();
  const names = useNames();
  useShape();
  const { order } = useSettings();
  const layout = useWallLayout(store.tiles().size);
  // A phone shows one bed after another: the most urgent must be the first.
  const focus = useWallFocus(layout.kind === 'list' ? 'priority' : order, layout.columns);
  const canvas = useSparkCanvas(layout, focus.order);
  const mayOpen = may('patient.read') && may('vitals.read');
  const mayAcknowledge = may('alarm.acknowledge');

  const take = (patientId: string | undefined) => {
    const tile = patientId === undefined ? null : document.querySelector<HTMLElement>(tileOf(patientId));
    if (mayAcknowledge && tile !== null) void acknowledge(store, tile.dataset['toTake'] ?? '');
  };
  const open = (patientId: string | undefined) => {
    if (mayOpen && patientId !== undefined) void navigate({ to: '/patients/$patientId', params: { patientId } });
  };
  useShortcuts({
    arrowleft: () => focus.move(-1),
    arrowright: () => focus.move(1),
    arrowup: () => focus.move(-layout.columns),
    arrowdown: () => focus.move(layout.columns),
    n: focus.nextAlarm,
    a: () => take(focus.focused()),
  });

  const hasTiles = focus.order.length > 0;
  return (
    <main className="wall-page">
      <h1 className="unseen">Wall</h1>
      <WallControls names={names} order={order} onOrder={(next) => changeSettings({ order: next })} />
      <div className="wall-window">
        {/* biome-ignore lint/a11y/noStaticElementInteractions: one listener for the links and buttons within the tiles */}
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the shortcuts above, and the links' own Enter */}
        <div
          ref={layout.ref}
          className="wall"
          data-kind={layout.kind}
          data-scrolling={layout.isScrolling}
          style={{ '--columns': layout.columns, '--tile-height': `${layout.tileHeight}px` } as React.CSSProperties}
          onFocus={focus.onFocus}
          onPointerOver={focus.onPointerOver}
          onPointerLeave={focus.onPointerLeave}
          onClick={(event) => {
            const target = event.target as HTMLElement;
            const patientId = target.closest<HTMLElement>('.tile')?.dataset['patient'];
            if (patientId === undefined || event.ctrlKey || event.metaKey) return;
            event.preventDefault();
            if (target.closest('.tile-take') !== null) take(patientId);
            else open(patientId);
          }}
        >
          {hasTiles
            ? focus.inBeds.map((patientId) => (
                <Tile
                  key={patientId}
                  patientId={patientId}
                  bed={store.tile(patientId)?.bed ?? ''}
                  name={names.of(patientId)}
                  place={focus.placeOf(patientId)}
                  isCurrent={patientId === focus.current}
                  mayOpen={mayOpen}
                  mayAcknowledge={mayAcknowledge}
                />
              ))
            : undefined}
          {!hasTiles && <NoTiles />}
        </div>
        {/* biome-ignore lint/a11y/noAriaHiddenOnFocusable: a canvas without tabindex takes no focus */}
        {hasTiles && <canvas ref={canvas} className="wall-sparks" aria-hidden="true" />}
      </div>
    </main>
  );
}

/** Skeletons while the first snapshot is awaited, never zeros; words where there is nothing to show. */
function NoTiles() {
  const feed = useFeed();
  if (feed.kind === 'live') return <p className="wall-empty">No patients in this ward. The feed is live.</p>;
  if (feed.kind !== 'connecting') return <p className="wall-empty">Nothing is known yet.</p>;
  return (
    <div className="wall-skeleton" role="status" aria-label="Loading">
      {Array.from({ length: 12 }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: twelve grey boxes have no other identity
        <div key={index} className="skeleton" />
      ))}
    </div>
  );
}

export const tileOf = (patientId: string): string => `.tile[data-patient="${CSS.escape(patientId)}"]`;
