import 'reflect-metadata'; // @peculiar/x509 needs it loaded first
import { createPublicKey, type KeyObject } from 'node:crypto';
import * as x509 from '@peculiar/x509';

export type CertificateRequest =
  | { readonly kind: 'ok'; readonly publicKey: x509.PublicKey }
  | { readonly kind: 'refused'; readonly code: RequestRefusal; readonly detail: string };

export type RequestRefusal = 'too-large' | 'malformed' | 'wrong-signature' | 'weak-key';

/**
 * Takes the public key out of a PKCS#10 request (RFC 2986), PEM or DER, and nothing else: which device it is for, and
 * what its certificate says, is ours to decide. The request's own signature proves that its sender holds the key.
 */
export async function parseCertificateRequest(request: string | Uint8Array): Promise<CertificateRequest> {
  if (request.length > REQUEST_BYTES_MAX)
    return refused('too-large', `expected at most ${REQUEST_BYTES_MAX} bytes of certificate request`);
  const parsed = parse(request);
  if (parsed === undefined) return refused('malformed', 'expected a PKCS#10 certificate request, as PEM or DER');
  const weakness = weaknessOf(parsed.publicKey);
  if (weakness !== undefined) return refused('weak-key', weakness);
  return (await isSigned(parsed))
    ? { kind: 'ok', publicKey: parsed.publicKey }
    : refused('wrong-signature', 'expected a request signed by the key it carries');
}

/** A request with an RSA-4096 key and its extensions takes 2 KiB. */
const REQUEST_BYTES_MAX = 16_384;

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

const refused = (code: RequestRefusal, detail: string): CertificateRequest => ({ kind: 'refused', code, detail });
