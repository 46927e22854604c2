import { generate, type Packet } from 'mqtt-packet';
import { Reason } from './reason.ts';

/**
 * Packets to clients. Acknowledgements are written by hand, as there is one for every reading; the rest, rare and with
 * properties, by `mqtt-packet`.
 */
export const encode = (packet: Packet, version: 4 | 5): Buffer => generate(packet, { protocolVersion: version });

export const PUBACK = 0x40;
export const PUBREC = 0x50;
export const PUBCOMP = 0x70;
export const PINGRESP = Buffer.from([0xd0, 0]);

/** Writes a bare acknowledgement, 4 bytes in both versions (v5 3.4.2.1: no reason code means success). */
export function writeAck(into: Buffer, at: number, type: number, packetId: number): number {
  into[at] = type;
  into[at + 1] = 2;
  into[at + 2] = packetId >> 8;
  into[at + 3] = packetId & 0xff;
  return at + 4;
}

export function bareAck(type: number, packetId: number): Buffer {
  const ack = Buffer.allocUnsafe(4);
  writeAck(ack, 0, type, packetId);
  return ack;
}

/** A v5 acknowledgement with a reason, and a reason string where there is one. */
export function ackWithReason(type: number, packetId: number, reason: number, text: string | undefined): Buffer {
  if (text === undefined) return Buffer.from([type, 3, packetId >> 8, packetId & 0xff, reason]);
  const words = Buffer.from(text, 'utf8').subarray(0, REASON_TEXT_MAX);
  const head = [type, 0, packetId >> 8, packetId & 0xff, reason, words.length + 3, 0x1f, 0, words.length];
  head[1] = head.length - 2 + words.length;
  return Buffer.concat([Buffer.from(head), words]);
}

/** Keeps both lengths of an acknowledgement in one byte. Our reason strings are ASCII, so a cut splits no character. */
const REASON_TEXT_MAX = 110;

/** CONNACK that refuses, in 3.1.1 by its return code, in 5 by the reason code. */
export const refusalV3 = (returnCode: number): Buffer => Buffer.from([0x20, 2, 0, returnCode]);
export const refusalV5 = (reason: number): Buffer => Buffer.from([0x20, 3, 0, reason, 0]);

export function disconnectV5(reason: number, text?: string): Buffer {
  if (reason === Reason.success && text === undefined) return Buffer.from([0xe0, 0]);
  if (text === undefined) return Buffer.from([0xe0, 1, reason]);
  return encode({ cmd: 'disconnect', reasonCode: reason, properties: { reasonString: text } }, 5);
}
