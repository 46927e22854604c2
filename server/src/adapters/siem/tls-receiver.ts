import { connect, type TLSSocket } from 'node:tls';
import type { AuditReceiver } from '../../ports/audit-receiver.ts';

export interface TlsReceiverSettings {
  readonly host: string;
  readonly port: number;
  /** PEM of who may vouch for it; the public authorities otherwise. */
  readonly ca?: string;
  readonly timeoutMs?: number;
}

/** A connection that makes no progress for so long is given up, and everything sent again. */
const TIMEOUT_MS = 20_000;

/**
 * Frames over TLS 1.2 or newer to a receiver whose certificate names it (RFC 5425 §5.2). A connection for each round:
 * syslog has no acknowledgement, but a receiver answers our close_notify with its own only after it has read what came
 * before it (§4.4), and a connection that breaks answers with none.
 */
export class TlsReceiver implements AuditReceiver {
  readonly #settings: TlsReceiverSettings;
  /** Resumed, a handshake costs no certificate again. */
  #session: Buffer | undefined;

  constructor(settings: TlsReceiverSettings) {
    this.#settings = settings;
  }

  deliver(frames: readonly Buffer[]): Promise<void> {
    const { host, port, ca, timeoutMs = TIMEOUT_MS } = this.#settings;
    return new Promise((resolve, reject) => {
      const socket = connect({
        host,
        port,
        servername: isName(host) ? host : '',
        minVersion: 'TLSv1.2',
        ...(ca !== undefined && { ca }),
        ...(this.#session !== undefined && { session: this.#session }),
      });
      let isAnswered = false;
      socket.setTimeout(timeoutMs, () => socket.destroy(new Error('the receiver does not answer')));
      socket.on('session', (session) => {
        this.#session = session;
      });
      socket.on('secureConnect', () => void send(socket, frames));
      // The receiver's close_notify: it has come after ours, or frames were left unread.
      socket.on('end', () => {
        isAnswered = socket.writableFinished;
      });
      socket.on('data', () => undefined); // nothing is expected; what is not read would hold the end back
      socket.on('error', reject);
      socket.on('close', () => {
        if (isAnswered) resolve();
        else reject(new Error('the receiver ended the connection before it had everything'));
      });
    });
  }
}

async function send(socket: TLSSocket, frames: readonly Buffer[]): Promise<void> {
  const broken = new Promise((resolve) => void socket.once('close', resolve));
  for (const frame of frames) {
    if (socket.destroyed) return;
    if (socket.write(frame)) continue;
    await Promise.race([broken, new Promise((drained) => void socket.once('drain', drained))]);
  }
  socket.end();
}

const isName = (host: string): boolean => /[a-z]/i.test(host) && !host.includes(':');
