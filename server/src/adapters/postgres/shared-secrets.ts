import { Failure } from '../../ports/failure.ts';
import type { HouseSeal } from '../../ports/house-seal.ts';
import type { KeptSecret } from '../../ports/kept-secret.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';

/** A secret that all servers on this database have in common, sealed. */
export function postgresSecret(
  { pool }: Pick<Connections, 'pool'>,
  { name, seal }: { readonly name: string; readonly seal: HouseSeal },
): KeptSecret {
  const field = `shared_secret.${name}`;

  async function find(): Promise<{ readonly sealed: string; readonly text: string } | undefined> {
    const { rows } = await failing(() =>
      pool.query<{ sealed: string }>('select sealed from shared_secret where name = $1', [name]),
    );
    const sealed = rows[0]?.sealed;
    if (sealed === undefined) return undefined;
    const text = await seal.open(field, sealed);
    // In clear it was not put there by us.
    if (text === undefined || text === sealed)
      throw new Failure('keys-refused', `The shared secret ${name} was altered.`, { retryable: false });
    return { sealed, text };
  }

  return {
    read: async () => (await find())?.text,
    async replace(before, after) {
      const found = await find();
      if (found?.text !== before) return false;
      const sealed = await seal.seal(field, after);
      const { rowCount } = await failing(() =>
        found === undefined
          ? pool.query('insert into shared_secret (name, sealed) values ($1, $2) on conflict do nothing', [
              name,
              sealed,
            ])
          : pool.query('update shared_secret set sealed = $2, changed_at = now() where name = $1 and sealed = $3', [
              name,
              sealed,
              found.sealed,
            ]),
      );
      return rowCount === 1;
    },
  };
}
