import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JSON_DEPTH_MAX, jsonFault } from './json-body.ts';

const nested = (depth: number) => `${'{"a":['.repeat(depth / 2)}1${']}'.repeat(depth / 2)}`;

describe('a body of JSON', () => {
  it.each([
    '{"a":1,"a":2}',
    '{"a":1,"\\u0061":2}',
    '{"a":1,"b":{"c":1},"a":2}',
    '[{"a":1},{"b":1,"b":1}]',
    '{"a":"\\"","a":1}',
    '{"a\\\\":1,"a\\\\":1}',
    '{ "a" : [1, 2] , "a" : 3 }',
  ])('that names a field twice is refused: %s', (text) => {
    expect(jsonFault(text)).toBe('JSON_NAME_TWICE');
  });
  it.each([
    '{"a":{"a":{"a":1}}}',
    '[{"a":1},{"a":1}]',
    '{"a":"a","b":"a"}',
    '{"a":["a","a"]}',
    '{"a":"\\",\\"a","b":1}',
    '{"a\\\\":1,"a":1}',
    '{"a":"{[","b":"]}"}',
    '""',
    'null',
  ])('is taken where names only look alike: %s', (text) => {
    expect(jsonFault(text)).toBeUndefined();
  });
  it('is taken down to a depth that nothing needs, and not below', () => {
    expect(jsonFault(nested(JSON_DEPTH_MAX))).toBeUndefined();
    expect(jsonFault(nested(JSON_DEPTH_MAX + 2))).toBe('JSON_TOO_DEEP');
    expect(jsonFault('['.repeat(60_000))).toBe('JSON_TOO_DEEP');
  });
  it('that is none is left for the parser to refuse', () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom(...'{}[]",:\\a1 ') }), (text) => void jsonFault(text)));
    expect(jsonFault('{"a')).toBeUndefined();
  });
  it('is never refused when it was written from a value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 20 }), (value) => {
        for (const text of [JSON.stringify(value), JSON.stringify(value, undefined, 2)])
          expect(jsonFault(text)).toBeUndefined();
      }),
    );
  });
});
