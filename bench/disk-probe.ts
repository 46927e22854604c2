/**
 * A thread that writes 4 KiB synchronously every 100 ms: what the disk itself took, without us. Not on the generator's main
 * thread: while a sync lasts that one would neither send nor hear, and every acknowledgement would look as slow.
 */
import { closeSync, constants, openSync, unlinkSync, writeSync } from 'node:fs';
import { createHistogram } from 'node:perf_hooks';
import { parentPort, workerData } from 'node:worker_threads';

export interface DiskSync {
  readonly p99: number;
  readonly max: number;
}

/** A folder on the disk that is written to. */
const folder = workerData as string;

const file = `${folder}/.sync-probe-${process.pid}`;
const handle = openSync(file, constants.O_CREAT | constants.O_WRONLY | constants.O_DSYNC);
const block = Buffer.alloc(4096, 1);
const histogram = createHistogram();
const timer = setInterval(() => {
  const startedMs = performance.now();
  writeSync(handle, block, 0, block.length, 0);
  histogram.record(Math.max(1, Math.round((performance.now() - startedMs) * 1000)));
}, 100);
parentPort?.once('message', () => {
  clearInterval(timer);
  closeSync(handle);
  unlinkSync(file);
  const took: DiskSync = {
    p99: histogram.count === 0 ? 0 : histogram.percentile(99) / 1000,
    max: histogram.count === 0 ? 0 : histogram.max / 1000,
  };
  parentPort?.postMessage(took);
});
