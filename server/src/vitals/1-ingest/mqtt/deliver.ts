import type { DeviceId } from '../../../domain/ids.ts';
import type { Connection, Outgoing, Session, Subscription } from './connection.ts';
import type { MqttContext } from './context.ts';
import { decodeAck } from './decode-packets.ts';
import { encode } from './encode.ts';
import { disconnect, send } from './output.ts';

import { certificateTopic, commandsTopic, configTopic } from './topics.ts';

/** `sent` is under way to a connected client, `queued` waits for one; neither says the device has acted on it. */
export type CommandOutcome = 'sent' | 'queued' | 'refused-no-subscriber' | 'refused-queue-full' | 'refused-too-large';

/** Sends a command to every client of the device that listens for commands. The best outcome counts. */
export function sendCommand(context: MqttContext, deviceId: DeviceId, payload: string | Buffer): CommandOutcome {
  if (Buffer.byteLength(payload) > context.bounds.commandBytesMax) return 'refused-too-large';
  const topic = commandsTopic(deviceId);
  const outcomes = (context.sessions.find(deviceId)?.sessions ?? []).map((session) =>
    enqueue(context, session, session.commands, { topic, payload }),
  );
  return RANKED.find((outcome) => outcomes.includes(outcome)) ?? 'refused-no-subscriber';
}

/** What became of a request for a certificate, to the client that asked: waits for it like a command. */
export function sendCertificate(context: MqttContext, session: Session, payload: string): CommandOutcome {
  return enqueue(context, session, session.certificate, { topic: certificateTopic(session.device.id), payload });
}

function enqueue(
  context: MqttContext,
  session: Session,
  subscription: Subscription | undefined,
  { topic, payload }: Pick<Outgoing, 'topic' | 'payload'>,
): CommandOutcome {
  const { bounds } = context;
  if (subscription === undefined) return 'refused-no-subscriber';
  const isHere = session.connection !== undefined;
  if (!isHere && subscription.qos === 0) return 'refused-no-subscriber';
  if (session.waiting.length >= bounds.commandsQueuedMax) dropExpired(context, session);
  if (session.waiting.length >= bounds.commandsQueuedMax) return 'refused-queue-full';
  const expiresAtMs = context.monotonicMs() + bounds.commandExpiryMs;
  const message = { topic, payload, isRetained: false, packetId: 0, isUnderWay: false, expiresAtMs };
  if (isHere && subscription.qos === 0) {
    sendPublish(context, session, message, 0, false);
    return 'sent';
  }
  session.waiting.push(message);
  pump(context, session);
  return session.waiting.includes(message) ? 'queued' : 'sent';
}

const RANKED: readonly CommandOutcome[] = ['sent', 'queued', 'refused-queue-full'];

/** The configuration changed: those who listen get it now, those who are away when they come back. */
export function publishConfig(context: MqttContext, deviceId: DeviceId): void {
  for (const session of context.sessions.find(deviceId)?.sessions ?? []) {
    if (session.config === undefined) continue;
    // MQTT-3.3.1-9 (3.1.1), -13 (5): RETAIN is 0 for an established subscription unless it asked to keep it.
    if (session.connection !== undefined)
      sendConfig(context, session, session.config, session.config.retainAsPublished);
    else if (session.config.qos > 0) session.isConfigStale = true;
  }
}

/** The current configuration, empty if it was taken away: only the last one matters, so it never queues up. */
export function sendConfig(
  context: MqttContext,
  session: Session,
  subscription: Subscription,
  isRetained: boolean,
): void {
  session.isConfigStale = false;
  const payload = context.world.configOf(session.device.id) ?? '';
  const message: Outgoing = {
    topic: configTopic(session.device.id),
    payload,
    isRetained,
    packetId: 0,
    isUnderWay: false,
    expiresAtMs: Number.POSITIVE_INFINITY,
  };
  if (subscription.qos === 0) {
    sendPublish(context, session, message, 0, false);
  } else if (session.outgoing.length < outgoingMax(context, session)) {
    start(context, session, message);
  } else {
    session.isConfigStale = true; // goes out with the next acknowledgement
  }
}

/** The client of a kept session is back: first what it had not acknowledged (MQTT-4.4.0-1), then what waited. */
export function resumeDelivery(context: MqttContext, session: Session): void {
  for (const message of session.outgoing) message.isUnderWay = false;
  pump(context, session);
}

/** PUBACK from the client: a place is free. An id we do not know is an acknowledgement repeated. */
export function onClientAck(context: MqttContext, connection: Connection): void {
  const { bytes, bodyStart, bodyEnd } = connection.frames;
  const decoded = decodeAck(connection.version as 4 | 5, bytes, bodyStart, bodyEnd);
  if (!decoded.ok) {
    disconnect(context, connection, decoded.reason, 'malformed');
    return;
  }
  const session = connection.session as Session;
  const at = session.outgoing.findIndex((message) => message.packetId === decoded.packet.packetId);
  if (at < 0) return;
  session.outgoing.splice(at, 1);
  pump(context, session);
}

function pump(context: MqttContext, session: Session): void {
  if (session.connection === undefined) return;
  dropExpired(context, session);
  repeatUnacknowledged(context, session);
  if (session.isConfigStale && session.config !== undefined) sendConfig(context, session, session.config, false);
  while (session.waiting.length > 0 && session.outgoing.length < outgoingMax(context, session)) {
    start(context, session, session.waiting.shift() as Outgoing);
  }
}

function repeatUnacknowledged(context: MqttContext, session: Session): void {
  // The client may have come back with a smaller Receive Maximum than it left with.
  for (const message of session.outgoing.slice(0, outgoingMax(context, session))) {
    if (message.isUnderWay) continue;
    message.isUnderWay = true;
    sendPublish(context, session, message, 1, true);
  }
}

/** Under the client's Receive Maximum (MQTT-3.3.4-7) and our own. */
const outgoingMax = (context: MqttContext, session: Session): number =>
  Math.min(session.connection?.receiveMax ?? 0, context.bounds.outgoingInFlightMax);

function dropExpired(context: MqttContext, session: Session): void {
  const nowMs = context.monotonicMs();
  while (session.waiting.length > 0 && (session.waiting[0] as Outgoing).expiresAtMs <= nowMs) session.waiting.shift();
}

function start(context: MqttContext, session: Session, message: Outgoing): void {
  message.packetId = freePacketId(session);
  message.isUnderWay = true;
  session.outgoing.push(message);
  if (!sendPublish(context, session, message, 1, false)) session.outgoing.pop();
}

function freePacketId(session: Session): number {
  do {
    session.lastPacketId = session.lastPacketId === 65_535 ? 1 : session.lastPacketId + 1;
  } while (session.outgoing.some((message) => message.packetId === session.lastPacketId));
  return session.lastPacketId;
}

/** False if the client would find it too large: then it counts as delivered (MQTT-3.1.2-25). */
function sendPublish(
  context: MqttContext,
  session: Session,
  message: Outgoing,
  qos: 0 | 1,
  isRepeat: boolean,
): boolean {
  const connection = session.connection as Connection;
  const version = connection.version as 4 | 5;
  const leftMs = message.expiresAtMs - context.monotonicMs();
  // MQTT-3.3.2-6: what is left of its time.
  const properties = Number.isFinite(leftMs) ? { messageExpiryInterval: Math.max(1, Math.ceil(leftMs / 1000)) } : {};
  const packet = encode(
    {
      cmd: 'publish',
      topic: message.topic,
      payload: message.payload,
      qos,
      dup: isRepeat,
      retain: message.isRetained,
      ...(qos === 1 && { messageId: message.packetId }),
      ...(version === 5 && { properties }),
    },
    version,
  );
  if (packet.length > connection.packetSizeMax) {
    context.log?.warn('a device accepts only smaller packets than was to be sent', {
      component: 'mqtt',
      deviceId: session.device.id,
      bytes: packet.length,
    });
    return false;
  }
  send(context, connection, packet);
  return true;
}
