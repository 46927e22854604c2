/** Randomness comes with the event, so that replaying the event gives the same result: 128 bits. */
export type Seed = readonly [number, number, number, number];

/** Numbers in [0, 1), always the same for the same seed (sfc32 by Chris Doty-Humphrey, public domain). */
export function randomFrom(seed: Seed): () => number {
  let [a, b, c, d] = seed;
  const next = () => {
    const t = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    c |= 0;
    return (t >>> 0) / 4_294_967_296;
  };
  // The first outputs still resemble the seed.
  for (let i = 0; i < 12; i++) next();
  return next;
}

/** RFC 9562 §5.4. */
export function uuidFrom(random: () => number): string {
  const hex = Array.from({ length: 32 }, (_, index) => {
    const digit = Math.floor(random() * 16);
    if (index === 12) return '4';
    return (index === 16 ? (digit & 3) | 8 : digit).toString(16);
  }).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
