import { type Kysely, sql } from 'kysely';
import type { HouseSeal } from '../../ports/house-seal.ts';
import type { NewRejectedReading, RejectedReading, RejectedReadings } from '../../ports/rejected-readings.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import type { Schema } from './schema.ts';

/**
 * The refused readings in PostgreSQL, as many as the capacity allows. What they brought is sealed: it was understood by
 * nobody, and may hold a name.
 */
export class PostgresRejectedReadings implements RejectedReadings {
  readonly #kysely: Kysely<Schema>;
  readonly #seal: HouseSeal;
  readonly #capacity: number;

  constructor(
    { kysely }: Pick<Connections, 'kysely'>,
    seal: HouseSeal,
    /** 100,000 of a few hundred bytes are some tens of megabytes; enough to see what went wrong over a weekend. */
    options: { readonly capacity?: number } = {},
  ) {
    this.#kysely = kysely;
    this.#seal = seal;
    this.#capacity = options.capacity ?? 100_000;
  }

  async add(rejected: readonly NewRejectedReading[]): Promise<void> {
    if (rejected.length === 0) return;
    const rows = await Promise.all(
      rejected.map(async ({ deviceId, receivedAtMs, source, payload, problems }) => ({
        device_id: deviceId,
        received_at: new Date(receivedAtMs),
        source,
        payload: await this.#seal.sealBytes(PAYLOAD_FIELD, payload),
        is_sealed: true,
        problems: JSON.stringify(problems),
      })),
    );
    await failing(() =>
      this.#kysely.transaction().execute(async (db) => {
        // A statement takes 65,535 parameters (PostgreSQL protocol: an Int16 counts them).
        for (let i = 0; i < rows.length; i += 1_000)
          await db
            .insertInto('rejected_reading')
            .values(rows.slice(i, i + 1_000))
            .execute();
        await sql`delete from rejected_reading
          where id <= (select max(id) from rejected_reading) - ${this.#capacity}::bigint`.execute(db);
      }),
    );
  }

  async list(query: Parameters<RejectedReadings['list']>[0]): Promise<readonly RejectedReading[]> {
    const beforeId = query.beforeId === undefined ? undefined : parseId(query.beforeId);
    let rows = selectRejected(this.#kysely).orderBy('id', 'desc').limit(query.limit);
    if (query.deviceId !== undefined) rows = rows.where('device_id', '=', query.deviceId);
    if (query.state !== undefined) rows = rows.where('state', '=', query.state);
    if (beforeId !== undefined) rows = rows.where('id', '<', beforeId);
    if (query.code !== undefined)
      rows = rows.where(sql<boolean>`problems @> ${JSON.stringify([{ code: query.code }])}::jsonb`);
    const found = await failing(() => rows.execute());
    return await Promise.all(found.map((row) => this.#opened(row)));
  }

  async find(id: string): Promise<RejectedReading | undefined> {
    const row = await failing(() => selectRejected(this.#kysely).where('id', '=', parseId(id)).executeTakeFirst());
    return row === undefined ? undefined : await this.#opened(row);
  }

  async mark(id: string, state: 'replayed' | 'dismissed', atMs: number, by: string): Promise<void> {
    await failing(() =>
      this.#kysely
        .updateTable('rejected_reading')
        .set({ state, marked_at: new Date(atMs), marked_by: by })
        .where('id', '=', parseId(id))
        .execute(),
    );
  }

  /** Without its payload where that was altered. */
  async #opened({ isSealed, payload, ...row }: Row): Promise<RejectedReading> {
    const bytes = isSealed ? await this.#seal.openBytes(PAYLOAD_FIELD, payload) : payload;
    return { ...row, id: String(row.id), payload: new Uint8Array(bytes ?? []) } as RejectedReading;
  }
}

/** Where the payload lies, as its seal knows it. */
export const PAYLOAD_FIELD = 'rejected_reading.payload';

/** A number as text; anything else names no reading. */
function parseId(text: string): number {
  return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : 0;
}

type Row = Awaited<ReturnType<ReturnType<typeof selectRejected>['execute']>>[number];

function selectRejected(db: Kysely<Schema>) {
  return db
    .selectFrom('rejected_reading')
    .select([
      'id',
      'device_id as deviceId',
      'received_at as receivedAtMs',
      'source',
      'payload',
      'is_sealed as isSealed',
      'problems',
      'state',
    ]);
}
