import type { CloseCause, Connection } from './connection.ts';
import { Hold } from './connection.ts';
import type { MqttContext } from './context.ts';
import { ackWithReason, disconnectV5, PUBACK, PUBREC, writeAck } from './encode.ts';
import { leave } from './leave.ts';
import { Reason } from './reason.ts';

/**
 * Everything a tick has for one client goes out in one write: encrypting and sending costs several times what making
 * the acknowledgement does, and the log answers in groups.
 */
export function markDirty(context: MqttContext, connection: Connection): void {
  if (connection.isDirty || connection.leftAtMs !== undefined) return;
  connection.isDirty = true;
  if (context.dirty.push(connection) === 1) process.nextTick(flushAll, context);
}

export function send(context: MqttContext, connection: Connection, packet: Buffer): void {
  connection.out.push(packet);
  markDirty(context, connection);
}

function flushAll(context: MqttContext): void {
  // Flushing may mark others (a takeover, a resumed read); they come in the next round.
  const round = context.dirty.splice(0);
  for (const connection of round) {
    connection.isDirty = false;
    guard(context, connection, flush);
  }
}

export function flush(context: MqttContext, connection: Connection): void {
  if (connection.leftAtMs !== undefined) return;
  const bareBytes = takeAcks(context, connection);
  const { out, socket } = connection;
  if (out.length === 0) {
    if (bareBytes > 0) socket.write(BARE, bareBytes);
  } else {
    putOut(connection, bareBytes);
    socket.write(out.length === 1 ? (out[0] as Buffer) : Buffer.concat(out));
    out.length = 0;
  }
  if (context.isDraining && connection.withLog === 0) {
    disconnect(context, connection, Reason.shuttingDown, 'shutdown');
  }
}

/** Acknowledgements without words, until they are written: nearly all there is to say, and made of nothing new. */
const BARE = Buffer.allocUnsafeSlow(4 * 256);

/**
 * Moves the acknowledgements that are ready, from the oldest on, to `out`; but the last that have no words stand in
 * `BARE`, and how many bytes of it is answered.
 */
function takeAcks(context: MqttContext, connection: Connection): number {
  const { pending, session } = connection;
  if (session === undefined) return 0;
  let bareBytes = 0;
  for (let ack = pending.takeReady(); ack !== undefined; ack = pending.takeReady()) {
    const type = ack.qos === 1 ? PUBACK : PUBREC;
    if (ack.qos === 2 && ack.reason === Reason.success) {
      session.unreleased ??= new Set();
      session.unreleased.add(ack.packetId); // MQTT-4.3.3-2: responsible from PUBREC on
    }
    const text = textFor(context, connection, ack.text);
    const isBare = ack.reason === Reason.success && text === undefined;
    if (!isBare || bareBytes === BARE.length) {
      putOut(connection, bareBytes);
      bareBytes = 0;
    }
    if (isBare) bareBytes = writeAck(BARE, bareBytes, type, ack.packetId);
    else connection.out.push(ackWithReason(type, ack.packetId, ack.reason as number, text));
  }
  return bareBytes;
}

function putOut(connection: Connection, bareBytes: number): void {
  if (bareBytes > 0) connection.out.push(Buffer.from(BARE.subarray(0, bareBytes)));
}

/** MQTT-3.4.2-2: no reason string that the client would find too long; MQTT-3.1.2-29: none if it asked for none. */
function textFor(context: MqttContext, connection: Connection, text: string | undefined): string | undefined {
  if (connection.version !== 5 || !connection.wantsProblemInformation) return undefined;
  if (text === undefined && connection.wasSlowed) {
    connection.wasSlowed = false;
    text = `too fast: reading slowed to ${context.bounds.packetsPerSecondMax} packets a second`;
  }
  return text !== undefined && text.length + 16 <= connection.packetSizeMax ? text : undefined;
}

/**
 * Takes leave: sends what is ready and, in v5, the reason; then waits a moment for the client to close, because closing
 * on unread input makes TCP throw away what we said last.
 */
export function disconnect(
  context: MqttContext,
  connection: Connection,
  reason: number,
  cause: CloseCause,
  text?: string,
): void {
  if (connection.leftAtMs !== undefined) return;
  putOut(connection, takeAcks(context, connection));
  if (connection.version === 5) {
    connection.out.push(disconnectV5(reason, connection.packetSizeMax > WORDY ? text : undefined));
  }
  say(context, connection, cause);
}

/** A client that accepts only packets smaller than this is spared the words (MQTT-3.14.2-3). */
const WORDY = 128;

/** Sends what is in `out` as the last words, without a DISCONNECT. */
export function say(context: MqttContext, connection: Connection, cause: CloseCause): void {
  const { socket } = connection;
  const words = Buffer.concat(connection.out);
  leave(context, connection, cause);
  connection.held &= ~(Hold.inFlight | Hold.rate | Hold.memory);
  socket.end(words);
  socket.resume(); // whatever still comes is read and dropped
}

/** A defect of ours that one client's packets have found costs that client its connection, and nobody else theirs. */
export function guard(
  context: MqttContext,
  connection: Connection,
  act: (context: MqttContext, connection: Connection) => void,
): void {
  try {
    act(context, connection);
  } catch (error) {
    context.log?.error('the MQTT endpoint has a defect', {
      component: 'mqtt',
      deviceId: connection.peer?.deviceId,
      error,
    });
    cut(context, connection, 'defect');
  }
}

/** Ends at once, without a word: for one who does not read. */
export function cut(context: MqttContext, connection: Connection, cause: CloseCause): void {
  leave(context, connection, cause);
  connection.socket.destroy();
}
