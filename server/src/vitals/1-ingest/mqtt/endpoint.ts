import { randomUUID } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { DeviceId } from '../../../domain/ids.ts';
import { TLS_CIPHERS } from '../../../serve/tls-ciphers.ts';
import type { Log } from '../../../telemetry/log.ts';
import { defaultMqttBounds, type MqttBounds } from './bounds.ts';
import { Connection, type Peer } from './connection.ts';
import type { MqttContext, MqttHooks, MqttWorld } from './context.ts';
import { type CommandOutcome, publishConfig, sendCommand } from './deliver.ts';
import { drain } from './drain.ts';
import { HandshakeGate } from './handshakes.ts';
import { leave } from './leave.ts';
import { guard } from './output.ts';
import { doorSeen, peerOf } from './peer.ts';
import { read } from './read.ts';
import { onReceived } from './received.ts';
import { Sessions } from './sessions.ts';
import { recheck, startSweep } from './sweep.ts';
import { TokenBucket } from './token-bucket.ts';

export interface MqttTls {
  readonly key: string;
  readonly cert: string;
  /** Sign the devices, one PEM after the other; nothing else may connect. */
  readonly ca: string;
}

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
  /** With what each of them is connected. */
  connectedWith(): readonly Pick<Peer, 'deviceId' | 'serial' | 'notBeforeMs' | 'notAfterMs'>[];
  /** Stops reading, acknowledges what is under way, says goodbye. Idempotent. */
  close(): Promise<void>;
}

export function createMqttEndpoint(options: MqttEndpointOptions): MqttEndpoint {
  const context = contextOf(options);
  const { bounds, hooks } = context;
  const tls = createTlsServer({
    ...options.tls,
    minVersion: options.tlsMinVersion ?? 'TLSv1.3',
    ciphers: TLS_CIPHERS,
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout: bounds.handshakeTimeoutMs,
    sessionTimeout: bounds.ticketLifetimeSeconds,
  });
  const { monotonicMs } = context;
  const gate = new HandshakeGate({
    tls,
    runningMax: bounds.handshakesMax,
    waitingMax: bounds.handshakesWaitingMax,
    patienceMs: bounds.handshakeTimeoutMs,
    monotonicMs,
  });
  // Sockets arrive unread, so that the gate can let them wait. A reading is a small packet: Nagle would hold its
  // acknowledgement back. TCP's own keep alive finds dead peers of clients without one, at no cost to us.
  const server = createServer(
    { pauseOnConnect: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE_MS },
    (socket: Socket) => {
      if (context.open.size >= bounds.connectionsMax + bounds.handshakesMax) {
        socket.destroy();
        hooks.connect?.('full');
      } else if (!gate.enter(socket)) hooks.handshake?.('failed');
    },
  );
  tls.on('secureConnection', (socket: TLSSocket) => {
    gate.ended();
    hooks.handshake?.(socket.isSessionReused() ? 'resumed' : 'full');
    attach(context, socket);
  });
  tls.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    gate.ended();
    hooks.handshake?.('failed');
    hooks.door?.({ ...doorSeen({ peer: undefined, socket }), what: 'refused', reason: error.code ?? 'tls' });
    context.log?.debug('a TLS handshake failed', { component: 'mqtt', code: error.code });
  });
  const sweep = startSweep(context);
  let closing: Promise<void> | undefined;

  return {
    listen: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen({ port: options.port, host: options.host, backlog: BACKLOG }, () => {
          server.off('error', reject);
          server.on('error', (error) => context.log?.error('accepting MQTT connections failed', { error }));
          resolve({ port: (server.address() as { port: number }).port });
        });
      }),
    recheck: () => recheck(context),
    publishConfig: (deviceId) => publishConfig(context, deviceId),
    sendCommand: (deviceId, payload) => sendCommand(context, deviceId, payload),
    renewTls: (renewed) => tls.setSecureContext({ ...renewed, minVersion: options.tlsMinVersion ?? 'TLSv1.3' }),
    sessions: () => context.connected,
    connectedWith: () =>
      [...context.open].flatMap(({ peer, session, leftAtMs }) =>
        peer === undefined || session === undefined || leftAtMs !== undefined ? [] : [peer],
      ),
    close() {
      closing ??= close();
      return closing;
    },
  };

  async function close(): Promise<void> {
    server.close();
    gate.close();
    await drain(context);
    sweep.stop();
  }
}

/** One TCP connection whose handshake is done becomes one `Connection`. */
function attach(context: MqttContext, socket: TLSSocket): void {
  const connection = new Connection(socket, peerOf(socket), context.monotonicMs());
  context.open.add(connection);
  onReceived(socket, (bytes, length) => {
    if (connection.leftAtMs !== undefined) return;
    connection.frames.push(bytes, length);
    guard(context, connection, read);
    connection.frames.settle();
  });
  socket.on('error', ignore); // `close` follows, and says all that matters
  socket.on('close', () => {
    context.open.delete(connection);
    leave(context, connection, 'connection-lost');
  });
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

const ignore = (): void => {};

const TCP_KEEP_ALIVE_MS = 60_000;
/** Connections the kernel holds while a tick of ours lasts; it caps this at net.core.somaxconn. */
const BACKLOG = 4_096;
