import type pg from 'pg';

/** The daily partitions of `vitals`, made when the first reading of a day comes: today's, tomorrow's, or an old one. */
export class VitalsDays {
  readonly #pool: pg.Pool;
  readonly #known = new Set<number>();

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  async ensure(days: ReadonlySet<number>): Promise<void> {
    for (const day of days) await this.#make(day);
    // Tomorrow's is there before midnight, when everybody needs it at once.
    await this.#make(Math.max(...days) + 1);
  }

  /** Another process may have dropped a day that was archived. */
  forget(): void {
    this.#known.clear();
  }

  async #make(day: number): Promise<void> {
    if (this.#known.has(day)) return;
    await this.#pool.query(createDay(day));
    this.#known.add(day);
  }
}

/** Days since 1970, UTC. */
export const dayOf = (atMs: number): number => Math.floor(atMs / DAY_MS);

/**
 * Every partition costs locks, of which PostgreSQL has a fixed number (max_locks_per_transaction). Live readings are of
 * one day or two; only a replay of many years, or a device whose clock jumps about, comes to this.
 */
export const DAYS_PER_TRANSACTION_MAX = 64;

const DAY_MS = 86_400_000;

/**
 * Attached rather than created in place: attaching does not wait for readers, nor they for it. In one statement, so that
 * a day is either there and attached or not there at all.
 */
function createDay(day: number): string {
  const from = new Date(day * DAY_MS).toISOString();
  const to = new Date((day + 1) * DAY_MS).toISOString();
  const name = `vitals_${from.slice(0, 10).replaceAll('-', '')}`;
  return `do $$ begin
    perform pg_advisory_xact_lock(hashtext('vitals_days'));
    if to_regclass('${name}') is null then
      create table ${name} (like vitals including defaults);
      alter table vitals attach partition ${name} for values from ('${from}') to ('${to}');
    end if;
  end $$`;
}
