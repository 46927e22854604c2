import type { DeviceId } from '../../../domain/ids.ts';
import type { DeviceState, Session } from './connection.ts';
import type { TokenBucket } from './token-bucket.ts';

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

export function newSession(device: DeviceState, clientId: string): Session {
  return {
    device,
    clientId,
    connection: undefined,
    expirySeconds: 0,
    expiresAtMs: 0,
    config: undefined,
    commands: undefined,
    certificate: undefined,
    isConfigStale: false,
    unreleased: undefined,
    outgoing: [],
    waiting: [],
    lastPacketId: 0,
  };
}
