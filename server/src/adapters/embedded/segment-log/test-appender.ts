import { writeSync } from 'node:fs';
import type { AssignedReading } from '../../../domain/reading.ts';
import type { Failure } from '../../../ports/failure.ts';
import { appended, type LogPosition } from '../../../ports/reading-log.ts';
import { readingOf } from '../../../ports/test-reading.ts';
import { openSegmentLog } from './segment-log.ts';
import { testLogKeys } from './test-log-keys.ts';

// Appends as fast as it is acknowledged, until it is killed; says on stdout what it was told is stored. With `recycle`
// it also commits, in a log of four segments, so that it dies while files change hands.
const [folder, run, segmentBytes, keys, recycle] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: test-appender.ts FOLDER RUN SEGMENT_BYTES sealed|clear [recycle]');
const bounds = recycle === 'recycle' ? { bytesMax: 4 * Number(segmentBytes), retainMs: 0 } : {};

const log = await openSegmentLog({
  folder,
  partitions: 8,
  groups: ['keep', 'assess'],
  keys: keys === 'clear' ? 'none' : testLogKeys(),
  now: Date.now,
  settings: { segmentBytes: Number(segmentBytes), freeBytesMin: 0, ...bounds },
});

/** In flight at any time. */
const WRITERS = 200;
let n = Number(run) * 10_000_000;
async function appendForever(): Promise<void> {
  for (;;) {
    const reading = readingOf(n++);
    const { partition, offset } = await appendOnceThereIsRoom(reading);
    writeSync(1, `${partition} ${offset} ${reading.id}\n`);
  }
}
async function appendOnceThereIsRoom(reading: AssignedReading): Promise<LogPosition> {
  for (;;) {
    const position = await appended(log, reading).catch((failure: Failure) => {
      if (failure.code !== 'log-full') throw failure;
    });
    if (position) return position;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function commitForever(): Promise<void> {
  for (;;) {
    const { next } = await log.extent();
    await log.commit('keep', next);
    await log.commit('assess', next);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

if (recycle === 'recycle') void commitForever();
await Promise.all(Array.from({ length: WRITERS }, appendForever));
