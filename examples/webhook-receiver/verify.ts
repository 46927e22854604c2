import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Verifies what HealthSync posts, by Standard Webhooks (https://www.standardwebhooks.com). Libraries for many languages
 * do the same; this shows all there is to it. `body` must be the bytes as they arrived, before any parsing.
 */
export function verifyWebhook(
  request: { readonly headers: Readonly<Record<string, unknown>>; readonly body: Uint8Array },
  secrets: readonly string[],
  nowMs: number,
): 'verified' | 'unsigned' | 'forged' | 'stale' {
  const id = request.headers['webhook-id'];
  const timestamp = request.headers['webhook-timestamp'];
  const signatures = request.headers['webhook-signature'];
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signatures !== 'string') return 'unsigned';
  if (!/^\d{1,12}$/.test(timestamp)) return 'unsigned';

  const expected = secrets.map((secret) =>
    createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.`).update(request.body).digest(),
  );
  // While a secret is replaced there are several signatures; one that fits is enough.
  const given = signatures
    .split(' ')
    .filter((signature) => signature.startsWith('v1,'))
    .map((signature) => Buffer.from(signature.slice(3), 'base64'));
  if (!given.some((one) => expected.some((other) => one.length === other.length && timingSafeEqual(one, other))))
    return 'forged';

  // The time is signed too, so an old message cannot be given a new one.
  return Math.abs(nowMs / 1_000 - Number(timestamp)) > TOLERANCE_SECONDS ? 'stale' : 'verified';
}

const TOLERANCE_SECONDS = 300;

function keyOf(secret: string): Buffer {
  return secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret);
}

/** A message may come twice: when our answer was lost, or when somebody replays it within the five minutes. */
export function rememberIds(keepMs = 2 * TOLERANCE_SECONDS * 1_000) {
  const seen = new Map<string, number>();
  return {
    isNew(id: string, nowMs: number): boolean {
      for (const [old, atMs] of seen) {
        if (nowMs - atMs < keepMs) break;
        seen.delete(old);
      }
      if (seen.has(id)) return false;
      seen.set(id, nowMs);
      return true;
    },
  };
}
