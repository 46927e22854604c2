import { createHash } from 'node:crypto';
import type { DeviceCertificates } from '../ports/device-certificates.ts';
import type { DeviceCertificate } from '../ports/registry.ts';
import type { Authorities } from './authority.ts';
import type { RegistryView } from './registry-view.ts';

/** Revocation lists (RFC 5280 §5) of the authorities for devices, and the status of one certificate. */
export interface RevocationLists {
  /** Of the authority with this number; undefined: not one that devices may come with. */
  list(authority: number): Promise<RevocationList | undefined>;
  status(serial: string): CertificateStanding;
}

export interface RevocationList {
  readonly der: Uint8Array;
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number;
}

export type CertificateStanding =
  | { readonly kind: 'good' | 'expired' | 'unknown' }
  | { readonly kind: 'revoked'; readonly atMs: number; readonly code?: string };

export function createRevocationLists(parts: {
  readonly view: () => Pick<RegistryView, 'snapshot' | 'certificate'>;
  readonly authorities: () => Authorities;
  readonly certificates: Pick<DeviceCertificates, 'nextListNumber'>;
  readonly now: () => number;
}): RevocationLists {
  const { view, authorities, certificates, now } = parts;
  const made = new Map<number, { readonly digest: string; readonly list: Promise<RevocationList> }>();

  function list(number: number): Promise<RevocationList | undefined> {
    const authority = authorities().deviceAuthorities.find((one) => one.number === number);
    if (authority === undefined) return Promise.resolve(undefined);
    const nowMs = now();
    const revoked = revokedOf(
      view().snapshot.devices.flatMap((device) => device.certificates),
      number,
      nowMs,
    );
    // Signed anew when something changed, and every hour: whoever asks at any time gets one with most of its time left.
    const hour = Math.floor(nowMs / HOUR_MS);
    const digest = createHash('sha256')
      .update(JSON.stringify([hour, revoked]))
      .digest('hex');
    const known = made.get(number);
    if (known?.digest === digest) return known.list;
    const thisUpdateMs = Math.floor(nowMs / 1000) * 1000;
    const nextUpdateMs = thisUpdateMs + NEXT_UPDATE_MS;
    const signed = (async () => {
      const listNumber = await certificates.nextListNumber(number);
      const der = await authority.signList({ number: listNumber, thisUpdateMs, nextUpdateMs, revoked });
      return { der, thisUpdateMs, nextUpdateMs };
    })();
    made.set(number, { digest, list: signed });
    signed.catch(() => made.delete(number));
    return signed;
  }

  return {
    list,
    status(serial) {
      const certificate = view().certificate(serial);
      if (certificate === undefined) return { kind: 'unknown' };
      const { revokedAtMs, revocationCode, notAfterMs } = certificate;
      if (revokedAtMs !== undefined)
        return { kind: 'revoked', atMs: revokedAtMs, ...(revocationCode !== undefined && { code: revocationCode }) };
      return { kind: notAfterMs <= now() ? 'expired' : 'good' };
    },
  };
}

function revokedOf(certificates: readonly DeviceCertificate[], authority: number, nowMs: number) {
  return certificates
    .filter(
      (each) =>
        each.revokedAtMs !== undefined && (each.authority ?? 1) === authority && each.notAfterMs > nowMs - DAY_MS,
    )
    .map(({ serial, revokedAtMs = 0, revocationCode, invalidFromMs }) => ({
      serial,
      atMs: revokedAtMs,
      ...(revocationCode !== undefined && { code: revocationCode }),
      ...(invalidFromMs !== undefined && { invalidFromMs }),
    }))
    .sort((a, b) => (a.serial < b.serial ? -1 : 1));
}

const HOUR_MS = 3_600_000;
/** RFC 5280 §3.3: on one list at least after it has expired. */
const DAY_MS = 24 * HOUR_MS;
/** Whoever cannot reach us knows for a day whom not to believe. */
const NEXT_UPDATE_MS = DAY_MS;
