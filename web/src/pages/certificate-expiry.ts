import type { DeviceList } from '@healthsync/contracts/device';

type Certificate = DeviceList['devices'][number]['certificates'][number];

/** Time enough to renew a device that comes back from a store room once a fortnight. */
const SOON_DAYS = 14;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Of a short certificate, as a part of its life: devices renew with a third of it left, so this one did not. */
const SOON_PART = 1 / 4;

/** Whether a certificate still counts, and what to say of it. */
export function expiryOf(
  {
    notBefore,
    notAfter,
    revokedAt,
    revocationCode,
    supersededFrom,
  }: Pick<Certificate, 'notBefore' | 'notAfter' | 'revokedAt' | 'revocationCode' | 'supersededFrom'>,
  nowMs: number,
): { readonly counts: boolean; readonly isUrgent: boolean; readonly text: string } {
  if (revokedAt !== undefined) {
    const why = revocationCode === undefined ? '' : `: ${CODE_WORDS[revocationCode] ?? revocationCode}`;
    return { counts: false, isUrgent: false, text: `revoked ${revokedAt.slice(0, 10)}${why}` };
  }
  const leftMs = Date.parse(notAfter) - nowMs;
  if (leftMs <= 0) return { counts: false, isUrgent: false, text: 'over' };
  if (supersededFrom !== undefined)
    return { counts: true, isUrgent: false, text: `replaced, counts until ${supersededFrom.slice(11, 16)} UTC` };
  const days = leftMs / DAY_MS;
  const hours = Math.floor(leftMs / HOUR_MS);
  const lifeMs = notBefore === undefined ? Number.POSITIVE_INFINITY : Date.parse(notAfter) - Date.parse(notBefore);
  const isShort = lifeMs < 4 * SOON_DAYS * DAY_MS;
  const less = isShort && hours >= 1 ? `${hours} h left` : isShort ? 'less than an hour left' : 'less than a day left';
  const left = days < 1 ? less : days < 2 ? 'one day left' : `${Math.floor(days)} days left`;
  return leftMs <= Math.min(SOON_DAYS * DAY_MS, lifeMs * SOON_PART)
    ? { counts: true, isUrgent: true, text: `⚠ ${left}` }
    : { counts: true, isUrgent: false, text: left };
}

/** The one of a device that lasts longest of those that count; undefined: none does. */
export function lastingLongest(certificates: readonly Certificate[], nowMs: number): Certificate | undefined {
  return certificates
    .filter((one) => expiryOf(one, nowMs).counts)
    .reduce<Certificate | undefined>(
      (best, one) => (best === undefined || Date.parse(one.notAfter) > Date.parse(best.notAfter) ? one : best),
      undefined,
    );
}

const CODE_WORDS: Readonly<Record<string, string>> = {
  keyCompromise: 'key compromised',
  cACompromise: 'authority compromised',
  superseded: 'replaced',
  cessationOfOperation: 'out of use',
};
