import type { Authorities } from '../identity/authority.ts';
import type { Settings } from './settings.ts';

/** How long certificates of devices last, and where their revocation list is. */
export function certificateTerms(
  {
    deviceCertificateHours,
    serverNames,
    httpsPort,
  }: Pick<Settings, 'deviceCertificateHours' | 'serverNames' | 'httpsPort'>,
  { devices }: Pick<Authorities, 'devices'>,
  port = httpsPort,
) {
  const host = serverNames[0];
  return {
    lifetimeMs: deviceCertificateHours * 3_600_000,
    // Without a name nobody else could reach it by, there is no address to write down.
    ...(host !== undefined && port !== 0 && { crlUrl: `https://${host}:${port}/pki/devices-${devices.number}.crl` }),
  };
}

/** Devices show their certificate to us and to nothing before us: never the address of a proxy. */
export const ownAddress = ({ serverNames }: Pick<Settings, 'serverNames'>, port: number): string =>
  `https://${serverNames[0] ?? 'localhost'}:${port}`;
