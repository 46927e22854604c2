import { hash } from 'node:crypto';
import type { TreeHashing } from '../domain/audit-tree.ts';

const NODE = Buffer.alloc(65);
NODE[0] = 1;

/** SHA-256 with the prefixes that keep a leaf from passing for a node (RFC 6962 §2.1). A text is hashed as UTF-8. */
export const RFC6962: TreeHashing = {
  leaf: (entry) =>
    Buffer.from(
      typeof entry === 'string' ? leafOfText(entry) : hash('sha256', Buffer.concat([LEAF_PREFIX, entry]), 'binary'),
      'latin1',
    ),
  node(left, right) {
    if (left.length !== 32 || right.length !== 32) throw new RangeError('a hash of SHA-256 has 32 bytes');
    NODE.set(left, 1);
    NODE.set(right, 33);
    return Buffer.from(hash('sha256', NODE, 'binary'), 'latin1');
  },
  empty: hash('sha256', '', 'buffer'),
};

// As Latin-1 ("binary"), a character for each byte: Node makes a buffer of its own for each hash it is asked for as one,
// which takes longer than hashing 65 bytes.
const leafOfText = (entry: string): string => hash('sha256', `\0${entry}`, 'binary');

/** The leaf hashes of entries that follow each other, as a tile has them. */
export function leavesOf(entries: readonly { readonly text: string }[]): Buffer {
  const leaves = Buffer.allocUnsafe(entries.length * HASH_BYTES);
  let at = 0;
  for (const { text } of entries) at += leaves.write(leafOfText(text), at, 'latin1');
  return leaves;
}

/** The root of a perfect tree of these leaf hashes: as many as a power of two. */
export function perfectRoot(leaves: Uint8Array): Buffer {
  const level = Buffer.from(leaves);
  for (let bytes = level.length; bytes > HASH_BYTES; bytes /= 2)
    for (let from = 0, to = 0; from < bytes; from += 2 * HASH_BYTES, to += HASH_BYTES) {
      level.copy(NODE, 1, from, from + 2 * HASH_BYTES);
      level.write(hash('sha256', NODE, 'binary'), to, 'latin1');
    }
  return Buffer.from(level.subarray(0, HASH_BYTES));
}

const HASH_BYTES = 32;

const LEAF_PREFIX = Buffer.of(0);
