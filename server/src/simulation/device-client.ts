import type { OnReadOpts } from 'node:net';
import { type ConnectionOptions, connect, createSecureContext, type SecureContext } from 'node:tls';

/**
 * A lean MQTT 3.1.1 device: one TLS connection, QoS 1 out, everything the endpoint sends answered. Ten thousand of them
 * fit into one process, which no general client library manages; tests use such a library besides.
 */
export interface DeviceClient {
  readonly deviceId: string;
  readonly isConnected: () => boolean;
  /**
   * Sends one reading; `onAck` is called once it is acknowledged. False when not connected or the window is full. The
   * payload is copied before this returns.
   */
  publish(payload: Buffer, onAck: () => void): boolean;
  /** Asks for the next certificate; the answer comes as a message. */
  requestCertificate(request: Buffer): void;
  /** Unacknowledged readings. */
  inFlight(): number;
  /** Says goodbye (no will), and closes. */
  close(): void;
}

export interface DeviceIdentity {
  readonly deviceId: string;
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

export interface DeviceTarget {
  readonly host: string;
  readonly port: number;
  /** PEM of the installation's CA. */
  readonly ca: string;
}

/** The endpoint's own window is smaller or equal; this only bounds what a simulated device holds. */
const IN_FLIGHT_MAX = 1024;
const KEEP_ALIVE_SECONDS = 60;
/** MQTT-3.1.2-23: who sends readings need not ping; with this, no silence is longer than two thirds of the keep alive. */
const PING_EVERY_MS = (KEEP_ALIVE_SECONDS * 1000) / 3;
/** As much as a TLS record holds (RFC 8446, 5.1). */
const RECEIVED = Buffer.alloc(16 * 1024);
/**
 * One for all devices. Buffers live outside V8's heap: with one a reading, ten thousand devices made it collect all of the
 * generator's memory every four seconds, on all cores, which looked like the server's delay.
 */
const SENT = Buffer.alloc(16 * 1024);
/** So that the topic and the header, some 140 bytes, fit beside it. */
const SENT_MAX = SENT.length - 1024;
const EMPTY = Buffer.alloc(0);

/** Resolves once the endpoint has accepted the session; rejects when it refuses. */
export function connectDevice(
  target: DeviceTarget,
  identity: DeviceIdentity,
  options: {
    readonly session?: Buffer;
    readonly onSession?: (ticket: Buffer) => void;
    readonly onClose?: () => void;
    /** With it, the device listens for commands and for certificates; the last word of the topic says which it is. */
    readonly onMessage?: (topic: string, payload: Buffer) => void;
  } = {},
): Promise<DeviceClient> {
  return new Promise((resolve, reject) => {
    // Into one buffer for all devices: a buffer for each packet, and a stream above it, cost more than what is in them.
    const onread: OnReadOpts = {
      buffer: RECEIVED,
      callback(length) {
        onBytes(RECEIVED.subarray(0, length));
        return true;
      },
    };
    const connectOptions: ConnectionOptions & { readonly onread: OnReadOpts } = {
      host: target.host,
      port: target.port,
      secureContext: contextOf(target, identity),
      servername: 'localhost',
      ...(options.session === undefined ? {} : { session: options.session }),
      onread,
    };
    const socket = connect(connectOptions);
    socket.setNoDelay(true);
    if (options.onSession !== undefined) socket.once('session', options.onSession);
    const waiting = new Map<number, () => void>();
    let connected = false;
    let nextPacketId = 1;
    let isQuiet = true;
    const keepAlive = setInterval(() => {
      if (connected && isQuiet) socket.write(PINGREQ);
      isQuiet = true;
    }, PING_EVERY_MS);
    const own = `devices/${identity.deviceId}`;
    const topic = Buffer.from(`${own}/readings`);

    const client: DeviceClient = {
      deviceId: identity.deviceId,
      isConnected: () => connected,
      inFlight: () => waiting.size,
      publish(payload, onAck) {
        if (!connected || waiting.size >= IN_FLIGHT_MAX) return false;
        send(topic, payload, onAck);
        return true;
      },
      requestCertificate(request) {
        if (connected) send(Buffer.from(`${own}/certificate/request`), request, () => {});
      },
      close() {
        connected = false;
        socket.end(DISCONNECT);
      },
    };

    function send(to: Buffer, payload: Buffer, onAck: () => void): void {
      while (waiting.has(nextPacketId)) nextPacketId = (nextPacketId % 65_535) + 1;
      waiting.set(nextPacketId, onAck);
      // A TLS socket that writes nothing has encrypted or copied what it is given before `write` returns (TLSWrap::DoWrite).
      const packet = socket.writableLength === 0 && payload.length <= SENT_MAX ? SENT : undefined;
      socket.write(publishPacket(to, nextPacketId, payload, packet));
      isQuiet = false;
      nextPacketId = (nextPacketId % 65_535) + 1;
    }

    socket.once('secureConnect', () => socket.write(connectPacket(identity.deviceId)));
    const onBytes = packetReader((type, body) => {
      if (type === 2) {
        if (body[1] === 0) {
          connected = true;
          if (options.onMessage !== undefined) socket.write(subscribePacket([`${own}/commands`, `${own}/certificate`]));
          resolve(client);
        } else socket.destroy(new Error(`session refused with code ${body[1]}`));
      } else if (type === 4) {
        const id = body.readUInt16BE(0);
        const onAck = waiting.get(id);
        waiting.delete(id);
        onAck?.();
      } else if (type === 3) {
        const length = body.readUInt16BE(0);
        const to = body.toString('utf8', 2, 2 + length);
        socket.write(Buffer.concat([PUBACK, body.subarray(2 + length, 4 + length)]));
        options.onMessage?.(to, Buffer.from(body.subarray(4 + length)));
      }
    });
    socket.on('error', reject);
    socket.once('close', () => {
      connected = false;
      clearInterval(keepAlive);
      reject(new Error('connection closed'));
      options.onClose?.();
    });
  });
}

/** Reading certificate and key costs more than the handshake: done once per device, however often it connects. */
const contexts = new WeakMap<DeviceIdentity, SecureContext>();

function contextOf({ ca }: DeviceTarget, identity: DeviceIdentity): SecureContext {
  const known = contexts.get(identity);
  if (known !== undefined) return known;
  const context = createSecureContext({ ca, cert: identity.cert, key: identity.key, minVersion: 'TLSv1.3' });
  contexts.set(identity, context);
  return context;
}

/** Ahead of the first connection, for whoever times connections. */
export function readyIdentity(target: DeviceTarget, identity: DeviceIdentity): void {
  contextOf(target, identity);
}

/** MQTT-3.8: at QoS 1, so that everything that comes has a packet id. */
function subscribePacket(topics: readonly string[]): Buffer {
  const filters = topics.map((topic) => {
    const text = Buffer.from(topic);
    return Buffer.concat([Buffer.from([text.length >> 8, text.length & 0xff]), text, Buffer.from([1])]);
  });
  const body = Buffer.concat([Buffer.from([0xff, 0xff]), ...filters]); // an id of its own, far from the readings'
  return Buffer.concat([Buffer.from([0x82]), remainingLength(body.length), body]);
}

const PUBACK = Buffer.from([0x40, 2]);
const PINGREQ = Buffer.from([0xc0, 0]);
const DISCONNECT = Buffer.from([0xe0, 0]);

function connectPacket(clientId: string): Buffer {
  const id = Buffer.from(clientId);
  // MQTT-3.1.2: protocol name, level 4, clean session, keep alive.
  const header = Buffer.from([0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 0x02, 0, KEEP_ALIVE_SECONDS]);
  const idLength = Buffer.from([id.length >> 8, id.length & 0xff]);
  return Buffer.concat([Buffer.from([0x10]), remainingLength(header.length + 2 + id.length), header, idLength, id]);
}

/** Into `packet`, if there is one, or a new buffer. */
function publishPacket(topic: Buffer, packetId: number, payload: Buffer, into?: Buffer): Buffer {
  const body = 2 + topic.length + 2 + payload.length;
  const packet = into ?? Buffer.allocUnsafe(5 + body);
  packet[0] = 0x32; // PUBLISH, QoS 1
  let at = 1;
  for (let rest = body; ; rest >>>= 7) {
    packet[at++] = rest > 127 ? (rest & 0x7f) | 0x80 : rest;
    if (rest <= 127) break;
  }
  packet[at++] = topic.length >> 8;
  packet[at++] = topic.length & 0xff;
  packet.set(topic, at);
  at += topic.length;
  packet[at++] = packetId >> 8;
  packet[at++] = packetId & 0xff;
  packet.set(payload, at);
  return packet.subarray(0, at + payload.length);
}

/** MQTT-2.2.3: seven bits a byte, lowest first. */
function remainingLength(length: number): Buffer {
  const bytes: number[] = [];
  let rest = length;
  do {
    const more = rest > 127;
    bytes.push((rest & 0x7f) | (more ? 0x80 : 0));
    rest >>>= 7;
  } while (rest > 0);
  return Buffer.from(bytes);
}

/** Cuts what arrives into control packets and hands on type and body, which are gone when `onPacket` returns. */
function packetReader(onPacket: (type: number, body: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = EMPTY;
  return (chunk) => {
    let data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let framed = frameOf(data); framed !== undefined; framed = frameOf(data)) {
      onPacket((data[0] ?? 0) >> 4, data.subarray(framed.bodyAt, framed.end));
      data = data.subarray(framed.end);
    }
    rest = data.length === 0 ? EMPTY : Buffer.from(data);
  };
}

function frameOf(data: Buffer): { readonly bodyAt: number; readonly end: number } | undefined {
  let length = 0;
  for (let at = 1; at <= 4; at++) {
    const byte = data[at];
    if (byte === undefined) return undefined;
    length |= (byte & 0x7f) << (7 * (at - 1));
    if (byte < 0x80) return at + 1 + length <= data.length ? { bodyAt: at + 1, end: at + 1 + length } : undefined;
  }
  return undefined;
}
