import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Found, Frames } from './framing.ts';

const packet = (body: Buffer): Buffer => {
  const length: number[] = [];
  let rest = body.length;
  do {
    length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>= 7;
  } while (rest > 0);
  return Buffer.concat([Buffer.from([0x30, ...length]), body]);
};

function drain(frames: Frames, sizeMax = 1_000_000): Buffer[] {
  const bodies: Buffer[] = [];
  while (frames.next(sizeMax) === Found.packet) bodies.push(frames.bytes.subarray(frames.bodyStart, frames.bodyEnd));
  return bodies;
}

describe('framing', () => {
  it('finds the same packets however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }),
        (bodies, cuts) => {
          const stream = Buffer.concat(bodies.map((body) => packet(Buffer.from(body))));
          const frames = new Frames();
          const found: Buffer[] = [];
          for (let at = 0, i = 0; at < stream.length; i++) {
            const size = cuts[i % cuts.length] as number;
            frames.push(Buffer.from(stream.subarray(at, at + size)));
            at += size;
            found.push(...drain(frames)); // views stay valid while more arrives
          }
          expect(found.map((body) => body.toString('hex'))).toEqual(bodies.map((b) => Buffer.from(b).toString('hex')));
          expect(frames.next(1_000_000)).toBe(Found.incomplete);
        },
      ),
    );
  });

  it('counts the fixed header into the size of a packet', () => {
    const bytes = packet(Buffer.alloc(200)); // 1 + 2 + 200
    const frames = new Frames();
    frames.push(bytes);
    expect(frames.next(202)).toBe(Found.tooLarge);
    expect(frames.next(203)).toBe(Found.packet);
  });

  it('refuses a length of five bytes, and knows one too large before its body arrives', () => {
    const long = new Frames();
    long.push(Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x01]));
    expect(long.next(1000)).toBe(Found.malformed);
    const large = new Frames();
    large.push(Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]));
    expect(large.next(65_536)).toBe(Found.tooLarge);
  });

  it('tells a length written in more bytes than needed', () => {
    const frames = new Frames();
    frames.push(Buffer.from([0x30, 0x80, 0x00, 0x30, 0x00]));
    expect([frames.next(100), frames.isPadded]).toEqual([Found.packet, true]);
    expect([frames.next(100), frames.isPadded]).toEqual([Found.packet, false]);
  });

  it('finds a packet again that was put back', () => {
    const frames = new Frames();
    frames.push(packet(Buffer.from('one')));
    frames.next(100);
    frames.putBack();
    frames.push(packet(Buffer.from('two')));
    expect(drain(frames).map(String)).toEqual(['one', 'two']);
  });

  it('keeps nothing once everything is read', () => {
    const frames = new Frames();
    frames.push(packet(Buffer.alloc(1000)));
    drain(frames);
    expect(frames.bytes.length).toBe(0);
  });
});
