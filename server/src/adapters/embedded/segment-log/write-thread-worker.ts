import { writeSync } from 'node:fs';
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { REQUESTED, WRITTEN, type WriteThreadAnswer, type WriteThreadData } from './write-thread.ts';

/** The thread of `write-thread.ts`: sleeps until a write is asked for, carries it out, says so. */
const port = parentPort as MessagePort;
const { state: sharedState, request: sharedRequest } = workerData as WriteThreadData;
const state = new Int32Array(sharedState);
const request = new Float64Array(sharedRequest);
const buffers: Uint8Array[] = [];

for (let sequence = 0; ; ) {
  Atomics.wait(state, REQUESTED, sequence);
  sequence = Atomics.load(state, REQUESTED);
  const [fd = -1, buffer = 0, start = 0, length = 0, position = 0] = request;
  if (fd < 0) break;
  const answer = carryOut(sequence, { fd, buffer, start, length, position });
  if (answer.error === undefined) Atomics.store(state, WRITTEN, sequence);
  port.postMessage(answer);
}
port.close();

function carryOut(
  sequence: number,
  write: {
    readonly fd: number;
    readonly buffer: number;
    readonly start: number;
    readonly length: number;
    readonly position: number;
  },
): WriteThreadAnswer {
  try {
    for (let made = receiveMessageOnPort(port); made !== undefined; made = receiveMessageOnPort(port))
      buffers.push(new Uint8Array(made.message as SharedArrayBuffer));
    const bytes = buffers[write.buffer] as Uint8Array;
    for (let done = 0; done < write.length; )
      done += writeSync(write.fd, bytes, write.start + done, write.length - done, write.position + done);
    return { sequence };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { sequence, error: { code, message } };
  }
}
