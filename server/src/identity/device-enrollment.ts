import { DEFAULT_TENANT, type DeviceId, type PatientId, type TenantId, type UserId } from '../domain/ids.ts';
import type { DeviceCertificates } from '../ports/device-certificates.ts';
import type { DeviceEnrollments, Enrollment } from '../ports/device-enrollments.ts';
import type { Registry } from '../ports/registry.ts';
import { parseCertificateRequest, type RequestRefusal, refuseForeignNames } from './certificate-request.ts';
import type { DeviceAuthority } from './device-authority.ts';
import { assignDevice } from './enrollment.ts';
import { hashOfCode, newEnrollmentCode } from './enrollment-code.ts';
import { createSignInLimits, type SignInBudgets } from './sign-in-limits.ts';

/**
 * How a device comes in by itself: a person makes a code for it, it sends its key with the code, a person compares the
 * key's fingerprint with what the device shows and lets it in, and it fetches its certificate.
 */
export interface EnrollmentDesk {
  invite(invitation: {
    readonly deviceId: DeviceId;
    readonly hours: number;
    readonly profile?: string;
    readonly patientId?: PatientId;
    readonly by: Decider;
  }): Promise<
    | { readonly kind: 'invited'; readonly enrollment: Enrollment; readonly code: string }
    /** Another organisation has a device of this name. */
    | { readonly kind: 'taken' }
  >;
  /** What a device asks with its code: once for each look whether it was let in, with the same key. */
  enroll(asked: {
    readonly deviceId: DeviceId;
    readonly code: string;
    readonly request: string | Uint8Array;
    readonly address: string;
  }): Promise<EnrollOutcome>;
  approve(id: string, keyFingerprint: string, by: Decider): Promise<DecideOutcome>;
  /** What waits, or a code that nobody has used yet. */
  refuse(id: string, reason: string, by: Decider): Promise<DecideOutcome>;
  list(tenantId: TenantId): Promise<readonly Enrollment[]>;
  /** Whether this person may approve it, as far as who invited is concerned. */
  mayApprove(enrollment: Enrollment, by: Decider): boolean;
}

/** A person of the house. */
export interface Decider {
  readonly name: string;
  readonly userId?: UserId;
  readonly tenantId: TenantId;
}

export type EnrollOutcome =
  | { readonly kind: 'issued'; readonly certificatePem: string; readonly enrollmentId: string }
  | { readonly kind: 'waiting'; readonly retryAfterMs: number; readonly enrollmentId: string }
  | { readonly kind: 'slow-down'; readonly retryAfterMs: number }
  /** No code of this device: unknown, over, taken back, or another's. Nothing more is told. */
  | { readonly kind: 'not-invited' }
  | { readonly kind: 'refused'; readonly code: EnrollRefusal; readonly detail: string; readonly enrollmentId: string };

export type EnrollRefusal =
  | RequestRefusal
  | 'refused-by-person'
  | 'code-used'
  | 'key-in-use'
  | 'key-withdrawn'
  | 'taken';

export type DecideOutcome =
  | { readonly kind: 'done'; readonly enrollment: Enrollment }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'decided-already'; readonly state: Enrollment['state'] | 'expired' }
  /** What the person compared is not what waits. */
  | { readonly kind: 'other-key' }
  | { readonly kind: 'another-person' }
  | { readonly kind: 'key-in-use' }
  | { readonly kind: 'worn-by-another' }
  /** Another organisation has a device of this name by now. */
  | { readonly kind: 'taken' };

/** Who may let a device in: any one person, another than who invited it, or nobody needs to. */
export type ApprovalRule = 'person' | 'second-person' | 'none';

export function createEnrollmentDesk(parts: {
  readonly enrollments: DeviceEnrollments;
  readonly certificates: Pick<DeviceCertificates, 'keyUses'>;
  readonly registry: Pick<Registry, 'snapshot' | 'devices' | 'putDevice' | 'addCertificate' | 'assign'>;
  readonly authority: () => DeviceAuthority;
  readonly approval: ApprovalRule;
  readonly newId: () => string;
  readonly now: () => number;
  /** The registry was changed. */
  readonly onChanged?: () => Promise<unknown>;
  /** Its certificate goes to the device, which will show it at once: whoever keeps the door knows it by then. */
  readonly onHandOver?: (serial: string) => Promise<unknown>;
  /** The code came again, with another key. */
  readonly onCodeUsedTwice?: (enrollment: Enrollment) => void;
}): EnrollmentDesk {
  const { enrollments, certificates, registry, authority, approval, newId, now } = parts;
  const limits = createSignInLimits({ now, budgets: BUDGETS });
  /** Codes that were right, as they are kept. */
  const shown = new Set<string>();

  function remember(hash: string): void {
    shown.delete(hash); // the longest unseen comes first, and goes first
    shown.add(hash);
    if (shown.size > SHOWN_MAX) shown.delete(shown.values().next().value as string);
  }

  async function enroll(asked: Parameters<EnrollmentDesk['enroll']>[0]): Promise<EnrollOutcome> {
    const { deviceId, code, request, address } = asked;
    const attempt = { name: deviceId, address };
    const hash = hashOfCode(deviceId, code);
    // Whoever waits to be let in does not wait because somebody guesses at the same address.
    const isShown = hash !== undefined && shown.has(hash);
    const limited = isShown ? undefined : limits.begin(attempt);
    if (limited?.kind === 'wait') return { kind: 'slow-down', retryAfterMs: limited.retryAfterMs };
    const known = hash && (await enrollments.findByCode(hash));
    if (!known || known.deviceId !== deviceId || now() >= endOf(known) || known.state === 'withdrawn') {
      if (isShown) shown.delete(hash); // it was right once; from now on it is counted
      return { kind: 'not-invited' };
    }
    if (!isShown) limits.succeeded(attempt);
    remember(hash);

    const parsed = await parseCertificateRequest(request);
    const refusal = parsed.kind === 'refused' ? parsed : refuseForeignNames(parsed, deviceId);
    if (refusal !== undefined) return { ...refusal, enrollmentId: known.id };
    if (parsed.kind === 'refused') throw new Error('refused above');
    const { keyFingerprint, der, stated } = parsed;
    if (known.state === 'invited') {
      const trouble = (await isTaken(known))
        ? ({ code: 'taken', detail: 'There is a device of that name already.' } as const)
        : await troubleWithKey(keyFingerprint, deviceId);
      if (trouble !== undefined) return { kind: 'refused', ...trouble, enrollmentId: known.id };
      const atMs = now();
      const expiresAtMs = atMs + WAITING_MS;
      await enrollments.bind(known.id, { der, keyFingerprint, stated, address, atMs, expiresAtMs });
    }
    return answer((await enrollments.find(known.id)) ?? known, keyFingerprint);
  }

  /** To whoever knows the code, and has shown to hold this key. */
  async function answer(enrollment: Enrollment, keyFingerprint: string): Promise<EnrollOutcome> {
    const { id: enrollmentId } = enrollment;
    if (enrollment.request?.keyFingerprint !== keyFingerprint) {
      parts.onCodeUsedTwice?.(enrollment);
      const detail = 'This code was used with another key. Ask for a new one, and say so.';
      return { kind: 'refused', code: 'code-used', detail, enrollmentId };
    }
    switch (enrollment.state) {
      case 'waiting': {
        if (approval === 'none') {
          await enrollments.decide(enrollmentId, { state: 'approved', by: 'setting', atMs: now() });
          return answer((await enrollments.find(enrollmentId)) ?? enrollment, keyFingerprint);
        }
        return { kind: 'waiting', retryAfterMs: retryAfterMs(now() - enrollment.request.atMs), enrollmentId };
      }
      // Let in, and then something broke before its certificate was kept.
      case 'approved':
        return answer(await issue(enrollment), keyFingerprint);
      case 'issued':
        await parts.onHandOver?.(enrollment.serial ?? '');
        return { kind: 'issued', certificatePem: enrollment.certificatePem ?? '', enrollmentId };
      case 'refused': {
        const detail = 'A person has refused this device.';
        return { kind: 'refused', code: 'refused-by-person', detail, enrollmentId };
      }
      case 'invited':
      case 'withdrawn':
        return { kind: 'not-invited' };
      default:
        return enrollment.state satisfies never;
    }
  }

  async function troubleWithKey(keyFingerprint: string, deviceId: DeviceId) {
    const uses = await certificates.keyUses(keyFingerprint);
    if (uses.some((use) => use.deviceId !== deviceId))
      return { code: 'key-in-use', detail: 'Another device has this key: make one of your own.' } as const;
    if (uses.some(({ revocationCode }) => revocationCode === 'keyCompromise'))
      return { code: 'key-withdrawn', detail: 'This key was withdrawn: make another.' } as const;
    return undefined;
  }

  /** A device is one organisation's: nobody else makes a key for it. */
  async function isTaken({ deviceId, tenantId }: Pick<Enrollment, 'deviceId' | 'tenantId'>): Promise<boolean> {
    const known = (await registry.devices()).find((each) => each.id === deviceId);
    return known !== undefined && (known.tenantId ?? DEFAULT_TENANT) !== tenantId;
  }

  /** Its certificate, kept for it to fetch. Whoever comes second finds that of the first. */
  async function issue(enrollment: Enrollment): Promise<Enrollment> {
    const { id, tenantId, deviceId, profile, patientId, request } = enrollment;
    // Asked before it was approved; what came between must not become a key to somebody else's device.
    if (await isTaken(enrollment)) throw new Error('another organisation has a device of this name');
    const issued = await authority().issueFor(deviceId, request?.der ?? new Uint8Array());
    if (issued.kind === 'refused') throw new Error(`a request that was taken is refused: ${issued.code}`);
    const known = (await registry.devices()).find((each) => each.id === deviceId);
    if (known === undefined || (profile !== undefined && profile !== known.profile))
      await registry.putDevice({
        id: deviceId,
        createdAtMs: now(),
        ...(profile !== undefined && { profile }),
        // What is another organisation's stays so, and is refused.
        tenantId,
      });
    await registry.addCertificate(issued.record);
    if (patientId !== undefined) await assignDevice(registry, { deviceId, patientId, nowMs: now(), takeOver: false });
    await enrollments.complete(id, { serial: issued.record.serial, certificatePem: issued.certificatePem });
    await parts.onChanged?.();
    return (await enrollments.find(id)) ?? enrollment;
  }

  async function isWornByAnother({ deviceId, patientId }: Enrollment): Promise<boolean> {
    if (patientId === undefined) return false;
    const { assignments } = await registry.snapshot();
    const open = assignments.find((each) => each.deviceId === deviceId && each.toMs === undefined);
    return open !== undefined && open.patientId !== patientId;
  }

  const mayApprove = ({ invitedBy, invitedById }: Enrollment, by: Decider): boolean =>
    approval !== 'second-person' || (invitedById === undefined ? invitedBy !== by.name : invitedById !== by.userId);

  return {
    enroll,
    mayApprove,
    async invite({ deviceId, hours, profile, patientId, by }) {
      if (await isTaken({ deviceId, tenantId: by.tenantId })) return { kind: 'taken' };
      const code = newEnrollmentCode();
      const codeSha256 = hashOfCode(deviceId, code);
      if (codeSha256 === undefined) throw new Error('a code of our own is none');
      const atMs = now();
      const enrollment = {
        id: newId(),
        tenantId: by.tenantId,
        deviceId,
        ...(profile !== undefined && { profile }),
        ...(patientId !== undefined && { patientId }),
        invitedBy: by.name,
        ...(by.userId !== undefined && { invitedById: by.userId }),
        invitedAtMs: atMs,
        expiresAtMs: atMs + hours * 3_600_000,
      };
      await enrollments.add({ ...enrollment, codeSha256 });
      return { kind: 'invited', enrollment: { ...enrollment, state: 'invited' }, code };
    },
    async approve(id, keyFingerprint, by) {
      const found = await enrollments.find(id);
      if (found === undefined || found.tenantId !== by.tenantId) return { kind: 'not-found' };
      if (found.state !== 'waiting' || found.request === undefined)
        return { kind: 'decided-already', state: found.state };
      // It would not come for it any more.
      if (now() >= found.expiresAtMs) return { kind: 'decided-already', state: 'expired' };
      if (found.request.keyFingerprint !== keyFingerprint) return { kind: 'other-key' };
      if (!mayApprove(found, by)) return { kind: 'another-person' };
      if ((await troubleWithKey(keyFingerprint, found.deviceId)) !== undefined) return { kind: 'key-in-use' };
      if (await isTaken(found)) return { kind: 'taken' };
      if (await isWornByAnother(found)) return { kind: 'worn-by-another' };
      const isDecided = await enrollments.decide(id, { state: 'approved', by: by.name, atMs: now() });
      const decided = (await enrollments.find(id)) ?? found;
      if (!isDecided) return { kind: 'decided-already', state: decided.state };
      return { kind: 'done', enrollment: await issue(decided) };
    },
    async refuse(id, reason, by) {
      const found = await enrollments.find(id);
      if (found === undefined || found.tenantId !== by.tenantId) return { kind: 'not-found' };
      const state = found.state === 'invited' ? 'withdrawn' : 'refused';
      const isDecided = await enrollments.decide(id, { state, by: by.name, atMs: now(), reason });
      const enrollment = (await enrollments.find(id)) ?? found;
      return isDecided ? { kind: 'done', enrollment } : { kind: 'decided-already', state: enrollment.state };
    },
    list: (tenantId) => enrollments.list({ tenantId, limit: LIST_MAX }),
  };
}

/**
 * Of 80 random bits none is guessed; this keeps whoever tries from costing the database a look-up each. A stranger who
 * knows a device's name does not keep it out: the count of a name over all addresses hardly ever waits.
 */
const BUDGETS: SignInBudgets = {
  pair: { free: 5, pauseMaxMs: 60_000 },
  browser: { free: 5, pauseMaxMs: 60_000 },
  address: { free: 60, pauseMaxMs: 60_000 },
  name: { free: 10_000, pauseMaxMs: 1_000 },
};

/** A new ward's devices, several times over. */
const SHOWN_MAX = 1_000;

/** A device that came on Friday evening is let in on Monday. */
const WAITING_MS = 3 * 86_400_000;

/** Whoever was decided about has time to hear it. */
const endOf = ({ expiresAtMs, decidedAtMs = 0 }: Enrollment): number => Math.max(expiresAtMs, decidedAtMs + WAITING_MS);

/** Somebody stands beside it at first; later it asks less often: a tenth of its waiting, up to five minutes. */
const retryAfterMs = (waitedMs: number): number => Math.min(300_000, Math.max(5_000, Math.round(waitedMs / 10)));

/** More waits nowhere: what is over is history, and the audit log has all of it. */
const LIST_MAX = 200;
