import type { TLSSocket } from 'node:tls';
import type { DeviceId } from '../../../domain/ids.ts';
import { Frames } from './framing.ts';
import type { Session } from './session.ts';

/** Who is at the other end, by the certificate TLS has verified. */
export interface Peer {
  readonly deviceId: DeviceId;
  /** Upper-case hex, as the registry stores it. */
  readonly serial: string;
  readonly notAfterMs: number;
}

/** Why a connection is not being read, as bits: it is read again when none is left. */
export const Hold = { inFlight: 1, rate: 2, memory: 4, leaving: 8 } as const;

/** Why a connection ended; the closed list behind the metric and the presence reason. */
export type CloseCause =
  | 'disconnect' // the client said so
  | 'disconnect-with-will'
  | 'connection-lost'
  | 'keep-alive'
  | 'taken-over'
  | 'access-withdrawn'
  | 'certificate-expired'
  | 'not-connected' // no valid CONNECT in time, or anything else first
  | 'refused'
  | 'malformed'
  | 'protocol-error'
  | 'too-large'
  | 'foreign-topic'
  | 'slow-reader'
  | 'unavailable'
  | 'defect' // ours
  | 'shutdown';

/** A QoS 1 or 2 message that is with the log. Acknowledged in the order received (MQTT-4.6.0-2, -3). */
export interface PendingAck {
  readonly packetId: number;
  readonly qos: 1 | 2;
  /** `undefined` while it is with the log; `NEVER` if it must not be acknowledged. */
  reason: number | undefined;
  text: string | undefined;
}

/** One network connection. Plain state: the files beside this one act on it. */
export class Connection {
  readonly socket: TLSSocket;
  readonly peer: Peer | undefined;
  readonly frames = new Frames();
  /** Monotonic, as all times here. */
  readonly openedAtMs: number;
  /** 0 until a CONNECT was accepted. */
  version: 0 | 4 | 5 = 0;
  session: Session | undefined;
  /** The only topic this client may publish to. */
  readingsTopic = '';
  lastPacketAtMs: number;
  /** One and a half times the keep alive (MQTT-3.1.2-22); 0 for none. */
  silenceMaxMs = 0;
  /** What the client accepts. */
  receiveMax = 65_535;
  packetSizeMax = Number.POSITIVE_INFINITY;
  wantsProblemInformation = true;
  aliases: (string | undefined)[] | undefined;
  /** The will's delay; `undefined` without a will. */
  willDelaySeconds: number | undefined;
  held = 0;
  readonly pending: PendingAck[] = [];
  /** Messages of any QoS that are with the log. */
  withLog = 0;
  readonly out: Buffer[] = [];
  isDirty = false;
  /** To be told with the next acknowledgement that it was too fast. */
  wasSlowed = false;
  /** Held at CONNECT until then. */
  connectAtMs = 0;
  /** When to leave, though the time has not come yet. */
  leaveAtMs = Number.POSITIVE_INFINITY;
  /** When we took leave; `undefined` while we talk. */
  leftAtMs: number | undefined;
  closeCause: CloseCause | undefined;

  constructor(socket: TLSSocket, peer: Peer | undefined, nowMs: number) {
    this.socket = socket;
    this.peer = peer;
    this.openedAtMs = nowMs;
    this.lastPacketAtMs = nowMs;
  }

  /** Stops reading this socket, and only this one: TCP lets the client wait. */
  hold(why: number): void {
    if (this.held === 0) this.socket.pause();
    this.held |= why;
  }
}
