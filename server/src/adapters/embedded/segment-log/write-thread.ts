import type { Worker } from 'node:worker_threads';
import { startThread } from '../../../threads/start-thread.ts';
import { type LogFiles, NodeFile, nodeFiles, openDurableFd } from './files.ts';

/**
 * The log's durable writes on a thread of their own, one at a time, in shared memory. Through Node's thread pool a
 * finished write is heard of only when the event loop comes round, after every device that has something to say; here
 * `isWritten` can be asked in the middle of such a round, so that acknowledgements do not wait for it to end.
 */
export interface ThreadedFiles extends LogFiles {
  /** Ends the thread. No write may be under way. */
  closeThread(): Promise<void>;
}

/** Linux only, where O_DSYNC makes one write durable: elsewhere, Node's own files. */
export function threadedFiles(): ThreadedFiles {
  if (process.platform !== 'linux') return { ...nodeFiles, closeThread: async () => {} };
  const thread = new WriteThread();
  return {
    ...nodeFiles,
    openDurable: async (path) => new ThreadedFile(await openDurableFd(path), thread),
    closeThread: () => thread.close(),
  };
}

/** Places in the shared state. A request or an answer is a number that grows by one. */
export const REQUESTED = 0;
export const WRITTEN = 1;

/** What is asked of the thread: the numbers of a write; a negative file descriptor ends it. */
export const REQUEST_FIELDS = 5;

export interface WriteThreadData {
  readonly state: SharedArrayBuffer;
  readonly request: SharedArrayBuffer;
}

/** What the thread says: that it is done with a request, and what went wrong. */
export interface WriteThreadAnswer {
  readonly sequence: number;
  readonly error?: { readonly code: string | undefined; readonly message: string };
}

class WriteThread {
  readonly #state = new Int32Array(new SharedArrayBuffer(8));
  readonly #request = new Float64Array(new SharedArrayBuffer(8 * REQUEST_FIELDS));
  readonly #buffers = new Map<ArrayBufferLike, number>();
  readonly #worker: Worker;
  #sequence = 0;
  #waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;
  #closed: Promise<void> | undefined;

  constructor() {
    const workerData: WriteThreadData = {
      state: this.#state.buffer as SharedArrayBuffer,
      request: this.#request.buffer as SharedArrayBuffer,
    };
    this.#worker = startThread(new URL('./write-thread-worker.ts', import.meta.url), workerData);
    this.#worker.on('message', (answer: WriteThreadAnswer) => this.#answered(answer));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(new Error('the thread that writes the log has ended')));
    this.#worker.unref();
  }

  /** Whether the write under way has succeeded, asked before its promise can have said so. */
  get isWritten(): boolean {
    return Atomics.load(this.#state, WRITTEN) === this.#sequence;
  }

  write(fd: number, buffer: Buffer, start: number, length: number, position: number): Promise<void> {
    // Its end was seen before it was heard of.
    if (this.#waiting !== undefined && this.isWritten) this.#take()?.resolve();
    if (this.#waiting !== undefined) throw new Error('one write at a time');
    this.#worker.ref();
    this.#request.set([fd, this.#numberOf(buffer.buffer), buffer.byteOffset + start, length, position]);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#wake();
    });
  }

  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      this.#worker.once('exit', () => resolve());
      this.#worker.ref();
      this.#request[0] = -1;
      this.#wake();
    });
    return this.#closed;
  }

  #wake(): void {
    this.#sequence++;
    Atomics.store(this.#state, REQUESTED, this.#sequence);
    Atomics.notify(this.#state, REQUESTED);
  }

  /** Buffers are made known once: the log uses two, again and again. */
  #numberOf(shared: ArrayBufferLike): number {
    const known = this.#buffers.get(shared);
    if (known !== undefined) return known;
    if (!(shared instanceof SharedArrayBuffer)) throw new TypeError('what the thread writes is in shared memory');
    const number = this.#buffers.size;
    this.#buffers.set(shared, number);
    this.#worker.postMessage(shared);
    return number;
  }

  #answered({ sequence, error }: WriteThreadAnswer): void {
    if (sequence !== this.#sequence) return;
    if (error === undefined) this.#take()?.resolve();
    else this.#fail(Object.assign(new Error(error.message), { code: error.code }));
  }

  #fail(error: unknown): void {
    this.#take()?.reject(error instanceof Error ? error : new Error(String(error)));
  }

  #take() {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#worker.unref();
    return waiting;
  }
}

class ThreadedFile extends NodeFile {
  readonly #thread: WriteThread;

  constructor(fd: number, thread: WriteThread) {
    super(fd, false);
    this.#thread = thread;
  }

  isWritten(): boolean {
    return this.#thread.isWritten;
  }

  override write(buffer: Buffer, start: number, length: number, position: number): Promise<void> {
    return this.#thread.write(this.fd, buffer, start, length, position);
  }
}
