import { X509Certificate } from 'node:crypto';
import { type DeviceId, parseDeviceId } from '../domain/ids.ts';

/**
 * Whose certificate this is: the device id in `spiffe://healthsync/device/D`, if the certificate's subject alternative
 * name is exactly that one URI and nothing else (X.509-SVID §2: exactly one URI SAN). Never throws: bytes that are not
 * a certificate are nobody's.
 *
 * It reads the DER itself, because a SAN rendered as text (`getPeerCertificate().subjectaltname`) is one string in which
 * a crafted name can imitate another entry, and because a full ASN.1 parse costs more than the handshake's own check.
 * It says who the certificate speaks of; that our CA signed it is for TLS to verify.
 */
export function deviceIdOfCertificate(certificate: Uint8Array | X509Certificate): DeviceId | undefined {
  const name = onlySubjectAlternativeName(certificate instanceof X509Certificate ? certificate.raw : certificate);
  if (name?.tag !== URI_NAME) return undefined;
  const uri = asciiOf(name.content);
  return uri?.startsWith(DEVICE_URI_PREFIX) ? parseDeviceId(uri.slice(DEVICE_URI_PREFIX.length)) : undefined;
}

export const DEVICE_URI_PREFIX = 'spiffe://healthsync/device/';

export const deviceUri = (id: DeviceId): string => `${DEVICE_URI_PREFIX}${id}`;

// DER tags (X.690) and the object identifier of subjectAltName, 2.5.29.17 (RFC 5280 §4.2.1.6).
const SEQUENCE = 0x30;
const OCTET_STRING = 0x04;
const OBJECT_IDENTIFIER = 0x06;
const EXTENSIONS = 0xa3; // [3] EXPLICIT in TBSCertificate
const URI_NAME = 0x86; // [6] IMPLICIT IA5String in GeneralName
const SUBJECT_ALT_NAME = Uint8Array.of(0x55, 0x1d, 0x11);

interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
}

/** The single GeneralName of the single subjectAltName extension; undefined where there are none or more. */
function onlySubjectAlternativeName(der: Uint8Array): Element | undefined {
  const tbs = children(soleChild(der, SEQUENCE))?.[0];
  const wrapper = children(tbs)?.find((field) => field.tag === EXTENSIONS);
  const extensions = children(wrapper === undefined ? undefined : soleChild(wrapper.content, SEQUENCE));
  const named = extensions?.map(children).filter((parts) => isSubjectAltName(parts?.[0]));
  const value = named?.length === 1 ? named[0]?.at(-1) : undefined;
  if (value?.tag !== OCTET_STRING) return undefined;
  const names = children(soleChild(value.content, SEQUENCE));
  return names?.length === 1 ? names[0] : undefined;
}

function isSubjectAltName(oid: Element | undefined): boolean {
  return (
    oid?.tag === OBJECT_IDENTIFIER &&
    oid.content.length === SUBJECT_ALT_NAME.length &&
    oid.content.every((byte, i) => byte === SUBJECT_ALT_NAME[i])
  );
}

function soleChild(bytes: Uint8Array, tag: number): Element | undefined {
  const elements = elementsOf(bytes);
  return elements?.length === 1 && elements[0]?.tag === tag ? elements[0] : undefined;
}

const children = (parent: Element | undefined): readonly Element[] | undefined =>
  parent === undefined ? undefined : elementsOf(parent.content);

/** More than any certificate of ours has on one level; a hostile one cannot make us collect without end. */
const ELEMENTS_MAX = 64;

/** The elements laid end to end in `bytes`; undefined if they do not fill it exactly, or a length is not minimal DER. */
function elementsOf(bytes: Uint8Array): readonly Element[] | undefined {
  const elements: Element[] = [];
  let at = 0;
  while (at < bytes.length) {
    const header = headerAt(bytes, at);
    if (header === undefined || header.end > bytes.length || elements.length === ELEMENTS_MAX) return undefined;
    elements.push({ tag: header.tag, content: bytes.subarray(header.start, header.end) });
    at = header.end;
  }
  return elements;
}

function headerAt(bytes: Uint8Array, at: number): { tag: number; start: number; end: number } | undefined {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined) return undefined;
  if (first < 0x80) return { tag, start: at + 2, end: at + 2 + first };
  // Long form: 1 to 3 length bytes suffice for 16 MiB, far beyond any certificate TLS would carry.
  const count = first & 0x7f;
  if (count < 1 || count > 3 || at + 2 + count > bytes.length) return undefined;
  let length = 0;
  for (let i = 0; i < count; i++) length = length * 256 + (bytes[at + 2 + i] as number);
  const isMinimal = length >= 0x80 && (count === 1 || length >= 2 ** (8 * (count - 1)));
  return isMinimal ? { tag, start: at + 2 + count, end: at + 2 + count + length } : undefined;
}

function asciiOf(bytes: Uint8Array): string | undefined {
  return bytes.every((byte) => byte >= 0x20 && byte < 0x7f) ? Buffer.from(bytes).toString('latin1') : undefined;
}
