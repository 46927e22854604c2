/** A canvas of pixels with smooth lines: enough to draw a chart without a native package. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

export type Colour = readonly [red: number, green: number, blue: number];
export interface Point {
  readonly x: number;
  readonly y: number;
}

export function blank(width: number, height: number, colour: Colour): Raster {
  const rgb = new Uint8Array(width * height * 3);
  rgb.set(colour);
  // Doubles what is filled until all is.
  for (let filled = 3; filled < rgb.length; filled *= 2) rgb.copyWithin(filled, 0, filled);
  return { width, height, rgb };
}

/** Whole pixels. */
export function fillRectangle(
  raster: Raster,
  area: { readonly left: number; readonly top: number; readonly right: number; readonly bottom: number },
  colour: Colour,
): void {
  const [top, bottom] = [Math.max(0, Math.round(area.top)), Math.min(raster.height, Math.round(area.bottom))];
  const [left, right] = [Math.max(0, Math.round(area.left)), Math.min(raster.width, Math.round(area.right))];
  for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) blend(raster, x, y, colour, 1);
}

/**
 * Strokes with round ends; a stroke of one point is a dot. Where strokes of one call cross they are no darker: coverage
 * is the largest of all, and it is blended once.
 */
export function drawStrokes(
  raster: Raster,
  strokes: readonly (readonly Point[])[],
  { radius, colour }: { readonly radius: number; readonly colour: Colour },
): void {
  const points = strokes.flat();
  if (points.length === 0) return;
  const reach = radius + 1;
  const left = Math.max(0, Math.floor(Math.min(...points.map(({ x }) => x)) - reach));
  const top = Math.max(0, Math.floor(Math.min(...points.map(({ y }) => y)) - reach));
  const right = Math.min(raster.width, Math.ceil(Math.max(...points.map(({ x }) => x)) + reach));
  const bottom = Math.min(raster.height, Math.ceil(Math.max(...points.map(({ y }) => y)) + reach));
  if (right <= left || bottom <= top) return;
  const width = right - left;
  const coverage = new Float32Array(width * (bottom - top));
  for (const stroke of strokes)
    stroke.forEach((from, index) => {
      const to = stroke[index + 1] ?? (stroke.length === 1 ? from : undefined);
      if (to !== undefined) cover(coverage, { left, top, width, bottom }, { from, to, radius });
    });
  for (let y = top; y < bottom; y++)
    for (let x = left; x < right; x++) {
      const covered = coverage[(y - top) * width + (x - left)] as number;
      if (covered > 0) blend(raster, x, y, colour, covered);
    }
}

interface Window {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly bottom: number;
}

function cover(
  coverage: Float32Array,
  { left, top, width, bottom }: Window,
  { from, to, radius }: { readonly from: Point; readonly to: Point; readonly radius: number },
): void {
  const reach = radius + 1;
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const lengthSquared = dx * dx + dy * dy;
  const yFrom = Math.max(top, Math.floor(Math.min(from.y, to.y) - reach));
  const yTo = Math.min(bottom, Math.ceil(Math.max(from.y, to.y) + reach));
  const xFrom = Math.max(left, Math.floor(Math.min(from.x, to.x) - reach));
  const xTo = Math.min(left + width, Math.ceil(Math.max(from.x, to.x) + reach));
  for (let y = yFrom; y < yTo; y++)
    for (let x = xFrom; x < xTo; x++) {
      // From the pixel's middle to the nearest point of the segment.
      const px = x + 0.5 - from.x;
      const py = y + 0.5 - from.y;
      const along = lengthSquared === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / lengthSquared));
      const distance = Math.hypot(px - along * dx, py - along * dy);
      const covered = Math.min(1, radius + 0.5 - distance);
      const at = (y - top) * width + (x - left);
      if (covered > (coverage[at] as number)) coverage[at] = covered;
    }
}

function blend({ width, rgb }: Raster, x: number, y: number, colour: Colour, covered: number): void {
  const at = (y * width + x) * 3;
  for (let channel = 0; channel < 3; channel++) {
    const below = rgb[at + channel] as number;
    rgb[at + channel] = Math.round(below + ((colour[channel] as number) - below) * covered);
  }
}
