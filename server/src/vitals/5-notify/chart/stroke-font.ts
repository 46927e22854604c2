import type { Point } from './raster.ts';

/** Letters as strokes of a pen, as a plotter writes them: sharp at any size, and no font to carry along. */
export function writtenStrokes(text: string, at: Point, capHeight: number): readonly (readonly Point[])[] {
  const scale = capHeight / CAP;
  let x = at.x;
  return [...text].flatMap((letter) => {
    const strokes = glyphOf(letter).map((stroke) =>
      stroke.map((point) => ({ x: x + point.x * scale, y: at.y + (point.y - CAP) * scale })),
    );
    x += advanceOf(letter) * scale;
    return strokes;
  });
}

/** In pixels, without the space behind the last letter. */
export function writtenWidth(text: string, capHeight: number): number {
  const advance = [...text].reduce((sum, letter) => sum + advanceOf(letter), 0);
  return (Math.max(0, advance - SPACE) * capHeight) / CAP;
}

/** A capital is six units high, its widest form four; descenders reach two below the line. */
const CAP = 6;
const SPACE = 2;

function advanceOf(letter: string): number {
  if (letter === ' ') return 3;
  return Math.max(...glyphOf(letter).flatMap((stroke) => stroke.map(({ x }) => x))) + SPACE;
}

function glyphOf(letter: string): readonly (readonly Point[])[] {
  if (letter === ' ') return [];
  return GLYPHS.get(letter) ?? UNKNOWN;
}

function parse(strokes: string): readonly (readonly Point[])[] {
  return strokes.split('|').map((stroke) => stroke.split(' ').map(([x, y]) => ({ x: Number(x), y: Number(y) })));
}

const UNKNOWN = parse('00 40 46 06 00');

/** Each point is a column and a row; a bar lifts the pen. */
const GLYPHS: ReadonlyMap<string, readonly (readonly Point[])[]> = new Map(
  Object.entries({
    '0': '10 30 41 45 36 16 05 01 10',
    '1': '01 10 16',
    '2': '01 10 30 41 42 06 46',
    '3': '01 10 30 41 42 33 13|33 44 45 36 16 05',
    '4': '36 30 04 44',
    '5': '40 00 03 12 32 43 45 36 16 05',
    '6': '41 30 10 01 05 16 36 45 44 33 13 04',
    '7': '00 40 16',
    '8': '10 30 41 42 33 13 02 01 10|13 04 05 16 36 45 44 33',
    '9': '05 16 36 45 41 30 10 01 02 13 33 42',
    ':': '02|05',
    '.': '06',
    ',': '16 07',
    '-': '03 33',
    '+': '03 43|21 25',
    '/': '30 06',
    '%': '50 06|01 10 21 12 01|35 44 55 46 35',
    '°': '01 10 21 12 01',
    '<': '31 03 35',
    '>': '01 33 05',
    '=': '02 42|04 44',
    '(': '20 11 15 26',
    ')': '00 11 15 06',
    A: '06 20 46|14 34',
    B: '00 06 36 45 44 33 03|00 30 41 42 33',
    C: '41 30 10 01 05 16 36 45',
    D: '00 06 26 44 42 20 00',
    E: '40 00 06 46|03 33',
    F: '40 00 06|03 33',
    G: '41 30 10 01 05 16 36 45 43 23',
    H: '00 06|40 46|03 43',
    I: '00 06',
    J: '30 35 26 16 05',
    K: '00 06|40 03 46',
    L: '00 06 46',
    M: '06 00 23 40 46',
    N: '06 00 46 40',
    O: '10 30 41 45 36 16 05 01 10',
    P: '06 00 30 41 42 33 03',
    Q: '10 30 41 45 36 16 05 01 10|34 46',
    R: '06 00 30 41 42 33 03|23 46',
    S: '41 30 10 01 02 13 33 44 45 36 16 05',
    T: '00 40|20 26',
    U: '00 05 16 36 45 40',
    V: '00 26 40',
    W: '00 16 22 36 40',
    X: '00 46|40 06',
    Y: '00 23 40|23 26',
    Z: '00 40 06 46',
    a: '32 36|33 22 12 03 05 16 26 35',
    b: '00 06|03 12 22 33 35 26 16 05',
    c: '33 22 12 03 05 16 26 35',
    d: '30 36|33 22 12 03 05 16 26 35',
    e: '04 34 33 22 12 03 05 16 26 35',
    f: '30 20 11 16|02 22',
    g: '32 37 28 18 07|33 22 12 03 05 16 26 35',
    h: '00 06|03 12 22 33 36',
    i: '02 06|00',
    j: '12 17 08|10',
    k: '00 06|32 04 36',
    l: '00 06',
    m: '02 06|03 12 23 26|23 32 43 46',
    n: '02 06|03 12 22 33 36',
    o: '12 22 33 35 26 16 05 03 12',
    p: '02 08|03 12 22 33 35 26 16 05',
    q: '32 38|33 22 12 03 05 16 26 35',
    r: '02 06|03 12 22',
    s: '32 12 03 14 24 35 26 06',
    t: '10 15 26|02 22',
    u: '02 05 16 26 35|32 36',
    v: '02 26 42',
    w: '02 16 23 36 42',
    x: '02 36|32 06',
    y: '02 26|42 08',
    z: '02 32 06 36',
  }).map(([letter, strokes]) => [letter, parse(strokes)]),
);
