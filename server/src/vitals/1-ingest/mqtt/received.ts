import type { TLSSocket } from 'node:tls';

/**
 * What a device sends, handed on as it arrives: the first `length` bytes, which are overwritten once `take` returns.
 *
 * Node gives a client's socket one buffer to read into (`onread` of `tls.connect`), and a server's only a stream, which
 * makes a buffer for each packet and runs through the stream's machinery before anybody sees it: with a reading a second
 * from each of ten thousand devices, more work than parsing it. So a server's socket is set up here as `onread` sets up
 * a client's, by the parts of Node that do it. Where they are not found, as in another version, it stays a stream.
 */
export function onReceived(socket: TLSSocket, take: (bytes: Buffer, length: number) => void): 'direct' | 'streamed' {
  const inner = socket as unknown as Inner;
  const [buffer, callback] = [symbolNamed(socket, 'kBuffer'), symbolNamed(socket, 'kBufferCb')];
  if (buffer === undefined || callback === undefined || typeof inner._handle?.useUserBuffer !== 'function') {
    socket.on('data', (chunk: Buffer) => take(chunk, chunk.length));
    return 'streamed';
  }
  inner[buffer] = RECEIVED;
  inner[callback] = (length: number): void => take(RECEIVED, length);
  inner._handle.useUserBuffer(RECEIVED);
  return 'direct';
}

/**
 * One for all connections: what is in it has been dealt with before anything else is read. As much as a TLS record holds
 * (RFC 8446, 5.1); what is longer comes in parts.
 */
const RECEIVED = Buffer.allocUnsafeSlow(16 * 1024);

/** A socket's own parts, as `net.Socket` of Node 24 has them. */
interface Inner {
  readonly _handle?: { useUserBuffer?(into: Uint8Array): void };
  [part: symbol]: unknown;
}

/** By the name that Node gave it: the same for all sockets. */
function symbolNamed(socket: TLSSocket, name: string): symbol | undefined {
  const known = found.get(name);
  if (known !== undefined) return known;
  const symbol = Object.getOwnPropertySymbols(socket).find(({ description }) => description === name);
  if (symbol !== undefined) found.set(name, symbol);
  return symbol;
}
const found = new Map<string, symbol>();
