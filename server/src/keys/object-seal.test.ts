import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createObjectSealer, openObject } from './object-seal.ts';

const dataKey = randomBytes(32);
const owner = { subject: 'patient:P1', dataKey };
const CHUNK = 64 * 1024;
const STORED = CHUNK + 16;

function sealed(plain: Buffer, step = 10_000): Buffer {
  const sealer = createObjectSealer(owner);
  const parts: Buffer[] = [];
  for (let at = 0; at < plain.length; at += step) parts.push(sealer.update(plain.subarray(at, at + step)));
  return Buffer.concat([...parts, sealer.end()]);
}

async function opened(stored: Buffer, key: Uint8Array | undefined = dataKey, step = 50_000) {
  async function* source() {
    for (let at = 0; at < stored.length; at += step) yield stored.subarray(at, at + step);
  }
  const bytes: Buffer[] = [];
  for await (const part of openObject(source(), async () => key)) {
    if (part.kind === 'refused') return part.why;
    bytes.push(part.bytes);
  }
  return Buffer.concat(bytes);
}

describe('a sealed object', () => {
  it('opens to what was written, however long it is and in whatever pieces it comes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 200_000),
        fc.integer({ min: 700, max: 150_000 }),
        fc.integer({ min: 700, max: 150_000 }),
        async (length, writeStep, readStep) => {
          const plain = randomBytes(length);
          const back = await opened(sealed(plain, writeStep), dataKey, readStep);
          expect(typeof back !== 'string' && back.equals(plain)).toBe(true);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('shows nothing of what is in it, and is another each time', () => {
    const plain = Buffer.from('Featherstone'.repeat(20_000));
    const [a, b] = [sealed(plain), sealed(plain)];
    expect(a.includes('Featherstone')).toBe(false);
    expect(a.equals(b)).toBe(false);
  });

  it('is refused when its end is missing, wherever it was cut', async () => {
    const stored = sealed(randomBytes(3 * CHUNK));
    const body = stored.length - 3 * STORED;
    for (const cut of [1, 16, 17, STORED - 1, STORED, STORED + 1, 2 * STORED]) {
      const whole = (cut % STORED === 0) as boolean;
      expect(await opened(stored.subarray(0, stored.length - cut))).toMatch(whole ? 'cut-off' : /cut-off|altered/);
    }
    expect(await opened(stored.subarray(0, body))).toBe('cut-off');
    expect(await opened(stored.subarray(0, body - 1))).toBe('not-an-object');
  });

  it('is refused when chunks change places, come twice, are left out or are another object’s', async () => {
    const [stored, other] = [sealed(randomBytes(4 * CHUNK + 5)), sealed(randomBytes(4 * CHUNK + 5))];
    const body = stored.length - 4 * STORED - 21;
    const chunk = (of: Buffer, n: number) => of.subarray(body + n * STORED, body + (n + 1) * STORED);
    const made = (...order: readonly Buffer[]) => Buffer.concat([stored.subarray(0, body), ...order]);
    const all = [0, 1, 2, 3, 4].map((n) => chunk(stored, n)) as [Buffer, Buffer, Buffer, Buffer, Buffer];
    expect(await opened(made(...all))).toBeInstanceOf(Buffer);
    for (const order of [
      [all[1], all[0], all[2], all[3], all[4]],
      [all[0], all[0], all[1], all[2], all[3], all[4]],
      [all[0], all[2], all[3], all[4]],
      [all[0], chunk(other, 1), all[2], all[3], all[4]],
      [all[0], all[1], all[2], all[3], all[4], all[4]],
    ])
      expect(await opened(made(...order))).toBe('altered');
  });

  it('is refused when any bit of it changed', async () => {
    const stored = sealed(randomBytes(CHUNK + 100));
    await fc.assert(
      fc.asyncProperty(fc.nat(stored.length - 1), fc.nat(7), async (byte, bit) => {
        const changed = Buffer.from(stored);
        changed[byte] = (changed[byte] as number) ^ (1 << bit);
        expect(typeof (await opened(changed))).toBe('string');
      }),
      { numRuns: 200 },
    );
  });

  it('opens no more once the key of its owner is erased, or is somebody else’s', async () => {
    const stored = sealed(Buffer.from('x'));
    async function* source() {
      yield stored;
    }
    const first = await openObject(source(), async () => undefined).next();
    expect(first.value).toEqual({ kind: 'refused', why: 'key-gone' });
    expect(await opened(stored, randomBytes(32))).toBe('altered');
  });
});
