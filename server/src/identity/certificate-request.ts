import 'reflect-metadata'; // @peculiar/x509 needs it loaded first
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { DeviceId } from '../domain/ids.ts';
import type { StatedIdentity } from '../ports/device-enrollments.ts';
import { deviceUri } from './device-certificate.ts';

export type CertificateRequest =
  | {
      readonly kind: 'ok';
      readonly publicKey: x509.PublicKey;
      /** SHA-256 (lower-case hex) of the public key. */
      readonly keyFingerprint: string;
      readonly der: Uint8Array;
      /** What it asks to be called; what it is called is ours to decide. */
      readonly commonNames: readonly string[];
      readonly alternativeNames: readonly string[];
      readonly stated: StatedIdentity;
    }
  | { readonly kind: 'refused'; readonly code: RequestRefusal; readonly detail: string };

export type RequestRefusal = 'too-large' | 'malformed' | 'wrong-signature' | 'weak-key' | 'foreign-name';

/**
 * Takes the public key out of a PKCS#10 request (RFC 2986), PEM or DER: which device it is for, and what its
 * certificate says, is ours to decide. The request's own signature proves that its sender holds the key.
 */
export async function parseCertificateRequest(request: string | Uint8Array): Promise<CertificateRequest> {
  if (request.length > REQUEST_BYTES_MAX)
    return refused('too-large', `expected at most ${REQUEST_BYTES_MAX} bytes of certificate request`);
  const parsed = parse(request);
  if (parsed === undefined) return refused('malformed', 'expected a PKCS#10 certificate request, as PEM or DER');
  const weakness = weaknessOf(parsed.publicKey);
  if (weakness !== undefined) return refused('weak-key', weakness);
  if (!(await isSigned(parsed))) return refused('wrong-signature', 'expected a request signed by the key it carries');
  const names = namesOf(parsed);
  if (names === undefined) return refused('malformed', 'expected names that can be read');
  const publicKeyHash = createHash('sha256').update(new Uint8Array(parsed.publicKey.rawData));
  return {
    kind: 'ok',
    publicKey: parsed.publicKey,
    keyFingerprint: publicKeyHash.digest('hex'),
    der: new Uint8Array(parsed.rawData),
    ...names,
  };
}

/**
 * For requests that a device sends by itself: names in it must be its own, or none. One who asks to be somebody else is
 * refused rather than quietly called what it is (RFC 7030 §4.2.2: identical to those of the certificate it renews).
 */
export function refuseForeignNames(
  { commonNames, alternativeNames }: CertificateRequest & { readonly kind: 'ok' },
  deviceId: DeviceId,
): (CertificateRequest & { readonly kind: 'refused' }) | undefined {
  const isOwn =
    commonNames.every((name) => name === deviceId) &&
    alternativeNames.every((name) => name === `url:${deviceUri(deviceId)}`);
  if (isOwn) return undefined;
  return { kind: 'refused', code: 'foreign-name', detail: 'expected no name in the request but the device’s own' };
}

/** A request with an RSA-4096 key and its extensions takes 2 KiB. */
export const REQUEST_BYTES_MAX = 16_384;

function parse(request: string | Uint8Array): x509.Pkcs10CertificateRequest | undefined {
  try {
    // PEM headers other than that of a request are refused: a certificate or a private key handed in by mistake.
    if (typeof request === 'string' && !/-----BEGIN (NEW )?CERTIFICATE REQUEST-----/.test(request)) return undefined;
    return new x509.Pkcs10CertificateRequest(typeof request === 'string' ? request : Uint8Array.from(request));
  } catch {
    return undefined;
  }
}

async function isSigned(request: x509.Pkcs10CertificateRequest): Promise<boolean> {
  try {
    return await request.verify();
  } catch {
    return false; // an algorithm that this platform does not have
  }
}

function namesOf(request: x509.Pkcs10CertificateRequest) {
  try {
    const { subjectName } = request;
    // As IEEE 802.1AR §8.6 names a device in its birth certificate: serialNumber; maker and model in O and OU.
    const maker = plain(subjectName.getField('O')[0]);
    const model = plain(subjectName.getField('OU')[0]);
    const serialNumber = plain(subjectName.getField(SERIAL_NUMBER)[0]);
    const alternatives = request
      .getExtensions(SUBJECT_ALT_NAME)
      .flatMap((one) => new x509.SubjectAlternativeNameExtension(one.rawData).names.items);
    return {
      commonNames: subjectName.getField('CN'),
      alternativeNames: alternatives.map(({ type, value }) => `${type}:${value}`),
      stated: { ...(maker && { maker }), ...(model && { model }), ...(serialNumber && { serialNumber }) },
    };
  } catch {
    return undefined;
  }
}

/** id-ce-subjectAltName, RFC 5280 §4.2.1.6. */
const SUBJECT_ALT_NAME = '2.5.29.17';
/** id-at-serialNumber, X.520: a device's, not a certificate's. */
const SERIAL_NUMBER = '2.5.4.5';

/** For a person to read: one line, without what would steer the screen that shows it, and not longer than X.520 allows. */
function plain(text: string | undefined): string | undefined {
  const shown = text
    ?.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, 64);
  return shown === '' ? undefined : shown;
}

/** What is wrong with the key: kinds and sizes that hold for the certificate's life (NIST SP 800-57), bounded upward. */
function weaknessOf(publicKey: x509.PublicKey): string | undefined {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(publicKey.rawData), format: 'der', type: 'spki' });
  } catch {
    return EXPECTED_KEY;
  }
  const { namedCurve, modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'ec':
      return namedCurve === 'prime256v1' || namedCurve === 'secp384r1' ? undefined : EXPECTED_KEY;
    case 'ed25519':
      return undefined;
    case 'rsa':
      return modulusLength >= 2048 && modulusLength <= 4096 && publicExponent >= 65537n ? undefined : EXPECTED_KEY;
    default:
      return EXPECTED_KEY;
  }
}

const EXPECTED_KEY = 'expected a key on P-256 or P-384, an Ed25519 key, or RSA of 2048 to 4096 bits';

const refused = (code: RequestRefusal, detail: string) => ({ kind: 'refused', code, detail }) as const;
