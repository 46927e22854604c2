/**
 * How large tiles can be. A tile is one drawing of 240 × 150 units; its unit grows with the room there is, so that a 4K
 * screen gets large figures and not thin ones, and nothing overlaps at one size that does not at another.
 */
export interface TileLayout {
  readonly kind: 'grid' | 'list';
  readonly columns: number;
  readonly tileHeight: number;
  /** Not every bed fits at a readable size: the wall scrolls. */
  readonly isScrolling: boolean;
}

const UNITS = { width: 240, height: 150 };
/** Smallest that is still read from a chair: figures of about 22 px. */
const MIN = { width: 158, height: 99 };
/** Below this width a list of rows says more than tiles. */
const LIST_BELOW = 560;
const ROW_HEIGHT = 92;
/** Larger than this a single bed looks silly and its trend is no clearer. */
const MAX_SCALE = 4;
export const GAP = 4;

export function layOut(room: { readonly width: number; readonly height: number }, count: number): TileLayout {
  if (room.width < LIST_BELOW) return { kind: 'list', columns: 1, tileHeight: ROW_HEIGHT, isScrolling: true };
  let best = { columns: 1, scale: 0, tileHeight: 0 };
  for (let columns = 1; columns <= Math.max(1, count); columns += 1) {
    const rows = Math.ceil(count / columns);
    const width = (room.width - GAP * (columns - 1)) / columns;
    const height = (room.height - GAP * (rows - 1)) / rows;
    const scale = Math.min(width / UNITS.width, height / UNITS.height, MAX_SCALE);
    if (scale > best.scale) best = { columns, scale, tileHeight: Math.min(height, UNITS.height * MAX_SCALE) };
  }
  const smallest = Math.min(MIN.width / UNITS.width, MIN.height / UNITS.height);
  if (best.scale >= smallest)
    return { kind: 'grid', columns: best.columns, tileHeight: Math.floor(best.tileHeight), isScrolling: false };
  const columns = Math.max(1, Math.floor((room.width + GAP) / (MIN.width + GAP)));
  const width = (room.width - GAP * (columns - 1)) / columns;
  return {
    kind: 'grid',
    columns,
    tileHeight: Math.ceil((width * UNITS.height) / UNITS.width),
    isScrolling: true,
  };
}
