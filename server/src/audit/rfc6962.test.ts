import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  consistencyPath,
  coverOf,
  foldCover,
  inclusionPath,
  isConsistent,
  isIncluded,
  isSame,
  type LeafRange,
  TreeFrontier,
} from '../domain/audit-tree.ts';
import { RFC6962 } from './rfc6962.ts';

// The vectors of certificate-transparency (merkletree/merkle_tree_test.cc), as transparency-dev/merkle has them too.
const INPUTS = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const INCLUSION: readonly (readonly [leaf: number, size: number, path: readonly string[]])[] = [
  [0, 1, []],
  [
    0,
    8,
    [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ],
  ],
  [
    5,
    8,
    [
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  ],
  [2, 3, ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125']],
  [
    1,
    5,
    [
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ],
  ],
];
const CONSISTENCY: readonly (readonly [first: number, size: number, path: readonly string[]])[] = [
  [1, 1, []],
  [
    1,
    8,
    [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ],
  ],
  [
    6,
    8,
    [
      '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  ],
  [
    2,
    5,
    [
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ],
  ],
];

const leaves = INPUTS.map((hex) => RFC6962.leaf(Buffer.from(hex, 'hex')));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** MTH(D[n]) straight from RFC 6962 §2.1, to compare with. */
function treeHash(of: readonly Uint8Array[]): Uint8Array {
  if (of.length === 0) return RFC6962.empty;
  if (of.length === 1) return of[0] as Uint8Array;
  let split = 1;
  while (split * 2 < of.length) split *= 2;
  return RFC6962.node(treeHash(of.slice(0, split)), treeHash(of.slice(split)));
}

const rangeHash = (of: readonly Uint8Array[]) => (range: LeafRange) => treeHash(of.slice(range.from, range.to));

describe('the tree of RFC 6962', () => {
  it('has the empty root and the roots of certificate-transparency’s vectors', () => {
    expect(hex(new TreeFrontier(RFC6962).root())).toBe(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
    const tree = new TreeFrontier(RFC6962);
    expect(
      leaves.map((leaf) => {
        tree.push(leaf);
        return hex(tree.root());
      }),
    ).toEqual(ROOTS);
  });

  it.each(INCLUSION)('proves leaf %i in a tree of %i as the vectors do', (leaf, size, path) => {
    expect(inclusionPath(leaf, size).map(rangeHash(leaves)).map(hex)).toEqual(path);
  });

  it.each(CONSISTENCY)('proves that the tree of %i began that of %i as the vectors do', (first, size, path) => {
    expect(consistencyPath(first, size).map(rangeHash(leaves)).map(hex)).toEqual(path);
  });

  it('hashes a text as its UTF-8 bytes', () => {
    for (const text of ['', 'abc', 'Zoë \u{1f600}'])
      expect(hex(RFC6962.leaf(text))).toBe(hex(RFC6962.leaf(Buffer.from(text, 'utf8'))));
  });

  const some = Array.from({ length: 300 }, (_, i) => RFC6962.leaf(String(i)));
  const sizes = fc.integer({ min: 1, max: some.length });

  it('has for every size the root that the definition gives', () => {
    const tree = new TreeFrontier(RFC6962);
    for (const [i, leaf] of some.entries()) {
      tree.push(leaf);
      if (i % 7 === 0) expect(isSame(tree.root(), treeHash(some.slice(0, i + 1)))).toBe(true);
    }
  });

  it('is put together again from the perfect subtrees of any part', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), (size, cut) => {
        const from = cut % (size + 1);
        const tree = new TreeFrontier(RFC6962);
        for (const { level, index } of coverOf({ from: 0, to: from }))
          tree.pushNode(level, treeHash(some.slice(index * 2 ** level, (index + 1) * 2 ** level)));
        for (const leaf of some.slice(from, size)) tree.push(leaf);
        expect(isSame(tree.root(), treeHash(some.slice(0, size)))).toBe(true);
        const whole = coverOf({ from: 0, to: size }).map(({ level, index }) =>
          treeHash(some.slice(index * 2 ** level, (index + 1) * 2 ** level)),
        );
        expect(isSame(foldCover(whole, RFC6962), tree.root())).toBe(true);
      }),
    );
  });

  it('lets every leaf be proved, and no other in its place', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), fc.nat(), (size, which, other) => {
        const position = which % size;
        const root = treeHash(some.slice(0, size));
        const path = inclusionPath(position, size).map(rangeHash(some));
        const proof = { position, size, path, root, leafHash: some[position] as Uint8Array };
        expect(isIncluded(proof, RFC6962)).toBe(true);
        const wrong = other % some.length;
        if (wrong !== position)
          expect(isIncluded({ ...proof, leafHash: some[wrong] as Uint8Array }, RFC6962)).toBe(false);
        if (wrong < size && wrong !== position) expect(isIncluded({ ...proof, position: wrong }, RFC6962)).toBe(false);
        expect(isIncluded({ ...proof, path: [...path, root] }, RFC6962)).toBe(false);
        if (path.length > 0) expect(isIncluded({ ...proof, path: path.slice(1) }, RFC6962)).toBe(false);
      }),
    );
  });

  it('lets every beginning be proved, and no other history', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), fc.nat(), (size, which, changed) => {
        const first = which % (size + 1);
        const firstRoot = treeHash(some.slice(0, first));
        const root = treeHash(some.slice(0, size));
        const path = consistencyPath(first, size).map(rangeHash(some));
        expect(isConsistent({ first, size, firstRoot, root, path }, RFC6962)).toBe(true);
        if (first === 0) return;
        const forged = some.map((leaf, i) => (i === changed % first ? RFC6962.empty : leaf));
        const forgedRoot = treeHash(forged.slice(0, size));
        const forgedPath = consistencyPath(first, size).map(rangeHash(forged));
        expect(isConsistent({ first, size, firstRoot, root: forgedRoot, path: forgedPath }, RFC6962)).toBe(false);
      }),
    );
  });

  it('refuses what is no tree', () => {
    expect(() => inclusionPath(3, 3)).toThrow(RangeError);
    expect(() => consistencyPath(4, 3)).toThrow(RangeError);
    expect(() => RFC6962.node(Buffer.alloc(31), Buffer.alloc(32))).toThrow(RangeError);
    expect(() => new TreeFrontier(RFC6962).pushNode(2, RFC6962.empty)).not.toThrow();
  });
});
