import type { FastifyRequest } from 'fastify';
import type { DeviceId } from '../../domain/ids.ts';
import { deviceIdOfCertificate } from '../../identity/device-certificate.ts';
import type { RegistryView } from '../../identity/registry-view.ts';
import { isDeviceSecret, sha256Of } from '../../identity/secrets.ts';
import { provenCertificate } from '../../serve/client-certificate.ts';

/**
 * Which device sends this request: by the certificate it proved to hold, else by its token. Whether it was revoked is
 * asked each time. A certificate that is not valid is not made good by a token beside it.
 */
export function authenticateDevice(request: FastifyRequest, view: RegistryView, nowMs: number): DeviceId | undefined {
  const certificate = provenCertificate(request);
  if (certificate !== undefined) {
    const deviceId = deviceIdOfCertificate(certificate.der);
    const isAllowed = deviceId !== undefined && view.deviceAccess(deviceId, certificate.serial) === 'allowed';
    return isAllowed ? deviceId : undefined;
  }
  const token = /^Bearer ([\w-]{1,100})$/i.exec(request.headers.authorization ?? '')?.[1];
  return token !== undefined && isDeviceSecret(token) ? view.deviceOfToken(sha256Of(token), nowMs) : undefined;
}
