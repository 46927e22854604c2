import type { Connection, Session, Subscription } from './connection.ts';
import type { MqttContext } from './context.ts';
import { decodeSubscribe, decodeUnsubscribe, type TopicFilter } from './decode-packets.ts';
import { sendConfig } from './deliver.ts';
import { encode } from './encode.ts';
import { disconnect, send } from './output.ts';
import { Reason } from './reason.ts';

import { certificateTopic, commandsTopic, configTopic, kindOfFilter } from './topics.ts';

/** SUBSCRIBE (3.8): a device may listen to its own configuration, commands and certificates, and to nothing else. */
export function onSubscribe(context: MqttContext, connection: Connection): void {
  const { bytes, bodyStart, bodyEnd } = connection.frames;
  const version = connection.version as 4 | 5;
  const decoded = decodeSubscribe(version, bytes, bodyStart, bodyEnd);
  if (!decoded.ok) {
    disconnect(context, connection, decoded.reason, 'malformed');
    return;
  }
  const { packetId, filters, hasSubscriptionId } = decoded.packet;
  const unsupported = hasSubscriptionId ? Reason.subscriptionIdsUnsupported : unsupportedFilter(filters);
  if (version === 5 && unsupported !== undefined) {
    // CONNACK said that there are none of these; using them all the same is a protocol error (v5 3.2.2.3.11 to 13).
    disconnect(context, connection, unsupported, 'protocol-error');
    return;
  }
  const session = connection.session as Session;
  const hadConfig = session.config !== undefined;
  const granted = filters.map((filter) => subscribe(session, filter, version));
  send(context, connection, encode({ cmd: 'suback', messageId: packetId, granted }, version));
  const asked = filters.findLast(({ filter }) => filter === configTopic(session.device.id));
  if (asked !== undefined && session.config !== undefined && wantsRetained(asked, hadConfig, version)) {
    // A retained message is only there if it has content.
    if (context.world.configOf(session.device.id)) sendConfig(context, session, session.config, true);
  }
}

/** v5 3.8.3.1: retain handling 0 always, 1 only for a new subscription, 2 never. 3.1.1: always (MQTT-3.8.4-3). */
function wantsRetained(filter: TopicFilter, wasSubscribed: boolean, version: 4 | 5): boolean {
  if (version === 4 || filter.retainHandling === 0) return true;
  return filter.retainHandling === 1 && !wasSubscribed;
}

function unsupportedFilter(filters: readonly TopicFilter[]): number | undefined {
  const kinds = filters.map(({ filter }) => kindOfFilter(filter));
  if (kinds.includes('shared')) return Reason.sharedSubscriptionsUnsupported;
  return kinds.includes('wildcard') ? Reason.wildcardsUnsupported : undefined;
}

/** Answers with the granted QoS, which is at most 1, or why not. */
function subscribe(session: Session, asked: TopicFilter, version: 4 | 5): number {
  const subscription: Subscription = {
    qos: asked.qos === 0 ? 0 : 1,
    retainAsPublished: version === 5 && asked.retainAsPublished,
  };
  if (asked.filter === configTopic(session.device.id)) session.config = subscription;
  else if (asked.filter === commandsTopic(session.device.id)) session.commands = subscription;
  else if (asked.filter === certificateTopic(session.device.id)) session.certificate = subscription;
  else if (version === 4)
    return Reason.unspecified; // MQTT-3.9.3-2: 0x80 is the only failure
  else return kindOfFilter(asked.filter) === 'invalid' ? Reason.topicFilterInvalid : Reason.notAuthorized;
  return subscription.qos;
}

export function onUnsubscribe(context: MqttContext, connection: Connection): void {
  const { bytes, bodyStart, bodyEnd } = connection.frames;
  const version = connection.version as 4 | 5;
  const decoded = decodeUnsubscribe(version, bytes, bodyStart, bodyEnd);
  if (!decoded.ok) {
    disconnect(context, connection, decoded.reason, 'malformed');
    return;
  }
  const { packetId, filters } = decoded.packet;
  const session = connection.session as Session;
  const granted = filters.map((filter) => unsubscribe(session, filter));
  send(context, connection, encode({ cmd: 'unsuback', messageId: packetId, granted }, version));
}

function unsubscribe(session: Session, filter: string): number {
  const isConfig = filter === configTopic(session.device.id) && session.config !== undefined;
  const isCommands = filter === commandsTopic(session.device.id) && session.commands !== undefined;
  const isCertificate = filter === certificateTopic(session.device.id) && session.certificate !== undefined;
  if (isConfig) session.config = undefined;
  if (isCommands) session.commands = undefined;
  if (isCertificate) session.certificate = undefined;
  // MQTT-3.10.4-2: nothing new is sent for it.
  const kept = session.waiting.filter(({ topic }) => topic !== filter);
  session.waiting.splice(0, session.waiting.length, ...kept);
  return isConfig || isCommands || isCertificate ? Reason.success : Reason.noSubscriptionExisted;
}
