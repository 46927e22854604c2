import { randomUUID } from 'node:crypto';
import type { Rule } from '../domain/rule.ts';
import { changeRules, type RuleChange, type WaitingChange } from '../domain/rule-change.ts';
import type { Principal } from '../identity/sessions.ts';
import type { PatientPlace } from '../ports/registry.ts';
import type { NewProposal, News2Decision, PutOutcome, RuleProposal, SeenBurden } from '../ports/rule-sets.ts';
import type { VersionedOutcome } from '../ports/versioned.ts';
import { inheritedBy, ownRules, type RuleChain } from './rule-chain.ts';
import type { Services } from './services.ts';
import { signatureOf } from './signature.ts';

/** How long a loosened critical rule waits for its second person: a day, so that the next shift can still decide. */
export const PROPOSAL_MS = 86_400_000;

/** Who changes rules: their id, which a second person must not share, and how they are named. */
export interface RuleWriter {
  readonly userId: string;
  readonly signature: string;
}

export function writerOf(principal: Principal): RuleWriter {
  return { userId: principal.userId, signature: signatureOf(principal) };
}

export type WriteOutcome = PutOutcome | Extract<RuleChange, { kind: 'refused' }>;

/** Puts this list in place of a place's own rules, as far as it may hold at once. */
export async function writeRules(
  { ruleSets, refreshView, secondPerson, now }: Pick<Services, 'ruleSets' | 'refreshView' | 'secondPerson' | 'now'>,
  request: {
    readonly chain: RuleChain;
    readonly rules: readonly Rule[];
    readonly who: RuleWriter;
    readonly reason: string;
    readonly expectedRevision?: number;
    /** What they had been shown of it. */
    readonly preview?: SeenBurden;
  },
): Promise<WriteOutcome> {
  const { chain, rules: requested, who, reason, expectedRevision, preview } = request;
  const change = changeRules({ own: ownRules(chain), requested, ...inheritedBy(chain) });
  if (change.kind === 'refused') return change;
  const waits = secondPerson === 'needed' ? change.wait : [];
  const holds = secondPerson === 'needed' ? [] : change.wait;
  const nowMs = now();
  const outcome = await ruleSets.put({
    place: chain.place,
    ...(expectedRevision === undefined ? {} : { expectedRevision }),
    ...(preview === undefined ? {} : { preview }),
    rules: [...change.put, ...holds.flatMap(({ rule }) => rule ?? [])],
    remove: [...change.remove, ...holds.flatMap(({ rule, ruleId }) => (rule === undefined ? [ruleId] : []))],
    propose: waits.map((wait) => proposalOf(wait, who, nowMs + PROPOSAL_MS)),
    by: who.signature,
    reason,
    atMs: nowMs,
  });
  // So that whoever asks next, and the next reading, meets the new rules.
  if (outcome.kind === 'done') await refreshView();
  return outcome;
}

export type News2Outcome = VersionedOutcome | { readonly kind: 'waits'; readonly proposal: RuleProposal };

/**
 * NEWS2 of a patient. Taking a patient off it switches every critical rule of the score off at once: it waits for a
 * second person like any of them.
 */
export async function decideNews2(
  { ruleSets, refreshView, secondPerson, now }: Pick<Services, 'ruleSets' | 'refreshView' | 'secondPerson' | 'now'>,
  request: {
    readonly patient: PatientPlace;
    readonly decision: News2Decision;
    readonly from?: number;
    readonly who: RuleWriter;
    readonly reason: string;
  },
): Promise<News2Outcome> {
  const { patient, decision, from, who, reason } = request;
  const [before] = await ruleSets.news2Versions(patient.id);
  const signed = { by: who.signature, reason, atMs: now() };
  if (secondPerson !== 'needed' || !takesOff(decision, patient)) {
    const outcome = await ruleSets.putNews2({
      patientId: patient.id,
      ...decision,
      ...(from !== undefined && { from }),
      ...signed,
    });
    if (outcome.kind === 'kept') await refreshView();
    return outcome;
  }
  if ((from ?? 0) !== (before?.version ?? 0)) return { kind: 'changed-meanwhile', ...(before ?? { version: 0 }) };
  const effect = `NEWS2 switched off for this patient (${decision.use.kind === 'off' ? WHY[decision.use.why] : ''})`;
  const proposal = {
    ...proposalOf({ ruleId: 'news2', effect }, who, signed.atMs + PROPOSAL_MS),
    news2: decision,
  };
  const place = { scope: 'patient', patientId: patient.id } as const;
  await ruleSets.put({ place, rules: [], remove: [], propose: [proposal], ...signed });
  const { by: askedBy, atMs: askedAtMs } = signed;
  return { kind: 'waits', proposal: { ...proposal, place, askedBy, reason, askedAtMs, state: 'open' } };
}

const WHY = { pregnancy: 'pregnancy', 'end-of-life': 'end of life', other: 'another reason' } as const;

function takesOff({ use }: News2Decision, { news2Use: before }: PatientPlace): boolean {
  return use.kind === 'off' && before?.kind !== 'off';
}

export function proposalOf(
  { ruleId, rule, effect }: WaitingChange,
  { userId }: RuleWriter,
  expiresAtMs: number,
): NewProposal {
  return { id: randomUUID(), ruleId, ...(rule === undefined ? {} : { rule }), effect, askedById: userId, expiresAtMs };
}
