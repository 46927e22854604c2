import type { FastifyRequest } from 'fastify';
import type { DeviceId } from '../../domain/ids.ts';
import { deviceIdOfCertificate } from '../../identity/device-certificate.ts';
import type { RegistryView } from '../../identity/registry-view.ts';
import { isDeviceSecret, sha256Of } from '../../identity/secrets.ts';
import { provenCertificate } from '../../serve/client-certificate.ts';

/**
 * Which device sends this request: by the certificate it proved to hold, else by its token. Whether it was revoked or
 * has ended is asked each time. A certificate that is not valid is not made good by a token beside it.
 */
export function authenticateDevice(
  request: FastifyRequest,
  view: Pick<RegistryView, 'deviceAccess' | 'deviceOfToken'>,
  nowMs: number,
): DeviceId | undefined {
  if (provenCertificate(request) !== undefined) return certifiedDevice(request, view, nowMs)?.deviceId;
  const token = /^Bearer ([\w-]{1,100})$/i.exec(request.headers.authorization ?? '')?.[1];
  return token !== undefined && isDeviceSecret(token) ? view.deviceOfToken(sha256Of(token), nowMs) : undefined;
}

/** By its certificate alone. */
export function certifiedDevice(
  request: FastifyRequest,
  view: Pick<RegistryView, 'deviceAccess'>,
  nowMs: number,
): { readonly deviceId: DeviceId; readonly serial: string } | undefined {
  const certificate = provenCertificate(request);
  const deviceId = certificate && deviceIdOfCertificate(certificate.der);
  if (certificate === undefined || deviceId === undefined) return undefined;
  // On a connection that stays open, and one resumed by tickets again and again, it outlives what TLS looked at. What
  // is no date is none to come.
  if (!(nowMs < certificate.notAfterMs)) return undefined;
  const { serial, fingerprint } = certificate;
  return view.deviceAccess(deviceId, serial, fingerprint) === 'allowed' ? { deviceId, serial } : undefined;
}
