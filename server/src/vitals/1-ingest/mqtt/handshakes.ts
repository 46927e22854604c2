import type { Socket } from 'node:net';
import type { Server as TlsServer } from 'node:tls';

/**
 * Lets in so many TLS handshakes at a time; the others wait as plain, unread TCP sockets. When a whole network
 * reconnects, the readings of those who are in already are not stuck behind ten thousand handshakes.
 */
export class HandshakeGate {
  #running = 0;
  /** A FIFO with a moving head; waiting sockets are unread, so nothing is lost. */
  readonly #waiting: Waiting[] = [];
  #head = 0;
  readonly #tls: TlsServer;
  readonly #runningMax: number;
  readonly #waitingMax: number;
  readonly #patienceMs: number;
  readonly #monotonicMs: () => number;

  constructor(options: {
    readonly tls: TlsServer;
    readonly runningMax: number;
    readonly waitingMax: number;
    /** Who has waited longer has given up by now. */
    readonly patienceMs: number;
    readonly monotonicMs: () => number;
  }) {
    this.#tls = options.tls;
    this.#runningMax = options.runningMax;
    this.#waitingMax = options.waitingMax;
    this.#patienceMs = options.patienceMs;
    this.#monotonicMs = options.monotonicMs;
  }

  /** False if there was no room, not even to wait. */
  enter(socket: Socket): boolean {
    if (this.#running < this.#runningMax) {
      this.#start(socket);
      return true;
    }
    if (this.#waiting.length - this.#head >= this.#waitingMax) {
      socket.destroy();
      return false;
    }
    socket.on('error', ignore);
    this.#waiting.push({ socket, sinceMs: this.#monotonicMs() });
    return true;
  }

  /** To be called once for every handshake that has ended, well or not. */
  ended(): void {
    this.#running -= 1;
    while (this.#running < this.#runningMax) {
      const next = this.#next();
      if (next === undefined) return;
      this.#start(next);
    }
  }

  close(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) next.destroy();
  }

  get running(): number {
    return this.#running;
  }

  #start(socket: Socket): void {
    this.#running += 1;
    this.#tls.emit('connection', socket);
  }

  #next(): Socket | undefined {
    while (this.#head < this.#waiting.length) {
      const { socket, sinceMs } = this.#waiting[this.#head] as Waiting;
      this.#head += 1;
      if (this.#head > 1024 && this.#head * 2 > this.#waiting.length) {
        this.#waiting.splice(0, this.#head);
        this.#head = 0;
      }
      if (!socket.destroyed && this.#monotonicMs() - sinceMs < this.#patienceMs) return socket;
      socket.destroy();
    }
    this.#waiting.length = 0;
    this.#head = 0;
    return undefined;
  }
}

interface Waiting {
  readonly socket: Socket;
  readonly sinceMs: number;
}

const ignore = (): void => {};
