import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { type IClientOptions, type MqttClient, connect as mqttConnect } from 'mqtt';
import { generate, type Packet, parser } from 'mqtt-packet';
import { type DeviceId, parseDeviceId } from '../../../domain/ids.ts';
import type { IngestOutcome } from '../../../domain/problem.ts';
import { type Authorities, openAuthorities } from '../../../identity/authority.ts';
import { deviceUri } from '../../../identity/device-certificate.ts';
import { serverCertificate } from '../../../identity/server-certificate.ts';
import { P256, privateKeyPem } from '../../../identity/signing-authority.ts';
import type { DeviceAccess } from './context.ts';
import { createMqttEndpoint, type MqttEndpoint, type MqttEndpointOptions } from './endpoint.ts';

/** A real endpoint with real certificates, and a stand-in for the log that records what it was given. */
export interface Bench {
  readonly endpoint: MqttEndpoint;
  readonly port: number;
  readonly serverCa: string;
  readonly authorities: Authorities;
  /** What was ingested, in order. */
  readonly ingested: { readonly deviceId: string; readonly text: string }[];
  readonly presence: string[];
  readonly connects: string[];
  readonly disconnects: string[];
  readonly refused: string[];
  readonly handshakes: string[];
  /** What the log answers; replace it to refuse, delay, or fail. */
  ingest: (text: string, deviceId: string) => Promise<IngestOutcome>;
  access: Map<string, DeviceAccess>;
  readonly configs: Map<string, string>;
  identity(deviceId: string, options?: IdentityOptions): Promise<Identity>;
  /** An MQTT client of another make, over mutual TLS. */
  client(deviceId: string, options?: Partial<IClientOptions>): Promise<MqttClient>;
  /** A bare TLS connection, for what no client library would send. */
  raw(deviceId: string, identity?: Identity): Promise<RawClient>;
  close(): Promise<void>;
}

export interface Identity {
  readonly key: string;
  readonly cert: string;
}

interface IdentityOptions {
  readonly authorities?: Authorities;
  readonly notAfterMs?: number;
  readonly names?: readonly { readonly type: 'url' | 'dns'; readonly value: string }[];
}

export const id = (text: string): DeviceId => parseDeviceId(text) as DeviceId;

export async function openAuthoritiesHere(): Promise<{ authorities: Authorities; folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'healthsync-mqtt-'));
  return { authorities: await openAuthorities({ folder: join(folder, 'pki'), now: Date.now }), folder };
}

export async function openBench(options: Partial<MqttEndpointOptions> = {}): Promise<Bench> {
  const { authorities, folder } = await openAuthoritiesHere();
  const server = await serverCertificate({
    authority: authorities.servers,
    path: join(folder, 'server.pem'),
    names: ['localhost', '127.0.0.1'],
    now: Date.now,
  });
  const clients: { end(): unknown }[] = [];
  const ingested: { deviceId: string; text: string }[] = [];
  const [presence, connects, disconnects, refused, handshakes] = [[], [], [], [], []] as string[][] as [
    string[],
    string[],
    string[],
    string[],
    string[],
  ];
  const endpoint = createMqttEndpoint({
    tls: { key: server.keyPem, cert: server.certificatePem, ca: authorities.devices.certificatePem },
    host: '127.0.0.1',
    port: 0,
    ingest(message, bytes, start, end) {
      const text = bytes.toString('utf8', start, end);
      ingested.push({ deviceId: message.deviceId, text });
      bench.ingest(text, message.deviceId).then(
        (outcome) => message.answered(outcome),
        (error) => message.failed(error),
      );
    },
    deviceAccess: (deviceId, serial) => bench.access.get(serial) ?? bench.access.get(deviceId) ?? 'allowed',
    presence: (deviceId, state, reason) => presence.push(`${deviceId} ${state} ${reason}`),
    configOf: (deviceId) => bench.configs.get(deviceId),
    now: Date.now,
    hooks: {
      connect: (outcome) => connects.push(outcome),
      disconnect: (cause) => disconnects.push(cause),
      refused: (reason) => refused.push(reason),
      handshake: (outcome) => handshakes.push(outcome),
    },
    ...options,
  });
  const { port } = await endpoint.listen();
  const serverCa = authorities.servers.certificatePem;

  const bench: Bench = {
    endpoint,
    port,
    serverCa,
    authorities,
    ingested,
    presence,
    connects,
    disconnects,
    refused,
    handshakes,
    ingest: async (text) => ({ kind: 'accepted', readingId: text }),
    access: new Map(),
    configs: new Map(),
    identity: (deviceId, identityOptions) => makeIdentity(authorities, deviceId, identityOptions),
    async client(deviceId, clientOptions = {}) {
      const client = mqttConnect({
        protocol: 'mqtts',
        host: '127.0.0.1',
        port,
        ca: serverCa,
        ...(await bench.identity(deviceId)),
        clientId: deviceId,
        reconnectPeriod: 0,
        protocolVersion: 5,
        ...clientOptions,
      });
      clients.push({ end: () => client.end(true) });
      client.on('error', () => {});
      if (clientOptions.manualConnect !== true) await once(client, 'connect');
      return client;
    },
    async raw(deviceId, identity) {
      const client = await openRaw({ port, ca: serverCa, ...(identity ?? (await bench.identity(deviceId))) });
      clients.push({ end: () => client.socket.destroy() });
      return client;
    },
    async close() {
      for (const client of clients) client.end();
      await endpoint.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return bench;
}

export async function makeIdentity(
  authorities: Authorities,
  deviceId: string,
  options: IdentityOptions = {},
): Promise<Identity> {
  const keys = await crypto.subtle.generateKey(P256, true, ['sign', 'verify']);
  const names = options.names ?? [{ type: 'url', value: deviceUri(id(deviceId)) }];
  const certificate = await (options.authorities ?? authorities).devices.sign({
    publicKey: keys.publicKey,
    commonName: deviceId,
    names: [...names],
    notBeforeMs: Date.now() - 60_000,
    notAfterMs: options.notAfterMs ?? Date.now() + 86_400_000,
  });
  return { cert: certificate.toString('pem'), key: await privateKeyPem(keys.privateKey) };
}

/** Rejects on a refusal, as a client would see it. */
export function once(client: MqttClient, event: 'connect' | 'close'): Promise<void> {
  return new Promise((resolve, reject) => {
    client.once(event, () => resolve());
    client.once('error', reject);
    if (event === 'connect') client.once('close', () => reject(new Error('closed before CONNACK')));
  });
}

/** Sends bytes, collects packets. */
export class RawClient {
  readonly socket: TLSSocket;
  readonly packets: Packet[] = [];
  readonly closed: Promise<void>;
  isClosed = false;
  readonly #waiters = new Set<() => void>();
  readonly #parser;

  constructor(socket: TLSSocket, version: 4 | 5) {
    this.socket = socket;
    this.#parser = parser({ protocolVersion: version });
    this.#parser.on('packet', (packet) => {
      this.packets.push(packet);
      this.#wake();
    });
    this.#parser.on('error', () => {});
    socket.on('data', (chunk) => this.#parser.parse(chunk));
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.isClosed = true;
        this.#wake();
        resolve();
      });
    });
  }

  send(packet: Packet | Buffer | readonly number[], version: 4 | 5 = 5): void {
    this.socket.write(
      Buffer.isBuffer(packet) || Array.isArray(packet)
        ? Buffer.from(packet as Buffer)
        : generate(packet as Packet, { protocolVersion: version }),
    );
  }

  /** The next packet not yet taken; `undefined` once the connection is closed and nothing is left. */
  async next(): Promise<(Packet & { reasonCode?: number; returnCode?: number; granted?: unknown }) | undefined> {
    while (this.packets.length === 0 && !this.isClosed) {
      await new Promise<void>((resolve) => {
        this.#waiters.add(resolve);
      });
    }
    return this.packets.shift() as never;
  }

  async connect(version: 4 | 5, options: Record<string, unknown> = {}): Promise<void> {
    this.send(connectPacket(version, options), version);
    const connack = await this.next();
    if (connack?.cmd !== 'connack' || (connack.reasonCode ?? connack.returnCode) !== 0) {
      throw new Error(`refused: ${JSON.stringify(connack)}`);
    }
  }

  #wake(): void {
    for (const waiter of this.#waiters) waiter();
    this.#waiters.clear();
  }
}

export const connectPacket = (version: 4 | 5, options: Record<string, unknown> = {}): Packet => ({
  cmd: 'connect',
  protocolId: 'MQTT',
  protocolVersion: version,
  clean: true,
  clientId: 'raw',
  keepalive: 0,
  ...options,
});

export function openRaw(options: {
  readonly port: number;
  readonly ca: string;
  readonly key?: string;
  readonly cert?: string;
  readonly session?: Buffer;
  readonly version?: 4 | 5;
}): Promise<RawClient> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', servername: 'localhost', ...options });
    const client = new RawClient(socket, options.version ?? 5);
    socket.once('secureConnect', () => resolve(client));
    socket.once('error', reject);
  });
}

/** Waits for something that happens on the other side of a connection; the test's own timeout is the bound. */
export async function eventually(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 5));
}
