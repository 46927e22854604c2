import { SPARK_MINUTES, type Sparklines } from '../live/sparkline-data.ts';

/**
 * One canvas over the whole wall draws every sparkline: a canvas per tile cost twice the main thread. It is as large as
 * the window onto the wall, not as the wall, and shows what is in sight.
 */
export interface SparkCanvas {
  draw(nowMs: number, tiles: Iterable<SparkTile>): void;
}

export interface SparkTile {
  readonly patientId: string;
  /** Where its sparkline goes, in pixels from the canvas's corner. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const SPAN_MS = SPARK_MINUTES * 60_000;
/** A gap, drawn as one: longer than this without a point, and longer than the points before it were apart. */
const GAP_MS = 30_000;
const GAP_STEPS = 3;
/** A lower one would be a scratch under the figures. */
const SHOWN_HEIGHT = 9;
/** A quiet heart must not look like a storm: at least so many beats from bottom to top. */
const SPAN_MIN = 40;

export function createSparkCanvas(canvas: HTMLCanvasElement, sparks: Sparklines, colour: () => string): SparkCanvas {
  const context = canvas.getContext('2d');
  return {
    draw(nowMs, tiles) {
      if (context === null) return;
      // Finer than two device pixels is not seen on a line, and a 4K canvas is large enough as it is.
      const ratio = Math.min(2, window.devicePixelRatio);
      const [width, height] = [canvas.clientWidth, canvas.clientHeight];
      if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
      if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, width, height);
      context.beginPath();
      for (const tile of tiles)
        if (tile.y + tile.height > 0 && tile.y < height && tile.height > SHOWN_HEIGHT)
          trace(context, tile, sparks, nowMs);
      context.strokeStyle = colour();
      context.lineWidth = 1.5;
      context.lineJoin = 'round';
      context.stroke();
    },
  };
}

function trace(context: CanvasRenderingContext2D, tile: SparkTile, sparks: Sparklines, nowMs: number): void {
  const spark = sparks.of(tile.patientId);
  if (spark === undefined || spark.at.length < 2) return;
  const from = nowMs - SPAN_MS;
  const start = Math.max(
    0,
    spark.at.findIndex((at) => at >= from),
  );
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = start; i < spark.v.length; i += 1) {
    low = Math.min(low, spark.v[i] ?? low);
    high = Math.max(high, spark.v[i] ?? high);
  }
  const middle = (low + high) / 2;
  const half = Math.max(SPAN_MIN, (high - low) * 1.1) / 2;
  let before = spark.at[start] ?? 0;
  let step = Number.POSITIVE_INFINITY;
  for (let i = start; i < spark.at.length; i += 1) {
    const at = spark.at[i] ?? 0;
    const x = tile.x + ((at - from) / SPAN_MS) * tile.width;
    const y = tile.y + (1 - ((spark.v[i] ?? middle) - middle + half) / (2 * half)) * tile.height;
    const isGap = at - before > Math.max(GAP_MS, GAP_STEPS * step);
    if (i === start || isGap) context.moveTo(x, y);
    else context.lineTo(x, y);
    if (i > start && !isGap) step = at - before;
    before = at;
  }
}
