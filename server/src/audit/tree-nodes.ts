import { coverOf, foldCover, type LeafRange, type NodeId, TreeFrontier } from '../domain/audit-tree.ts';
import { type AuditStore, TILE_SIZE } from '../ports/audit-store.ts';
import { RFC6962 } from './rfc6962.ts';
import { hashesOf, TILE_LEVELS, TreeEnd, tileRoot } from './tiles.ts';

/** The hashes of a stored log: from its tiles where they are full, from the entries themselves at its end. */
export class TreeNodes {
  readonly #store: Pick<AuditStore, 'read' | 'tiles'>;

  constructor(store: Pick<AuditStore, 'read' | 'tiles'>) {
    this.#store = store;
  }

  /** Undefined: neither the entries nor their tile are there any more. */
  async range(range: LeafRange): Promise<Uint8Array | undefined> {
    const hashes = await this.cover(range);
    return hashes === undefined ? undefined : foldCover(hashes, RFC6962);
  }

  /** The hashes of the perfect subtrees a range consists of. */
  async cover(range: LeafRange): Promise<readonly Uint8Array[] | undefined> {
    const hashes: Uint8Array[] = [];
    for (const node of coverOf(range)) {
      const found = await this.node(node);
      if (found === undefined) return undefined;
      hashes.push(found);
    }
    return hashes;
  }

  async node({ level, index }: NodeId): Promise<Uint8Array | undefined> {
    const within = level % TILE_LEVELS;
    const count = 2 ** within;
    const hashes = await this.#hashes(Math.floor(level / TILE_LEVELS), index * count, count);
    if (hashes === undefined) return undefined;
    const frontier = new TreeFrontier(RFC6962);
    for (const hash of hashes) frontier.push(hash);
    return frontier.root();
  }

  /** The end of a log of this size, as its writer needs it. Undefined: something is missing. */
  async end(size: number): Promise<TreeEnd | undefined> {
    const partial: (readonly Uint8Array[])[] = [];
    for (let level = 0; TILE_SIZE ** level <= size; level++) {
      const count = Math.floor(size / TILE_SIZE ** level);
      const from = count - (count % TILE_SIZE);
      const hashes = await this.#hashes(level, from, count - from);
      if (hashes === undefined) return undefined;
      partial.push(hashes);
    }
    return new TreeEnd(partial);
  }

  /** Some hashes of one level of tiles; they never cross a tile's edge. */
  async #hashes(level: number, from: number, count: number): Promise<readonly Uint8Array[] | undefined> {
    if (count === 0) return [];
    const index = Math.floor(from / TILE_SIZE);
    const tile = (await this.#store.tiles(level, { from: index, to: index + 1 })).get(index);
    if (tile !== undefined) return hashesOf(tile).slice(from % TILE_SIZE, (from % TILE_SIZE) + count);
    const found =
      level === 0
        ? (await this.#store.read({ from, to: from + count })).map(({ text }) => RFC6962.leaf(text))
        : [...(await this.#store.tiles(level - 1, { from, to: from + count })).values()].map(tileRoot);
    return found.length === count ? found : undefined;
  }
}
