import { Worker } from 'node:worker_threads';

const ENTRY = new URL('../../bin/thread.js', import.meta.url);

/** Runs `script` in a thread of this process, which finds `data` as its `workerData`. */
export function startThread(script: URL, data: object): Worker {
  // It says nothing on the process's own streams, and so these are not opened on its behalf.
  return new Worker(ENTRY, { argv: [script.href], workerData: data, stdout: true, stderr: true });
}
