import type { DeviceId } from '../../../domain/ids.ts';
import type { DeviceSocket } from './device-socket.ts';
import { Frames } from './framing.ts';
import { PendingAcks } from './pending-acks.ts';
import type { TokenBucket } from './token-bucket.ts';

/** Who is at the other end, by the certificate TLS has verified. */
export interface Peer {
  readonly deviceId: DeviceId;
  /** Upper-case hex, as the registry stores it. */
  readonly serial: string;
  /** SHA-256 of the certificate, lower-case hex. */
  readonly fingerprint: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** Why a connection is not being read, as bits: it is read again when none is left. */
export const Hold = { inFlight: 1, rate: 2, memory: 4, leaving: 8, news: 16 } as const;

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

/** One network connection. Plain state: the files beside this one act on it. */
export class Connection {
  readonly socket: DeviceSocket;
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
  readonly pending = new PendingAcks();
  /** Messages of any QoS that are with the log. */
  withLog = 0;
  readonly out: Buffer[] = [];
  isDirty = false;
  /** To be told with the next acknowledgement that it was too fast. */
  wasSlowed = false;
  /** Held at CONNECT until then. */
  connectAtMs = 0;
  /** Nobody knew its certificate, and it is looked at once more. */
  wasUnknown = false;
  /** When to leave, though the time has not come yet. */
  leaveAtMs = Number.POSITIVE_INFINITY;
  /** When we took leave; `undefined` while we talk. */
  leftAtMs: number | undefined;
  closeCause: CloseCause | undefined;

  constructor(socket: DeviceSocket, peer: Peer | undefined, nowMs: number) {
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

/**
 * What outlives a connection (v5 4.1). A session belongs to a device and a client id together: a client id chosen by
 * one device can never take over another's session. Held in memory only: after a restart of the process clients find
 * no session present and subscribe again; what they had under way is theirs to keep (docs/adr/0002-mqtt-endpoint.md).
 */
export interface Session {
  readonly device: DeviceState;
  readonly clientId: string;
  connection: Connection | undefined;
  /** How long it outlives its connection; 0 ends it there. */
  expirySeconds: number;
  /** Monotonic; only meaningful without a connection. */
  expiresAtMs: number;
  /** Granted QoS and options, where subscribed. */
  config: Subscription | undefined;
  commands: Subscription | undefined;
  /** For answers to requests for a certificate. */
  certificate: Subscription | undefined;
  /** The configuration changed while the client was away. */
  isConfigStale: boolean;
  /** QoS 2 messages we took responsibility for and the client has not released yet: a repeat is not taken twice. */
  unreleased: Set<number> | undefined;
  /** Sent, not yet acknowledged by the client; sent again when it comes back (MQTT-4.4.0-1). */
  readonly outgoing: Outgoing[];
  /** Commands that wait for a place among `outgoing`, or for the client. */
  readonly waiting: Outgoing[];
  lastPacketId: number;
}

export interface Subscription {
  readonly qos: 0 | 1;
  readonly retainAsPublished: boolean;
}

export interface Outgoing {
  readonly topic: string;
  readonly payload: Buffer | string;
  readonly isRetained: boolean;
  /** 0 until sent. */
  packetId: number;
  /** On the present connection. */
  isUnderWay: boolean;
  /** Monotonic; a message not yet sent by then is dropped. */
  readonly expiresAtMs: number;
}

/** All that is known of one device while it has a session or is about to be reported offline. */
export interface DeviceState {
  readonly id: DeviceId;
  readonly sessions: Session[];
  readonly bucket: TokenBucket;
  isOnline: boolean;
}
