import type pg from 'pg';
import type { VersionedOutcome } from '../../ports/versioned.ts';

/** Lists that are replaced as a whole have a version each, which grows with every change of them. */
export interface VersionedList {
  readonly list: 'contacts' | 'topics';
  readonly ownerId: string;
}

interface Made {
  readonly by: string;
  readonly atMs: number;
}

type Client = Pick<pg.PoolClient, 'query'>;

export async function versionOf(client: Client, { list, ownerId }: VersionedList): Promise<number> {
  const { rows } = await client.query<{ version: number }>(
    'select version from list_version where list = $1 and owner_id = $2',
    [list, ownerId],
  );
  return rows[0]?.version ?? 0;
}

/**
 * Before a list is replaced, in the same transaction: the next version, if it is still the one that was read. Its row
 * serialises those who replace. Without `from`, only where there is none.
 */
export async function takeVersion(
  client: Client,
  { list, ownerId }: VersionedList,
  { from = 0, by, atMs }: Made & { readonly from?: number | undefined },
): Promise<VersionedOutcome> {
  await client.query(
    'insert into list_version (list, owner_id, version, set_by, set_at) values ($1, $2, 0, $3, $4) on conflict do nothing',
    [list, ownerId, by, new Date(atMs)],
  );
  const { rows } = await client.query<{ version: number; by: string; atMs: number }>(
    `select version, set_by as by, set_at as "atMs" from list_version where list = $1 and owner_id = $2 for update`,
    [list, ownerId],
  );
  const [known] = rows;
  if (known !== undefined && known.version > 0 && known.version !== from)
    return { kind: 'changed-meanwhile', ...known };
  if (from !== (known?.version ?? 0)) return { kind: 'changed-meanwhile', version: 0 };
  await countChange(client, { list, ownerId }, { by, atMs });
  return { kind: 'kept', version: from + 1 };
}

/** A change of one entry, by somebody who does not replace the list. */
export async function countChange(client: Client, { list, ownerId }: VersionedList, { by, atMs }: Made): Promise<void> {
  await client.query(
    `insert into list_version as known (list, owner_id, version, set_by, set_at) values ($1, $2, 1, $3, $4)
     on conflict (list, owner_id) do update set version = known.version + 1, set_by = excluded.set_by,
       set_at = excluded.set_at`,
    [list, ownerId, by, new Date(atMs)],
  );
}
