import { type Connection, type DeviceState, Hold, type Peer, type Session } from './connection.ts';
import type { ConnectLabel, MqttContext } from './context.ts';
import { type Connect, decodeConnect } from './decode-connect.ts';
import { resumeDelivery } from './deliver.ts';
import { encode, refusalV3, refusalV5 } from './encode.ts';
import { release } from './hold.ts';
import { reportOnline } from './leave.ts';
import { disconnect, say, send } from './output.ts';
import { doorSeen } from './peer.ts';
import { connackCodeV3, Reason } from './reason.ts';
import { newSession } from './sessions.ts';
import { readingsTopic, statusTopic } from './topics.ts';

/** CONNECT (3.1): who is this, may it be here, and does it continue something? */
export function onConnect(context: MqttContext, connection: Connection): void {
  if (!connection.wasUnknown && mustWait(context, connection)) return;
  const { bytes, bodyStart, bodyEnd, isPadded } = connection.frames;
  const decoded = decodeConnect(bytes, bodyStart, bodyEnd);
  if (decoded.kind === 'fault') {
    const label = decoded.reason === Reason.unsupportedVersion ? 'bad-version' : 'malformed';
    refuse(context, connection, decoded.version, { reason: decoded.reason, label });
    return;
  }
  const { connect } = decoded;
  const refusal =
    isPadded && connect.version === 5
      ? { reason: Reason.malformedPacket, label: 'malformed' as const }
      : findRefusal(context, connection.peer, connect);
  if (refusal !== undefined && mayBeNews(connection, refusal)) awaitNews(context, connection);
  else if (refusal !== undefined) refuse(context, connection, connect.version, refusal);
  else accept(context, connection, connection.peer as Peer, connect);
}

/** Lets one that connects too often wait for its answer: a refusal would only bring it back the sooner. */
function mustWait(context: MqttContext, connection: Connection): boolean {
  if (connection.peer === undefined) return false;
  const { deviceId } = connection.peer;
  const nowMs = context.monotonicMs();
  const intervalMs = 60_000 / context.bounds.connectsPerMinuteMax;
  const paceMs = Math.max(nowMs, context.connectPace.get(deviceId) ?? 0);
  const earliestMs = paceMs - (context.bounds.connectsBurstMax - 1) * intervalMs;
  if (earliestMs <= nowMs) {
    context.connectPace.set(deviceId, paceMs + intervalMs);
    return false;
  }
  context.hooks.connect?.('slowed');
  connection.frames.putBack();
  connection.connectAtMs = earliestMs;
  connection.hold(Hold.rate);
  return true;
}

/**
 * A certificate of our own authority that we do not know, or no longer: it may have been issued this very moment, by
 * another process, whose notice is on its way. Whoever it is can wait for it.
 */
const mayBeNews = (connection: Connection, { label }: Refusal): boolean =>
  !connection.wasUnknown && (label === 'unknown-device' || label === 'revoked');

function awaitNews(context: MqttContext, connection: Connection): void {
  connection.wasUnknown = true;
  connection.frames.putBack();
  connection.hold(Hold.news);
  setTimeout(release, NEWS_MS, context, connection, Hold.news).unref();
}

/** A notice and a reread of the registry take 10 to 50 ms. */
const NEWS_MS = 250;

interface Refusal {
  readonly reason: number;
  readonly label: ConnectLabel;
}

function findRefusal(context: MqttContext, peer: Peer | undefined, connect: Connect): Refusal | undefined {
  if (context.isDraining) return { reason: Reason.shuttingDown, label: 'shutting-down' };
  if (connect.properties.authenticationMethod !== undefined) {
    return { reason: Reason.badAuthenticationMethod, label: 'bad-authentication' }; // MQTT-4.12.0-1
  }
  if (peer === undefined) return { reason: Reason.notAuthorized, label: 'not-authorized' };
  if (peer.notAfterMs <= context.now()) return { reason: Reason.notAuthorized, label: 'certificate-expired' };
  const access = context.world.deviceAccess(peer.deviceId, peer.serial, peer.fingerprint);
  if (access !== 'allowed') return { reason: Reason.notAuthorized, label: access };
  if (!isUsableClientId(connect)) return { reason: Reason.clientIdInvalid, label: 'bad-client-id' };
  const { will } = connect;
  if (will !== undefined && will.topic !== readingsTopic(peer.deviceId) && will.topic !== statusTopic(peer.deviceId)) {
    return { reason: Reason.notAuthorized, label: 'bad-will' };
  }
  return findFull(context, peer, connect);
}

/** MQTT-3.1.3-8: 3.1.1 without a client id must ask for a clean session. */
const isUsableClientId = ({ clientId, version, isClean }: Connect): boolean =>
  clientId === '' ? version === 5 || isClean : clientId.length <= CLIENT_ID_MAX;

/** Three UUIDs long. We keep it as long as the session. */
const CLIENT_ID_MAX = 128;

function findFull(context: MqttContext, peer: Peer, connect: Connect): Refusal | undefined {
  const sessions = context.sessions.find(peer.deviceId)?.sessions ?? [];
  const known = sessions.find(({ clientId }) => clientId === connect.clientId);
  if (known?.connection !== undefined) return undefined; // takes the place of another
  const connected = sessions.filter(({ connection }) => connection !== undefined).length;
  const isFull =
    context.connected >= context.bounds.connectionsMax || connected >= context.bounds.connectionsPerDeviceMax;
  return isFull ? { reason: Reason.quotaExceeded, label: 'full' } : undefined;
}

/** MQTT-3.2.2-6 and MQTT-3.1.4-5 (3.1.1), MQTT-3.1.4-2 (5): the reason, where its version has one, and close. */
function refuse(
  context: MqttContext,
  connection: Connection,
  version: 4 | 5 | undefined,
  { reason, label }: Refusal,
): void {
  context.hooks.connect?.(label);
  context.hooks.door?.({ ...doorSeen(connection), what: 'refused', reason: label });
  context.log?.debug('an MQTT client was refused', {
    component: 'mqtt',
    code: label,
    deviceId: connection.peer?.deviceId,
  });
  const code = version === 4 ? connackCodeV3(reason) : undefined;
  if (version === 5) connection.out.push(refusalV5(reason));
  else if (code !== undefined) connection.out.push(refusalV3(code));
  say(context, connection, 'refused');
}

function accept(context: MqttContext, connection: Connection, peer: Peer, connect: Connect): void {
  const device = context.sessions.device(peer.deviceId);
  const clientId = connect.clientId === '' ? context.newClientId() : connect.clientId;
  takeOver(context, device, clientId);
  const kept = findKept(context, device, clientId, connect.isClean);
  const session = kept ?? newSession(device, clientId);
  if (kept === undefined) addSession(context, session);
  else context.sessions.attached(kept);
  describe(context, connection, peer, connect);
  session.expirySeconds = expirySeconds(context, connect);
  session.connection = connection;
  connection.session = session;
  context.connected += 1;
  context.hooks.connect?.(kept === undefined ? 'accepted' : 'resumed');
  context.hooks.door?.({ ...doorSeen(connection), what: 'connected' });
  send(context, connection, connack(context, connect, clientId, kept !== undefined));
  reportOnline(context, device);
  if (kept !== undefined) resumeDelivery(context, session);
}

/** MQTT-3.1.4-2 (3.1.1), MQTT-3.1.4-3 (5): whoever uses this client id now has to go. */
function takeOver(context: MqttContext, device: DeviceState, clientId: string): void {
  const old = device.sessions.find((session) => session.clientId === clientId)?.connection;
  if (old !== undefined) disconnect(context, old, Reason.sessionTakenOver, 'taken-over');
}

/** The session to continue (MQTT-3.1.2-4 to -6), if the client wants it and it is still there. */
function findKept(context: MqttContext, device: DeviceState, clientId: string, isClean: boolean): Session | undefined {
  const kept = device.sessions.find((session) => session.clientId === clientId);
  if (kept === undefined) return undefined;
  const isExpired = kept.expiresAtMs <= context.monotonicMs();
  if (!isClean && !isExpired) return kept;
  context.sessions.end(kept);
  return undefined;
}

function addSession(context: MqttContext, session: Session): void {
  const { device } = session;
  // Sessions a device has left behind under other names give way to the new one.
  if (device.sessions.length >= context.bounds.connectionsPerDeviceMax) {
    const oldest = device.sessions.find(({ connection }) => connection === undefined);
    if (oldest !== undefined) context.sessions.end(oldest);
  }
  context.sessions.add(session);
}

function expirySeconds(context: MqttContext, connect: Connect): number {
  const most = context.bounds.sessionExpiryMaxSeconds;
  if (connect.version === 4) return connect.isClean ? 0 : most;
  return Math.min(connect.properties.sessionExpirySeconds ?? 0, most);
}

/** Notes what the client has said about itself. */
function describe(context: MqttContext, connection: Connection, peer: Peer, connect: Connect): void {
  const { properties, will } = connect;
  connection.version = connect.version;
  connection.readingsTopic = readingsTopic(peer.deviceId);
  connection.silenceMaxMs = keepAliveSeconds(context, connect) * 1500;
  connection.lastPacketAtMs = context.monotonicMs();
  connection.receiveMax = properties.receiveMaximum ?? 65_535;
  connection.packetSizeMax = properties.maximumPacketSize ?? Number.POSITIVE_INFINITY;
  connection.wantsProblemInformation = properties.requestProblemInformation !== 0;
  connection.willDelaySeconds = will?.delaySeconds;
}

/** v5 clients take ours (MQTT-3.1.2-21); 3.1.1 has no way to be told, so its client's word holds, even 0 for never. */
function keepAliveSeconds(context: MqttContext, { version, keepAliveSeconds: asked }: Connect): number {
  const most = context.bounds.keepAliveMaxSeconds;
  return version === 5 && (asked === 0 || asked > most) ? most : asked;
}

function connack(context: MqttContext, connect: Connect, clientId: string, isPresent: boolean): Buffer {
  if (connect.version === 4) return Buffer.from([0x20, 2, isPresent ? 1 : 0, 0]);
  const { bounds } = context;
  const expiry = expirySeconds(context, connect);
  const keepAlive = keepAliveSeconds(context, connect);
  return encode(
    {
      cmd: 'connack',
      reasonCode: Reason.success,
      sessionPresent: isPresent,
      properties: {
        ...(expiry !== (connect.properties.sessionExpirySeconds ?? 0) && { sessionExpiryInterval: expiry }),
        receiveMaximum: bounds.inFlightMax,
        maximumPacketSize: bounds.packetBytesMax,
        topicAliasMaximum: bounds.topicAliasMax,
        wildcardSubscriptionAvailable: false,
        subscriptionIdentifiersAvailable: false,
        sharedSubscriptionAvailable: false,
        ...(keepAlive !== connect.keepAliveSeconds && { serverKeepAlive: keepAlive }),
        ...(connect.clientId === '' && { assignedClientIdentifier: clientId }),
      },
    },
    5,
  );
}
