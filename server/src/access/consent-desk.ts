import {
  asRecordedBy,
  type Consent,
  type ConsentDecision,
  type ConsentQuestion,
  type ConsentSource,
  consentProblems,
  decideConsent,
} from '../domain/consent.ts';
import type { PatientId } from '../domain/ids.ts';
import type { Consents } from '../ports/consents.ts';
import type { HeldConsents } from './held-consents.ts';

/** Recording what patients consent to. What was recorded holds in this process before its answer leaves. */
export interface ConsentDesk {
  give(
    consent: Omit<Consent, 'id' | 'version' | 'state' | 'recordedAtMs'>,
  ): Promise<Recorded | Invalid | { readonly kind: 'too-many' }>;
  /** Other times. */
  amend(request: {
    readonly id: string;
    readonly from: number | undefined;
    readonly change: { readonly fromMs?: number; readonly untilMs?: number | null };
    readonly by: string;
  }): Promise<
    | Recorded
    | Invalid
    | { readonly kind: 'not-found' }
    | { readonly kind: 'revoked' | 'changed-meanwhile'; readonly consent: Consent }
  >;
  /** Without `from` whatever version it has: nobody is asked to look first. */
  revoke(request: {
    readonly id: string;
    readonly from?: number;
    readonly by: string;
    readonly source?: ConsentSource;
    readonly witness?: string;
  }): Promise<
    | Recorded
    | Invalid
    | { readonly kind: 'not-found' }
    | { readonly kind: 'revoked' | 'changed-meanwhile'; readonly consent: Consent }
  >;
  newest(id: string): Promise<Consent | undefined>;
  versions: Consents['versions'];
  ofPatient: Consents['ofPatient'];
  recent: Consents['recent'];
  /** What held at a moment, and by which version. */
  decisionAt(patientId: PatientId, question: ConsentQuestion): Promise<ConsentDecision>;
  /** Brings what is held in line with what is kept. */
  refresh(): Promise<void>;
  refreshOf(patientId: PatientId): Promise<void>;
}

export interface Recorded {
  readonly kind: 'recorded';
  readonly consent: Consent;
}

interface Invalid {
  readonly kind: 'invalid';
  readonly problems: ReturnType<typeof consentProblems>;
}

/** Versions of one patient: a lifetime of studies and parties. Beyond it somebody's script has gone astray. */
const VERSIONS_MAX = 1_000;
/** Two people revoke and amend at once: somebody wins every round. */
const TRIES_MAX = 10;

export function createConsentDesk(options: {
  readonly consents: Consents;
  readonly held: HeldConsents;
  readonly newId: () => string;
  readonly now: () => number;
  /** A patient's consents have changed, and are held. */
  readonly onChanged?: (patientId: PatientId) => void;
}): ConsentDesk {
  const { consents, held, newId, now, onChanged } = options;
  // One reading after the other: an older answer must not stand over a newer one.
  let reading: Promise<void> = Promise.resolve();

  function inTurn(read: () => Promise<void>): Promise<void> {
    const done = reading.then(read);
    reading = done.catch(() => undefined);
    return done;
  }

  const refreshOf = (patientId: PatientId) =>
    inTurn(async () => {
      held.holdOf(patientId, await consents.standing({ nowMs: now(), patientId }));
      onChanged?.(patientId);
    });

  async function record(consent: Consent): Promise<Recorded | undefined> {
    const { kind } = await consents.keep(consent);
    if (kind !== 'kept') return undefined;
    await refreshOf(consent.patientId);
    return { kind: 'recorded', consent };
  }

  return {
    async give(given) {
      const nowMs = now();
      const problems = consentProblems(given, nowMs);
      if (problems.length > 0) return { kind: 'invalid', problems };
      if ((await consents.ofPatient(given.patientId)).length >= VERSIONS_MAX) return { kind: 'too-many' };
      const recorded = await record({ ...given, id: newId(), version: 1, state: 'active', recordedAtMs: nowMs });
      if (recorded === undefined) throw new Error('a new consent’s id was there already');
      return recorded;
    },
    async amend({ id, from, change, by }) {
      const newest = (await consents.versions(id))[0];
      if (newest === undefined) return { kind: 'not-found' };
      if (newest.state === 'revoked') return { kind: 'revoked', consent: newest };
      if (from !== newest.version) return { kind: 'changed-meanwhile', consent: newest };
      const { untilMs: before, ...rest } = newest;
      const untilMs = change.untilMs === undefined ? before : (change.untilMs ?? undefined);
      const next: Consent = {
        ...rest,
        ...(change.fromMs !== undefined && { fromMs: change.fromMs }),
        ...(untilMs !== undefined && { untilMs }),
        version: newest.version + 1,
        recordedAtMs: now(),
        recordedBy: by,
      };
      const problems = consentProblems(next, now());
      if (problems.length > 0) return { kind: 'invalid', problems };
      const recorded = await record(next);
      return recorded ?? { kind: 'changed-meanwhile', consent: (await consents.versions(id))[0] ?? newest };
    },
    async revoke({ id, from, by, source, witness }) {
      for (let tries = 0; tries < TRIES_MAX; tries++) {
        const newest = (await consents.versions(id))[0];
        if (newest === undefined) return { kind: 'not-found' };
        if (newest.state === 'revoked') return { kind: 'revoked', consent: newest };
        if (from !== undefined && from !== newest.version) return { kind: 'changed-meanwhile', consent: newest };
        // How it was given says nothing of how it was taken back.
        const { source: _source, witness: _witness, ...rest } = newest;
        const next: Consent = {
          ...rest,
          version: newest.version + 1,
          state: 'revoked',
          recordedAtMs: now(),
          recordedBy: by,
          ...(source !== undefined && { source }),
          ...(witness !== undefined && { witness }),
        };
        // Its times no longer matter, and must not keep anybody from taking it back.
        const problems = consentProblems(next, now()).filter(({ field }) => field === 'witness');
        if (problems.length > 0) return { kind: 'invalid', problems };
        const recorded = await record(next);
        if (recorded !== undefined) return recorded;
      }
      throw new Error('a consent changes faster than it can be revoked');
    },
    newest: async (id) => (await consents.versions(id))[0],
    versions: (id) => consents.versions(id),
    ofPatient: (patientId) => consents.ofPatient(patientId),
    recent: (query) => consents.recent(query),
    async decisionAt(patientId, question) {
      return decideConsent(asRecordedBy(await consents.ofPatient(patientId), question.atMs), question);
    },
    refresh: () =>
      inTurn(async () => {
        const readAtMs = now();
        // Some have run out, and some notice may have been lost: what they opened is taken from the wall by this.
        for (const patientId of held.hold(await consents.standing({ nowMs: readAtMs }), readAtMs))
          onChanged?.(patientId);
      }),
    refreshOf,
  };
}
