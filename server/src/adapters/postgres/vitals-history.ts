import pg from 'pg';
import type { Consciousness } from '../../domain/reading.ts';
import type { VitalName } from '../../domain/vital.ts';
import type { LogBatch, LogPositions } from '../../ports/reading-log.ts';
import type { LatestValue, TrendPoint, VitalsHistory } from '../../ports/vitals-history.ts';
import { BinaryCopyWriter } from './binary-copy.ts';
import type { Connections } from './connection.ts';
import { runWithCopies } from './copy-in.ts';
import { failing } from './database-failure.ts';
import { encodeLatestSince, LATEST_COLUMNS, LatestSince } from './latest-since.ts';
import { VITAL_COLUMNS, VITALS_BY_COLUMN } from './vitals-columns.ts';
import { cutByDays, VitalsDays } from './vitals-days.ts';
import { encodeReadings, READING_COLUMNS } from './vitals-encoding.ts';

/** The history in PostgreSQL: partitioned by day, deduplicated by its key, filled by binary COPY. */
export class PostgresVitalsHistory implements VitalsHistory {
  readonly #pool: pg.Pool;
  readonly #days: VitalsDays;
  readonly #readings = new BinaryCopyWriter();
  readonly #latest = new BinaryCopyWriter();
  readonly #latestSince = new LatestSince();
  readonly #prepared = new WeakSet<pg.PoolClient>();
  #last: Promise<unknown> = Promise.resolve();

  constructor({ pool }: Pick<Connections, 'pool'>) {
    this.#pool = pool;
    this.#days = new VitalsDays(pool);
  }

  async keep(batch: LogBatch): Promise<{ readonly stored: number; readonly duplicates: number }> {
    // One at a time: the buffers are used again, and positions must not overtake each other.
    const turn = this.#last.then(() => failing(() => this.#keep(batch)));
    this.#last = turn.catch(() => undefined);
    return await turn;
  }

  async position(): Promise<LogPositions> {
    const { rows } = await failing(() =>
      this.#pool.query<{ partition: number; next: number }>(
        'select partition, next from log_position where consumer = $1',
        [CONSUMER],
      ),
    );
    return new Map(rows.map(({ partition, next }) => [partition, next]));
  }

  async read(query: Parameters<VitalsHistory['read']>[0]): ReturnType<VitalsHistory['read']> {
    const { rows } = await failing(() =>
      this.#pool.query<ReadingRow>(READ, [query.patientId, new Date(query.fromMs), new Date(query.toMs), query.limit]),
    );
    return rows.map(toReading);
  }

  async trend(query: Parameters<VitalsHistory['trend']>[0]): Promise<readonly TrendPoint[]> {
    const { patientId, fromMs, toMs, buckets } = query;
    if (!(toMs > fromMs)) return [];
    const column = VITAL_COLUMNS[query.vital];
    const { rows } = await failing(() =>
      this.#pool.query<{ bucket: number; mean: number; min: number; max: number }>(
        `select width_bucket((extract(epoch from at) * 1000)::float8, $4::float8, $5::float8, $6::int) as bucket,
           avg(${column}) as mean, min(${column}) as min, max(${column}) as max
         from vitals
         where patient_id = $1 and at >= $2 and at < $3 and ${column} is not null
         group by bucket order by bucket`,
        [patientId, new Date(fromMs), new Date(toMs), fromMs, toMs, buckets],
      ),
    );
    const spanMs = (toMs - fromMs) / buckets;
    return rows.map(({ bucket, ...point }) => ({ atMs: Math.round(fromMs + (bucket - 1) * spanMs), ...point }));
  }

  async latest(patientIds: Parameters<VitalsHistory['latest']>[0]): Promise<readonly LatestValue[]> {
    const { rows } = await failing(() => this.#pool.query<LatestValue>(LATEST, [patientIds]));
    return rows;
  }

  async #keep(batch: LogBatch): Promise<{ readonly stored: number; readonly duplicates: number }> {
    let stored = 0;
    for (const part of cutByDays(batch)) {
      stored += await this.#storeOnItsDays(part).catch(async (error: unknown) => {
        // 23514, "no partition of relation found for row": an archived day that another process dropped meanwhile.
        if (!(error instanceof pg.DatabaseError) || error.code !== '23514') throw error;
        this.#days.forget();
        return await this.#storeOnItsDays(part);
      });
    }
    return { stored, duplicates: batch.records.length - stored };
  }

  async #storeOnItsDays(part: LogBatch & { readonly days: ReadonlySet<number> }): Promise<number> {
    await this.#days.ensure(part.days);
    return await this.#store(part);
  }

  async #store(part: LogBatch): Promise<number> {
    const client = await this.#pool.connect();
    try {
      if (!this.#prepared.has(client)) {
        await client.query(STAGING);
        this.#prepared.add(client);
      }
      const moved = this.#latestSince.movedBy(part.records);
      const copies = [encodeReadings(part.records, this.#readings)];
      if (moved.size > 0) copies.push(encodeLatestSince(moved, this.#latest));
      const tags = await runWithCopies(client, storeSql(part.next, moved.size > 0), copies);
      this.#latestSince.commit(moved);
      client.release();
      return Number(tags[STORED_TAG]?.split(' ')[2]);
    } catch (error) {
      // Whatever state the connection is in, PostgreSQL rolls back when it goes.
      client.release(true);
      throw error;
    }
  }
}

/** The consumer group whose position stands beside the rows. */
const CONSUMER = 'keep';

/** Of each connection its own, in memory only, emptied by each commit. */
const STAGING = `
  create temp table if not exists vitals_incoming (like vitals) on commit delete rows;
  create temp table if not exists latest_incoming (like latest_vital_since) on commit delete rows`;

const readings = READING_COLUMNS.join(', ');
const latest = LATEST_COLUMNS.join(', ');
const newer = VITALS_BY_COLUMN.map(([, c]) => `${c} = greatest(known.${c}, excluded.${c})`).join(', ');

/** One message to PostgreSQL, one transaction, one wait for the disk. */
function storeSql(next: LogPositions, hasLatest: boolean): string {
  return `
    begin;
    copy vitals_incoming (${readings}) from stdin (format binary);
    insert into vitals (${readings}) select ${readings} from vitals_incoming on conflict do nothing;
    ${hasLatest ? LATEST_SQL : ''}
    ${positionSql(next)}
    commit`;
}

/** Which of the command tags is that of the insert into `vitals`. */
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

const READ = `
  select ${readings} from vitals
  where patient_id = $1 and at >= $2 and at < $3
  order by at, device_id, reading_id limit $4`;

const valueCases = VITALS_BY_COLUMN.map(([name, column]) => `when '${name}' then reading.${column}`).join(' ');
const bounds = VITALS_BY_COLUMN.map(([name, column]) => `('${name}', ${column})`).join(', ');

/** The newest row with that vital, from its bound on. Of two devices at one moment, the first received. */
const LATEST = `
  select patient_id as "patientId", vital, newest.value, newest.at as "atMs",
    newest.device_id as "deviceId", newest.reading_id as "readingId"
  from latest_vital_since
  cross join lateral (values ${bounds}) as bound (vital, since)
  cross join lateral (
    select at, device_id, reading_id, value
    from vitals as reading cross join lateral (select case vital ${valueCases} end as value) as of_vital
    where reading.patient_id = latest_vital_since.patient_id and reading.at >= since and value is not null
    order by at desc, received_at, device_id, reading_id limit 1
  ) as newest
  where patient_id = any($1)
  order by patient_id, vital`;

type ReadingRow = {
  readonly patient_id: string;
  readonly at: number;
  readonly device_id: string;
  readonly reading_id: string;
  readonly received_at: number;
  readonly battery: number | null;
  readonly oxygen: boolean | null;
  readonly leads_off: boolean | null;
  readonly consciousness: Consciousness | null;
} & { readonly [column: string]: number | string | boolean | null };

type Readings = Awaited<ReturnType<VitalsHistory['read']>>;

function toReading(row: ReadingRow): Readings[number] {
  const vitals: { [Name in VitalName]?: number } = {};
  for (const [name, column] of VITALS_BY_COLUMN) {
    const value = row[column];
    if (typeof value === 'number') vitals[name] = value;
  }
  return {
    id: row.reading_id,
    deviceId: row.device_id,
    patientId: row.patient_id,
    atMs: row.at,
    receivedAtMs: row.received_at,
    vitals,
    context: {
      ...(row.oxygen === null ? {} : { oxygen: row.oxygen }),
      ...(row.consciousness === null ? {} : { consciousness: row.consciousness }),
    },
    status: {
      ...(row.leads_off === null ? {} : { leadsOff: row.leads_off }),
      ...(row.battery === null ? {} : { battery: row.battery }),
    },
  } as Readings[number];
}
