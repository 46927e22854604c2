import { memo, useEffect, useRef } from 'react';
import { tileView } from '../live/tile-view.ts';
import { onSecond, useServices } from '../services.ts';
import { createTilePainter } from './tile-painter.ts';

export interface TileProps {
  readonly patientId: string;
  readonly bed: string;
  readonly name: string | undefined;
  /** Its place on the wall; the element itself never moves, so that focus is never lost. */
  readonly place: number;
  readonly isCurrent: boolean;
  readonly mayOpen: boolean;
  readonly mayAcknowledge: boolean;
}

/** Painted already a moment ago by an event: the second's tick has nothing to add. */
const FRESH_MS = 600;

/** One bed. React lays out its parts once; what changes every second is painted past it. */
export const Tile = memo(function Tile({ patientId, bed, name, place, isCurrent, mayOpen, mayAcknowledge }: TileProps) {
  const { store } = useServices();
  const root = useRef<HTMLElement>(null);

  useEffect(() => {
    if (root.current === null) return;
    const painter = createTilePainter(root.current);
    let paintedAt = 0;
    const paint = () => {
      const tile = store.tile(patientId);
      if (tile === undefined) return;
      paintedAt = performance.now();
      painter.paint(tileView(tile, store.alarmsOf(patientId), store.clock.now()));
    };
    const tick = () => {
      if (performance.now() - paintedAt > FRESH_MS) paint();
    };
    paint();
    const offs = [store.onTile(patientId, paint), onSecond(tick)];
    return () => {
      for (const off of offs) off();
    };
  }, [store, patientId]);

  const bedName = (
    <>
      <span className="tile-bed">{bed}</span>
      {name !== undefined && (
        // Its own direction: of a name written from right to left the end is cut, not the family name's beginning.
        <span className="tile-name" dir="auto">
          {name}
        </span>
      )}
    </>
  );
  return (
    <article ref={root} className="tile" style={{ order: place }} data-patient={patientId} data-current={isCurrent}>
      <div className="tile-body">
        <div className="tile-flash" aria-hidden="true" />
        <header className="tile-head">
          {mayOpen ? (
            <a className="tile-link" href={`/patients/${patientId}`} tabIndex={isCurrent ? 0 : -1}>
              {bedName}
            </a>
          ) : (
            <span className="tile-link" tabIndex={isCurrent ? 0 : -1}>
              {bedName}
            </span>
          )}
          <span className="tile-marks" data-part="marks" />
          <span className="tile-age" data-part="age" />
          <span className="tile-symbol" data-part="symbol" aria-hidden="true" />
        </header>
        <div className="tile-values">
          <Value kind="hr" label="HR" part="heartRate" />
          <Value kind="spo2" label="SpO₂" part="spo2" />
          <Value kind="rr" label="RR" part="respiratoryRate" />
        </div>
        <div className="tile-values tile-second">
          <div className="value value-bp">
            <span className="label">
              BP <span data-part="pressureAge" />
            </span>
            <span className="figure" data-part="pressure" />
          </div>
          <Value kind="t" label="T °C" part="temperature" />
          <Value kind="news" label="NEWS2" part="news2" />
        </div>
        <div className="tile-spark" />
        <div className="tile-strip">
          <span className="tile-alarm" data-part="alarm" />
          <span className="tile-notice" data-part="notice" />
          <span className="tile-note" data-part="alarmNote" />
          {mayAcknowledge && (
            <button type="button" className="tile-take" tabIndex={-1} aria-label={`Acknowledge ${bed}`}>
              ✓
            </button>
          )}
        </div>
      </div>
    </article>
  );
});

function Value({ kind, label, part }: { readonly kind: string; readonly label: string; readonly part: string }) {
  return (
    <div className={`value value-${kind}`}>
      <span className="label">{label}</span>
      <span className="figure" data-part={part} />
    </div>
  );
}
