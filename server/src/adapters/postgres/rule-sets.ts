import type pg from 'pg';
import type { PatientId } from '../../domain/ids.ts';
import type { Rule } from '../../domain/rule.ts';
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
  SeenBurden,
  Signed,
} from '../../ports/rule-sets.ts';
import type { VersionedOutcome } from '../../ports/versioned.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import {
  bodyOf,
  keyOf,
  type News2Row,
  type OverrideRow,
  type PlaceRow,
  type ProposalRow,
  placeOf,
  ruleOf,
  toNews2Version,
  toOverride,
  toProposal,
  toVersion,
  type VersionRow,
} from './rule-rows.ts';
import { inTransaction } from './transaction.ts';

type Client = Pick<pg.PoolClient, 'query'>;

/** Alarm rules in PostgreSQL. The set's row serialises those who change it. */
export class PostgresRuleSets implements RuleSets {
  readonly #pool: pg.Pool;

  constructor({ pool }: Pick<Connections, 'pool'>) {
    this.#pool = pool;
  }

  async read({ place, nowMs }: Parameters<RuleSets['read']>[0]): Promise<RuleSet> {
    return await failing(async () => {
      const key = keyOf(place);
      const [sets, versions, overrides] = await Promise.all([
        this.#pool.query<{ revision: number }>('select revision from rule_set where (scope, scope_id) = ($1, $2)', [
          ...key,
        ]),
        this.#pool.query<VersionRow>(
          `select * from rule_version where (scope, scope_id) = ($1, $2) and is_newest and body is not null
           order by rule_id`,
          [...key],
        ),
        this.#pool.query<OverrideRow>(
          `select * from rule_override
           where (scope, scope_id) = ($1, $2) and ended_at is null and until_at > $3 order by from_at, id`,
          [...key, new Date(nowMs)],
        ),
      ]);
      return {
        revision: sets.rows[0]?.revision ?? 0,
        rules: versions.rows.map(toVersion),
        overrides: overrides.rows.map(toOverride),
      };
    });
  }

  async put(request: PutRules): Promise<PutOutcome> {
    return await inTransaction(this.#pool, async (client) => {
      const known = await lockSet(client, request.place);
      if (request.expectedRevision !== undefined && request.expectedRevision !== known)
        return { kind: 'changed-meanwhile', revision: known, ...(await lastChangeOf(client, request.place)) };
      const { place, rules, remove, propose } = request;
      if (rules.length + remove.length + propose.length === 0) return { kind: 'done', revision: known };
      const revision = await nextRevision(client, place);
      for (const rule of rules) await addVersion(client, { ...request, revision, ruleId: rule.id, rule });
      for (const ruleId of remove) await addVersion(client, { ...request, revision, ruleId });
      for (const proposal of propose) await addProposal(client, request, proposal);
      return { kind: 'done', revision };
    });
  }

  async versions({ place, ruleId, limit }: Parameters<RuleSets['versions']>[0]): Promise<readonly RuleVersion[]> {
    const { rows } = await failing(() =>
      this.#pool.query<VersionRow>(
        `select * from rule_version where (scope, scope_id) = ($1, $2) and ($3::text is null or rule_id = $3)
         order by set_at desc, revision desc, rule_id, version desc limit $4`,
        [...keyOf(place), ruleId ?? null, limit],
      ),
    );
    return rows.map(toVersion);
  }

  async addOverride(override: RuleOverride & Signed): Promise<void> {
    await failing(() => insertOverride(this.#pool, override));
  }

  async endOverride({ id, by, reason, atMs }: Parameters<RuleSets['endOverride']>[0]): Promise<boolean> {
    const { rowCount } = await failing(() =>
      this.#pool.query(
        `update rule_override set ended_at = $2, ended_by = $3, end_reason = $4
         where id = $1 and ended_at is null and until_at > $2`,
        [id, new Date(atMs), by, reason],
      ),
    );
    return rowCount === 1;
  }

  async findOverride(id: string): Promise<RuleOverride | undefined> {
    const { rows } = await failing(() =>
      this.#pool.query<OverrideRow>('select * from rule_override where id = $1', [id]),
    );
    return rows[0] && toOverride(rows[0]);
  }

  async proposals(query: Parameters<RuleSets['proposals']>[0]): Promise<readonly RuleProposal[]> {
    const [scope, scopeId] = query.place === undefined ? [null, null] : keyOf(query.place);
    const { rows } = await failing(() =>
      this.#pool.query<ProposalRow>(
        `select * from rule_proposal
         where ($1::text is null or (scope, scope_id) = ($1, $2))
           and (not $3 or (state = 'open' and expires_at > $4))
         order by asked_at desc, id limit $5`,
        [scope, scopeId, query.open, new Date(query.nowMs), query.limit],
      ),
    );
    return rows.map((row) => toProposal(row, query.nowMs));
  }

  async findProposal({ id, nowMs }: Parameters<RuleSets['findProposal']>[0]): Promise<RuleProposal | undefined> {
    const { rows } = await failing(() =>
      this.#pool.query<ProposalRow>('select * from rule_proposal where id = $1', [id]),
    );
    return rows[0] && toProposal(rows[0], nowMs);
  }

  async decide(request: Parameters<RuleSets['decide']>[0]): Promise<DecideOutcome> {
    const { id, confirm, by, byId, atMs } = request;
    return await inTransaction(this.#pool, async (client) => {
      const { rows } = await client.query<ProposalRow>('select * from rule_proposal where id = $1', [id]);
      if (rows[0] === undefined) return { kind: 'not-found' };
      await lockSet(client, placeOf(rows[0]));
      // Read again: only now does nobody else decide.
      const locked = await client.query<ProposalRow>('select * from rule_proposal where id = $1 for update', [id]);
      const row = locked.rows[0] as ProposalRow;
      const proposal = toProposal(row, atMs);
      if (proposal.state !== 'open') return { kind: 'not-open', proposal };
      // Whoever asked may take it back, but not be their own second person.
      if (confirm && row.asked_by_id === byId) return { kind: 'same-person' };
      if (confirm) await takeEffect(client, proposal, { by, atMs });
      const decided = await client.query<ProposalRow>(
        'update rule_proposal set state = $2, decided_by = $3, decided_at = $4 where id = $1 returning *',
        [id, confirm ? 'confirmed' : 'refused', by, new Date(atMs)],
      );
      return { kind: 'done', proposal: toProposal(decided.rows[0] as ProposalRow, atMs) };
    });
  }

  async putNews2(request: Parameters<RuleSets['putNews2']>[0]): Promise<VersionedOutcome> {
    const { patientId, from = 0 } = request;
    return await inTransaction(this.#pool, async (client) => {
      // The set's row serialises those who decide and those who confirm.
      await lockSet(client, { scope: 'patient', patientId });
      const { rows } = await client.query<{ version: number; by: string; atMs: number }>(
        `select version, set_by as by, set_at as "atMs" from patient_news2 where patient_id = $1
         order by version desc limit 1`,
        [patientId],
      );
      const [known] = rows;
      if ((known?.version ?? 0) !== from) return { kind: 'changed-meanwhile', ...(known ?? { version: 0 }) };
      return { kind: 'kept', version: await addNews2(client, request) };
    });
  }

  async news2Versions(patientId: PatientId): Promise<readonly News2Version[]> {
    const { rows } = await failing(() =>
      this.#pool.query<News2Row>('select * from patient_news2 where patient_id = $1 order by version desc limit 100', [
        patientId,
      ]),
    );
    return rows.map(toNews2Version);
  }
}

/** A decision more; what waited for a second person is void. */
async function addNews2(
  client: Client,
  decision: { readonly patientId: PatientId } & News2Decision & Signed,
): Promise<number> {
  const { patientId, spo2Scale, by, confirmedBy, reason, atMs } = decision;
  const use = decision.use.kind === 'off' ? decision.use.why : 'by-age';
  await client.query('update patient set spo2_scale = $2, news2_use = $3 where id = $1', [patientId, spo2Scale, use]);
  await supersede(client, { scope: 'patient', patientId }, NEWS2, atMs);
  const { rows } = await client.query<{ version: number }>(
    `insert into patient_news2 (patient_id, version, spo2_scale, news2_use, set_by, confirmed_by, reason, set_at)
     select $1, coalesce(max(version), 0) + 1, $2, $3, $4, $5, $6, $7 from patient_news2 where patient_id = $1
     returning version`,
    [patientId, spo2Scale, use, by, confirmedBy ?? null, reason, new Date(atMs)],
  );
  return rows[0]?.version ?? 1;
}

/** Whose proposals these are, where rules have their id. */
const NEWS2 = 'news2';

/** Who changed the rules of a place last, or asked for a change. */
async function lastChangeOf(
  client: Client,
  place: RulePlace,
): Promise<{ readonly by: string; readonly atMs: number } | undefined> {
  const { rows } = await client.query<{ by: string; atMs: number }>(
    `(select set_by as by, set_at as "atMs" from rule_version where (scope, scope_id) = ($1, $2)
      union all
      select asked_by, asked_at from rule_proposal where (scope, scope_id) = ($1, $2))
     order by "atMs" desc limit 1`,
    [...keyOf(place)],
  );
  return rows[0];
}

/** What holds now, and the overrides that have not ended. */
export async function readRuleSnapshot(query: <Row>(text: string) => Promise<readonly Row[]>): Promise<RuleSnapshot> {
  const rules = await query<PlaceRow & { version: number; body: object }>(
    'select scope, scope_id, version, body from rule_version where is_newest and body is not null order by rule_id',
  );
  const sets = await query<PlaceRow & { revision: number }>('select scope, scope_id, revision from rule_set');
  // A day of grace covers a clock that is behind the database's.
  const overrides = await query<OverrideRow>(
    `select * from rule_override where ended_at is null and until_at > now() - interval '1 day' order by from_at, id`,
  );
  const rulesOf = new Map<string, Rule[]>();
  for (const row of rules) {
    const name = `${row.scope} ${row.scope_id}`;
    const known = rulesOf.get(name);
    if (known === undefined) rulesOf.set(name, [ruleOf(row.body, row.version)]);
    else known.push(ruleOf(row.body, row.version));
  }
  return {
    sets: sets.map((row) => ({
      place: placeOf(row),
      revision: row.revision,
      rules: rulesOf.get(`${row.scope} ${row.scope_id}`) ?? [],
    })),
    overrides: overrides.map((row) => {
      const { id, place, rule, fromMs, untilMs } = toOverride(row);
      return { id, place, rule, fromMs, untilMs };
    }),
  };
}

/** Makes writers of one set wait for each other; answers its revision. */
async function lockSet(client: Client, place: RulePlace): Promise<number> {
  const key = keyOf(place);
  await client.query('insert into rule_set (scope, scope_id, revision) values ($1, $2, 0) on conflict do nothing', [
    ...key,
  ]);
  const { rows } = await client.query<{ revision: number }>(
    'select revision from rule_set where (scope, scope_id) = ($1, $2) for update',
    [...key],
  );
  return rows[0]?.revision ?? 0;
}

async function nextRevision(client: Client, place: RulePlace): Promise<number> {
  const { rows } = await client.query<{ revision: number }>(
    'update rule_set set revision = revision + 1 where (scope, scope_id) = ($1, $2) returning revision',
    [...keyOf(place)],
  );
  return rows[0]?.revision ?? 0;
}

/** A version more; what waited for the old one is void. */
async function addVersion(
  client: Client,
  change: Signed & {
    readonly place: RulePlace;
    readonly revision: number;
    readonly ruleId: string;
    readonly rule?: Rule;
    readonly preview?: SeenBurden;
  },
): Promise<void> {
  const key = [...keyOf(change.place), change.ruleId];
  const { rows } = await client.query<{ version: number }>(
    `update rule_version set is_newest = false where (scope, scope_id, rule_id) = ($1, $2, $3) and is_newest
     returning version`,
    key,
  );
  const { rule, revision, by, confirmedBy, reason, atMs, preview } = change;
  await client.query(
    `insert into rule_version
       (scope, scope_id, rule_id, version, revision, is_newest, body, set_by, confirmed_by, reason, set_at, preview)
     values ($1, $2, $3, $4, $5, true, $6, $7, $8, $9, $10, $11)`,
    [
      ...key,
      (rows[0]?.version ?? 0) + 1,
      revision,
      rule === undefined ? null : bodyOf(rule),
      by,
      confirmedBy ?? null,
      reason,
      new Date(atMs),
      previewOf(preview),
    ],
  );
  await supersede(client, change.place, change.ruleId, atMs);
}

async function supersede(client: Client, place: RulePlace, ruleId: string, atMs: number): Promise<void> {
  await client.query(
    `update rule_proposal set state = 'superseded', decided_at = $4
     where (scope, scope_id, rule_id) = ($1, $2, $3) and state = 'open' and from_at is null`,
    [...keyOf(place), ruleId, new Date(atMs)],
  );
}

function previewOf(preview: SeenBurden | undefined): string | null {
  return preview === undefined ? null : JSON.stringify(preview);
}

async function addProposal(
  client: Client,
  { place, by, reason, atMs, preview }: PutRules,
  proposal: PutRules['propose'][number],
): Promise<void> {
  const { id, ruleId, rule, news2, override, effect, askedById, expiresAtMs } = proposal;
  if (override === undefined) await supersede(client, place, ruleId, atMs);
  await client.query(
    `insert into rule_proposal (id, scope, scope_id, rule_id, body, from_at, until_at, base_version, effect, asked_by,
       asked_by_id, reason, asked_at, expires_at, news2, preview)
     select $1, $2, $3, $4, $5, $6, $7,
       coalesce((select version from rule_version where (scope, scope_id, rule_id) = ($2, $3, $4) and is_newest), 0),
       $8, $9, $10, $11, $12, $13, $14, $15`,
    [
      id,
      ...keyOf(place),
      ruleId,
      rule === undefined ? null : bodyOf(rule),
      override === undefined ? null : new Date(override.fromMs),
      override === undefined ? null : new Date(override.untilMs),
      effect,
      by,
      askedById,
      reason,
      new Date(atMs),
      new Date(expiresAtMs),
      news2 === undefined ? null : JSON.stringify(news2),
      previewOf(preview),
    ],
  );
}

async function insertOverride(client: Client, override: RuleOverride & Signed): Promise<void> {
  const { id, place, rule, fromMs, untilMs, by, confirmedBy, reason, atMs } = override;
  await client.query(
    `insert into rule_override (id, scope, scope_id, rule_id, body, from_at, until_at, set_by, confirmed_by, reason, set_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      id,
      ...keyOf(place),
      rule.id,
      bodyOf(rule),
      new Date(fromMs),
      new Date(untilMs),
      by,
      confirmedBy ?? null,
      reason,
      new Date(atMs),
    ],
  );
}

/** Set by who asked, for their reason, and confirmed by the second person. */
async function takeEffect(
  client: Client,
  proposal: RuleProposal,
  { by, atMs }: { readonly by: string; readonly atMs: number },
): Promise<void> {
  const { id, place, ruleId, rule, news2, override, preview } = proposal;
  const signed = { by: proposal.askedBy, confirmedBy: by, reason: proposal.reason, atMs };
  if (override !== undefined && rule !== undefined) {
    await insertOverride(client, { id, place, rule, ...override, fromMs: Math.max(override.fromMs, atMs), ...signed });
    return;
  }
  if (news2 !== undefined && place.scope === 'patient') {
    await addNews2(client, { patientId: place.patientId, ...news2, ...signed });
    return;
  }
  const revision = await nextRevision(client, place);
  const seen = preview === undefined ? {} : { preview };
  await addVersion(client, { place, revision, ruleId, ...(rule === undefined ? {} : { rule }), ...seen, ...signed });
}
