import pg from 'pg';
import { type RecordedEntry, readEntry } from '../../domain/audit-entry.ts';
import { RESTORE_ACTION } from '../../domain/audit-restore.ts';
import type { AuditQuery } from '../../ports/audit-log.ts';
import {
  type AuditBatch,
  type AuditCheck,
  type AuditCursor,
  type AuditStore,
  columnsOf,
  type LegalHold,
  type PendingEntry,
  type StoredEntry,
  type StoredLog,
} from '../../ports/audit-store.ts';
import { AUDIT_COLUMNS, auditRowDecoder, encodeAuditRow } from './audit-rows.ts';
import { BinaryCopyWriter } from './binary-copy.ts';
import type { Connections } from './connection.ts';
import { runWithCopies } from './copy-in.ts';
import { runCopyOut } from './copy-out.ts';
import { failing } from './database-failure.ts';
import { PostgresLegalHolds } from './legal-holds.ts';
import { inTransaction } from './transaction.ts';
import { withoutNulls } from './without-nulls.ts';

/** The audit log in PostgreSQL. Its connections are its own, so that a busy database still takes entries. */
export class PostgresAuditStore implements AuditStore {
  readonly #pool: pg.Pool;
  readonly #ofAll: Pick<AuditStore, 'positionAt'>;
  readonly #rows = new BinaryCopyWriter();
  readonly #holds: PostgresLegalHolds;

  /** `ofAll`: where a moment is looked up, which is a position among the entries of all organisations. */
  constructor(
    { pool }: Pick<Connections, 'pool'>,
    { ofAll }: { readonly ofAll?: Pick<AuditStore, 'positionAt'> } = {},
  ) {
    this.#pool = pool;
    this.#ofAll = ofAll ?? this;
    this.#holds = new PostgresLegalHolds(pool);
  }

  async open(originIfNew: string): Promise<StoredLog> {
    return await failing(async () => {
      const read = () => this.#pool.query<LogRow>(LOG);
      let row = (await read()).rows[0];
      if (row === undefined) {
        await this.#pool.query('insert into audit_log (origin) values ($1) on conflict do nothing', [originIfNew]);
        row = (await read()).rows[0];
      }
      return storedLog(row ?? gone());
    });
  }

  async append(batch: AuditBatch): ReturnType<AuditStore['append']> {
    const copy = this.#copyOf(batch);
    return await this.#writing((client) => runWithCopies(client, `begin; ${appendSql(batch)}`, [copy]));
  }

  async appendInTurn(make: Parameters<AuditStore['appendInTurn']>[0]): ReturnType<AuditStore['append']> {
    return await this.#writing(async (client) => {
      await client.query(`begin; ${PATIENCE}`);
      // PostgreSQL lets those who wait for a row in one after the other.
      const { rows } = await client.query<LogRow>(`${LOG} for update`);
      const batch = await make(storedLog(rows[0] ?? gone()), {
        read: (range) => readEntries(client, range),
        tiles: (level, range) => readTiles(client, level, range),
      });
      await runWithCopies(client, appendSql(batch), [this.#copyOf(batch)]);
    });
  }

  #copyOf({ entries }: AuditBatch): Buffer {
    this.#rows.begin();
    for (const { entry, text } of entries)
      encodeAuditRow({ position: entry.position, text, columns: columnsOf(entry) }, this.#rows);
    return this.#rows.end();
  }

  async #writing(work: (client: pg.PoolClient) => Promise<unknown>): ReturnType<AuditStore['append']> {
    return await failing(async () => {
      const client = await this.#pool.connect();
      try {
        await work(client);
        client.release();
        return 'appended';
      } catch (error) {
        // Whatever state the connection is in, PostgreSQL rolls back when it goes.
        client.release(true);
        const outcome = error instanceof pg.DatabaseError ? OUTCOMES[error.code ?? ''] : undefined;
        if (outcome === undefined) throw error;
        return outcome;
      }
    });
  }

  async read(range: Parameters<AuditStore['read']>[0]): ReturnType<AuditStore['read']> {
    return await failing(async () => {
      const client = await this.#pool.connect();
      let broken = true;
      try {
        const found = await readEntries(client, range);
        broken = false;
        return found;
      } finally {
        client.release(broken);
      }
    });
  }

  async tiles(level: number, range: Parameters<AuditStore['tiles']>[1]): ReturnType<AuditStore['tiles']> {
    return await failing(() => readTiles(this.#pool, level, range));
  }

  async heads({ from = 0, newest = false, limit }: Parameters<AuditStore['heads']>[0]): Promise<readonly string[]> {
    const { rows } = await failing(() =>
      this.#pool.query<{ note: string }>(
        `select note from audit_head where size >= $1 order by size ${newest ? 'desc' : 'asc'} limit $2`,
        [from, limit],
      ),
    );
    return rows.map(({ note }) => note);
  }

  async search(query: AuditQuery): Promise<readonly RecordedEntry[]> {
    const { where, values } = conditionsOf(await this.#byPosition(query));
    // Asked for what comes after a position, a follower reads on; everybody else reads back from the newest.
    const order = query.after === undefined ? 'desc' : 'asc';
    const { rows } = await failing(() =>
      this.#pool.query<{ position: number; entry: string }>(
        `select position, entry from audit_entry where ${where} order by position ${order} limit ${whole(query.limit)}`,
        values,
      ),
    );
    return rows.map(({ position, entry }) => readEntry(entry) ?? unreadable(position));
  }

  /** Time goes with position, and positions are what rows are in the order of. */
  async #byPosition({ fromMs, toMs, ...query }: AuditQuery): Promise<AuditQuery> {
    const from = fromMs === undefined ? undefined : await this.#ofAll.positionAt(fromMs);
    const to = toMs === undefined ? undefined : await this.#ofAll.positionAt(toMs);
    return {
      ...query,
      ...(from !== undefined && { after: Math.max(from - 1, query.after ?? -1) }),
      ...(to !== undefined && { before: Math.min(to, query.before ?? to) }),
    };
  }

  async pending(limit: number): Promise<readonly PendingEntry[]> {
    const { rows } = await failing(() =>
      this.#pool.query<{ id: number; entry: PendingEntry['entry'] }>(
        'select id, entry from audit_pending order by id limit $1',
        [limit],
      ),
    );
    return rows.map(({ id, entry }) => ({ id: String(id), entry }));
  }

  async cursor(name: string): Promise<AuditCursor | undefined> {
    const found = (await this.cursors()).find((one) => one.name === name);
    if (found === undefined) return undefined;
    const { name: _, ...cursor } = found;
    return cursor;
  }

  async cursors(): ReturnType<AuditStore['cursors']> {
    const { rows } = await failing(() =>
      this.#pool.query<object>(
        `select name, position, at as "atMs", failing_since as "failingSinceMs", failure from audit_cursor order by name`,
      ),
    );
    return rows.map((row) => withoutNulls(row) as AuditCursor & { name: string });
  }

  async setCursor(name: string, { position, atMs, failingSinceMs, failure }: AuditCursor): Promise<void> {
    await failing(() =>
      this.#pool.query(
        `insert into audit_cursor (name, position, at, failing_since, failure) values ($1, $2, $3, $4, $5)
         on conflict (name) do update set position = excluded.position, at = excluded.at,
           failing_since = excluded.failing_since, failure = excluded.failure`,
        [
          name,
          position,
          new Date(atMs),
          failingSinceMs === undefined ? null : new Date(failingSinceMs),
          failure ?? null,
        ],
      ),
    );
  }

  async positionAt(atMs: number): Promise<number> {
    const { rows } = await failing(() =>
      this.#pool.query<{ position: number }>(
        `select coalesce(
           (select position from audit_entry where recorded_at >= $1 order by recorded_at, position limit 1),
           (select size from audit_log), 0) as position`,
        [new Date(atMs)],
      ),
    );
    return rows[0]?.position ?? 0;
  }

  async prune({ before, limit }: Parameters<AuditStore['prune']>[0]): Promise<number> {
    return await inTransaction(this.#pool, async (client) => {
      await client.query(`set local healthsync.audit_retention = 'ended'`);
      const { rowCount } = await client.query(PRUNE, [before, limit]);
      if (rowCount === 0) await client.query(PRUNE_TILES, [before]);
      return rowCount ?? 0;
    });
  }

  async prunedBefore(): Promise<number> {
    const { rows } = await failing(() =>
      this.#pool.query<{ position: number }>(
        `select coalesce((select min(position) from audit_entry), (select size from audit_log), 0) as position`,
      ),
    );
    return rows[0]?.position ?? 0;
  }

  async lastCheck(): Promise<AuditCheck | undefined> {
    const { rows } = await failing(() =>
      this.#pool.query<object>('select at as "atMs", size, findings, whole_at as "wholeAtMs" from audit_check'),
    );
    return rows[0] && (withoutNulls(rows[0]) as AuditCheck);
  }

  async setLastCheck({ atMs, size, findings, wholeAtMs }: AuditCheck): Promise<void> {
    await failing(() =>
      this.#pool.query(
        `insert into audit_check (at, size, findings, whole_at) values ($1, $2, $3, $4)
         on conflict (is_it) do update set at = excluded.at, size = excluded.size, findings = excluded.findings,
           whole_at = excluded.whole_at`,
        [new Date(atMs), size, findings, wholeAtMs === undefined ? null : new Date(wholeAtMs)],
      ),
    );
  }

  holds = () => this.#holds.list();
  placeHold = (hold: Parameters<AuditStore['placeHold']>[0]): Promise<LegalHold> => this.#holds.place(hold);
  releaseHold = (id: string, by: string, atMs: number): Promise<boolean> => this.#holds.release(id, by, atMs);
}

async function readEntries(
  client: pg.PoolClient,
  { from, to }: Parameters<AuditStore['read']>[0],
): Promise<readonly StoredEntry[]> {
  const found: StoredEntry[] = [];
  if (to <= from) return found;
  const sql = `copy (select ${AUDIT_COLUMNS} from audit_entry where position >= ${whole(from)} and position < ${whole(to)}
    order by position) to stdout (format binary)`;
  await runCopyOut(
    client,
    sql,
    auditRowDecoder((row) => found.push(row)),
  );
  return found;
}

async function readTiles(
  client: Pick<pg.Pool, 'query'> | pg.PoolClient,
  level: number,
  { from, to }: Parameters<AuditStore['tiles']>[1],
): ReturnType<AuditStore['tiles']> {
  const { rows } = await client.query<{ index: number; hashes: Buffer }>(
    'select index, hashes from audit_tile where level = $1 and index >= $2 and index < $3 order by index',
    [level, from, to],
  );
  return new Map(rows.map(({ index, hashes }) => [index, hashes]));
}

/** A row that somebody has spoiled hides neither itself nor those around it; a verification says what is wrong. */
function unreadable(position: number): RecordedEntry {
  return {
    position,
    atMs: 0,
    recordedAtMs: 0,
    salt: '',
    actor: { kind: 'system', name: '?' },
    action: 'audit.unreadable',
    resource: { kind: 'audit' },
    outcome: 'failed',
    correlationId: '',
  };
}

/** 55P03: the row was not to be had in time (`lock_not_available`). */
const OUTCOMES: Readonly<Record<string, 'moved' | 'settled'>> = { HS001: 'moved', HS002: 'settled', '55P03': 'moved' };

const LOG = 'select origin, size, last_recorded_at as at, head from audit_log';
const PATIENCE = `set local lock_timeout = '3s'; set local statement_timeout = '5s';`;

interface LogRow {
  readonly origin: string;
  readonly size: number;
  readonly at: number | null;
  readonly head: string | null;
}

function storedLog({ origin, size, at, head }: LogRow): StoredLog {
  return { origin, size, lastRecordedAtMs: at ?? Number.NEGATIVE_INFINITY, ...(head !== null && { head }) };
}

function gone(): never {
  throw new Error('the audit log has just gone');
}

/**
 * One message to PostgreSQL, one transaction, one wait for the disk. Somebody waits for it with a patient's record to
 * open: a stuck lock or a full disk is to be said within seconds.
 */
function appendSql({ size, entries, tiles, head, signedAtMs, keepsHead, settles }: AuditBatch): string {
  const next = whole(size + entries.length);
  const at = `'${new Date(signedAtMs).toISOString()}'::timestamptz`;
  const note = pg.escapeLiteral(head);
  const settled = settles.map((id) => whole(Number(id))).join(',');
  const tileValues = tiles.map(
    (tile) => `(${whole(tile.level)}, ${whole(tile.index)}, '\\x${Buffer.from(tile.hashes).toString('hex')}')`,
  );
  return `
    ${PATIENCE}
    select audit_advance(${whole(size)}, ${next}, ${at}, ${note}, '{${settled}}');
    copy audit_entry (${AUDIT_COLUMNS}) from stdin (format binary);
    ${tiles.length === 0 ? '' : `insert into audit_tile (level, index, hashes) values ${tileValues.join(', ')};`}
    ${keepsHead ? `insert into audit_head (size, signed_at, note) values (${next}, ${at}, ${note}) on conflict do nothing;` : ''}
    commit`;
}

/** In the text of a statement only numbers that are whole. */
function whole(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError('not a position');
  return value;
}

function conditionsOf(query: AuditQuery) {
  const values: unknown[] = [];
  const parts: string[] = [];
  const add = (sql: (parameter: string) => string, value: unknown) => {
    if (value === undefined) return;
    values.push(value);
    parts.push(sql(`$${values.length}`));
  };
  add((p) => `(actor = ${p} or actor_id = ${p})`, query.person);
  add((p) => `patient_id = ${p}`, query.patientId);
  if (query.action?.endsWith('*') === true) add((p) => `starts_with(action, ${p})`, query.action.slice(0, -1));
  else add((p) => `action = ${p}`, query.action);
  add((p) => `outcome = ${p}`, query.outcome);
  // The partial index over refusals is only used where this is said.
  if (query.outcome !== undefined && query.outcome !== 'allowed') parts.push(`outcome <> 'allowed'`);
  add((p) => `resource_kind = ${p}`, query.resourceKind);
  add((p) => `resource_id = ${p}`, query.resourceId);
  add((p) => `correlation_id = ${p}`, query.correlationId);
  // What is of no organisation (a stranger's attempt, a command) is for the first one's: it runs the installation.
  add((p) => `coalesce(tenant_id, 'default') = ${p}`, query.tenantId);
  add((p) => `position < ${p}`, query.before);
  add((p) => `position > ${p}`, query.after);
  return { where: parts.length === 0 ? 'true' : parts.join(' and '), values };
}

/** Whole tiles only, so that what remains can be proved; oldest first. */
/** That a restore was accepted stays: heads that it excuses may be kept elsewhere for longer than entries are. */
const PRUNE = `
  delete from audit_entry where position in (
    select position from audit_entry
    where position < $1 and action <> '${RESTORE_ACTION}' and not exists (
      select from audit_hold where released_at is null
        and (kind = 'patient' and subject = patient_id or kind = 'person' and subject in (actor, actor_id)))
    order by position limit $2)`;

/** A tile is needed while one of its entries is there, or the tile above it is not written yet. */
const PRUNE_TILES = `
  delete from audit_tile as tile
  where level = 0 and (index + 1) * 256 <= $1
    and exists (select from audit_tile as above where above.level = 1 and above.index = tile.index / 256)
    and not exists (
      select from audit_entry where position >= tile.index * 256 and position < (tile.index + 1) * 256)`;
