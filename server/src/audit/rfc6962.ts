import { hash } from 'node:crypto';
import type { TreeHashing } from '../domain/audit-tree.ts';

const NODE = Buffer.alloc(65);
NODE[0] = 1;

/** SHA-256 with the prefixes that keep a leaf from passing for a node (RFC 6962 §2.1). A text is hashed as UTF-8. */
export const RFC6962: TreeHashing = {
  leaf: (entry) =>
    typeof entry === 'string'
      ? hash('sha256', `\0${entry}`, 'buffer')
      : hash('sha256', Buffer.concat([LEAF_PREFIX, entry]), 'buffer'),
  node(left, right) {
    if (left.length !== 32 || right.length !== 32) throw new RangeError('a hash of SHA-256 has 32 bytes');
    NODE.set(left, 1);
    NODE.set(right, 33);
    return hash('sha256', NODE, 'buffer');
  },
  empty: hash('sha256', '', 'buffer'),
};

const LEAF_PREFIX = Buffer.of(0);
