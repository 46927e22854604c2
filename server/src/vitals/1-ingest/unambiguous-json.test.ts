import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseUnambiguousJson } from './unambiguous-json.ts';

describe('JSON of a device', () => {
  it('is read as it was written, whatever it holds', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(undefined, 2, '\t'), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        expect(JSON.stringify(parseUnambiguousJson(text))).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
  });

  it.each([
    '{"heartRate":80,"heartRate":190}',
    '{"vitals":{"heartRate":190,"spo2":97,"heartRate":80}}',
    '[{"a":1},{"a":1,"b":{"c":[{"d":1,"d":1}]}}]',
    '{"a":1,"\\u0061":2}',
    '{"__proto__":1,"__proto__":{"a":1}}',
    '{"":1,"":2}',
  ])('that names something twice is not read: %s', (text) => {
    expect(() => parseUnambiguousJson(text)).toThrow(SyntaxError);
  });

  it.each([
    '{"a:b":":","c\\":d":"\\\\","\\\\":{"e":":\\\\\\":"}}',
    '[{"a":1},{"a":1}]',
    '{"__proto__":{"constructor":1},"toString":{}}',
    '":\\":"',
  ])('may hold colons and quotes: %s', (text) => {
    expect(parseUnambiguousJson(text)).toEqual(JSON.parse(text));
  });

  it.each(['', '{', '"', '"\\', '{"a":1}x', '{"a":1,}'])('that is none is none: %j', (text) => {
    expect(() => parseUnambiguousJson(text)).toThrow(SyntaxError);
  });

  it('may be nested thousands deep: what is wrong with it is for others to say', () => {
    const deep = `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`;
    expect(() => parseUnambiguousJson(deep)).not.toThrow();
  });
});
