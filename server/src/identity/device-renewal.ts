import type { DeviceId } from '../domain/ids.ts';
import type { DeviceCertificates } from '../ports/device-certificates.ts';
import type { DeviceCertificate, Registry } from '../ports/registry.ts';
import { parseCertificateRequest, type RequestRefusal, refuseForeignNames } from './certificate-request.ts';
import type { DeviceAuthority } from './device-authority.ts';
import type { RegistryView } from './registry-view.ts';
import { CLOCK_SLACK_MS } from './signing-authority.ts';

/**
 * Renewal over the air: a device that is connected with a certificate that counts sends a request for the next one.
 * The old one counts on until the new one was used and some time has passed: one that never got its answer, or lost
 * it, is not locked out.
 */
export interface DeviceRenewal {
  renew(asked: {
    readonly deviceId: DeviceId;
    /** Of the certificate it is connected with. */
    readonly serial: string;
    readonly request: string | Uint8Array;
  }): Promise<RenewOutcome>;
  /** This certificate was shown and counts; cheap when there is nothing to do. */
  used(serial: string): void;
  /** What was replaced and has had its time is revoked. Answers which. */
  endSuperseded(): ReturnType<DeviceCertificates['revokeSuperseded']>;
}

export type RenewOutcome =
  | { readonly kind: 'issued'; readonly certificatePem: string; readonly record: DeviceCertificate }
  | {
      readonly kind: 'refused';
      readonly code: RequestRefusal | 'key-in-use' | 'key-withdrawn';
      readonly detail: string;
    }
  | { readonly kind: 'slow-down'; readonly retryAfterMs: number }
  /** What it is connected with does not count any more. */
  | { readonly kind: 'not-allowed' };

export function createDeviceRenewal(parts: {
  readonly view: () => RegistryView;
  readonly certificates: Pick<DeviceCertificates, 'keyUses' | 'firstUsed' | 'revokeSuperseded'>;
  readonly registry: Pick<Registry, 'addCertificate'>;
  readonly authority: () => DeviceAuthority;
  /** How long an old certificate counts beside a new one that was used. */
  readonly overlapMs: number;
  readonly now: () => number;
  /** The registry was changed. */
  readonly onChanged: () => Promise<unknown>;
  readonly onError: (error: unknown) => void;
}): DeviceRenewal {
  const { view, certificates, registry, authority, overlapMs, now, onChanged, onError } = parts;
  /** One at a time per device: a burst of requests would pass the count before the first is counted. */
  const running = new Set<DeviceId>();
  /** Written down already, until the registry in memory knows. */
  const told = new Set<string>();

  async function renewOne(asked: Parameters<DeviceRenewal['renew']>[0]): Promise<RenewOutcome> {
    const { deviceId, serial, request } = asked;
    const nowMs = now();
    const own = view().device(deviceId)?.certificates ?? [];
    const young = own.filter((each) => each.replaces !== undefined && issuedAtMs(each) > nowMs - HOUR_MS);
    if (young.length >= RENEWALS_PER_HOUR)
      return { kind: 'slow-down', retryAfterMs: Math.min(...young.map(issuedAtMs)) + HOUR_MS - nowMs };
    const parsed = await parseCertificateRequest(request);
    if (parsed.kind === 'refused') return parsed;
    const foreign = refuseForeignNames(parsed, deviceId);
    if (foreign !== undefined) return foreign;
    const uses = await certificates.keyUses(parsed.keyFingerprint);
    if (uses.some((use) => use.deviceId !== deviceId))
      return { kind: 'refused', code: 'key-in-use', detail: 'another device has this key: make one of your own' };
    if (uses.some(({ revocationCode }) => revocationCode === 'keyCompromise'))
      return { kind: 'refused', code: 'key-withdrawn', detail: 'this key was withdrawn: make another' };
    const issued = await authority().issueFor(deviceId, parsed.der);
    if (issued.kind === 'refused') return issued;
    const record = { ...issued.record, replaces: serial };
    await registry.addCertificate(record);
    await onChanged();
    return { kind: 'issued', certificatePem: issued.certificatePem, record };
  }

  return {
    async renew(asked) {
      const { deviceId, serial } = asked;
      if (view().deviceAccess(deviceId, serial) !== 'allowed') return { kind: 'not-allowed' };
      if (running.has(deviceId)) return { kind: 'slow-down', retryAfterMs: 1_000 };
      running.add(deviceId);
      try {
        return await renewOne(asked);
      } finally {
        running.delete(deviceId);
      }
    },
    used(serial) {
      const certificate = view().certificate(serial);
      if (certificate?.replaces === undefined || certificate.firstUsedAtMs !== undefined || told.has(serial)) return;
      told.add(serial);
      const atMs = now();
      certificates
        .firstUsed({ serial: certificate.serial, atMs, supersedeAtMs: atMs + overlapMs })
        .catch(onError)
        // Asked again where it was not written; a serial number is 16 bytes, and there are as many as devices.
        .finally(() => setTimeout(() => told.delete(serial), TOLD_MS).unref());
    },
    endSuperseded: () => certificates.revokeSuperseded(now()),
  };
}

/** When it was made: certificates are dated back a little. */
const issuedAtMs = (certificate: DeviceCertificate): number => certificate.notBeforeMs + CLOCK_SLACK_MS;

/**
 * When a device should renew: with a third of its time left, as long again as any trouble may last before it is out.
 * What has less than a quarter left has not managed to.
 */
export function renewalOf({ notBeforeMs, notAfterMs }: Pick<DeviceCertificate, 'notBeforeMs' | 'notAfterMs'>) {
  const lifeMs = Math.max(0, notAfterMs - notBeforeMs - CLOCK_SLACK_MS);
  return { dueMs: notAfterMs - lifeMs / 3, overdueMs: notAfterMs - lifeMs / 4 };
}

const HOUR_MS = 3_600_000;
/** A device that renews in a loop gets a dozen; with certificates of an hour two are due. */
const RENEWALS_PER_HOUR = 12;
const TOLD_MS = 60_000;
