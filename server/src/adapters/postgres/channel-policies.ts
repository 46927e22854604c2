import type pg from 'pg';
import type { ChannelPolicies, PolicyVersion } from '../../ports/channel-policies.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';

export class PostgresChannelPolicies implements ChannelPolicies {
  readonly #pool: pg.Pool;

  constructor({ pool }: Pick<Connections, 'pool'>) {
    this.#pool = pool;
  }

  async current(): Promise<ReadonlyMap<string, PolicyVersion>> {
    const { rows } = await failing(() =>
      this.#pool.query<PolicyVersion & { readonly channel: string }>(
        `select distinct on (channel) channel, ${FIELDS} from channel_policy order by channel, version desc`,
      ),
    );
    return new Map(rows.map(({ channel, ...version }) => [channel, version]));
  }

  async put({ channel, after, policy, by, reason, atMs }: Parameters<ChannelPolicies['put']>[0]) {
    const { rowCount } = await failing(() =>
      this.#pool.query(
        // The primary key lets one of two who change the same version at once through.
        `insert into channel_policy (channel, version, policy, set_by, set_at, reason)
         select $1, $2::integer + 1, $3, $4, $5, $6
         where coalesce((select max(version) from channel_policy where channel = $1), 0) = $2
         on conflict do nothing`,
        [channel, after, JSON.stringify(policy), by, new Date(atMs), reason],
      ),
    );
    return rowCount === 1 ? 'kept' : 'changed-meanwhile';
  }

  async history(channel: string): Promise<readonly PolicyVersion[]> {
    const { rows } = await failing(() =>
      this.#pool.query<PolicyVersion>(
        `select ${FIELDS} from channel_policy where channel = $1 order by version desc limit 1000`,
        [channel],
      ),
    );
    return rows;
  }
}

const FIELDS = 'version, policy, set_by as by, reason, set_at as "atMs"';
