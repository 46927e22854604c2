import { randomUUID } from 'node:crypto';
import type { DeviceId } from '../../../domain/ids.ts';
import type { Log } from '../../../telemetry/log.ts';
import { defaultMqttBounds, type MqttBounds } from './bounds.ts';
import { Connection, type Peer } from './connection.ts';
import type { MqttContext, MqttHooks, MqttWorld } from './context.ts';
import { type CommandOutcome, publishConfig, sendCommand } from './deliver.ts';
import { drain } from './drain.ts';
import { leave } from './leave.ts';
import { cut, guard } from './output.ts';
import { doorSeen } from './peer.ts';
import { read } from './read.ts';
import { Sessions } from './sessions.ts';
import { recheck, startSweep } from './sweep.ts';
import { createTlsThread, type MqttTls } from './tls-thread.ts';
import { TokenBucket } from './token-bucket.ts';

export interface MqttEndpointOptions extends MqttWorld {
  readonly tls: MqttTls;
  /** Default TLS 1.3; 1.2 for devices that know nothing newer. */
  readonly tlsMinVersion?: 'TLSv1.2' | 'TLSv1.3';
  readonly host?: string;
  /** 0: chosen by the system. */
  readonly port: number;
  readonly bounds?: Partial<MqttBounds>;
  readonly hooks?: MqttHooks;
  readonly log?: Log;
  /** Wall clock, ms since 1970 UTC. */
  readonly now: () => number;
  /** Default: `performance.now`. */
  readonly monotonicMs?: () => number;
  /** For clients that bring none. Default: a random UUID. */
  readonly newClientId?: () => string;
}

/** The door for devices that speak MQTT 3.1.1 or 5. See docs/adr/0002-mqtt-endpoint.md. */
export interface MqttEndpoint {
  listen(): Promise<{ readonly port: number }>;
  /** Asks `deviceAccess` again for everyone connected; done by itself every `recheckEveryMs`. */
  recheck(): void;
  /** The device's configuration changed: tells it. */
  publishConfig(deviceId: DeviceId): void;
  sendCommand(deviceId: DeviceId, payload: string | Buffer): CommandOutcome;
  /** A renewed certificate, for connections from now on. */
  renewTls(tls: MqttTls): void;
  /** How many clients are connected. */
  sessions(): number;
  /** With what each of them is connected. Others may come and go while it is read. */
  connectedWith(): Iterable<Pick<Peer, 'deviceId' | 'serial' | 'notBeforeMs' | 'notAfterMs'>>;
  /** Stops reading, acknowledges what is under way, says goodbye. Idempotent. */
  close(): Promise<void>;
}

export function createMqttEndpoint(options: MqttEndpointOptions): MqttEndpoint {
  const context = contextOf(options);
  const { bounds, hooks } = context;
  const sockets = createTlsThread<Connection>(
    {
      tls: options.tls,
      tlsMinVersion: options.tlsMinVersion ?? 'TLSv1.3',
      host: options.host,
      port: options.port,
      connectionsMax: bounds.connectionsMax,
      handshakesMax: bounds.handshakesMax,
      handshakesWaitingMax: bounds.handshakesWaitingMax,
      handshakeTimeoutMs: bounds.handshakeTimeoutMs,
      ticketLifetimeSeconds: bounds.ticketLifetimeSeconds,
      unsentBytesMax: bounds.unsentBytesMax,
    },
    {
      opened(socket, peer, isResumed) {
        hooks.handshake?.(isResumed ? 'resumed' : 'full');
        const connection = new Connection(socket, peer, context.monotonicMs());
        context.open.add(connection);
        return connection;
      },
      received(connection, bytes, start, end) {
        if (connection.leftAtMs !== undefined) return;
        connection.frames.push(bytes, start, end);
        guard(context, connection, read);
        connection.frames.settle();
      },
      closed(connection) {
        context.open.delete(connection);
        leave(context, connection, 'connection-lost');
      },
      behind: (connection) => cut(context, connection, 'slow-reader'),
      refused({ reason, address }) {
        hooks.handshake?.('failed');
        if (reason === undefined) return;
        hooks.door?.({ ...doorSeen({ peer: undefined, socket: { remoteAddress: address } }), what: 'refused', reason });
        context.log?.debug('a TLS handshake failed', { component: 'mqtt', code: reason });
      },
      full: () => hooks.connect?.('full'),
      trouble: (error) => context.log?.error('the sockets of devices are in trouble', { component: 'mqtt', error }),
    },
  );
  const sweep = startSweep(context);
  let closing: Promise<void> | undefined;

  return {
    listen: () => sockets.listen(),
    recheck: () => recheck(context),
    publishConfig: (deviceId) => publishConfig(context, deviceId),
    sendCommand: (deviceId, payload) => sendCommand(context, deviceId, payload),
    renewTls: (tls) => sockets.renewTls(tls),
    sessions: () => context.connected,
    *connectedWith() {
      for (const { peer, session, leftAtMs } of context.open)
        if (peer !== undefined && session !== undefined && leftAtMs === undefined) yield peer;
    },
    close() {
      closing ??= close();
      return closing;
    },
  };

  async function close(): Promise<void> {
    sockets.stopListening();
    await drain(context);
    sweep.stop();
    await sockets.close();
  }
}

function contextOf(options: MqttEndpointOptions): MqttContext {
  const bounds = { ...defaultMqttBounds, ...options.bounds };
  const monotonicMs = options.monotonicMs ?? (() => performance.now());
  const newBucket = () => new TokenBucket(bounds.packetsPerSecondMax, bounds.packetsBurstMax, monotonicMs());
  const context: MqttContext = {
    world: options,
    bounds,
    hooks: options.hooks ?? {},
    log: options.log,
    now: options.now,
    monotonicMs,
    newClientId: options.newClientId ?? randomUUID,
    sessions: new Sessions({ newBucket, offlineMax: bounds.offlineSessionsMax }),
    open: new Set(),
    connected: 0,
    isDraining: false,
    unackedBytes: 0,
    heldForMemory: new Set(),
    heldForRate: new Set(),
    connectPace: new Map(),
    isTicking: false,
    dirty: [],
    read: (connection) => guard(context, connection, read),
    offlineDue: new Map(),
  };
  return context;
}
