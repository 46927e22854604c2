import { type Kysely, sql, type Transaction } from 'kysely';
import type { LimitRule } from '../../domain/threshold.ts';
import type { Registry } from '../../ports/registry.ts';
import type { Schema } from './schema.ts';

/** The rules in force, by patient. */
export async function readLimits(db: Kysely<Schema>): Promise<ReadonlyMap<string, readonly LimitRule[]>> {
  const rows = await db
    .selectFrom('patient_limit')
    .distinctOn(['patient_id', 'rule_id'])
    .select([
      'patient_id as patientId',
      'rule_id as id',
      'version',
      'vital',
      'comparison',
      'limit_value as limit',
      'priority',
      'off',
      'removed',
    ])
    .orderBy('patient_id')
    .orderBy('rule_id')
    .orderBy('version', 'desc')
    .execute();
  const rules = new Map<string, LimitRule[]>();
  for (const { patientId, removed, off, ...rule } of rows) {
    if (removed) continue;
    const own = rules.get(patientId) ?? [];
    own.push((off ? { ...rule, off } : rule) as LimitRule);
    rules.set(patientId, own);
  }
  return rules;
}

/** Adds a version for each rule; nothing is ever overwritten. */
export async function writeLimits(
  db: Transaction<Schema>,
  request: Parameters<Registry['putLimits']>[0],
): Promise<void> {
  // Two people at once: the second's versions follow the first's.
  await db.selectFrom('patient').select('id').where('id', '=', request.patientId).forNoKeyUpdate().execute();
  for (const rule of request.rules) await addVersion(db, request, rule);
  for (const id of request.remove ?? []) await addRemoval(db, request, id);
}

async function addVersion(
  db: Transaction<Schema>,
  { patientId, by, reason, atMs }: Parameters<Registry['putLimits']>[0],
  rule: LimitRule,
): Promise<void> {
  await sql`
    insert into patient_limit
      (patient_id, rule_id, version, vital, comparison, limit_value, priority, off, removed, set_by, reason, set_at)
    select ${patientId}, ${rule.id}, coalesce(max(version), 0) + 1, ${rule.vital}, ${rule.comparison},
      ${rule.limit}, ${rule.priority}, ${rule.off ?? false}, false, ${by}, ${reason}, ${new Date(atMs)}
    from patient_limit where patient_id = ${patientId} and rule_id = ${rule.id}`.execute(db);
}

/** A removal repeats what it removes, so that the history reads by itself. */
async function addRemoval(
  db: Transaction<Schema>,
  { patientId, by, reason, atMs }: Parameters<Registry['putLimits']>[0],
  ruleId: string,
): Promise<void> {
  await sql`
    insert into patient_limit
      (patient_id, rule_id, version, vital, comparison, limit_value, priority, off, removed, set_by, reason, set_at)
    select patient_id, rule_id, version + 1, vital, comparison, limit_value, priority, off, true,
      ${by}, ${reason}, ${new Date(atMs)}
    from patient_limit where patient_id = ${patientId} and rule_id = ${ruleId}
    order by version desc limit 1`.execute(db);
}
