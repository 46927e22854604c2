import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { HandshakeGate } from './handshakes.ts';
import { peerOf } from './peer.ts';
import { onReceived } from './received.ts';
import { BATCH_BYTES_MAX, BatchWriter, readBatch, Said, Told } from './tls-batches.ts';
import {
  type Answer,
  type Opened,
  type Order,
  type PlainError,
  type Refused,
  secureContextOf,
  type TlsThreadData,
} from './tls-thread.ts';

const TCP_KEEP_ALIVE_MS = 60_000;
/** Connections the kernel holds while a tick of ours lasts; it caps this at net.core.somaxconn. */
const BACKLOG = 4_096;
/** Some ten thousand readings: a second of ten thousand devices. */
const AHEAD_BYTES_MAX = 4 * 1024 * 1024;
const CATCH_UP_LOOK_MS = 1_000;

/** The thread of `tls-thread.ts`: accepts, shakes hands, encrypts and decrypts; of MQTT it knows nothing. */
const port = parentPort as MessagePort;
const { options, taken } = workerData as TlsThreadData;
const bytesTaken = new Int32Array(taken);
const sockets = new Map<number, TLSSocket>();
const saying = new BatchWriter();
let lastId = 0;
/** Modulo 2^32, as what the main thread has taken. */
let bytesSaid = 0;
let isSaying = false;
let isFinishing = false;

const tls = createTlsServer({
  ...secureContextOf(options),
  requestCert: true,
  rejectUnauthorized: true,
  handshakeTimeout: options.handshakeTimeoutMs,
  sessionTimeout: options.ticketLifetimeSeconds,
});
const gate = new HandshakeGate({
  tls,
  runningMax: options.handshakesMax,
  waitingMax: options.handshakesWaitingMax,
  // Longer than strangers may stall: whoever waits for their places outlasts them.
  patienceMs: 2 * options.handshakeTimeoutMs,
  monotonicMs: () => performance.now(),
});
// Sockets arrive unread, so that the gate can let them wait. A reading is a small packet: Nagle would hold its
// acknowledgement back. TCP's own keep alive finds dead peers of clients without one, at no cost to us.
const server: Server = createServer(
  { pauseOnConnect: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE_MS },
  (socket: Socket) => {
    if (sockets.size >= options.connectionsMax + options.handshakesMax) {
      socket.destroy();
      say(0, Said.full);
    } else if (!gate.enter(socket)) refused(undefined, undefined);
  },
);
tls.on('secureConnection', (socket: TLSSocket) => {
  gate.ended();
  try {
    take(socket);
  } catch (error) {
    // A certificate that one cannot make sense of costs its own connection, and not the thread with everybody's.
    socket.destroy();
    answer({ kind: 'trouble', error: plain(error as Error) });
  }
});
tls.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
  gate.ended();
  refused(error.code ?? 'tls', socket.remoteAddress);
});
server.once('error', (error) => answer({ kind: 'failed', error: plain(error) }));
server.listen({ port: options.port, host: options.host, backlog: BACKLOG }, () => {
  server.removeAllListeners('error');
  server.on('error', (error) => answer({ kind: 'trouble', error: plain(error) }));
  answer({ kind: 'listening', port: (server.address() as { port: number }).port });
});
port.on('message', (message: Uint8Array | Order) => {
  if (message instanceof Uint8Array) obey(Buffer.from(message.buffer));
  else carryOut(message);
});

function take(socket: TLSSocket): void {
  const opened: Opened = {
    isResumed: socket.isSessionReused(),
    ...(socket.remoteAddress !== undefined && { address: socket.remoteAddress }),
    peer: peerOf(socket),
  };
  const id = ++lastId;
  sockets.set(id, socket);
  say(id, Said.opened, Buffer.from(JSON.stringify(opened)));
  socket.on('error', ignore); // `close` follows, and says all that matters
  socket.on('close', () => {
    sockets.delete(id);
    say(id, Said.closed);
    endIfDone();
  });
  onReceived(socket, (bytes, length) => say(id, Said.bytes, bytes, length));
}

/** Handed over at the end of this round of the event loop, together with whatever else the round brings. */
function say(connection: number, what: number, bytes?: Buffer, length?: number): void {
  saying.add(connection, what, bytes, length);
  if (saying.size >= BATCH_BYTES_MAX) handOver();
  else if (!isSaying) {
    isSaying = true;
    setImmediate(handOver);
  }
}

function handOver(): void {
  isSaying = false;
  if (saying.size === 0) return;
  const batch = saying.take();
  bytesSaid = (bytesSaid + batch.length) | 0;
  port.postMessage(batch, [batch.buffer]);
  letMainThreadCatchUp();
}

/**
 * Devices are not read while the main thread is far behind: TCP lets them wait, as it would if it read them itself. It
 * never waits for this thread, so that both cannot wait for each other.
 */
function letMainThreadCatchUp(): void {
  for (;;) {
    const seen = Atomics.load(bytesTaken, 0);
    if (((bytesSaid - seen) | 0) <= AHEAD_BYTES_MAX) return;
    Atomics.wait(bytesTaken, 0, seen, CATCH_UP_LOOK_MS);
  }
}

function obey(batch: Buffer): void {
  readBatch(batch, (connection, what, start, end) => {
    const socket = sockets.get(connection);
    if (socket === undefined) return;
    switch (what) {
      case Told.write:
        // What has to wait is copied: a few bytes would keep the whole batch, with what is everybody else's.
        socket.write(socket.writableLength > 0 ? Buffer.from(batch.subarray(start, end)) : batch.subarray(start, end));
        if (socket.writableLength > options.unsentBytesMax) say(connection, Said.behind);
        return;
      case Told.end:
        socket.end(batch.subarray(start, end));
        return;
      case Told.destroy:
        socket.destroy();
        return;
      case Told.pause:
        socket.pause();
        return;
      case Told.resume:
        socket.resume();
    }
  });
}

function carryOut(order: Order): void {
  switch (order.kind) {
    case 'renew':
      tls.setSecureContext(secureContextOf({ ...options, tls: order.tls }));
      return;
    case 'stop-listening':
      server.close();
      gate.close();
      return;
    case 'finish':
      isFinishing = true;
      for (const socket of sockets.values()) socket.destroy();
      endIfDone();
  }
}

/** Whoever is shaking hands still, or only has a connection, is not waited for. */
function endIfDone(): void {
  if (!isFinishing || sockets.size > 0) return;
  handOver();
  process.exit(); // of this thread; what was posted arrives
}

function refused(reason: string | undefined, address: string | undefined): void {
  const seen: Refused = { ...(reason !== undefined && { reason }), ...(address !== undefined && { address }) };
  say(0, Said.refused, Buffer.from(JSON.stringify(seen)));
}

function answer(message: Answer): void {
  port.postMessage(message);
}

function plain(error: Error): PlainError {
  return { ...error, message: error.message };
}

function ignore(): void {}
