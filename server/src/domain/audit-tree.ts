/**
 * The Merkle tree of RFC 6962 §2.1, as arithmetic on hashes; which hash function it is, the caller says (SHA-256 there).
 * A leaf is H(0x00 ‖ entry), a node H(0x01 ‖ left ‖ right), the left part of a tree of n leaves the largest power of
 * two smaller than n.
 */
export interface TreeHashing {
  leaf(entry: Uint8Array | string): Uint8Array;
  node(left: Uint8Array, right: Uint8Array): Uint8Array;
  /** Of no entries: H(). */
  readonly empty: Uint8Array;
}

/** A perfect subtree: `2^level` leaves, the `index`th of its size. Once full it never changes. */
export interface NodeId {
  readonly level: number;
  readonly index: number;
}

/** A half-open range of leaves that is a subtree in the sense of RFC 6962. */
export interface LeafRange {
  readonly from: number;
  readonly to: number;
}

/**
 * Grows by one leaf at a time and always knows the root: the perfect subtrees so far, largest first, as the binary digits
 * of the size.
 */
export class TreeFrontier {
  size = 0;
  readonly #hashing: TreeHashing;
  /** By level; a hole where the size has a zero. */
  readonly #stack: (Uint8Array | undefined)[] = [];

  constructor(hashing: TreeHashing) {
    this.#hashing = hashing;
  }

  /** Adds a leaf; `onNode` hears of every perfect subtree that this completes, the leaf itself first. */
  push(leafHash: Uint8Array, onNode?: (level: number, hash: Uint8Array) => void): void {
    this.pushNode(0, leafHash, onNode);
  }

  /** Adds a whole perfect subtree; what is there must be a multiple of its size. */
  pushNode(level: number, hash: Uint8Array, onNode?: (level: number, hash: Uint8Array) => void): void {
    const leaves = 2 ** level;
    if (this.size % leaves !== 0) throw new RangeError('a subtree that does not fit there');
    this.size += leaves;
    let at = level;
    let carried = hash;
    onNode?.(at, carried);
    for (let left = this.#stack[at]; left !== undefined; left = this.#stack[at]) {
      this.#stack[at] = undefined;
      carried = this.#hashing.node(left, carried);
      at++;
      onNode?.(at, carried);
    }
    while (this.#stack.length <= at) this.#stack.push(undefined);
    this.#stack[at] = carried;
  }

  root(): Uint8Array {
    let root: Uint8Array | undefined;
    for (const part of this.#stack) {
      if (part === undefined) continue;
      root = root === undefined ? part : this.#hashing.node(part, root);
    }
    return root ?? this.#hashing.empty;
  }

  copy(): TreeFrontier {
    const copy = new TreeFrontier(this.#hashing);
    copy.size = this.size;
    copy.#stack.push(...this.#stack);
    return copy;
  }
}

/** The perfect subtrees that a range consists of, from left to right. `from` must stand where a subtree begins. */
export function coverOf({ from, to }: LeafRange): readonly NodeId[] {
  const nodes: NodeId[] = [];
  for (let at = from; at < to; ) {
    let level = 0;
    while (at % 2 ** (level + 1) === 0 && at + 2 ** (level + 1) <= to) level++;
    nodes.push({ level, index: at / 2 ** level });
    at += 2 ** level;
  }
  return nodes;
}

/** The hash of a range from the hashes of its cover. */
export function foldCover(hashes: readonly Uint8Array[], hashing: TreeHashing): Uint8Array {
  let folded = hashes.at(-1);
  if (folded === undefined) return hashing.empty;
  for (let i = hashes.length - 2; i >= 0; i--) folded = hashing.node(hashes[i] as Uint8Array, folded);
  return folded;
}

/** PATH(m, D[n]), RFC 6962 §2.1.1: the ranges whose hashes prove that leaf `position` is in the tree of `size`. */
export function inclusionPath(position: number, size: number): readonly LeafRange[] {
  if (!(position >= 0 && position < size)) throw new RangeError('no such leaf');
  const path: LeafRange[] = [];
  let from = 0;
  let to = size;
  while (to - from > 1) {
    const split = from + splitOf(to - from);
    if (position < split) {
      path.push({ from: split, to });
      to = split;
    } else {
      path.push({ from, to: split });
      from = split;
    }
  }
  return path.reverse();
}

/** PROOF(m, D[n]), RFC 6962 §2.1.2: the ranges whose hashes prove that the tree of `size` began as that of `first`. */
export function consistencyPath(first: number, size: number): readonly LeafRange[] {
  if (!(first >= 0 && first <= size)) throw new RangeError('a tree cannot shrink');
  if (first === 0 || first === size) return [];
  const path: LeafRange[] = [];
  let from = 0;
  let to = size;
  // Whether the range under way is a whole tree that the verifier knows already: SUBPROOF's `b`.
  let isKnown = true;
  while (to !== first) {
    const split = from + splitOf(to - from);
    if (first <= split) {
      path.push({ from: split, to });
      to = split;
    } else {
      path.push({ from, to: split });
      from = split;
      isKnown = false;
    }
  }
  if (!isKnown) path.push({ from, to });
  return path.reverse();
}

/** RFC 9162 §2.1.3.2: whether the path leads from that leaf to that root. */
export function isIncluded(
  proof: {
    readonly position: number;
    readonly size: number;
    readonly leafHash: Uint8Array;
    readonly path: readonly Uint8Array[];
    readonly root: Uint8Array;
  },
  hashing: TreeHashing,
): boolean {
  if (proof.position < 0 || proof.position >= proof.size) return false;
  let at = proof.position;
  let last = proof.size - 1;
  let hash = proof.leafHash;
  for (const step of proof.path) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      hash = hashing.node(step, hash);
      while (at % 2 === 0 && at !== 0) {
        at = Math.floor(at / 2);
        last = Math.floor(last / 2);
      }
    } else {
      hash = hashing.node(hash, step);
    }
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && isSame(hash, proof.root);
}

/** RFC 9162 §2.1.4.2: whether the tree of `size` begins with the tree of `first`. */
export function isConsistent(
  proof: {
    readonly first: number;
    readonly size: number;
    readonly firstRoot: Uint8Array;
    readonly root: Uint8Array;
    readonly path: readonly Uint8Array[];
  },
  hashing: TreeHashing,
): boolean {
  const { first, size, firstRoot, root } = proof;
  if (first < 0 || first > size) return false;
  // Everything begins with nothing, whose root is fixed; and a tree with itself.
  if (first === 0) return proof.path.length === 0 && isSame(firstRoot, hashing.empty);
  if (first === size) return proof.path.length === 0 && isSame(firstRoot, root);
  const path = isPowerOfTwo(first) ? [firstRoot, ...proof.path] : [...proof.path];
  let at = first - 1;
  let last = size - 1;
  while (at % 2 === 1) {
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  const start = path.shift();
  if (start === undefined) return false;
  let old = start;
  let now = start;
  for (const step of path) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      old = hashing.node(step, old);
      now = hashing.node(step, now);
      while (at % 2 === 0 && at !== 0) {
        at = Math.floor(at / 2);
        last = Math.floor(last / 2);
      }
    } else {
      now = hashing.node(now, step);
    }
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && isSame(old, firstRoot) && isSame(now, root);
}

/** The largest power of two smaller than n, for n > 1. Without bit operations: a log outgrows 2^31 entries. */
function splitOf(n: number): number {
  let split = 1;
  while (split * 2 < n) split *= 2;
  return split;
}

function isPowerOfTwo(n: number): boolean {
  return splitOf(n + 1) === n;
}

export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
