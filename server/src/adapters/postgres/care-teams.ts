import type pg from 'pg';
import type { UserId, WardId } from '../../domain/ids.ts';
import type { CareTeams, KeptAssignment, KeptQuietHours, KeptTeam, VersionedHours } from '../../ports/care-teams.ts';
import type { VersionedOutcome } from '../../ports/versioned.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { inTransaction } from './transaction.ts';
import { withoutNulls } from './without-nulls.ts';

/** Care teams and quiet hours in PostgreSQL. */
export class PostgresCareTeams implements CareTeams {
  readonly #pool: pg.Pool;

  constructor({ pool }: Pick<Connections, 'pool'>) {
    this.#pool = pool;
  }

  async team(wardId: WardId, nowMs: number): Promise<KeptTeam | undefined> {
    return await failing(async () => {
      const shifts = await this.#pool.query<Pick<KeptTeam, 'zone' | 'shifts' | 'version'>>(
        'select zone, shifts, version from ward_shifts where ward_id = $1',
        [wardId],
      );
      const assignments = await this.#pool.query<object>(
        `select id, ward_id as "wardId", role, user_id as "userId", bed_ids as "bedIds", patient_ids as "patientIds",
           from_at as "fromMs", to_at as "toMs", shift, made_by as "madeBy", made_at as "madeAtMs"
         from care_assignment
         where ward_id = $1 and ended_at is null and (to_at is null or to_at > $2) order by from_at, made_at, id`,
        [wardId, new Date(nowMs)],
      );
      const [known] = shifts.rows;
      if (known === undefined && assignments.rows.length === 0) return undefined;
      return {
        wardId,
        zone: known?.zone ?? 'UTC',
        shifts: known?.shifts ?? [],
        version: known?.version ?? 0,
        assignments: assignments.rows.map((row) => withoutNulls(row) as KeptAssignment),
      };
    });
  }

  async putShifts(change: Parameters<CareTeams['putShifts']>[0]): ReturnType<CareTeams['putShifts']> {
    const { wardId, zone, shifts, from = 0, by, atMs } = change;
    return await inTransaction(this.#pool, async (client) =>
      outcomeOf(
        await client.query<{ version: number }>(
          `insert into ward_shifts as known (ward_id, zone, shifts, set_by, set_at)
           select $1, $2, $3, $4, $5 where $6 = 0 or exists (select 1 from ward_shifts where ward_id = $1)
           on conflict (ward_id) do update set zone = excluded.zone, shifts = excluded.shifts,
             set_by = excluded.set_by, set_at = excluded.set_at, version = known.version + 1
             where known.version = $6
           returning version`,
          [wardId, zone, JSON.stringify(shifts), by, new Date(atMs), from],
        ),
        () => client.query<StandingRow>(`select ${STANDING} from ward_shifts where ward_id = $1`, [wardId]),
      ),
    );
  }

  async assign(assignment: KeptAssignment): Promise<void> {
    const { id, wardId, role, userId, bedIds, patientIds, fromMs, toMs, shift, madeBy, madeAtMs } = assignment;
    const to = toMs === undefined ? null : new Date(toMs);
    await failing(() =>
      this.#pool.query(
        `insert into care_assignment
           (id, ward_id, role, user_id, bed_ids, patient_ids, from_at, to_at, shift, made_by, made_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
        [id, wardId, role, userId, bedIds, patientIds, new Date(fromMs), to, shift, madeBy, new Date(madeAtMs)],
      ),
    );
  }

  async endAssignment({ wardId, id, by, atMs }: Parameters<CareTeams['endAssignment']>[0]): Promise<boolean> {
    const { rowCount } = await failing(() =>
      this.#pool.query(
        `update care_assignment set ended_at = $3, ended_by = $4
         where id = $1 and ward_id = $2 and ended_at is null and (to_at is null or to_at > $3)`,
        [id, wardId, new Date(atMs), by],
      ),
    );
    return rowCount === 1;
  }

  async quietHours({ wardId, userIds }: Parameters<CareTeams['quietHours']>[0]): Promise<KeptQuietHours> {
    const { rows } = await failing(() =>
      this.#pool.query<VersionedHours & { readonly kind: 'user' | 'ward'; readonly owner: string }>(
        `select owner_kind as kind, owner_id as owner, zone, windows, version from quiet_hours
         where (owner_kind = 'user' and owner_id = any($1)) or (owner_kind = 'ward' and owner_id = $2)`,
        [userIds, wardId],
      ),
    );
    const hoursOf = ({ zone, windows, version }: VersionedHours): VersionedHours => ({ zone, windows, version });
    const ward = rows.find(({ kind }) => kind === 'ward');
    const users = rows.filter(({ kind }) => kind === 'user').map((row) => [row.owner as UserId, hoursOf(row)] as const);
    return { users: new Map(users), ...(ward === undefined ? {} : { ward: hoursOf(ward) }) };
  }

  async putQuietHours(change: Parameters<CareTeams['putQuietHours']>[0]): ReturnType<CareTeams['putQuietHours']> {
    const { owner, hours, from = 0, by, atMs } = change;
    const key = [owner.kind, owner.kind === 'user' ? owner.userId : owner.wardId];
    return await inTransaction(this.#pool, async (client) =>
      outcomeOf(
        await client.query<{ version: number }>(
          `insert into quiet_hours as known (owner_kind, owner_id, zone, windows, set_by, set_at)
           select $1, $2, $3, $4, $5, $6
           where $7 = 0 or exists (select 1 from quiet_hours where owner_kind = $1 and owner_id = $2)
           on conflict (owner_kind, owner_id) do update set zone = excluded.zone, windows = excluded.windows,
             set_by = excluded.set_by, set_at = excluded.set_at, version = known.version + 1
             where known.version = $7
           returning version`,
          [...key, hours.zone, JSON.stringify(hours.windows), by, new Date(atMs), from],
        ),
        () =>
          client.query<StandingRow>(`select ${STANDING} from quiet_hours where owner_kind = $1 and owner_id = $2`, key),
      ),
    );
  }
}

interface StandingRow {
  readonly version: number;
  readonly by: string;
  readonly atMs: number;
}

const STANDING = 'version, set_by as by, set_at as "atMs"';

/** The one statement writes only over the version it was made from: no two can write over the same. */
async function outcomeOf(
  written: { readonly rows: readonly { readonly version: number }[] },
  standing: () => Promise<{ readonly rows: readonly StandingRow[] }>,
): Promise<VersionedOutcome> {
  const [row] = written.rows;
  if (row !== undefined) return { kind: 'kept', version: row.version };
  const [known] = (await standing()).rows;
  return { kind: 'changed-meanwhile', ...(known ?? { version: 0 }) };
}
