import 'reflect-metadata'; // @peculiar/x509 needs it loaded first
import { createHash } from 'node:crypto';
import type { PublicKey, PublicKeyType } from '@peculiar/x509';
import type { DeviceId } from '../domain/ids.ts';
import type { DeviceCertificate } from '../ports/registry.ts';
import { parseCertificateRequest, type RequestRefusal } from './certificate-request.ts';
import { deviceUri } from './device-certificate.ts';
import { type Authority, CLOCK_SLACK_MS, P256, privateKeyPem } from './signing-authority.ts';

/** Issues the certificates that devices sign in with. */
export interface DeviceAuthority {
  /** For a key made here: the device gets certificate and key. */
  issue(deviceId: DeviceId): Promise<IssuedCertificate & { readonly keyPem: string }>;
  /** For a key the device made and keeps: its PKCS#10 request, of which only the public key counts. */
  issueFor(deviceId: DeviceId, request: string | Uint8Array): Promise<RequestOutcome>;
}

export interface IssuedCertificate {
  readonly certificatePem: string;
  /** For the registry, which knows every certificate that was ever issued. */
  readonly record: DeviceCertificate;
}

export type RequestOutcome =
  | ({ readonly kind: 'issued' } & IssuedCertificate)
  | { readonly kind: 'refused'; readonly code: RequestRefusal; readonly detail: string };

export function createDeviceAuthority(
  authority: Authority,
  now: () => number,
  options: {
    readonly lifetimeMs?: number;
    /** Where the revocation list of this authority is. */
    readonly crlUrl?: string;
  } = {},
): DeviceAuthority {
  const { lifetimeMs = CERTIFICATE_DAYS * 86_400_000, crlUrl } = options;

  async function issueTo(deviceId: DeviceId, publicKey: PublicKeyType): Promise<IssuedCertificate> {
    // X.509 times are whole seconds; the registry shall know the same ones.
    const nowMs = Math.floor(now() / 1000) * 1000;
    const notBeforeMs = nowMs - CLOCK_SLACK_MS;
    const notAfterMs = nowMs + lifetimeMs;
    const certificate = await authority.sign({
      publicKey,
      commonName: deviceId,
      names: [{ type: 'url', value: deviceUri(deviceId) }],
      notBeforeMs,
      notAfterMs,
      ...(crlUrl !== undefined && { crlUrl }),
    });
    const record = {
      deviceId,
      serial: certificate.serialNumber.toUpperCase(),
      notBeforeMs,
      notAfterMs,
      fingerprint: sha256(certificate.rawData),
      keyFingerprint: keyFingerprintOf(certificate.publicKey),
      ...(authority.number !== 1 && { authority: authority.number }),
    };
    return { certificatePem: certificate.toString('pem'), record };
  }

  return {
    async issue(deviceId) {
      const keys = await crypto.subtle.generateKey(P256, true, ['sign', 'verify']);
      return { ...(await issueTo(deviceId, keys.publicKey)), keyPem: await privateKeyPem(keys.privateKey) };
    },
    async issueFor(deviceId, request) {
      const parsed = await parseCertificateRequest(request);
      if (parsed.kind === 'refused') return parsed;
      return { kind: 'issued', ...(await issueTo(deviceId, parsed.publicKey)) };
    },
  };
}

/** Of the SubjectPublicKeyInfo, lower-case hex: what a device and a person compare, with colons (`colonHex`). */
export const keyFingerprintOf = (publicKey: PublicKey): string => sha256(publicKey.rawData);

/** `AB:CD:…`, as openssl and devices show a fingerprint. */
export const colonHex = (hex: string): string => hex.toUpperCase().replace(/..(?=.)/g, '$&:');

const sha256 = (bytes: ArrayBuffer): string => createHash('sha256').update(new Uint8Array(bytes)).digest('hex');

/** A stolen device serves a thief no longer than this, even if nobody notices. */
const CERTIFICATE_DAYS = 90;
