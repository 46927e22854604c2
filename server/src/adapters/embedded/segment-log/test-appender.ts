import { writeSync } from 'node:fs';
import { readingOf } from '../../../ports/test-reading.ts';
import { openSegmentLog } from './segment-log.ts';

// Appends as fast as it is acknowledged, until it is killed; says on stdout what it was told is stored.
const [folder, run, segmentBytes] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: test-appender.ts FOLDER RUN SEGMENT_BYTES');

const log = await openSegmentLog({
  folder,
  partitions: 8,
  groups: ['keep', 'assess'],
  now: Date.now,
  settings: { segmentBytes: Number(segmentBytes), freeBytesMin: 0 },
});

/** In flight at any time. */
const WRITERS = 200;
let n = Number(run) * 10_000_000;
async function appendForever(): Promise<void> {
  for (;;) {
    const reading = readingOf(n++);
    const { partition, offset } = await log.append(reading);
    writeSync(1, `${partition} ${offset} ${reading.id}\n`);
  }
}
await Promise.all(Array.from({ length: WRITERS }, appendForever));
