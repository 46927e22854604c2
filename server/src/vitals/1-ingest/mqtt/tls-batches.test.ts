import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchWriter, readBatch } from './tls-batches.ts';

const part = fc.record({
  connection: fc.nat({ max: 0xffff_ffff }),
  what: fc.integer({ min: 1, max: 6 }),
  bytes: fc.uint8Array({ maxLength: 300 }),
});

function partsOf(batch: Uint8Array<ArrayBuffer>) {
  const parts: { connection: number; what: number; bytes: Uint8Array }[] = [];
  const buffer = Buffer.from(batch.buffer);
  readBatch(buffer, (connection, what, start, end) =>
    parts.push({ connection, what, bytes: new Uint8Array(buffer.subarray(start, end)) }),
  );
  return parts;
}

describe('batches between the threads', () => {
  it('are read as they were written, in order, however much was in the batch before', () => {
    fc.assert(
      fc.property(fc.array(fc.array(part, { maxLength: 20 }), { maxLength: 5 }), (batches) => {
        const writer = new BatchWriter();
        for (const parts of batches) {
          for (const { connection, what, bytes } of parts) writer.add(connection, what, Buffer.from(bytes));
          expect(partsOf(writer.take())).toEqual(parts);
          expect(writer.size).toBe(0);
        }
      }),
    );
  });

  it('hold more than there was room for, and only as much of a buffer as was said', () => {
    const writer = new BatchWriter();
    const long = Buffer.alloc(200_000, 7);
    writer.add(1, 2, long);
    writer.add(2, 2, long, 3);
    writer.add(3, 3);
    expect(partsOf(writer.take())).toEqual([
      { connection: 1, what: 2, bytes: new Uint8Array(long) },
      { connection: 2, what: 2, bytes: new Uint8Array([7, 7, 7]) },
      { connection: 3, what: 3, bytes: new Uint8Array() },
    ]);
  });

  it('are a copy: what is written over afterwards changes nothing', () => {
    const writer = new BatchWriter();
    const bytes = Buffer.from([1, 2, 3]);
    writer.add(1, 2, bytes);
    bytes.fill(9);
    const first = writer.take();
    writer.add(1, 2, bytes);
    expect(partsOf(first)).toEqual([{ connection: 1, what: 2, bytes: new Uint8Array([1, 2, 3]) }]);
  });
});
