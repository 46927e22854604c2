import { TreeFrontier } from '../domain/audit-tree.ts';
import { type AuditBatch, TILE_SIZE } from '../ports/audit-store.ts';
import { perfectRoot, RFC6962 } from './rfc6962.ts';

/** Levels of the tree in one tile: 2^8 = 256. */
export const TILE_LEVELS = 8;

/** The end of the tree as a writer needs it: the root, and the hashes whose tile is not full yet. */
export class TreeEnd {
  readonly #frontier: TreeFrontier;
  /** By level of tiles. */
  readonly #partial: Uint8Array[][];

  /** From the hashes of the tiles that are not full, lowest level first. */
  constructor(partial: readonly (readonly Uint8Array[])[] = [], frontier?: TreeFrontier) {
    this.#partial = partial.map((hashes) => [...hashes]);
    this.#frontier = frontier ?? new TreeFrontier(RFC6962);
    if (frontier !== undefined) return;
    for (let level = partial.length - 1; level >= 0; level--)
      for (const hash of partial[level] ?? []) this.#frontier.pushNode(level * TILE_LEVELS, hash);
  }

  get size(): number {
    return this.#frontier.size;
  }

  root(): Uint8Array {
    return this.#frontier.root();
  }

  /** What is tried on a copy is undone by forgetting it. */
  copy(): TreeEnd {
    return new TreeEnd(this.#partial, this.#frontier.copy());
  }

  /** Adds a leaf; answers with the tiles that it fills. */
  push(leafHash: Uint8Array): AuditBatch['tiles'] {
    const filled: { level: number; index: number; hashes: Uint8Array }[] = [];
    this.#frontier.push(leafHash, (nodeLevel, hash) => {
      if (nodeLevel % TILE_LEVELS !== 0) return;
      const level = nodeLevel / TILE_LEVELS;
      this.#partial[level] ??= [];
      const hashes = this.#partial[level];
      hashes.push(hash);
      if (hashes.length < TILE_SIZE) return;
      const index = Math.floor((this.size - 1) / TILE_SIZE ** (level + 1));
      filled.push({ level, index, hashes: Buffer.concat(hashes) });
      this.#partial[level] = [];
    });
    return filled;
  }
}

/** The hashes of a tile, one by one. */
export function hashesOf(tile: Uint8Array): readonly Uint8Array[] {
  return Array.from({ length: tile.length / 32 }, (_, i) => tile.subarray(i * 32, i * 32 + 32));
}

/** The hash that a full tile stands for one level of tiles further up. */
export function tileRoot(tile: Uint8Array): Uint8Array {
  if (tile.length === TILE_SIZE * 32) return perfectRoot(tile);
  // Somebody has spoiled it: it stands for whatever is in it, which nothing that was signed agrees with.
  const frontier = new TreeFrontier(RFC6962);
  for (const hash of hashesOf(tile)) frontier.push(hash);
  return frontier.root();
}
