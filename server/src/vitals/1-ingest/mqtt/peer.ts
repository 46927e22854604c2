import type { TLSSocket } from 'node:tls';
import { deviceIdOfCertificate } from '../../../identity/device-certificate.ts';
import type { Peer } from './connection.ts';

/**
 * Who is at the other end: by the certificate, and by nothing the client says. TLS has verified it, now or, where the
 * session was resumed, when its ticket was issued. `undefined` where the certificate names no device.
 */
export function peerOf(socket: TLSSocket): Peer | undefined {
  const certificate = socket.getPeerX509Certificate();
  const deviceId = certificate === undefined ? undefined : deviceIdOfCertificate(certificate);
  if (certificate === undefined || deviceId === undefined) return undefined;
  return { deviceId, serial: certificate.serialNumber.toUpperCase(), notAfterMs: certificate.validToDate.getTime() };
}
