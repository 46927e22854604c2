import fc from 'fast-check';
import { jsonpath } from 'json-p3';
import { describe, expect, it } from 'vitest';
import type { Json } from './json.ts';
import { isReferencePath, readPath } from './path.ts';
import { parsePath } from './path-parser.ts';
import { SyntaxFault } from './scanner.ts';

const WARD = {
  name: 'ICU',
  beds: [
    { id: 'B-1', patient: 'P-1', news: 7 },
    { id: 'B-2', news: 2 },
    { id: 'B-3', patient: 'P-3', news: 5, tags: ['new', 'isolated'] },
  ],
  'odd name': { 'a.b': 1, "it's": 2 },
  empty: [],
  nothing: null,
} satisfies Json;

const read = (text: string, data: Json = WARD): Json | undefined =>
  readPath(parsePath(text), { data, context: { State: { Name: 'Tell' } } });

describe('a path that can name one place only', () => {
  it.each<[string, Json | undefined]>([
    ['$', WARD],
    ['$.name', 'ICU'],
    ["$['name']", 'ICU'],
    ['$["name"]', 'ICU'],
    ['$.beds[0].id', 'B-1'],
    ['$.beds[-1].id', 'B-3'],
    ['$.beds[2].tags[1]', 'isolated'],
    ["$['odd name']['a.b']", 1],
    ["$['odd name']['it\\'s']", 2],
    ['$.nothing', null],
    ['$.empty', []],
    ['$.beds[3]', undefined],
    ['$.beds[-4]', undefined],
    ['$.missing', undefined],
    ['$.name.length', undefined],
    ['$.beds.length', undefined],
    ['$.name[0]', undefined],
    ['$.constructor', undefined],
    ['$.__proto__', undefined],
    ['$$.State.Name', 'Tell'],
    ['$$', { State: { Name: 'Tell' } }],
  ])('%s', (path, value) => expect(read(path)).toEqual(value));

  it('reads names in any script, and a member that is really called __proto__', () => {
    expect(read('$.größe', { größe: 180 })).toBe(180);
    expect(read('$.__proto__', JSON.parse('{"__proto__":1}'))).toBe(1);
  });
});

describe('a path that can name several places answers with a list', () => {
  it.each<[string, Json | undefined]>([
    ['$.beds[*].id', ['B-1', 'B-2', 'B-3']],
    ['$.beds[*].patient', ['P-1', 'P-3']],
    ['$..patient', ['P-1', 'P-3']],
    ['$..tags[0]', ['new']],
    ['$.beds[0,2].id', ['B-1', 'B-3']],
    ['$.beds[1:].id', ['B-2', 'B-3']],
    ['$.beds[:-1].id', ['B-1', 'B-2']],
    ['$.beds[-2:].id', ['B-2', 'B-3']],
    ['$.beds[0:3:2].id', ['B-1', 'B-3']],
    ['$.beds[5:9].id', []],
    ['$.empty[*]', []],
    ['$.beds[?(@.news >= 5)].id', ['B-1', 'B-3']],
    ['$.beds[?(@.patient)].id', ['B-1', 'B-3']],
    ['$.beds[?(!@.patient)].id', ['B-2']],
    ["$.beds[?(@.id == 'B-2')].news", [2]],
    ["$.beds[?(@.news > 4 && @.id != 'B-1')].id", ['B-3']],
    ["$.beds[?(@.news < 3 || @.tags[0] == 'new')].id", ['B-2', 'B-3']],
    ['$.beds[?(@.news == $.beds[0].news)].id', ['B-1']],
    ["$.beds[?(@.id < 'B-2')].id", ['B-1']],
    ['$.beds[?(@.id < 2)].id', []],
    ["$['odd name'].*", [1, 2]],
    ['$.name[*]', []],
    // A definite beginning must be there.
    ['$.missing[*]', undefined],
    ['$.name[1:]', undefined],
  ])('%s', (path, value) => expect(read(path)).toEqual(value));

  it('a filter on an object asks that object, as Jayway does', () => {
    expect(read('$.bed[?(@.news > 4)].id', { bed: { id: 'B-1', news: 7 } })).toEqual(['B-1']);
  });
});

describe('a path is refused', () => {
  it.each([
    '',
    'name',
    '$.',
    '$..',
    '$name',
    '$.a b',
    '$.a[',
    '$.a[]',
    '$.a[1',
    "$['a",
    '$.a[1:2:0]',
    '$.a[::-1]',
    "$['a','b']",
    '$.a[?(@.b =~ /x/)]',
    '$.a[?(@.b in [1])]',
    '$.a[?(1)]',
    '$.a[?(@.b ==)]',
    '$.a[?(@..b == 1)]',
    '$.a[?(@.b == 1]',
    '$.a.length()',
    '$.a[(@.length-1)]',
    '$.a[99999999999]',
    '@.a',
  ])('%j', (text) => expect(() => parsePath(text)).toThrow(SyntaxFault));

  it('or read, whatever is typed: nothing else comes out', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...`$.[]()?@*:,'"\\ ab01-=<>!&|`), maxLength: 24 }), (text) => {
        try {
          read(text);
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxFault);
        }
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('a Reference Path', () => {
  it.each(['$', '$.a', "$['a b'][0].c", '$$.Execution.Id'])('%s is one', (text) =>
    expect(isReferencePath(parsePath(text))).toBe(true),
  );
  it.each(['$.*', '$..a', '$.a[1:]', '$.a[0,1]', '$.a[?(@.b)]', '$.a[-1]'])('%s is none', (text) =>
    expect(isReferencePath(parsePath(text))).toBe(false),
  );
});

const name = fc.constantFrom('a', 'b', 'c', 'd e');
const scalar = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom('a', 'b'), fc.boolean(), fc.constant(null));
const tree = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(name, tie('value'), { maxKeys: 4, noNullPrototype: true }) as fc.Arbitrary<Json>,
  ),
})).value;

const index = fc.integer({ min: -3, max: 3 });
const definite = fc.oneof(
  name.map((one) => `['${one}']`),
  index.map((one) => `[${one}]`),
);
const operand = fc.oneof(
  definite.map((one) => `@${one}`),
  fc.constantFrom("'a'", '1', 'true', 'null'),
);
const filter = fc
  .tuple(operand, fc.constantFrom('==', '!=', '<', '<=', '>', '>='), operand)
  .map((parts) => parts.join(' '));
/** Where Jayway and RFC 9535 agree: filters only of lists, which `[0:9]` makes sure of. */
const several = fc.oneof(
  fc.constant('[*]'),
  fc.constant('..*'),
  name.map((one) => `..['${one}']`),
  fc.tuple(index, index).map(([from, to]) => `[${from}:${to}]`),
  fc.tuple(index, index).map(([first, second]) => `[${first}, ${second}]`),
  filter.map((one) => `[?(${one})]`),
);

describe('against a reference implementation of RFC 9535', () => {
  it('definite paths find the same', () => {
    fc.assert(
      fc.property(tree, fc.array(definite, { maxLength: 4 }), (data, parts) => {
        const path = `$${parts.join('')}`;
        expect(readPath(parsePath(path), { data, context: null })).toEqual(
          jsonpath.query(path, data as never).values()[0],
        );
      }),
      { numRuns: 3_000 },
    );
  });

  it('paths to several places find the same, where the beginning is there', () => {
    let found = 0;
    fc.assert(
      fc.property(
        fc.array(tree, { maxLength: 4 }),
        several,
        fc.array(definite, { maxLength: 2 }),
        (data, first, rest) => {
          const path = `$${first}${rest.join('')}`;
          const theirs = jsonpath.query(path, data as never).values() as Json[];
          const ours = readPath(parsePath(path), { data, context: null }) as Json[];
          found += theirs.length;
          // The order among descendants is not what either promises.
          expect(first.startsWith('..') ? sorted(ours) : ours).toEqual(
            first.startsWith('..') ? sorted(theirs) : theirs,
          );
        },
      ),
      { numRuns: 3_000 },
    );
    expect(found).toBeGreaterThan(1_000);
  });
});

const sorted = (values: readonly Json[]) => values.map((value) => JSON.stringify(value)).sort();
