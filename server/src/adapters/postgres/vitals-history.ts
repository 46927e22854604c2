import type pg from 'pg';
import type { PatientId, TenantId } from '../../domain/ids.ts';
import type { Consciousness } from '../../domain/reading.ts';
import type { VitalName } from '../../domain/vital.ts';
import type { LogPositions } from '../../ports/reading-log.ts';
import type { HistoryBatch, LatestValue, TrendPoint, VitalsHistory } from '../../ports/vitals-history.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { VITAL_COLUMNS, VITALS_BY_COLUMN } from './vitals-columns.ts';
import { READING_COLUMNS } from './vitals-encoding.ts';
import { CONSUMER, VitalsBatch, VitalsWriter } from './vitals-writer.ts';

/** The history in PostgreSQL: partitioned by day, deduplicated by its key, filled by binary COPY. */
export class PostgresVitalsHistory implements VitalsHistory {
  readonly #pool: pg.Pool;
  readonly #writer: VitalsWriter;

  /** `tenantOf`: whose a patient is; without it, everything is the first organisation's. */
  constructor({ pool }: Pick<Connections, 'pool'>, tenantOf?: (patientId: PatientId) => TenantId) {
    this.#pool = pool;
    this.#writer = new VitalsWriter(pool, tenantOf);
  }

  gather(): HistoryBatch {
    return new VitalsBatch(this.#writer);
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
}

const readings = READING_COLUMNS.join(', ');

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
