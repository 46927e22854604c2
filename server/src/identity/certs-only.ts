import 'reflect-metadata'; // @peculiar/x509 needs it loaded first
import * as x509 from '@peculiar/x509';

/** Certificates as a `certs-only` PKCS#7 (RFC 5751 §3.2.2), in base64 with line breaks (RFC 2045 §6.8). */
export function certsOnly(certificatesPem: readonly string[]): string {
  const all = new x509.X509Certificates(certificatesPem.map((pem) => new x509.X509Certificate(pem)));
  const base64 = Buffer.from(all.export('raw')).toString('base64');
  return `${base64.replace(/.{76}/g, '$&\r\n').trimEnd()}\r\n`;
}
