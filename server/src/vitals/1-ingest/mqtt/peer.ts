import type { TLSSocket } from 'node:tls';
import { deviceIdOfCertificate } from '../../../identity/device-certificate.ts';
import type { DoorSeen } from '../../../ports/door-seen.ts';
import type { Peer } from './connection.ts';
import type { DeviceSocket } from './device-socket.ts';

/**
 * Who is at the other end: by the certificate, and by nothing the client says. TLS has verified it, now or, where the
 * session was resumed, when its ticket was issued. `undefined` where the certificate names no device.
 */
export function peerOf(socket: TLSSocket): Peer | undefined {
  const certificate = socket.getPeerX509Certificate();
  const deviceId = certificate === undefined ? undefined : deviceIdOfCertificate(certificate);
  if (certificate === undefined || deviceId === undefined) return undefined;
  return {
    deviceId,
    serial: certificate.serialNumber.toUpperCase(),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    notBeforeMs: certificate.validFromDate.getTime(),
    notAfterMs: certificate.validToDate.getTime(),
  };
}

/** Who is at the door, for the record. */
export function doorSeen({
  peer,
  socket,
}: {
  readonly peer: Peer | undefined;
  readonly socket: Pick<DeviceSocket, 'remoteAddress'>;
}): Omit<DoorSeen, 'what'> {
  const { remoteAddress: address } = socket;
  return {
    transport: 'mqtt',
    ...(peer !== undefined && { deviceId: peer.deviceId, serial: peer.serial }),
    ...(address !== undefined && { address }),
  };
}
