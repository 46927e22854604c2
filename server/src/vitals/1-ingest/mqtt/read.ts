import { workOf } from '../device-rate.ts';
import { onConnect } from './connect.ts';
import { type Connection, Hold } from './connection.ts';
import type { MqttContext } from './context.ts';
import { decodeAck, decodeDisconnect } from './decode-packets.ts';
import { onClientAck } from './deliver.ts';
import { ackWithReason, bareAck, PINGRESP, PUBCOMP } from './encode.ts';
import { Found } from './framing.ts';
import { holdForRate } from './hold.ts';
import { leave } from './leave.ts';
import { disconnect, flush, send } from './output.ts';
import { onPublish } from './publish.ts';
import { Reason } from './reason.ts';
import { onSubscribe, onUnsubscribe } from './subscribe.ts';

/** Takes what has arrived packet by packet, until there is no whole one or the connection has to wait. */
export function read(context: MqttContext, connection: Connection): void {
  const { frames } = connection;
  while (connection.held === 0 && connection.leftAtMs === undefined) {
    const isConnecting = connection.version === 0;
    // MQTT-3.1.0-1: whoever begins with anything but CONNECT speaks another protocol.
    const isForeign = isConnecting && (frames.upcoming ?? CONNECT) !== CONNECT;
    const { connectBytesMax, packetBytesMax } = context.bounds;
    const found = isForeign ? Found.malformed : frames.next(isConnecting ? connectBytesMax : packetBytesMax);
    switch (found) {
      case Found.incomplete:
        return;
      case Found.tooLarge:
        disconnect(context, connection, Reason.packetTooLarge, isConnecting ? 'not-connected' : 'too-large');
        return;
      case Found.malformed:
        disconnect(context, connection, Reason.malformedPacket, isConnecting ? 'not-connected' : 'malformed');
        return;
      case Found.packet:
        readPacket(context, connection);
    }
  }
}

function readPacket(context: MqttContext, connection: Connection): void {
  const nowMs = context.monotonicMs();
  const { frames, session } = connection;
  const { first } = frames;
  if (session === undefined) {
    onConnect(context, connection);
    return;
  }
  if (first >> 4 === PacketType.publish && context.unackedBytes >= context.bounds.unackedBytesMax) {
    frames.putBack();
    connection.hold(Hold.memory);
    context.heldForMemory.add(connection);
    return;
  }
  if (!session.device.bucket.take(nowMs, workOf(frames.bodyEnd - frames.bodyStart))) {
    frames.putBack();
    holdForRate(context, connection);
    return;
  }
  connection.lastPacketAtMs = nowMs;
  if (first >> 4 === PacketType.publish && !(frames.isPadded && connection.version === 5)) {
    onPublish(context, connection, first);
  } else if (hasValidHeader(connection)) {
    readOther(context, connection, first >> 4);
  } else {
    disconnect(context, connection, Reason.malformedPacket, 'malformed');
  }
}

/** First byte of a CONNECT packet. */
const CONNECT = 0x10;

const PacketType = {
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  unsubscribe: 10,
  pingreq: 12,
  disconnect: 14,
} as const;

/** MQTT-2.2.2-2 (3.1.1), MQTT-2.1.3-1 (5): the flags each packet type must have. */
function hasValidHeader(connection: Connection): boolean {
  const { first, isPadded } = connection.frames;
  if (isPadded && connection.version === 5) return false;
  const type = first >> 4;
  const isFlagged = type === PacketType.pubrel || type === PacketType.subscribe || type === PacketType.unsubscribe;
  return (first & 0x0f) === (isFlagged ? 2 : 0);
}

function readOther(context: MqttContext, connection: Connection, type: number): void {
  const { bodyStart, bodyEnd } = connection.frames;
  switch (type) {
    case PacketType.puback:
      onClientAck(context, connection);
      return;
    case PacketType.pubrel:
      onPubrel(context, connection);
      return;
    case PacketType.subscribe:
      onSubscribe(context, connection);
      return;
    case PacketType.unsubscribe:
      onUnsubscribe(context, connection);
      return;
    case PacketType.pingreq:
      if (bodyStart === bodyEnd) send(context, connection, PINGRESP);
      else disconnect(context, connection, Reason.malformedPacket, 'malformed');
      return;
    case PacketType.disconnect:
      onDisconnect(context, connection);
      return;
    default:
      // A second CONNECT (MQTT-3.1.0-2), PUBREC and PUBCOMP for the QoS 2 that we never send, AUTH without a method
      // (MQTT-4.12.0-6), and what only a server may send.
      disconnect(context, connection, Reason.protocolError, 'protocol-error');
  }
}

/** PUBREL (3.6): the client lets go of a QoS 2 message; its id is free for another. */
function onPubrel(context: MqttContext, connection: Connection): void {
  const { bytes, bodyStart, bodyEnd } = connection.frames;
  const decoded = decodeAck(connection.version as 4 | 5, bytes, bodyStart, bodyEnd);
  if (!decoded.ok) {
    disconnect(context, connection, decoded.reason, 'malformed');
    return;
  }
  const { packetId } = decoded.packet;
  const wasKnown = connection.session?.unreleased?.delete(packetId) === true;
  // A release that is repeated after a lost PUBCOMP finds nothing; 3.1.1 has no way to say so (MQTT-4.3.3-2).
  const isSilent = wasKnown || connection.version === 4;
  const answer = isSilent
    ? bareAck(PUBCOMP, packetId)
    : ackWithReason(PUBCOMP, packetId, Reason.packetIdNotFound, undefined);
  send(context, connection, answer);
}

function onDisconnect(context: MqttContext, connection: Connection): void {
  const { bytes, bodyStart, bodyEnd } = connection.frames;
  const decoded = decodeDisconnect(connection.version as 4 | 5, bytes, bodyStart, bodyEnd);
  if (!decoded.ok) {
    disconnect(context, connection, decoded.reason, 'malformed');
    return;
  }
  const { reason, sessionExpirySeconds } = decoded.packet;
  const { session } = connection;
  if (session !== undefined && sessionExpirySeconds !== undefined) {
    if (session.expirySeconds === 0 && sessionExpirySeconds > 0) {
      disconnect(context, connection, Reason.protocolError, 'protocol-error'); // v5 3.14.2.2.2
      return;
    }
    session.expirySeconds = Math.min(sessionExpirySeconds, context.bounds.sessionExpiryMaxSeconds);
  }
  flush(context, connection);
  // MQTT-3.14.4-3: only a normal disconnection takes the will back. In 3.1.1 every DISCONNECT is one.
  leave(context, connection, reason === Reason.success ? 'disconnect' : 'disconnect-with-will');
  connection.socket.end();
}
