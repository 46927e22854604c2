import type { DeviceId } from '../../../domain/ids.ts';
import type { IngestOutcome } from '../../../domain/problem.ts';
import type { DoorSeen } from '../../../ports/door-seen.ts';
import type { Log } from '../../../telemetry/log.ts';
import type { MqttBounds } from './bounds.ts';
import type { CloseCause, Connection } from './connection.ts';
import type { Sessions } from './sessions.ts';

/** What the endpoint asks of the rest of the program. */
export interface MqttWorld {
  /**
   * Stores one reading, `bytes[start, end)`, which are read before this returns. What the message hears decides its
   * acknowledgement; a throw means that nothing was stored.
   */
  ingest(message: IngestedMessage, bytes: Buffer, start: number, end: number): void;
  /** Asked at every CONNECT and again while connected: a resumed TLS session does not verify the certificate anew. */
  deviceAccess(deviceId: DeviceId, serial: string, fingerprint: string): DeviceAccess;
  /** The device's last word is gone or it is back; once per change. Not called when the endpoint itself stops. */
  presence(deviceId: DeviceId, state: 'online' | 'offline', reason: PresenceReason): void;
  /** JSON text retained on the device's configuration topic. */
  configOf(deviceId: DeviceId): string | undefined;
  /**
   * A request for a certificate, PKCS#10. What it resolves with is sent to the device; it never rejects. Absent: devices
   * renew elsewhere, and the topic is not theirs.
   */
  certificateRequest?(deviceId: DeviceId, serial: string, request: Buffer): Promise<string>;
}

/** Whose reading it is and when it came. Hears one of the two, once, and never before it was taken in. */
export interface IngestedMessage {
  readonly deviceId: DeviceId;
  readonly transport: 'mqtt';
  readonly receivedAtMs: number;
  answered(outcome: IngestOutcome): void;
  /** By a defect: nothing is known to be stored. */
  failed(error: unknown): void;
}

export type DeviceAccess = 'allowed' | 'revoked' | 'unknown-device';

export type PresenceReason = 'connect' | 'will' | CloseCause;

/** Counters; all optional, labels from closed lists. */
export interface MqttHooks {
  readonly connect?: (outcome: ConnectLabel) => void;
  readonly disconnect?: (cause: CloseCause) => void;
  readonly refused?: (reason: RefusedMessage) => void;
  readonly handshake?: (outcome: 'full' | 'resumed' | 'failed') => void;
  readonly ackMs?: (ms: number) => void;
  /** Who came in, was refused or was put out, for the record. */
  readonly door?: (seen: DoorSeen) => void;
}

export type ConnectLabel =
  | 'accepted'
  | 'resumed'
  | 'not-authorized'
  | 'revoked'
  | 'unknown-device'
  | 'certificate-expired'
  | 'bad-client-id'
  | 'bad-will'
  | 'bad-version'
  | 'bad-authentication'
  | 'malformed'
  | 'full'
  | 'slowed'
  | 'shutting-down';

export type RefusedMessage = 'foreign-topic' | 'rejected' | 'unavailable' | 'failed' | 'slowed' | 'packet-id-in-use';

/** What the endpoint's own files share. */
export interface MqttContext {
  readonly world: MqttWorld;
  readonly bounds: MqttBounds;
  readonly hooks: MqttHooks;
  readonly log: Log | undefined;
  /** Wall clock: when a reading was received. */
  readonly now: () => number;
  /** Never jumps: for every delay and timeout. */
  readonly monotonicMs: () => number;
  readonly newClientId: () => string;
  readonly sessions: Sessions;
  /** Every socket whose handshake is done, until it is closed. */
  readonly open: Set<Connection>;
  /** How many have an accepted CONNECT. */
  connected: number;
  isDraining: boolean;
  /** Bytes handed to the log and not yet answered, over all devices. */
  unackedBytes: number;
  /** Held until `unackedBytes` falls. */
  readonly heldForMemory: Set<Connection>;
  /** Held until their device's bucket has a token. */
  readonly heldForRate: Set<Connection>;
  /** When each device's CONNECTs, evenly spaced, would have come: ahead of now by what it came too early. */
  readonly connectPace: Map<DeviceId, number>;
  /** A tick for them is scheduled. */
  isTicking: boolean;
  readonly dirty: Connection[];
  /** Reads on what has arrived on a connection: for those who let go of it. */
  readonly read: (connection: Connection) => void;
  readonly offlineDue: Map<DeviceId, { readonly atMs: number; readonly reason: PresenceReason }>;
}
