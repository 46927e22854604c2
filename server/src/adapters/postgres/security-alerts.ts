import type pg from 'pg';
import type { UserId } from '../../domain/ids.ts';
import {
  type CloseOutcome,
  mayClose,
  type SecurityAlert,
  type SecurityFinding,
  type SecurityVerdict,
  severityOf,
} from '../../domain/security-alert.ts';
import { type SecurityEventFacts, securityEvent } from '../../domain/security-event.ts';
import type { SecurityAlerts, WatchProgress } from '../../ports/security-alerts.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { inTransaction } from './transaction.ts';
import { withoutNulls } from './without-nulls.ts';

/** Security alerts in PostgreSQL: with the events about them, and with what watching remembers, in one transaction. */
export class PostgresSecurityAlerts implements SecurityAlerts {
  readonly #pool: pg.Pool;

  constructor({ pool }: Pick<Connections, 'pool'>) {
    this.#pool = pool;
  }

  async progress(): Promise<WatchProgress | undefined> {
    const { rows } = await failing(() =>
      this.#pool.query<{ position: number; atMs: number; memory: Omit<WatchProgress, 'position' | 'atMs'> | null }>(
        `select position, at as "atMs", memory from audit_cursor left join watch_memory on key = $1 where name = $1`,
        [CURSOR],
      ),
    );
    const row = rows[0];
    return row && { tellsFromMs: 0, ...row.memory, position: row.position, atMs: row.atMs };
  }

  async memories(keys: readonly string[]): Promise<ReadonlyMap<string, unknown>> {
    const { rows } = await failing(() =>
      this.#pool.query<{ key: string; memory: unknown }>('select key, memory from watch_memory where key = any($1)', [
        [...keys],
      ]),
    );
    return new Map(rows.map(({ key, memory }) => [key, memory]));
  }

  async advance(step: Parameters<SecurityAlerts['advance']>[0]): ReturnType<SecurityAlerts['advance']> {
    const { from, to, atMs, lookedUntilMs, tellsFromMs, findings, memories } = step;
    return await inTransaction(this.#pool, async (client) => {
      // Who is first goes on; the other finds that it has moved.
      await client.query(`insert into audit_cursor (name, position, at) values ($1, $2, $3) on conflict do nothing`, [
        CURSOR,
        from,
        new Date(atMs),
      ]);
      const { rowCount } = await client.query(
        'update audit_cursor set position = $3, at = $4 where name = $1 and position = $2',
        [CURSOR, from, to, new Date(atMs)],
      );
      if (rowCount === 0) return { kind: 'moved' };
      const kept = [...memories, [CURSOR, { lookedUntilMs, tellsFromMs }] as const];
      await client.query(
        `insert into watch_memory (key, memory)
         select key, memory from jsonb_to_recordset($1::jsonb) as kept (key text, memory jsonb)
         on conflict (key) do update set memory = excluded.memory`,
        [JSON.stringify(kept.map(([key, memory]) => ({ key, memory })))],
      );
      return { kind: 'advanced', raised: await keep(client, findings, atMs) };
    });
  }

  async forget(beforeMs: number): Promise<number> {
    const { rowCount } = await failing(() =>
      this.#pool.query(`delete from watch_memory where key like 'address:%' and (memory ->> 'seenMs')::bigint < $1`, [
        beforeMs,
      ]),
    );
    return rowCount ?? 0;
  }

  async raise(finding: SecurityFinding, atMs: number): Promise<readonly SecurityAlert[]> {
    return await inTransaction(this.#pool, (client) => keep(client, [finding], atMs));
  }

  async untold(limit: number): Promise<readonly SecurityAlert[]> {
    return await this.#read(
      `where state = 'open' and severity <> 'low' and told is distinct from severity order by first_at limit $1`,
      [limit],
    );
  }

  async markTold({ id, tenantId, severity }: Parameters<SecurityAlerts['markTold']>[0]): Promise<void> {
    await failing(() =>
      this.#pool.query('update security_alert set told = $3 where tenant_id = $1 and id = $2', [
        tenantId,
        id,
        severity,
      ]),
    );
  }

  async list(query: Parameters<SecurityAlerts['list']>[0]): Promise<readonly SecurityAlert[]> {
    const { tenantId, states, kind, severity, person, limit, after } = query;
    return await this.#read(
      `where tenant_id = $1 and ($2::text[] is null or state = any($2)) and ($3::text is null or kind = $3)
         and ($4::text is null or severity = $4) and ($5::text is null or person_name = $5 or person_id = $5)
         and ($6::timestamptz is null or (last_at, id) < ($6, $7))
       order by last_at desc, id desc limit $8`,
      [
        tenantId,
        states ?? null,
        kind ?? null,
        severity ?? null,
        person ?? null,
        after === undefined ? null : new Date(after.lastAtMs),
        after?.id ?? null,
        limit,
      ],
    );
  }

  async counts(tenantId: string) {
    const { rows } = await failing(() =>
      this.#pool.query<{ open: number; lookedAt: number }>(
        `select (count(*) filter (where state = 'open'))::int as open,
           (count(*) filter (where state = 'looked-at'))::int as "lookedAt"
         from security_alert where tenant_id = $1 and state <> 'closed'`,
        [tenantId],
      ),
    );
    return rows[0] ?? { open: 0, lookedAt: 0 };
  }

  async find(id: string, tenantId: string): Promise<SecurityAlert | undefined> {
    return (await this.#read('where tenant_id = $1 and id = $2', [tenantId, id]))[0];
  }

  async look({ id, tenantId, byId, by, atMs }: Parameters<SecurityAlerts['look']>[0]) {
    return await inTransaction(this.#pool, async (client) => {
      const { rows } = await client.query<Row>(
        `update security_alert set state = 'looked-at', looked_by = $3, looked_by_id = $4, looked_at = $5
         where tenant_id = $1 and id = $2 and state = 'open' returning ${FIELDS}`,
        [tenantId, id, by, byId, new Date(atMs)],
      );
      const looked = rows[0];
      if (looked !== undefined) return await tell(client, toAlert(looked), 'looked-at', atMs);
      return (await read(client, 'where tenant_id = $1 and id = $2', [tenantId, id]))[0];
    });
  }

  async close(request: Parameters<SecurityAlerts['close']>[0]): Promise<CloseOutcome> {
    const { id, tenantId, byId, by, verdict, note, atMs } = request;
    return await inTransaction(this.#pool, async (client): Promise<CloseOutcome> => {
      const [before] = await read(client, 'where tenant_id = $1 and id = $2 for update', [tenantId, id]);
      if (before === undefined) return { kind: 'not-found' };
      const may = mayClose(before, byId);
      if (may !== 'yes') return may === 'own' ? { kind: 'own' } : { kind: 'already-closed', alert: before };
      const { rows } = await client.query<Row>(
        `update security_alert set state = 'closed', verdict = $3, note = $4, closed_by = $5, closed_by_id = $6,
           closed_at = $7 where tenant_id = $1 and id = $2 returning ${FIELDS}`,
        [tenantId, id, verdict, note, by, byId, new Date(atMs)],
      );
      const alert = await tell(client, toAlert(rows[0] as Row), 'closed', atMs);
      return { kind: 'closed', alert };
    });
  }

  async #read(rest: string, values: readonly unknown[]): Promise<readonly SecurityAlert[]> {
    return await failing(() => read(this.#pool, rest, values));
  }
}

/** Under which the audit log's followers are kept. */
const CURSOR = 'watching';

async function read(client: pg.Pool | pg.PoolClient, rest: string, values: readonly unknown[]) {
  const { rows } = await client.query<Row>(`select ${FIELDS} from security_alert ${rest}`, [...values]);
  return rows.map(toAlert);
}

/** New ones, and those that grew; answers with what is new or got more serious. */
async function keep(client: pg.PoolClient, findings: readonly SecurityFinding[], atMs: number) {
  const raised: SecurityAlert[] = [];
  for (const finding of findings) {
    const alert = await keepOne(client, finding, atMs);
    if (alert !== undefined) raised.push(alert);
  }
  return raised;
}

/**
 * What was closed stays closed: as justified or a false alarm, what follows of the same is added to it, unless it is more
 * serious than what was judged; after a violation, or where it is, what follows is an alert of its own.
 */
async function keepOne(
  client: pg.PoolClient,
  finding: SecurityFinding,
  atMs: number,
): Promise<SecurityAlert | undefined> {
  let { id } = finding;
  for (let again = 0; again <= AGAIN_MAX; again++, id = `${finding.id}-again-${again}`) {
    const [before] = await read(client, 'where tenant_id = $1 and id = $2 for update', [finding.tenantId, id]);
    if (before === undefined) return await tell(client, await insert(client, { ...finding, id }), 'raised', atMs);
    const isWorse = RANK[severityOf(finding.score)] > RANK[before.severity];
    const isDone = before.closed !== undefined && (isWorse || before.closed.verdict === 'violation');
    if (isDone && again < AGAIN_MAX) continue;
    const grown = await grow(client, before, finding);
    return isWorse ? await tell(client, grown, 'worsened', atMs) : undefined;
  }
  return undefined;
}

/** Judged and come again so often, the last one takes what is left. */
const AGAIN_MAX = 5;
const RANK = { low: 0, medium: 1, high: 2 } as const;

async function insert(client: pg.PoolClient, finding: SecurityFinding): Promise<SecurityAlert> {
  const { rows } = await client.query<Row>(
    `insert into security_alert (tenant_id, id, kind, score, severity, person_name, person_id, patient_id, reasons,
       evidence, count, first_at, last_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) returning ${FIELDS}`,
    [
      finding.tenantId,
      finding.id,
      finding.kind,
      Math.round(finding.score),
      severityOf(finding.score),
      finding.person?.name ?? null,
      finding.person?.userId ?? null,
      finding.patientId ?? null,
      JSON.stringify(finding.reasons),
      [...finding.evidence],
      finding.count,
      new Date(finding.firstAtMs),
      new Date(finding.lastAtMs),
    ],
  );
  return toAlert(rows[0] as Row);
}

async function grow(client: pg.PoolClient, before: SecurityAlert, finding: SecurityFinding): Promise<SecurityAlert> {
  const worse = finding.score >= before.score ? finding : before;
  const { rows } = await client.query<Row>(
    `update security_alert set score = $3, severity = $4, reasons = $5, evidence = $6, count = greatest(count, $7),
       last_at = greatest(last_at, $8)
     where tenant_id = $1 and id = $2 returning ${FIELDS}`,
    [
      before.tenantId,
      before.id,
      Math.round(worse.score),
      severityOf(worse.score),
      JSON.stringify(worse.reasons),
      [...finding.evidence],
      finding.count,
      new Date(finding.lastAtMs),
    ],
  );
  return toAlert(rows[0] as Row);
}

async function tell(client: pg.PoolClient, alert: SecurityAlert, change: SecurityEventFacts['change'], atMs: number) {
  await client.query('insert into alarm_event (tenant_id, at, facts) values ($1, $2, $3)', [
    alert.tenantId,
    new Date(atMs),
    JSON.stringify(securityEvent(alert, change)),
  ]);
  return alert;
}

const FIELDS = `tenant_id as "tenantId", id, kind, score, severity, state, person_name as "personName",
  person_id as "personId", patient_id as "patientId", reasons, evidence, count, first_at as "firstAtMs",
  last_at as "lastAtMs", looked_by as "lookedBy", looked_by_id as "lookedById", looked_at as "lookedAtMs", verdict, note,
  closed_by as "closedBy", closed_by_id as "closedById", closed_at as "closedAtMs"`;

interface Row extends Omit<SecurityAlert, 'person' | 'lookedAt' | 'closed' | 'evidence'> {
  readonly evidence: readonly (string | number)[];
  readonly personName: string | null;
  readonly personId: UserId | null;
  readonly lookedBy: string | null;
  readonly lookedById: UserId | null;
  readonly lookedAtMs: number | null;
  readonly verdict: SecurityVerdict | null;
  readonly note: string | null;
  readonly closedBy: string | null;
  readonly closedById: UserId | null;
  readonly closedAtMs: number | null;
}

function toAlert(row: Row): SecurityAlert {
  const { personName, personId, lookedBy, lookedById, lookedAtMs, evidence, ...others } = row;
  const { verdict, note, closedBy, closedById, closedAtMs, ...rest } = others;
  return {
    ...(withoutNulls(rest) as unknown as SecurityAlert),
    evidence: evidence.map(Number),
    ...(personName !== null && { person: { name: personName, ...(personId !== null && { userId: personId }) } }),
    ...(lookedById !== null &&
      lookedAtMs !== null && { lookedAt: { by: lookedBy ?? '', byId: lookedById, atMs: lookedAtMs } }),
    ...(verdict !== null &&
      closedById !== null &&
      closedAtMs !== null && {
        closed: { verdict, note: note ?? '', by: closedBy ?? '', byId: closedById, atMs: closedAtMs },
      }),
  };
}
