import type { FastifyRequest } from 'fastify';
import type { DeviceId } from '../domain/ids.ts';
import { deviceIdOfCertificate } from '../identity/device-certificate.ts';
import type { RegistryView } from '../identity/registry-view.ts';
import { sha256Of } from '../identity/secrets.ts';
import { provenCertificate } from '../serve/client-certificate.ts';

/** Which device speaks over HTTPS: by its certificate, or by a device token. Undefined: nobody we know. */
export function authenticateDevice(request: FastifyRequest, view: RegistryView, nowMs: number): DeviceId | undefined {
  const certificate = provenCertificate(request);
  const deviceId = certificate === undefined ? undefined : deviceIdOfCertificate(certificate.der);
  if (certificate !== undefined && deviceId !== undefined)
    return view.deviceAccess(deviceId, certificate.serial) === 'allowed' ? deviceId : undefined;
  const token = /^Bearer ([\x21-\x7e]{1,256})$/i.exec(request.headers.authorization ?? '')?.[1];
  return token === undefined ? undefined : view.deviceOfToken(sha256Of(token), nowMs);
}
