import type { SparklineResponse } from '@healthsync/contracts/patient';
import { type RefObject, useEffect, useRef } from 'react';
import { api } from '../api.ts';
import { SPARK_MINUTES } from '../live/sparkline-data.ts';
import { onSecond, useServices, useShape } from '../services.ts';
import { useSettings } from '../settings.ts';
import { createSparkCanvas, type SparkTile } from './spark-canvas.ts';
import type { TileLayout } from './tile-layout.ts';

/** Points come every five seconds and a second is a fifth of a pixel: drawing each second would change nothing. */
const DRAW_EVERY = 2;

/** The overlay that draws every sparkline of the wall. */
export function useSparkCanvas(layout: TileLayout, order: readonly string[]): RefObject<HTMLCanvasElement | null> {
  const { store, sparks } = useServices();
  const shape = useShape();
  const ref = useRef<HTMLCanvasElement>(null);
  const latest = useRef(order);
  latest.current = order;
  const wards = store
    .wards()
    .map((ward) => ward.id)
    .join();
  const hasTiles = order.length > 0;
  const { night } = useSettings();
  const redraw = useRef(() => {});

  useEffect(() => {
    if (wards === '') return;
    // Without its past the sparkline begins now; nothing else depends on it.
    for (const ward of wards.split(','))
      api<SparklineResponse>(`/api/wards/${encodeURIComponent(ward)}/sparklines?minutes=${SPARK_MINUTES}`)
        .then((history) => {
          sparks.fill(history);
          redraw.current();
        })
        .catch(() => {});
  }, [wards, sparks]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new layout or shape is a new drawing
  useEffect(() => {
    const canvas = ref.current;
    if (canvas === null || layout.kind === 'list') return;
    const wall = canvas.previousElementSibling as HTMLElement;
    const spark = createSparkCanvas(canvas, sparks, () => getComputedStyle(canvas).getPropertyValue('--spark').trim());
    const draw = () => spark.draw(store.clock.now(), placesOf(wall, latest.current));
    redraw.current = draw;
    let tick = 0;
    const onTick = () => {
      for (const tile of store.tiles().values()) sparks.add(tile);
      tick += 1;
      if (tick % DRAW_EVERY === 0) draw();
    };
    let frame = 0;
    const onScroll = () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(draw);
    };
    onScroll();
    wall.addEventListener('scroll', onScroll, { passive: true });
    const off = onSecond(onTick);
    return () => {
      cancelAnimationFrame(frame);
      wall.removeEventListener('scroll', onScroll);
      off();
    };
  }, [store, sparks, hasTiles, shape, layout.kind, layout.columns, layout.tileHeight, night]);

  return ref;
}

/** Measured, not computed: whatever the style sheet leaves free between the figures and the alarm is the sparkline's. */
function placesOf(wall: HTMLElement, order: readonly string[]): readonly SparkTile[] {
  const shown = new Set(order);
  const corner = wall.getBoundingClientRect();
  const places: SparkTile[] = [];
  for (const tile of wall.querySelectorAll<HTMLElement>('.tile')) {
    const patientId = tile.dataset['patient'] ?? '';
    const frame = tile.getBoundingClientRect();
    // Asking within a tile that is out of sight would make the browser lay it out.
    if (!shown.has(patientId) || frame.bottom < corner.top || frame.top > corner.bottom) continue;
    const rect = tile.querySelector('.tile-spark')?.getBoundingClientRect();
    if (rect === undefined) continue;
    places.push({
      patientId,
      x: rect.left - corner.left,
      y: rect.top - corner.top,
      width: rect.width,
      height: rect.height,
    });
  }
  return places;
}
