import pg from 'pg';
import { type PatientId, parsePatientId } from '../../domain/ids.ts';
import type { AssignedReading } from '../../domain/reading.ts';
import type { ReadingArchive } from '../../ports/reading-archive.ts';
import type { Connections } from './connection.ts';
import { runCopyOut } from './copy-out.ts';
import { failing } from './database-failure.ts';
import { DECODED_COLUMNS, readingDecoder } from './reading-decoding.ts';

/** The history in bulk, by binary COPY along the primary key. */
export class PostgresReadingArchive implements ReadingArchive {
  readonly #pool: pg.Pool;

  constructor({ pool }: Pick<Connections, 'pool'>) {
    this.#pool = pool;
  }

  async count({ patientIds, fromMs, toMs }: Parameters<ReadingArchive['count']>[0]): Promise<number> {
    const { rows } = await failing(() =>
      this.#pool.query<{ count: number }>(
        'select count(*) as count from vitals where patient_id = any($1) and at >= $2 and at < $3',
        [patientIds, new Date(fromMs), new Date(toMs)],
      ),
    );
    return rows[0]?.count ?? 0;
  }

  async read({ patientId, fromMs, toMs }: Parameters<ReadingArchive['read']>[0]): ReturnType<ReadingArchive['read']> {
    const readings: AssignedReading[] = [];
    const decode = readingDecoder(patientId, (reading) => readings.push(reading));
    await failing(async () => {
      const client = await this.#pool.connect();
      let broken = true;
      try {
        await runCopyOut(client, copyText(patientId, fromMs, toMs), decode);
        broken = false;
      } finally {
        client.release(broken);
      }
    });
    return readings;
  }
}

/** COPY takes no parameters, so what goes in is checked and quoted. */
function copyText(patientId: PatientId, fromMs: number, toMs: number): string {
  if (parsePatientId(patientId) === undefined) throw new TypeError('not a patient’s id');
  return `copy (
    select ${DECODED_COLUMNS} from vitals
    where patient_id = ${pg.escapeLiteral(patientId)} and at >= ${timeText(fromMs)} and at < ${timeText(toMs)}
    order by at, device_id, reading_id
  ) to stdout (format binary)`;
}

const timeText = (ms: number) => `'${new Date(ms).toISOString()}'::timestamptz`;
