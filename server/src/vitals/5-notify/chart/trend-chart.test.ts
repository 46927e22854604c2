import { crc32, inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodePng } from './png.ts';
import { blank, drawStrokes, fillRectangle } from './raster.ts';
import { writtenStrokes, writtenWidth } from './stroke-font.ts';
import { type Trend, trendChart } from './trend-chart.ts';

/** Reads a PNG as a strict decoder does: signature, chunks with their CRCs, one filter byte a row. */
function decode(png: Uint8Array) {
  const bytes = Buffer.from(png);
  expect(bytes.subarray(0, 8).toString('hex')).toBe('89504e470d0a1a0a');
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const typed = bytes.subarray(at + 4, at + 8 + length);
    expect(bytes.readUInt32BE(at + 8 + length)).toBe(crc32(typed));
    chunks.set(typed.subarray(0, 4).toString(), typed.subarray(4));
    at += 12 + length;
  }
  expect([...chunks.keys()]).toEqual(['IHDR', 'IDAT', 'IEND']);
  const header = chunks.get('IHDR') as Buffer;
  expect(header.subarray(8)).toEqual(Buffer.from([8, 2, 0, 0, 0]));
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const rows = inflateSync(chunks.get('IDAT') as Buffer);
  expect(rows.length).toBe(height * (width * 3 + 1));
  const pixel = (x: number, y: number) => {
    expect(rows[y * (width * 3 + 1)]).toBe(0);
    return [...rows.subarray(y * (width * 3 + 1) + 1 + x * 3, y * (width * 3 + 1) + 4 + x * 3)];
  };
  return { width, height, pixel };
}

const TO = Date.parse('2026-11-22T03:00:00Z');
const FROM = TO - 3_600_000;
const LINE = [21, 78, 148];
const WHITE = [255, 255, 255];
const trend: Trend = {
  label: 'Heart rate /min',
  fromMs: FROM,
  toMs: TO,
  points: Array.from({ length: 61 }, (_, minute) => ({ atMs: FROM + minute * 60_000, value: 80 + minute })),
  limit: { comparison: 'above', value: 130 },
  raisedAtMs: TO - 600_000,
};
/** The columns of the plot in which the line is seen. */
function columnsWithLine(png: Uint8Array): readonly number[] {
  const { pixel } = decode(png);
  const columns: number[] = [];
  for (let x = 84; x < 936; x += 4)
    for (let y = 76; y < 342; y++)
      if (pixel(x, y).every((channel, index) => channel === LINE[index])) {
        columns.push(x);
        break;
      }
  return columns;
}

describe('a PNG', () => {
  it('holds every pixel as it was drawn', () => {
    const raster = blank(7, 5, [255, 255, 255]);
    fillRectangle(raster, { left: 2, top: 1, right: 4, bottom: 3 }, [1, 2, 3]);
    const { width, height, pixel } = decode(encodePng(raster));
    expect([width, height]).toEqual([7, 5]);
    for (let y = 0; y < 5; y++)
      for (let x = 0; x < 7; x++) expect(pixel(x, y)).toEqual(x >= 2 && x < 4 && y >= 1 && y < 3 ? [1, 2, 3] : WHITE);
  });
});

describe('a stroke', () => {
  it('is solid within, smooth at its edge, and nothing outside', () => {
    const raster = blank(20, 20, [255, 255, 255]);
    drawStrokes(
      raster,
      [
        [
          { x: 4, y: 10 },
          { x: 16, y: 10 },
        ],
      ],
      { radius: 2, colour: [0, 0, 0] },
    );
    const at = (x: number, y: number) => raster.rgb[(y * 20 + x) * 3];
    expect(at(10, 9)).toBe(0);
    expect(at(10, 11)).toBe(0);
    expect(at(10, 14)).toBe(255);
    expect(at(1, 10)).toBe(255);
  });
  it('beyond the picture harms nothing', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            x: fc.double({ min: -1e4, max: 1e4, noNaN: true }),
            y: fc.double({ min: -1e4, max: 1e4, noNaN: true }),
          }),
          { maxLength: 5 },
        ),
        (points) => {
          const raster = blank(10, 10, [255, 255, 255]);
          drawStrokes(raster, [points], { radius: 2, colour: [0, 0, 0] });
          expect(raster.rgb.length).toBe(300);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('written letters', () => {
  it('are as wide as they are said to be', () => {
    for (const text of ['Heart rate /min', 'SpO2 %', '03:04 UTC', 'limit 36.5', 'é']) {
      const points = writtenStrokes(text, { x: 0, y: 0 }, 24).flat();
      expect(Math.max(...points.map(({ x }) => x))).toBeCloseTo(writtenWidth(text, 24));
      expect(Math.min(...points.map(({ y }) => y))).toBeGreaterThanOrEqual(-24);
    }
  });
});

describe('a trend chart', () => {
  it('is a picture with a line from the first value to the last', () => {
    const { width, height } = decode(trendChart(trend));
    expect([width, height]).toEqual([960, 400]);
    const columns = columnsWithLine(trendChart(trend));
    expect(columns[0]).toBeLessThan(90);
    expect(columns.at(-1)).toBeGreaterThan(925);
    expect(columns.length).toBeGreaterThan(200);
  });
  it('keeps a gap a gap', () => {
    const points = trend.points.filter((_, minute) => minute < 20 || minute > 40);
    const columns = columnsWithLine(trendChart({ ...trend, points }));
    const [from, to] = [84 + (22 / 60) * 852, 84 + (39 / 60) * 852];
    expect(columns.filter((x) => x > from && x < to)).toEqual([]);
    expect(columns.filter((x) => x > to).length).toBeGreaterThan(50);
  });
  it('shades what lies beyond the limit, above or below', () => {
    const above = decode(trendChart(trend));
    expect(above.pixel(300, 80)).toEqual([253, 236, 236]);
    expect(above.pixel(300, 335)).toEqual(WHITE);
    const below = decode(trendChart({ ...trend, limit: { comparison: 'below', value: 90 } }));
    expect(below.pixel(500, 335)).toEqual([253, 236, 236]);
    expect(below.pixel(300, 80)).toEqual(WHITE);
  });
  it('is drawn whatever there is, and however it changes', () => {
    const value = fc.oneof(fc.double({ min: -50, max: 350, noNaN: true }), fc.integer({ min: 0, max: 1 }));
    fc.assert(
      fc.property(
        fc.array(fc.record({ at: fc.double({ min: -0.5, max: 1.5, noNaN: true }), value }), { maxLength: 30 }),
        fc.option(value, { nil: undefined }),
        fc.integer({ min: 1, max: 90 * 86_400_000 }),
        (some, limit, spanMs) => {
          const points = some
            .map(({ at, value: seen }) => ({ atMs: FROM + at * spanMs, value: seen }))
            .sort((a, b) => a.atMs - b.atMs);
          const bound = limit === undefined ? {} : { limit: { comparison: 'below' as const, value: limit } };
          const png = trendChart({ label: 'x', points, fromMs: FROM, toMs: FROM + spanMs, ...bound });
          expect(decode(png).width).toBe(960);
        },
      ),
      { numRuns: 60 },
    );
  });
});
