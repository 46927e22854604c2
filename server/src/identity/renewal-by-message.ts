import { createHash, randomUUID } from 'node:crypto';
import type { CertificateAnswer } from '@healthsync/contracts/device-enrollment';
import type { DeviceId } from '../domain/ids.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import type { DeviceRenewal, RenewOutcome } from './device-renewal.ts';

/** Tells connected devices things; what came of it as for any command. */
export interface RenewalLink {
  askToRenew(
    deviceId: DeviceId,
  ): 'sent' | 'queued' | 'refused-no-subscriber' | 'refused-queue-full' | 'refused-too-large';
}

/**
 * A request for a certificate that came as a message (`devices/D/certificate/request`), and its answer as text. Written
 * down before the answer leaves, like any request over HTTPS; never rejects.
 */
export async function answerToRequest(
  parts: {
    readonly renewal: Pick<DeviceRenewal, 'renew'>;
    /** PEM: by which devices know us. */
    readonly authorities: () => readonly string[];
    readonly audit: Pick<AuditLog, 'append'>;
    readonly now: () => number;
    readonly onError: (error: unknown) => void;
  },
  asked: { readonly deviceId: DeviceId; readonly serial: string; readonly request: Buffer },
): Promise<string> {
  const request = createHash('sha256').update(asked.request).digest('hex');
  try {
    const outcome = await parts.renewal.renew({ ...asked, request: textOrDer(asked.request) });
    await parts.audit.append([
      {
        atMs: parts.now(),
        actor: { kind: 'device', name: asked.deviceId },
        action: 'device.renew',
        resource: { kind: 'device', id: asked.deviceId },
        outcome: outcome.kind === 'issued' ? 'allowed' : 'denied',
        correlationId: randomUUID(),
        detail: { transport: 'mqtt', ...detailOf(outcome) },
      },
    ]);
    return JSON.stringify(answerOf(outcome, request, parts.authorities()));
  } catch (error) {
    parts.onError(error);
    const detail = 'It could not be issued now: send it again later.';
    return JSON.stringify({ outcome: 'refused', request, code: 'unavailable', detail } satisfies CertificateAnswer);
  }
}

function answerOf(outcome: RenewOutcome, request: string, authorities: readonly string[]): CertificateAnswer {
  switch (outcome.kind) {
    case 'issued':
      return {
        outcome: 'issued',
        request,
        certificate: outcome.certificatePem,
        authorities: [...authorities],
        notAfter: new Date(outcome.record.notAfterMs).toISOString(),
      };
    case 'refused':
      return { outcome: 'refused', request, code: outcome.code, detail: outcome.detail };
    case 'slow-down': {
      const seconds = Math.ceil(outcome.retryAfterMs / 1000);
      return { outcome: 'refused', request, code: 'too-fast', detail: `Asked too often: again in ${seconds} s.` };
    }
    case 'not-allowed':
      return { outcome: 'refused', request, code: 'device-not-known', detail: 'This certificate does not count.' };
    default:
      return outcome satisfies never;
  }
}

function detailOf(outcome: RenewOutcome): Readonly<Record<string, string>> {
  if (outcome.kind === 'issued') return { serial: outcome.record.serial, replaces: outcome.record.replaces ?? '' };
  return { refused: outcome.kind === 'refused' ? outcome.code : outcome.kind };
}

const textOrDer = (bytes: Buffer): string | Uint8Array => (bytes[0] === 0x30 ? bytes : bytes.toString('latin1')); // 0x30: a DER sequence
