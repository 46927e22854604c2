import type { TLSSocket } from 'node:tls';
import type { FastifyRequest } from 'fastify';

/**
 * The certificate this client proved to hold, as DER with its serial number: only if it chains to our device CA and is
 * within its dates. Whose it is and whether it was revoked is asked elsewhere, each time: a resumed TLS session does
 * not verify again.
 */
export function provenCertificate(
  request: FastifyRequest,
): { readonly der: Buffer; readonly serial: string; readonly fingerprint: string } | undefined {
  const socket = request.raw.socket as TLSSocket;
  if (socket.encrypted !== true || !socket.authorized) return undefined;
  const certificate = socket.getPeerCertificate();
  if (certificate?.raw === undefined) return undefined;
  // SHA-256 over the whole of it, as the registry keeps it.
  const fingerprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
  return { der: certificate.raw, serial: certificate.serialNumber, fingerprint };
}
