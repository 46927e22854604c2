import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';

/**
 * The Host header where it is surely this server's own, else nothing: for what was made for an address, such as the
 * proof of a key (RFC 9449 4.3, `htu`) or the answer of a passkey (WebAuthn §7.2, origin). It is the sender's word: any number passes the guard, and any port. Whoever got
 * a token with its proof at an address of their own would else show both here under that address. Behind another address
 * or port `HEALTHSYNC_PUBLIC_URL` says what is ours.
 */
export function surelyOwnHost({ headers, raw: { socket } }: FastifyRequest): string {
  const { host = '' } = headers;
  const url = URL.parse(`https://${host}`);
  if (url === null || url.host !== host.toLowerCase()) return '';
  const name = url.hostname.replace(/^\[|\]$/g, '');
  // IPv4 behind a socket of both families (RFC 4291 §2.5.5.2).
  const isOwnName = isIP(name) === 0 || name === socket.localAddress?.replace(/^::ffff:(?=\d)/, '');
  // Asked without a socket there is no port.
  const isOwnPort = socket.localPort === undefined || Number(url.port || 443) === socket.localPort;
  return isOwnName && isOwnPort ? host : '';
}
