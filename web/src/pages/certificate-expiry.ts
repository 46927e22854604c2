import type { DeviceList } from '@healthsync/contracts/device';

type Certificate = DeviceList['devices'][number]['certificates'][number];

/** Time enough to renew a device that comes back from a store room once a fortnight. */
const SOON_DAYS = 14;
const DAY_MS = 86_400_000;

/** Whether a certificate still counts, and what to say of it. */
export function expiryOf(
  { notAfter, revokedAt }: Pick<Certificate, 'notAfter' | 'revokedAt'>,
  nowMs: number,
): { readonly counts: boolean; readonly isUrgent: boolean; readonly text: string } {
  if (revokedAt !== undefined) return { counts: false, isUrgent: false, text: `revoked ${revokedAt.slice(0, 10)}` };
  const days = (Date.parse(notAfter) - nowMs) / DAY_MS;
  if (days <= 0) return { counts: false, isUrgent: false, text: 'over' };
  const left = days < 1 ? 'less than a day left' : days < 2 ? 'one day left' : `${Math.floor(days)} days left`;
  return days <= SOON_DAYS
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
