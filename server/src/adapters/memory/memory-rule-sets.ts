import type { PatientId } from '../../domain/ids.ts';
import type {
  DecideOutcome,
  News2Decision,
  News2Version,
  PutOutcome,
  PutRules,
  RuleOverride,
  RulePlace,
  RuleProposal,
  RuleSet,
  RuleSets,
  RuleSnapshot,
  RuleVersion,
  Signed,
} from '../../ports/rule-sets.ts';
import type { VersionedOutcome } from '../../ports/versioned.ts';

/** Rule sets that live as long as the process, for tests. */
export class MemoryRuleSets implements RuleSets {
  readonly #sets = new Map<string, { place: RulePlace; revision: number; versions: RuleVersion[] }>();
  readonly #overrides = new Map<string, RuleOverride & Signed & { endedAtMs?: number }>();
  readonly #proposals = new Map<string, RuleProposal>();
  readonly #news2Versions = new Map<PatientId, readonly News2Version[]>();
  readonly news2 = new Map<PatientId, News2Decision>();
  /** Thrown by every call, as a database that is away would. */
  refusal: Error | undefined;

  async read({ place, nowMs }: Parameters<RuleSets['read']>[0]): Promise<RuleSet> {
    this.#guard();
    const set = this.#sets.get(nameOf(place));
    return {
      revision: set?.revision ?? 0,
      rules: newest(set?.versions ?? []).filter(({ rule }) => rule !== undefined),
      overrides: [...this.#overrides.values()]
        .filter((one) => nameOf(one.place) === nameOf(place) && one.endedAtMs === undefined && one.untilMs > nowMs)
        .sort((a, b) => a.fromMs - b.fromMs),
    };
  }

  async put({ place, expectedRevision, rules, remove, propose, preview, ...signed }: PutRules): Promise<PutOutcome> {
    this.#guard();
    const set = this.#set(place);
    if (expectedRevision !== undefined && expectedRevision !== set.revision)
      return { kind: 'changed-meanwhile', revision: set.revision, ...this.#lastChangeOf(place) };
    if (rules.length + remove.length + propose.length === 0) return { kind: 'done', revision: set.revision };
    set.revision++;
    const seen = preview === undefined ? {} : { preview };
    for (const rule of rules) this.#add(place, rule.id, { ...signed, ...seen }, rule);
    for (const id of remove) this.#add(place, id, { ...signed, ...seen });
    for (const proposal of propose) {
      if (proposal.override === undefined) this.#supersede(place, proposal.ruleId, signed.atMs);
      const { by: askedBy, reason, atMs: askedAtMs } = signed;
      const { rule, ...rest } = proposal;
      const version = versionOf(set.versions, proposal.ruleId) + 1;
      const kept = { ...rest, ...(rule === undefined ? {} : { rule: { ...rule, version } }) };
      this.#proposals.set(proposal.id, { ...kept, place, askedBy, reason, askedAtMs, ...seen, state: 'open' });
    }
    return { kind: 'done', revision: set.revision };
  }

  async versions({ place, ruleId, limit }: Parameters<RuleSets['versions']>[0]): Promise<readonly RuleVersion[]> {
    const all = this.#sets.get(nameOf(place))?.versions ?? [];
    return all
      .filter((version) => ruleId === undefined || version.ruleId === ruleId)
      .toReversed()
      .slice(0, limit);
  }

  async addOverride(override: RuleOverride & Signed): Promise<void> {
    this.#guard();
    this.#overrides.set(override.id, override);
  }

  async endOverride({ id, atMs }: Parameters<RuleSets['endOverride']>[0]): Promise<boolean> {
    const known = this.#overrides.get(id);
    if (known === undefined || known.endedAtMs !== undefined || known.untilMs <= atMs) return false;
    this.#overrides.set(id, { ...known, endedAtMs: atMs });
    return true;
  }

  async findOverride(id: string): Promise<RuleOverride | undefined> {
    return this.#overrides.get(id);
  }

  async proposals(query: Parameters<RuleSets['proposals']>[0]): Promise<readonly RuleProposal[]> {
    this.#guard();
    return [...this.#proposals.values()]
      .map((proposal) => asOf(proposal, query.nowMs))
      .filter(
        ({ place, state }) =>
          (query.place === undefined || nameOf(place) === nameOf(query.place)) && (!query.open || state === 'open'),
      )
      .toReversed()
      .slice(0, query.limit);
  }

  async findProposal({ id, nowMs }: Parameters<RuleSets['findProposal']>[0]): Promise<RuleProposal | undefined> {
    const known = this.#proposals.get(id);
    return known && asOf(known, nowMs);
  }

  async decide({ id, confirm, by, byId, atMs }: Parameters<RuleSets['decide']>[0]): Promise<DecideOutcome> {
    const known = this.#proposals.get(id);
    if (known === undefined) return { kind: 'not-found' };
    const proposal = asOf(known, atMs);
    if (proposal.state !== 'open') return { kind: 'not-open', proposal };
    if (confirm && proposal.askedById === byId) return { kind: 'same-person' };
    const state = confirm ? 'confirmed' : 'refused';
    const decided: RuleProposal = { ...proposal, state, decidedBy: by, decidedAtMs: atMs };
    this.#proposals.set(id, decided);
    if (confirm) this.#takeEffect(decided, by, atMs);
    return { kind: 'done', proposal: decided };
  }

  async putNews2({ from = 0, ...decision }: Parameters<RuleSets['putNews2']>[0]): Promise<VersionedOutcome> {
    this.#guard();
    const [known] = this.#news2Versions.get(decision.patientId) ?? [];
    if ((known?.version ?? 0) !== from)
      return {
        kind: 'changed-meanwhile',
        version: known?.version ?? 0,
        ...(known === undefined ? {} : { by: known.by, atMs: known.atMs }),
      };
    return { kind: 'kept', version: this.#addNews2(decision) };
  }

  #addNews2({ patientId, ...decided }: { readonly patientId: PatientId } & News2Decision & Signed): number {
    const { spo2Scale, use } = decided;
    this.news2.set(patientId, { spo2Scale, use });
    const before = this.#news2Versions.get(patientId) ?? [];
    const version = before.length + 1;
    this.#news2Versions.set(patientId, [{ version, ...decided }, ...before]);
    this.#supersede({ scope: 'patient', patientId }, 'news2', decided.atMs);
    return version;
  }

  #lastChangeOf(place: RulePlace): { by: string; atMs: number } | undefined {
    const changes = [
      ...(this.#sets.get(nameOf(place))?.versions ?? []).map(({ by, atMs }) => ({ by, atMs })),
      ...[...this.#proposals.values()]
        .filter((one) => nameOf(one.place) === nameOf(place))
        .map(({ askedBy, askedAtMs }) => ({ by: askedBy, atMs: askedAtMs })),
    ];
    return changes.sort((a, b) => a.atMs - b.atMs).at(-1);
  }

  async news2Versions(patientId: PatientId): Promise<readonly News2Version[]> {
    return (this.#news2Versions.get(patientId) ?? []).slice(0, 100);
  }

  /** As the registry's snapshot would hold it. */
  async snapshot(): Promise<RuleSnapshot> {
    return {
      sets: [...this.#sets.values()].map(({ place, revision, versions }) => ({
        place,
        revision,
        rules: newest(versions).flatMap(({ rule }) => rule ?? []),
      })),
      overrides: [...this.#overrides.values()]
        .filter(({ endedAtMs }) => endedAtMs === undefined)
        .map(({ id, place, rule, fromMs, untilMs }) => ({ id, place, rule, fromMs, untilMs })),
    };
  }

  #takeEffect(
    { id, place, ruleId, rule, news2, override, askedBy, reason, preview }: RuleProposal,
    by: string,
    atMs: number,
  ): void {
    const signed = { by: askedBy, confirmedBy: by, reason, atMs };
    if (news2 !== undefined && place.scope === 'patient') {
      this.#addNews2({ patientId: place.patientId, ...news2, ...signed });
      return;
    }
    if (override !== undefined && rule !== undefined) {
      const fromMs = Math.max(override.fromMs, atMs);
      this.#overrides.set(id, {
        id,
        place,
        rule: { ...rule, version: 1 },
        fromMs,
        untilMs: override.untilMs,
        ...signed,
      });
      return;
    }
    this.#set(place).revision++;
    this.#add(place, ruleId, { ...signed, ...(preview === undefined ? {} : { preview }) }, rule);
  }

  #set(place: RulePlace) {
    const name = nameOf(place);
    const known = this.#sets.get(name) ?? { place, revision: 0, versions: [] };
    this.#sets.set(name, known);
    return known;
  }

  #add(
    place: RulePlace,
    ruleId: string,
    { by, confirmedBy, reason, atMs, preview }: Signed & Pick<RuleVersion, 'preview'>,
    rule?: RuleVersion['rule'],
  ): void {
    const { versions, revision } = this.#set(place);
    const version = versionOf(versions, ruleId) + 1;
    const signed = { by, ...(confirmedBy === undefined ? {} : { confirmedBy }), reason, atMs };
    versions.push({
      ruleId,
      version,
      revision,
      ...signed,
      ...(rule === undefined ? {} : { rule: { ...rule, version } }),
      ...(preview === undefined ? {} : { preview }),
    });
    this.#supersede(place, ruleId, atMs);
  }

  #supersede(place: RulePlace, ruleId: string, atMs: number): void {
    for (const [id, one] of this.#proposals)
      if (
        one.state === 'open' &&
        one.override === undefined &&
        one.ruleId === ruleId &&
        nameOf(one.place) === nameOf(place)
      )
        this.#proposals.set(id, { ...one, state: 'superseded', decidedAtMs: atMs });
  }

  #guard(): void {
    if (this.refusal !== undefined) throw this.refusal;
  }
}

function asOf(proposal: RuleProposal, nowMs: number): RuleProposal {
  return proposal.state === 'open' && nowMs >= proposal.expiresAtMs ? { ...proposal, state: 'expired' } : proposal;
}

function newest(versions: readonly RuleVersion[]): readonly RuleVersion[] {
  const byRule = new Map(versions.map((version) => [version.ruleId, version]));
  return [...byRule.values()].sort((a, b) => (a.ruleId < b.ruleId ? -1 : 1));
}

function versionOf(versions: readonly RuleVersion[], ruleId: string): number {
  return Math.max(0, ...versions.filter((version) => version.ruleId === ruleId).map(({ version }) => version));
}

function nameOf(place: RulePlace): string {
  return JSON.stringify(place);
}
