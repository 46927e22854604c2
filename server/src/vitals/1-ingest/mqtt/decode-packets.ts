import { ByteReader } from './byte-reader.ts';
import { In, type Properties, readProperties } from './properties.ts';
import { Reason } from './reason.ts';

/** What a packet says, or the reason code of what is wrong with it. */
export type Decoded<T> = { readonly ok: true; readonly packet: T } | { readonly ok: false; readonly reason: number };

export interface Publish {
  readonly qos: 0 | 1 | 2;
  /** 0 with QoS 0. */
  readonly packetId: number;
  readonly topic: string;
  readonly topicAlias: number | undefined;
  /** A view into the packet. */
  readonly payload: Buffer;
}

export function decodePublish(
  first: number,
  version: 4 | 5,
  bytes: Buffer,
  start: number,
  end: number,
): Decoded<Publish> {
  const reader = new ByteReader(bytes, start, end);
  const qos = (first >> 1) & 3;
  if (qos === 3 || (qos === 0 && first & 0x08)) return bad(); // MQTT-3.3.1-4, -2
  const topic = reader.text();
  const packetId = qos > 0 ? reader.uint16() : 0;
  const properties: Properties = {};
  const reason = version === 5 ? readProperties(reader, In.publish, properties) : Reason.success;
  if (reason !== Reason.success) return bad(reason);
  const payload = reader.rest();
  if (reader.broken || (qos > 0 && packetId === 0)) return bad(); // MQTT-2.3.1-1, MQTT-2.2.1-3
  return { ok: true, packet: { qos: qos as 0 | 1 | 2, packetId, topic, topicAlias: properties.topicAlias, payload } };
}

export interface Ack {
  readonly packetId: number;
  readonly reason: number;
}

/** PUBACK, PUBREC, PUBREL, PUBCOMP (3.4 to 3.7): all of one form. */
export function decodeAck(version: 4 | 5, bytes: Buffer, start: number, end: number): Decoded<Ack> {
  const reader = new ByteReader(bytes, start, end);
  const packetId = reader.uint16();
  let reason: number = Reason.success;
  if (version === 5 && reader.remaining > 0) {
    reason = reader.byte();
    if (reader.remaining > 0) {
      const fault = readProperties(reader, In.ack, {});
      if (fault !== Reason.success) return bad(fault);
    }
  }
  if (reader.broken || reader.remaining > 0 || packetId === 0) return bad();
  return { ok: true, packet: { packetId, reason } };
}

export interface Subscribe {
  readonly packetId: number;
  readonly hasSubscriptionId: boolean;
  readonly filters: readonly TopicFilter[];
}

export interface TopicFilter {
  readonly filter: string;
  readonly qos: 0 | 1 | 2;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  /** v5 Retain Handling; 3.1.1 behaves as 0: always send the retained message. */
  readonly retainHandling: 0 | 1 | 2;
}

/** There are two topics to subscribe to; a list longer than this is not a device's. */
const FILTERS_MAX = 16;

export function decodeSubscribe(version: 4 | 5, bytes: Buffer, start: number, end: number): Decoded<Subscribe> {
  const reader = new ByteReader(bytes, start, end);
  const packetId = reader.uint16();
  const properties: Properties = {};
  const reason = version === 5 ? readProperties(reader, In.subscribe, properties) : Reason.success;
  if (reason !== Reason.success) return bad(reason);
  const filters: TopicFilter[] = [];
  while (reader.remaining > 0 && !reader.broken) {
    const filter = reader.text();
    const options = reader.byte();
    const qos = options & 3;
    const retainHandling = (options >> 4) & 3;
    // MQTT-3.8.3-4 (3.1.1), MQTT-3.8.3-5 (5): reserved bits; and no QoS or retain handling of 3.
    if (options & (version === 5 ? 0xc0 : 0xfc) || qos === 3 || retainHandling === 3) return bad();
    if (filter === '') return bad(); // MQTT-4.7.3-1
    if (filters.length === FILTERS_MAX) return bad(Reason.quotaExceeded);
    filters.push({
      filter,
      qos: qos as 0 | 1 | 2,
      noLocal: (options & 4) !== 0,
      retainAsPublished: (options & 8) !== 0,
      retainHandling: retainHandling as 0 | 1 | 2,
    });
  }
  if (reader.broken || packetId === 0) return bad();
  if (filters.length === 0) return bad(Reason.protocolError); // MQTT-3.8.3-3, -2
  return { ok: true, packet: { packetId, hasSubscriptionId: properties.hasSubscriptionId === true, filters } };
}

export interface Unsubscribe {
  readonly packetId: number;
  readonly filters: readonly string[];
}

export function decodeUnsubscribe(version: 4 | 5, bytes: Buffer, start: number, end: number): Decoded<Unsubscribe> {
  const reader = new ByteReader(bytes, start, end);
  const packetId = reader.uint16();
  const reason = version === 5 ? readProperties(reader, In.unsubscribe, {}) : Reason.success;
  if (reason !== Reason.success) return bad(reason);
  const filters: string[] = [];
  while (reader.remaining > 0 && !reader.broken) {
    const filter = reader.text();
    if (filter === '') return bad(); // MQTT-4.7.3-1
    if (filters.length === FILTERS_MAX) return bad(Reason.quotaExceeded);
    filters.push(filter);
  }
  if (reader.broken || packetId === 0) return bad();
  if (filters.length === 0) return bad(Reason.protocolError); // MQTT-3.10.3-2
  return { ok: true, packet: { packetId, filters } };
}

export interface Disconnect {
  readonly reason: number;
  readonly sessionExpirySeconds: number | undefined;
}

export function decodeDisconnect(version: 4 | 5, bytes: Buffer, start: number, end: number): Decoded<Disconnect> {
  if (start === end) return { ok: true, packet: { reason: Reason.success, sessionExpirySeconds: undefined } };
  if (version === 4) return bad();
  const reader = new ByteReader(bytes, start, end);
  const reason = reader.byte();
  const properties: Properties = {};
  if (reader.remaining > 0) {
    const fault = readProperties(reader, In.disconnect, properties);
    if (fault !== Reason.success) return bad(fault);
  }
  if (reader.broken || reader.remaining > 0) return bad();
  return { ok: true, packet: { reason, sessionExpirySeconds: properties.sessionExpirySeconds } };
}

const bad = (reason: number = Reason.malformedPacket): { readonly ok: false; readonly reason: number } => ({
  ok: false,
  reason,
});
