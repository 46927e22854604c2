import type { TLSSocket } from 'node:tls';
import type { FastifyRequest } from 'fastify';

/**
 * The certificate this client proved to hold, as DER with its serial number: only if it chains to our device CA and was
 * within its dates when it was verified. Whose it is, whether it was revoked and whether it has ended is asked elsewhere,
 * each time: neither a resumed TLS session nor a connection that stays open verifies again.
 */
export function provenCertificate(request: FastifyRequest): ProvenCertificate | undefined {
  const socket = request.raw.socket as TLSSocket;
  if (socket.encrypted !== true || !socket.authorized) return undefined;
  const certificate = socket.getPeerCertificate();
  if (certificate?.raw === undefined) return undefined;
  // SHA-256 over the whole of it, as the registry keeps it.
  const fingerprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
  const notAfterMs = Date.parse(certificate.valid_to);
  return { der: certificate.raw, serial: certificate.serialNumber, fingerprint, notAfterMs };
}

export interface ProvenCertificate {
  readonly der: Buffer;
  readonly serial: string;
  readonly fingerprint: string;
  readonly notAfterMs: number;
}
