import pg from 'pg';
import { DEFAULT_TENANT, type PatientId, type TenantId } from '../../domain/ids.ts';
import type { LoggedReading, LogPositions } from '../../ports/reading-log.ts';
import type { HistoryBatch, Kept } from '../../ports/vitals-history.ts';
import { BinaryCopyWriter } from './binary-copy.ts';
import { runWithCopies } from './copy-in.ts';
import { failing } from './database-failure.ts';
import { encodeLatestSince, LATEST_COLUMNS, LatestSince, type MovedBounds } from './latest-since.ts';
import { VITALS_BY_COLUMN } from './vitals-columns.ts';
import { DAYS_PER_TRANSACTION_MAX, dayOf, VitalsDays } from './vitals-days.ts';
import { encodeReading, STORED_COLUMNS } from './vitals-encoding.ts';

/**
 * Readings as the bytes PostgreSQL will be sent. They are written down as they come, so that a reading waits for its
 * transaction as a hundred bytes that no garbage collection looks at, and not as a dozen objects.
 */
export class VitalsBatch implements HistoryBatch {
  readonly rows = new BinaryCopyWriter();
  readonly days = new Set<number>();
  readonly moved: MovedBounds = new Map();
  count = 0;
  /** The day of the reading before: nearly always that of the next. */
  #lastDay: number | undefined;
  readonly #writer: VitalsWriter;

  constructor(writer: VitalsWriter) {
    this.#writer = writer;
    this.rows.begin();
  }

  add(record: LoggedReading): boolean {
    const day = dayOf(record.reading.atMs);
    if (day !== this.#lastDay && !this.days.has(day)) {
      if (this.days.size >= DAYS_PER_TRANSACTION_MAX) return false;
      this.days.add(day);
    }
    this.#lastDay = day;
    encodeReading(record, this.#writer.tenantOf(record.reading.patientId), this.rows);
    this.#writer.latestSince.note(record.reading, this.moved);
    this.count++;
    return true;
  }

  async store(next: LogPositions): Promise<Kept> {
    const stored = await this.#writer.store(this, next);
    const duplicates = this.count - stored;
    this.rows.begin();
    this.days.clear();
    this.#lastDay = undefined;
    this.moved.clear();
    this.count = 0;
    return { stored, duplicates };
  }
}

/** Stores batches, one at a time: positions must not overtake each other. */
export class VitalsWriter {
  readonly latestSince = new LatestSince();
  /** Whose patient it is. COPY knows no triggers' lookups at this speed: the writer says. */
  readonly tenantOf: (patientId: PatientId) => TenantId;
  readonly #pool: pg.Pool;
  readonly #days: VitalsDays;
  readonly #latest = new BinaryCopyWriter();
  readonly #prepared = new WeakSet<pg.PoolClient>();
  /** The last batch held readings that are there already: after a crash many more will. */
  #expectsDuplicates = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(pool: pg.Pool, tenantOf: (patientId: PatientId) => TenantId = () => DEFAULT_TENANT) {
    this.#pool = pool;
    this.tenantOf = tenantOf;
    this.#days = new VitalsDays(pool);
  }

  /** Answers how many were new. */
  async store(batch: VitalsBatch, next: LogPositions): Promise<number> {
    const turn = this.#last.then(() => failing(() => this.#storeOrMendDays(batch, next)));
    this.#last = turn.catch(() => undefined);
    return await turn;
  }

  async #storeOrMendDays(batch: VitalsBatch, next: LogPositions): Promise<number> {
    try {
      return await this.#store(batch, next);
    } catch (error) {
      // 23514, "no partition of relation found for row": an archived day that another process dropped meanwhile.
      if (!(error instanceof pg.DatabaseError) || error.code !== '23514') throw error;
      this.#days.forget();
      return await this.#store(batch, next);
    }
  }

  async #store({ rows, days, moved, count }: VitalsBatch, next: LogPositions): Promise<number> {
    if (days.size > 0) await this.#days.ensure(days);
    const client = await this.#pool.connect();
    try {
      const copies = [rows.end()];
      if (moved.size > 0) copies.push(encodeLatestSince(moved, this.#latest));
      if (!this.#prepared.has(client)) {
        await client.query(STAGING);
        this.#prepared.add(client);
      }
      const run = (readingsSql: string) => runWithCopies(client, storeSql(readingsSql, next, moved.size > 0), copies);
      const stored = await this.#storeReadings(client, count, run);
      this.latestSince.commit(moved);
      client.release();
      return stored;
    } catch (error) {
      // Whatever state the connection is in, PostgreSQL rolls back when it goes.
      client.release(true);
      throw error;
    }
  }

  async #storeReadings(
    client: pg.PoolClient,
    count: number,
    run: (readingsSql: string) => Promise<readonly string[]>,
  ): Promise<number> {
    if (!this.#expectsDuplicates)
      try {
        await run(READINGS_ALL_NEW);
        return count;
      } catch (error) {
        // 23505, unique violation.
        if (!(error instanceof pg.DatabaseError) || error.code !== '23505') throw error;
        await client.query('rollback');
      }
    const tags = await run(READINGS_SOME_NEW);
    const stored = Number(tags[STORED_TAG]?.split(' ')[2]);
    this.#expectsDuplicates = stored < count;
    return stored;
  }
}

/** The consumer group whose position stands beside the rows. */
export const CONSUMER = 'keep';

const readings = STORED_COLUMNS.join(', ');
const latest = LATEST_COLUMNS.join(', ');

/** Of each connection its own, in memory only, emptied by each commit. */
const STAGING = `
  create temp table if not exists vitals_incoming (like vitals) on commit delete rows;
  create temp table if not exists latest_incoming on commit delete rows
    as select ${latest} from latest_vital_since with no data`;
const newer = VITALS_BY_COLUMN.map(([, c]) => `${c} = greatest(known.${c}, excluded.${c})`).join(', ');

/** Straight into its place, many rows to a page at once: fails whole where one is there already, which is rare. */
const READINGS_ALL_NEW = `copy vitals (${readings}) from stdin (format binary);`;

/** By a table beside it, row by row. */
const READINGS_SOME_NEW = `
    copy vitals_incoming (${readings}) from stdin (format binary);
    insert into vitals (${readings}) select ${readings} from vitals_incoming on conflict do nothing;`;

/** One message to PostgreSQL, one transaction, one wait for the disk. */
function storeSql(readingsSql: string, next: LogPositions, hasLatest: boolean): string {
  return `
    begin;
    ${readingsSql}
    ${hasLatest ? LATEST_SQL : ''}
    ${positionSql(next)}
    commit`;
}

/** Which of the command tags is that of the insert into `vitals`, where some are new. */
const STORED_TAG = 2;

/** In the order of patients, so that two writers never wait for each other in a circle. */
const LATEST_SQL = `
    copy latest_incoming (${latest}) from stdin (format binary);
    insert into latest_vital_since as known (${latest})
      select ${latest} from latest_incoming order by patient_id
      on conflict (patient_id) do update set ${newer};`;

/** Set, not raised: where a log began anew, standing too far ahead would skip readings; too far behind only repeats. */
function positionSql(next: LogPositions): string {
  const values = [...next].map(([partition, offset]) => {
    if (!Number.isSafeInteger(partition) || !Number.isSafeInteger(offset)) throw new RangeError('not a log position');
    return `('${CONSUMER}', ${partition}, ${offset})`;
  });
  if (values.length === 0) return '';
  return `insert into log_position (consumer, partition, next) values ${values.join(', ')}
    on conflict (consumer, partition) do update set next = excluded.next;`;
}
