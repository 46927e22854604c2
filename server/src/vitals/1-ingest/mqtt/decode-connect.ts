import { ByteReader } from './byte-reader.ts';
import { In, type Properties, readProperties } from './properties.ts';
import { Reason } from './reason.ts';

export interface Connect {
  readonly version: 4 | 5;
  readonly clientId: string;
  /** Clean Session in 3.1.1, Clean Start in 5. */
  readonly isClean: boolean;
  readonly keepAliveSeconds: number;
  readonly properties: Properties;
  /** Its payload is not kept: the only thing a device's will can say here is that the device is gone. */
  readonly will?: { readonly topic: string; readonly delaySeconds: number };
}

export type ConnectOutcome =
  | { readonly kind: 'connect'; readonly connect: Connect }
  /** `version` is how to answer, if the client can be answered at all. */
  | { readonly kind: 'fault'; readonly reason: number; readonly version: 4 | 5 | undefined };

/** CONNECT (3.1 in both versions). User name and password are read and ignored: the certificate says who this is. */
export function decodeConnect(bytes: Buffer, start: number, end: number): ConnectOutcome {
  const reader = new ByteReader(bytes, start, end);
  const name = reader.text();
  const level = reader.byte();
  if (reader.broken || (name !== 'MQTT' && name !== 'MQIsdp')) return fault(Reason.malformedPacket);
  // MQTT-3.1.2-2: an unknown level is answered before closing, in the form its client can read.
  if (name !== 'MQTT' || level < 4) return fault(Reason.unsupportedVersion, 4);
  if (level > 5) return fault(Reason.unsupportedVersion, 5);
  return decodeBody(reader, level as 4 | 5);
}

function decodeBody(reader: ByteReader, version: 4 | 5): ConnectOutcome {
  const flags = reader.byte();
  const keepAliveSeconds = reader.uint16();
  if (reader.broken || !areValidFlags(flags, version)) return fault(Reason.malformedPacket, version);
  const properties: Properties = {};
  const reason = version === 5 ? readProperties(reader, In.connect, properties) : Reason.success;
  if (reason !== Reason.success) return fault(reason, version);
  const clientId = reader.text();
  const willProperties: Properties = {};
  let willTopic: string | undefined;
  if (flags & WILL) {
    const willReason = version === 5 ? readProperties(reader, In.will, willProperties) : Reason.success;
    if (willReason !== Reason.success) return fault(willReason, version);
    willTopic = reader.text();
    reader.binary();
  }
  if (flags & USER_NAME) reader.text();
  if (flags & PASSWORD) reader.binary();
  if (reader.broken || reader.remaining > 0) return fault(Reason.malformedPacket, version);
  const will =
    willTopic === undefined ? {} : { will: { topic: willTopic, delaySeconds: willProperties.willDelaySeconds ?? 0 } };
  const connect = { version, clientId, isClean: (flags & CLEAN) !== 0, keepAliveSeconds, properties, ...will };
  return { kind: 'connect', connect };
}

const CLEAN = 0x02;
const WILL = 0x04;
const PASSWORD = 0x40;
const USER_NAME = 0x80;

function areValidFlags(flags: number, version: 4 | 5): boolean {
  const willQos = (flags >> 3) & 3;
  if (flags & 1) return false; // MQTT-3.1.2-3: reserved
  if (willQos === 3) return false; // MQTT-3.1.2-14
  if (!(flags & WILL) && flags & 0x38) return false; // MQTT-3.1.2-11, -13, -15
  return version === 5 || (flags & USER_NAME) !== 0 || !(flags & PASSWORD); // MQTT-3.1.2-22, 3.1.1 only
}

const fault = (reason: number, version?: 4 | 5): ConnectOutcome => ({ kind: 'fault', reason, version });
