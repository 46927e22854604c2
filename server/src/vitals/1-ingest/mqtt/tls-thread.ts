import { createSecureContext } from 'node:tls';
import type { Worker } from 'node:worker_threads';
import { TLS_CIPHERS } from '../../../serve/tls-ciphers.ts';
import { startThread } from '../../../threads/start-thread.ts';
import type { Peer } from './connection.ts';
import type { DeviceSocket } from './device-socket.ts';
import { BATCH_BYTES_MAX, BatchWriter, readBatch, Said, Told } from './tls-batches.ts';

/**
 * The sockets of devices, on a thread of their own. With a reading a second from each of ten thousand, more than half of
 * what the main thread did was to read, decrypt, encrypt and send; now it is handed what they say, many at a time, and
 * hands back what they are to hear. It alone knows MQTT. See docs/adr/0026-tls-thread.md.
 */
export interface TlsThread {
  /** Rejects where it cannot listen. */
  listen(): Promise<{ readonly port: number }>;
  /** For connections from now on. Throws, and changes nothing, where OpenSSL makes nothing of it. */
  renewTls(tls: MqttTls): void;
  /** Accepts nobody any more; who is in stays. */
  stopListening(): void;
  /** Ends every connection and the thread, after what was said until now has been sent as far as it can be. Idempotent. */
  close(): Promise<void>;
}

export interface MqttTls {
  readonly key: string;
  readonly cert: string;
  /** Sign the devices, one PEM after the other; nothing else may connect. */
  readonly ca: string;
}

export interface TlsOptions {
  readonly tls: MqttTls;
  readonly tlsMinVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly host: string | undefined;
  readonly port: number;
  readonly connectionsMax: number;
  readonly handshakesMax: number;
  readonly handshakesWaitingMax: number;
  readonly handshakeTimeoutMs: number;
  readonly ticketLifetimeSeconds: number;
  /** Whoever leaves more unread is `behind`. */
  readonly unsentBytesMax: number;
}

/** `T` is what the listener makes of a connection. */
export interface TlsEvents<T> {
  /** A handshake is done. */
  opened(socket: DeviceSocket, peer: Peer | undefined, isResumed: boolean): T;
  /** `bytes[start, end)` have arrived. They are not written over. */
  received(connection: T, bytes: Buffer, start: number, end: number): void;
  closed(connection: T): void;
  /** It does not read. Said with each write while it is so. */
  behind(connection: T): void;
  /** A handshake failed, or there was no place to wait for one; then there is no reason. */
  refused(seen: Refused): void;
  /** There are as many connections as there may be. */
  full(): void;
  /** Accepting failed, or the thread has ended and is started again. */
  trouble(error: unknown): void;
}

/** What the two threads begin with. */
export interface TlsThreadData {
  readonly options: TlsOptions;
  /** One Int32: how many bytes of batches the main thread has dealt with, modulo 2^32. */
  readonly taken: SharedArrayBuffer;
}

export interface Opened {
  readonly isResumed: boolean;
  readonly address?: string;
  readonly peer?: Peer | undefined;
}

export interface Refused {
  /** OpenSSL's word for it. */
  readonly reason?: string;
  readonly address?: string;
}

export type Order =
  | { readonly kind: 'renew'; readonly tls: MqttTls }
  | { readonly kind: 'stop-listening' }
  | { readonly kind: 'finish' };

export type Answer =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'failed' | 'trouble'; readonly error: PlainError };

/** What is left of an error on its way between threads (structured clone) would lack its code. */
export type PlainError = Pick<NodeJS.ErrnoException, 'message' | 'code' | 'syscall'> & {
  readonly address?: string;
  readonly port?: number;
};

/** What a connection is made by, at the start and after each renewal. */
export function secureContextOf({ tls, tlsMinVersion }: Pick<TlsOptions, 'tls' | 'tlsMinVersion'>) {
  return { ...tls, minVersion: tlsMinVersion, ciphers: TLS_CIPHERS };
}

export function createTlsThread<T>(options: TlsOptions, events: TlsEvents<T>): TlsThread {
  let thread: OneThread<T> | undefined;
  let tls = options.tls;
  let isStopping = false;
  let closing: Promise<void> | undefined;

  async function start(port: number): Promise<{ readonly port: number }> {
    const started = new OneThread({ ...options, tls, port }, events);
    thread = started;
    const listening = await started.listening;
    started.ended.then((error) => {
      if (isStopping) return;
      events.trouble(error ?? new Error('the thread of the devices has ended'));
      again(listening.port);
    });
    return listening;
  }

  /** Its connections are gone; the devices come back to where they were. */
  function again(port: number): void {
    setTimeout(() => {
      if (isStopping) return;
      start(port).catch((error: unknown) => {
        events.trouble(error);
        again(port);
      });
    }, AGAIN_MS).unref();
  }

  async function close(): Promise<void> {
    isStopping = true;
    await thread?.finish();
  }

  return {
    listen: () => start(options.port),
    renewTls(renewed) {
      // Whether it can be used shows here, to whoever asked, and not in the thread that has everybody's connections.
      createSecureContext(secureContextOf({ ...options, tls: renewed }));
      tls = renewed;
      thread?.order({ kind: 'renew', tls });
    },
    stopListening() {
      isStopping = true;
      thread?.order({ kind: 'stop-listening' });
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** Long enough that a fault at every start does not fill the processor. */
const AGAIN_MS = 1_000;
/** What was said last is on its way by then. */
const FINISH_MS = 2_000;

class OneThread<T> {
  readonly listening: Promise<{ readonly port: number }>;
  /** With the error that ended it, if one did. */
  readonly ended: Promise<unknown>;
  readonly #events: TlsEvents<T>;
  readonly #worker: Worker;
  readonly #connections = new Map<number, T>();
  readonly #taken = new Int32Array(new SharedArrayBuffer(4));
  readonly #telling = new BatchWriter();
  #isTelling = false;
  #isEnded = false;

  constructor(options: TlsOptions, events: TlsEvents<T>) {
    this.#events = events;
    const workerData: TlsThreadData = { options, taken: this.#taken.buffer as SharedArrayBuffer };
    const worker = startThread(new URL('./tls-thread-worker.ts', import.meta.url), workerData);
    this.#worker = worker;
    this.listening = new Promise((resolve, reject) => {
      worker.on('message', (message: Uint8Array | Answer) => {
        if (message instanceof Uint8Array) this.#take(Buffer.from(message.buffer));
        else if (message.kind === 'listening') resolve(message);
        else if (message.kind === 'failed') reject(asError(message.error));
        else events.trouble(asError(message.error));
      });
      worker.once('error', reject);
      worker.once('exit', () => reject(new Error('the thread of the devices did not start')));
    });
    this.listening.catch(() => this.#worker.terminate());
    this.ended = new Promise((resolve) => {
      let cause: unknown;
      worker.once('error', (error) => {
        cause = error;
      });
      worker.once('exit', () => {
        this.#isEnded = true;
        for (const connection of this.#connections.values()) events.closed(connection);
        this.#connections.clear();
        resolve(cause);
      });
    });
  }

  order(order: Order): void {
    this.#tell();
    this.#worker.postMessage(order);
  }

  async finish(): Promise<void> {
    if (!this.#isEnded) this.order({ kind: 'finish' });
    const late = setTimeout(() => void this.#worker.terminate(), FINISH_MS);
    await this.ended;
    clearTimeout(late);
  }

  /** What goes to the sockets in this round of the event loop goes together. */
  tell(connection: number, what: number, bytes?: Buffer, length?: number): void {
    this.#telling.add(connection, what, bytes, length);
    if (this.#telling.size >= BATCH_BYTES_MAX) this.#tell();
    if (this.#isTelling) return;
    this.#isTelling = true;
    process.nextTick(tellAll, this);
  }

  tellAll(): void {
    this.#isTelling = false;
    this.#tell();
  }

  #tell(): void {
    if (this.#telling.size === 0) return;
    const batch = this.#telling.take();
    this.#worker.postMessage(batch, [batch.buffer]);
  }

  #take(batch: Buffer): void {
    readBatch(batch, (id, what, start, end) => {
      if (what === Said.bytes) {
        const connection = this.#connections.get(id);
        if (connection !== undefined) this.#events.received(connection, batch, start, end);
      } else this.#hear(id, what, batch, start, end);
    });
    Atomics.store(this.#taken, 0, (Atomics.load(this.#taken, 0) + batch.length) | 0);
    Atomics.notify(this.#taken, 0);
  }

  #hear(id: number, what: number, batch: Buffer, start: number, end: number): void {
    const connection = this.#connections.get(id);
    switch (what) {
      case Said.opened: {
        const { address, peer, isResumed }: Opened = JSON.parse(batch.toString('utf8', start, end));
        this.#connections.set(id, this.#events.opened(new ThreadSocket(id, address, this), peer, isResumed));
        return;
      }
      case Said.closed:
        this.#connections.delete(id);
        if (connection !== undefined) this.#events.closed(connection);
        return;
      case Said.behind:
        if (connection !== undefined) this.#events.behind(connection);
        return;
      case Said.refused:
        this.#events.refused(JSON.parse(batch.toString('utf8', start, end)));
        return;
      case Said.full:
        this.#events.full();
    }
  }
}

function asError({ message, ...rest }: PlainError): Error {
  return Object.assign(new Error(message), rest);
}

function tellAll(thread: { tellAll(): void }): void {
  thread.tellAll();
}

interface Teller {
  tell(connection: number, what: number, bytes?: Buffer, length?: number): void;
}

class ThreadSocket implements DeviceSocket {
  readonly remoteAddress: string | undefined;
  readonly #id: number;
  readonly #thread: Teller;

  constructor(id: number, remoteAddress: string | undefined, thread: Teller) {
    this.#id = id;
    this.remoteAddress = remoteAddress;
    this.#thread = thread;
  }

  write(bytes: Buffer, length?: number): void {
    this.#thread.tell(this.#id, Told.write, bytes, length);
  }

  end(words?: Buffer): void {
    this.#thread.tell(this.#id, Told.end, words);
  }

  destroy(): void {
    this.#thread.tell(this.#id, Told.destroy);
  }

  pause(): void {
    this.#thread.tell(this.#id, Told.pause);
  }

  resume(): void {
    this.#thread.tell(this.#id, Told.resume);
  }
}
