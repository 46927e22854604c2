import type { ByteReader } from './byte-reader.ts';
import { Reason } from './reason.ts';

/** Packets that carry properties to a server, as bits, so that the table says where each property may stand. */
export const In = { connect: 1, will: 2, publish: 4, ack: 8, subscribe: 16, unsubscribe: 32, disconnect: 64 } as const;

/** The properties this endpoint acts on. The others are checked and let go. */
export interface Properties {
  sessionExpirySeconds?: number;
  receiveMaximum?: number;
  maximumPacketSize?: number;
  topicAliasMaximum?: number;
  requestProblemInformation?: number;
  authenticationMethod?: string;
  hasAuthenticationData?: boolean;
  willDelaySeconds?: number;
  topicAlias?: number;
  hasSubscriptionId?: boolean;
}

type Kind = 'flag' | 'uint16' | 'uint32' | 'varint' | 'text' | 'binary' | 'pair';

/** v5 table 2-4, those a client may send. */
const TABLE: ReadonlyMap<number, { readonly kind: Kind; readonly where: number }> = new Map([
  [0x01, { kind: 'flag', where: In.publish | In.will }], // payload format indicator
  [0x02, { kind: 'uint32', where: In.publish | In.will }], // message expiry interval
  [0x03, { kind: 'text', where: In.publish | In.will }], // content type
  [0x08, { kind: 'text', where: In.publish | In.will }], // response topic
  [0x09, { kind: 'binary', where: In.publish | In.will }], // correlation data
  [0x0b, { kind: 'varint', where: In.subscribe }], // subscription identifier
  [0x11, { kind: 'uint32', where: In.connect | In.disconnect }], // session expiry interval
  [0x15, { kind: 'text', where: In.connect }], // authentication method
  [0x16, { kind: 'binary', where: In.connect }], // authentication data
  [0x17, { kind: 'flag', where: In.connect }], // request problem information
  [0x18, { kind: 'uint32', where: In.will }], // will delay interval
  [0x19, { kind: 'flag', where: In.connect }], // request response information
  [0x1f, { kind: 'text', where: In.ack | In.disconnect }], // reason string
  [0x21, { kind: 'uint16', where: In.connect }], // receive maximum
  [0x22, { kind: 'uint16', where: In.connect }], // topic alias maximum
  [0x23, { kind: 'uint16', where: In.publish }], // topic alias
  [0x26, { kind: 'pair', where: ~0 }], // user property
  [0x27, { kind: 'uint32', where: In.connect }], // maximum packet size
]);

/** Reads a property block into `into`. Answers with the reason code of what is wrong with it, or `success`. */
export function readProperties(reader: ByteReader, where: number, into: Properties): number {
  const block = reader.section(reader.varint());
  const seen = new Set<number>();
  while (block.remaining > 0 && !block.broken) {
    const id = block.varint();
    const entry = TABLE.get(id);
    // v5 2.2.2.2: an identifier that is not valid for the packet makes the packet malformed.
    if (entry === undefined || (entry.where & where) === 0) return Reason.malformedPacket;
    if (entry.kind !== 'pair' && seen.has(id)) return Reason.protocolError; // each at most once
    seen.add(id);
    const reason = readOne(block, id, entry.kind, into);
    if (reason !== Reason.success && !block.broken) return reason;
  }
  if (block.broken) return Reason.malformedPacket;
  if (into.hasAuthenticationData && into.authenticationMethod === undefined) return Reason.protocolError; // 3.1.2.11.10
  return Reason.success;
}

function readOne(reader: ByteReader, id: number, kind: Kind, into: Properties): number {
  switch (kind) {
    case 'flag': {
      const value = reader.byte();
      if (id === 0x17) into.requestProblemInformation = value;
      return value > 1 ? Reason.protocolError : Reason.success;
    }
    case 'uint16':
      return take16(id, reader.uint16(), into);
    case 'uint32':
      return take32(id, reader.uint32(), into);
    case 'varint':
      into.hasSubscriptionId = true;
      return reader.varint() === 0 ? Reason.protocolError : Reason.success;
    case 'text': {
      const value = reader.text();
      if (id === 0x15) into.authenticationMethod = value;
      // MQTT-3.3.2-14: no wildcards in a response topic.
      return id === 0x08 && /[+#]/.test(value) ? Reason.protocolError : Reason.success;
    }
    case 'binary':
      reader.binary();
      if (id === 0x16) into.hasAuthenticationData = true;
      return Reason.success;
    case 'pair':
      reader.text();
      reader.text();
      return Reason.success;
  }
}

function take16(id: number, value: number, into: Properties): number {
  if (id === 0x21) {
    into.receiveMaximum = value;
    return value === 0 ? Reason.protocolError : Reason.success; // 3.1.2.11.3
  }
  if (id === 0x22) into.topicAliasMaximum = value;
  if (id === 0x23) into.topicAlias = value;
  return Reason.success;
}

function take32(id: number, value: number, into: Properties): number {
  if (id === 0x11) into.sessionExpirySeconds = value;
  if (id === 0x18) into.willDelaySeconds = value;
  if (id === 0x27) {
    into.maximumPacketSize = value;
    return value === 0 ? Reason.protocolError : Reason.success; // 3.1.2.11.4
  }
  return Reason.success;
}
