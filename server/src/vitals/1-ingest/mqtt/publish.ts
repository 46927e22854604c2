import type { DeviceId } from '../../../domain/ids.ts';
import type { IngestOutcome } from '../../../domain/problem.ts';
import { type Connection, Hold, type Session } from './connection.ts';
import type { IngestedMessage, MqttContext } from './context.ts';
import { decodePublish, type Publish } from './decode-packets.ts';
import { sendCertificate } from './deliver.ts';
import { release } from './hold.ts';
import { disconnect, markDirty } from './output.ts';
import { NEVER, type PendingAck } from './pending-acks.ts';
import { Reason } from './reason.ts';
import { certificateRequestTopic, isTopicName } from './topics.ts';

/** PUBLISH (3.3). QoS 1 to the device's own topic is nearly all there is, so that one is taken apart by hand. */
export function onPublish(context: MqttContext, connection: Connection, first: number): void {
  const { bytes, bodyStart, bodyEnd } = connection.frames;
  const idAt = (first & 0xf6) === 0x32 ? afterOwnTopic(connection.readingsTopic, bytes, bodyStart, bodyEnd) : 0;
  if (idAt > 0) {
    const packetId = ((bytes[idAt] as number) << 8) | (bytes[idAt + 1] as number);
    const payloadAt = connection.version === 5 ? afterNoProperties(bytes, idAt + 2, bodyEnd) : idAt + 2;
    if (payloadAt > 0 && packetId !== 0) {
      admit(context, connection, 1, packetId, bytes, payloadAt, bodyEnd);
      return;
    }
  }
  const decoded = decodePublish(first, connection.version as 4 | 5, bytes, bodyStart, bodyEnd);
  if (decoded.ok) onDecoded(context, connection, decoded.packet);
  else disconnect(context, connection, decoded.reason, 'malformed');
}

/** Where the packet id stands, if the topic is the device's own; else 0. */
function afterOwnTopic(topic: string, bytes: Buffer, start: number, end: number): number {
  const { length } = topic;
  const idAt = start + 2 + length;
  if (idAt + 2 > end || bytes[start + 1] !== (length & 0xff) || bytes[start] !== length >> 8) return 0;
  return bytes.toString('latin1', start + 2, idAt) === topic ? idAt : 0; // own topics are ASCII
}

const afterNoProperties = (bytes: Buffer, at: number, end: number): number =>
  at < end && bytes[at] === 0 ? at + 1 : 0;

function onDecoded(context: MqttContext, connection: Connection, publish: Publish): void {
  const topic = resolveTopic(context, connection, publish);
  if (topic === undefined) return;
  const { qos, packetId } = publish;
  if (topic === connection.readingsTopic) {
    // The RETAIN flag is accepted and has no effect: nobody may subscribe to readings.
    const { payload } = publish;
    admit(context, connection, qos, packetId, payload, 0, payload.length);
    return;
  }
  if (isCertificateRequest(context, connection, topic)) {
    onCertificateRequest(context, connection, publish);
    return;
  }
  context.hooks.refused?.('foreign-topic');
  if (connection.version === 5 && qos > 0) {
    if (isFresh(context, connection, qos as 1 | 2, packetId)) {
      answer(context, connection, qos as 1 | 2, packetId, Reason.notAuthorized);
    }
  } else {
    // MQTT-3.3.5-2 (3.1.1): acknowledge or close; an acknowledgement would say the message was taken. And QoS 0 of v5
    // can be told in no other way.
    disconnect(context, connection, Reason.notAuthorized, 'foreign-topic');
  }
}

const isCertificateRequest = ({ world }: MqttContext, { peer }: Connection, topic: string): boolean =>
  world.certificateRequest !== undefined && peer !== undefined && topic === certificateRequestTopic(peer.deviceId);

/**
 * Acknowledged as received; what becomes of it is said on the topic the device listens to. Of one that listens to none
 * nothing is asked: nobody would hear the answer.
 */
function onCertificateRequest(context: MqttContext, connection: Connection, publish: Publish): void {
  const { qos, packetId, payload } = publish;
  const session = connection.session as Session;
  const isHeard = session.certificate !== undefined;
  if (qos > 0) {
    if (!isFresh(context, connection, qos as 1 | 2, packetId)) return;
    // v5 3.4.2.1: what nobody listens to is received all the same, and said to be so.
    const reason = isHeard || connection.version !== 5 ? Reason.success : Reason.noMatchingSubscribers;
    answer(context, connection, qos as 1 | 2, packetId, reason);
  }
  if (!isHeard) return;
  const { deviceId, serial } = connection.peer as NonNullable<Connection['peer']>;
  // The buffer is the connection's own, and used again.
  void context.world
    .certificateRequest?.(deviceId, serial, Buffer.from(payload))
    .then((message) => sendCertificate(context, session, message));
}

/** v5 3.3.2.3.4. Takes leave of the client and answers `undefined` if the topic or alias is not valid. */
function resolveTopic(context: MqttContext, connection: Connection, publish: Publish): string | undefined {
  const { topic, topicAlias: alias } = publish;
  if (topic !== '' && !isTopicName(topic)) {
    disconnect(context, connection, Reason.topicNameInvalid, 'protocol-error');
    return undefined;
  }
  if (alias === undefined) {
    if (topic === '') disconnect(context, connection, Reason.protocolError, 'protocol-error'); // MQTT-4.7.3-1
    return topic === '' ? undefined : topic;
  }
  if (alias === 0 || alias > context.bounds.topicAliasMax) {
    disconnect(context, connection, Reason.topicAliasInvalid, 'protocol-error'); // MQTT-3.3.2-8, -9
    return undefined;
  }
  connection.aliases ??= [];
  if (topic !== '') connection.aliases[alias] = topic;
  const known = connection.aliases[alias];
  if (known === undefined) disconnect(context, connection, Reason.protocolError, 'protocol-error');
  return known;
}

/** The payload is `bytes[start, end)`. */
function admit(
  context: MqttContext,
  connection: Connection,
  qos: 0 | 1 | 2,
  packetId: number,
  bytes: Buffer,
  start: number,
  end: number,
): void {
  if (qos > 0 && !isFresh(context, connection, qos as 1 | 2, packetId)) return;
  const message = new MessageWithLog(context, connection, qos, packetId, end - start);
  if (qos > 0) connection.pending.push(message);
  connection.withLog += 1;
  context.unackedBytes += message.bytes;
  // A v5 client is held to its Receive Maximum by `isFresh`; what comes on top is QoS 0, and waits as in 3.1.1.
  const { inFlightMax } = context.bounds;
  if (connection.withLog >= (connection.version === 5 ? 2 * inFlightMax : inFlightMax)) connection.hold(Hold.inFlight);
  try {
    context.world.ingest(message, bytes, start, end);
  } catch (error) {
    message.failed(error);
  }
}

/** A message with a reading, from when the log was asked to keep it until it has answered. */
class MessageWithLog implements PendingAck, IngestedMessage {
  readonly packetId: number;
  readonly qos: 0 | 1 | 2;
  readonly bytes: number;
  readonly receivedAtMs: number;
  reason: number | undefined;
  text: string | undefined;
  next: PendingAck | undefined;
  readonly #context: MqttContext;
  readonly #connection: Connection;
  readonly #startedAtMs: number;

  constructor(context: MqttContext, connection: Connection, qos: 0 | 1 | 2, packetId: number, bytes: number) {
    this.#context = context;
    this.#connection = connection;
    this.qos = qos;
    this.packetId = packetId;
    this.bytes = bytes;
    this.receivedAtMs = context.now();
    this.#startedAtMs = context.monotonicMs();
  }

  get deviceId(): DeviceId {
    return (this.#connection.peer as NonNullable<Connection['peer']>).deviceId;
  }

  get transport(): 'mqtt' {
    return 'mqtt';
  }

  answered(outcome: IngestOutcome): void {
    const { hooks, monotonicMs } = this.#context;
    settle(this.#context, this.#connection, this, outcome);
    if (outcome.kind === 'accepted' || outcome.kind === 'duplicate') hooks.ackMs?.(monotonicMs() - this.#startedAtMs);
  }

  failed(error: unknown): void {
    const { deviceId } = this;
    this.#context.log?.error('a reading could not be taken in', { component: 'mqtt', deviceId, error });
    settle(this.#context, this.#connection, this, undefined);
  }
}

/** Whether a QoS 1 or 2 message may be taken; otherwise it has been answered. */
function isFresh(context: MqttContext, connection: Connection, qos: 1 | 2, packetId: number): boolean {
  const { pending, session } = connection;
  const unreleased = session?.unreleased;
  const isPending = pending.has(packetId);
  if (qos === 2 && unreleased?.has(packetId) === true) {
    // MQTT-4.3.3-2: taken already, the PUBREC was lost.
    if (!isPending) answer(context, connection, qos, packetId, Reason.success);
    return false;
  }
  const awaitingRelease = unreleased?.size ?? 0;
  const isOver =
    connection.version === 5
      ? pending.length + awaitingRelease >= context.bounds.inFlightMax // MQTT-3.3.4-9
      : awaitingRelease >= context.bounds.unreleasedMax;
  if (isOver) {
    disconnect(context, connection, Reason.receiveMaximumExceeded, 'protocol-error');
    return false;
  }
  if (isPending) {
    // MQTT-2.2.1-4: an id in use. In 3.1.1 there is no way to say so.
    context.hooks.refused?.('packet-id-in-use');
    if (connection.version === 5) answer(context, connection, qos, packetId, Reason.packetIdInUse);
    else disconnect(context, connection, Reason.packetIdInUse, 'protocol-error');
    return false;
  }
  return true;
}

/** Acknowledges without the log, in its turn: acknowledgements keep the order of their messages (MQTT-4.6.0-2). */
function answer(context: MqttContext, connection: Connection, qos: 1 | 2, packetId: number, reason: number): void {
  connection.pending.push({ packetId, qos, reason, text: undefined, next: undefined });
  markDirty(context, connection);
}

/** The log has answered (or, without an outcome, has thrown). */
function settle(
  context: MqttContext,
  connection: Connection,
  message: MessageWithLog,
  outcome: IngestOutcome | undefined,
): void {
  context.unackedBytes -= message.bytes;
  connection.withLog -= 1;
  const isHere = connection.leftAtMs === undefined;
  const isAwaited = message.qos > 0;
  switch (outcome?.kind) {
    case 'accepted':
    case 'duplicate':
      message.reason = Reason.success;
      break;
    case 'rejected':
      context.hooks.refused?.('rejected');
      if (isAwaited) reject(connection, message, outcome);
      break;
    case 'unavailable':
      context.hooks.refused?.('unavailable');
      if (isAwaited && isHere) leaveUnanswered(context, connection, message, outcome.retryAfterMs);
      break;
    case undefined:
      context.hooks.refused?.('failed');
      if (isAwaited && isHere) leaveUnanswered(context, connection, message, context.bounds.retryHoldMaxMs);
      break;
  }
  if (isHere) {
    if (isAwaited || context.isDraining) markDirty(context, connection);
    if (connection.held & Hold.inFlight && connection.withLog < context.bounds.inFlightMax / 2) {
      release(context, connection, Hold.inFlight);
    }
  }
  if (context.heldForMemory.size > 0 && context.unackedBytes < context.bounds.unackedBytesMax / 2) {
    const held = [...context.heldForMemory];
    context.heldForMemory.clear();
    for (const one of held) release(context, one, Hold.memory);
  }
}

/**
 * It is in the list of rejected readings by now. v5 is told why; 3.1.1 has no way to refuse one message, and would send
 * it again for ever, so it is told that we have it, which is true.
 */
function reject(connection: Connection, ack: PendingAck, outcome: IngestOutcome & { kind: 'rejected' }): void {
  ack.reason = Reason.success;
  if (connection.version !== 5) return;
  ack.reason = Reason.payloadFormatInvalid;
  const problems = outcome.problems.map(({ code, field }) => (field === '' ? code : `${code} ${field}`));
  ack.text = problems.join(', ').replace(/[^\x20-\x7e]/g, '?');
}

/**
 * Nothing was stored, so the client must keep the reading and send it again. A negative PUBACK would free its packet id
 * and end its delivery (v5 4.3.2), and a client must not resend on the same connection (MQTT-4.4.0-1): the only thing
 * that makes every client resend is the end of the connection. It comes after a pause, without reading, so that a full
 * disk does not make all devices shake hands at once, over and over.
 */
function leaveUnanswered(context: MqttContext, connection: Connection, ack: PendingAck, retryAfterMs: number): void {
  ack.reason = NEVER;
  connection.hold(Hold.leaving);
  const waitMs = Math.min(Math.max(0, retryAfterMs), context.bounds.retryHoldMaxMs);
  connection.leaveAtMs = Math.min(connection.leaveAtMs, context.monotonicMs() + waitMs);
}
