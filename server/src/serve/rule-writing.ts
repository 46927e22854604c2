import { randomUUID } from 'node:crypto';
import type { Rule } from '../domain/rule.ts';
import { changeRules, type RuleChange, type WaitingChange } from '../domain/rule-change.ts';
import type { Principal } from '../identity/sessions.ts';
import type { NewProposal, PutOutcome } from '../ports/rule-sets.ts';
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
  },
): Promise<WriteOutcome> {
  const { chain, rules: requested, who, reason, expectedRevision } = request;
  const change = changeRules({ own: ownRules(chain), requested, ...inheritedBy(chain) });
  if (change.kind === 'refused') return change;
  const waits = secondPerson === 'needed' ? change.wait : [];
  const holds = secondPerson === 'needed' ? [] : change.wait;
  const nowMs = now();
  const outcome = await ruleSets.put({
    place: chain.place,
    ...(expectedRevision === undefined ? {} : { expectedRevision }),
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

export function proposalOf(
  { ruleId, rule, effect }: WaitingChange,
  { userId }: RuleWriter,
  expiresAtMs: number,
): NewProposal {
  return { id: randomUUID(), ruleId, ...(rule === undefined ? {} : { rule }), effect, askedById: userId, expiresAtMs };
}
