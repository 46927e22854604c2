import type { DeviceId } from '../../../domain/ids.ts';
import type { Connection } from './connection.ts';
import type { TokenBucket } from './token-bucket.ts';

/**
 * What outlives a connection (v5 4.1). A session belongs to a device and a client id together: a client id chosen by
 * one device can never take over another's session. Held in memory only: after a restart of the process clients find
 * no session present, subscribe again, and send again what was not acknowledged.
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

export function newSession(device: DeviceState, clientId: string): Session {
  return {
    device,
    clientId,
    connection: undefined,
    expirySeconds: 0,
    expiresAtMs: 0,
    config: undefined,
    commands: undefined,
    isConfigStale: false,
    unreleased: undefined,
    outgoing: [],
    waiting: [],
    lastPacketId: 0,
  };
}

/** The devices and sessions of this endpoint. */
export class Sessions {
  readonly #devices = new Map<DeviceId, DeviceState>();
  /** Sessions without a connection, longest waiting first. */
  readonly #offline = new Set<Session>();
  readonly #newBucket: () => TokenBucket;
  readonly #offlineMax: number;

  constructor(options: { readonly newBucket: () => TokenBucket; readonly offlineMax: number }) {
    this.#newBucket = options.newBucket;
    this.#offlineMax = options.offlineMax;
  }

  find(id: DeviceId): DeviceState | undefined {
    return this.#devices.get(id);
  }

  device(id: DeviceId): DeviceState {
    const known = this.#devices.get(id);
    if (known !== undefined) return known;
    const made: DeviceState = { id, sessions: [], bucket: this.#newBucket(), isOnline: false };
    this.#devices.set(id, made);
    return made;
  }

  add(session: Session): void {
    session.device.sessions.push(session);
    // It may have been forgotten meanwhile, with the last of its old sessions.
    this.#devices.set(session.device.id, session.device);
  }

  /** The session has a connection again. */
  attached(session: Session): void {
    this.#offline.delete(session);
  }

  /** Keeps a session for its client's return; beyond the bound the one that waits longest gives way. */
  keepOffline(session: Session, nowMs: number): void {
    session.expiresAtMs = nowMs + session.expirySeconds * 1000;
    this.#offline.add(session);
    if (this.#offline.size > this.#offlineMax) {
      for (const oldest of this.#offline) {
        this.end(oldest);
        break;
      }
    }
  }

  end(session: Session): void {
    this.#offline.delete(session);
    const { sessions } = session.device;
    const at = sessions.indexOf(session);
    if (at >= 0) sessions.splice(at, 1);
    this.forgetIfIdle(session.device);
  }

  /** A device that is neither connected nor waiting to be reported needs no memory. */
  forgetIfIdle(device: DeviceState): void {
    if (device.sessions.length === 0 && !device.isOnline) this.#devices.delete(device.id);
  }

  expire(nowMs: number): void {
    for (const session of this.#offline) if (session.expiresAtMs <= nowMs) this.end(session);
  }
}
