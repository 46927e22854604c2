import { describe, expect, it } from 'vitest';
import { evaluate, parseIntrinsic } from './intrinsic.ts';
import type { Json } from './json.ts';
import { randomFrom } from './random.ts';
import { SyntaxFault } from './scanner.ts';
import { StateError } from './state-error.ts';

const DATA = {
  bed: 'B-7',
  news: 7,
  list: [1, 2, 3, 4, 5],
  twice: [{ a: 1 }, { a: 1 }, 2],
  json: '{"bed":"B-7"}',
  braces: '{}',
} satisfies Json;

const call = (text: string): Json =>
  evaluate(parseIntrinsic(text), {
    data: DATA,
    context: { State: { Name: 'Tell' } },
    random: randomFrom([1, 2, 3, 4]),
  });

describe('intrinsic functions', () => {
  it.each<[string, Json]>([
    ["States.Format('bed {}, NEWS {}', $.bed, $.news)", 'bed B-7, NEWS 7'],
    ["States.Format('{}', $.braces)", '{}'],
    ["States.Format('\\{{}\\} it\\'s \\\\', $.news)", "{7} it's \\"],
    ["States.Format('{} {} {}', null, true, 1.5)", 'null true 1.5'],
    ['States.StringToJson($.json)', { bed: 'B-7' }],
    ['States.JsonToString($.list)', '[1,2,3,4,5]'],
    ["States.Array(1, 'two', null, $.bed)", [1, 'two', null, 'B-7']],
    ['States.Array()', []],
    ['States.ArrayPartition($.list, 2)', [[1, 2], [3, 4], [5]]],
    ['States.ArrayContains($.list, 3)', true],
    ['States.ArrayContains($.twice, $.twice[1])', true],
    ["States.ArrayContains($.list, '3')", false],
    ['States.ArrayRange(1, 9, 2)', [1, 3, 5, 7, 9]],
    ['States.ArrayRange(3, 1, -1)', [3, 2, 1]],
    ['States.ArrayRange(3, 1, 1)', []],
    ['States.ArrayGetItem($.list, 4)', 5],
    ['States.ArrayLength($.list)', 5],
    ['States.ArrayUnique($.twice)', [{ a: 1 }, 2]],
    ['States.JsonMerge($.twice[0], States.StringToJson($.json), false)', { a: 1, bed: 'B-7' }],
    ['States.MathAdd($.news, -2)', 5],
    ["States.StringSplit('a,b;;c', ',;')", ['a', 'b', 'c']],
    ["States.StringSplit('', ',')", []],
    ["States.Format('{}', States.MathAdd(1, States.ArrayLength($.list)))", '6'],
    ['States.ArrayGetItem( $.list , 0 )', 1],
    ['States.JsonToString($$.State)', '{"Name":"Tell"}'],
    ["States.Format('a\\'b')", "a'b"],
    ["States.Array('a\\\\b', '\\{')", ['a\\b', '{']],
  ])('%s', (text, value) => expect(call(text)).toEqual(value));

  it('random ones depend on the event alone', () => {
    expect(call('States.UUID()')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(call('States.UUID()')).toBe(call('States.UUID()'));
    expect(call('States.MathRandom(5, 6)')).toBe(5);
  });

  it.each([
    "States.Format('{}', $.list)",
    'States.StringToJson($.bed)',
    'States.StringToJson($.news)',
    'States.ArrayPartition($.list, 0)',
    'States.ArrayPartition($.bed, 1)',
    'States.ArrayRange(0, 1000, 1)',
    'States.ArrayRange(1, 2, 0)',
    'States.ArrayGetItem($.list, 5)',
    'States.ArrayGetItem($.list, -1)',
    'States.JsonMerge($.list, $.list, false)',
    'States.JsonMerge($.twice[0], $.twice[0], true)',
    "States.MathAdd(1, '1')",
    'States.MathAdd(1, 1.5)',
    'States.MathRandom(6, 5)',
    'States.ArrayLength($.bed)',
    "States.Format($.bed, 'one too many')",
  ])('%s fails as an intrinsic failure', (text) => {
    expect(() => call(text)).toThrow(StateError);
    expect(() => call(text)).toThrow(expect.objectContaining({ error: 'States.IntrinsicFailure' }));
  });

  it('a path that leads nowhere fails as such', () =>
    expect(() => call('States.ArrayLength($.missing)')).toThrow(
      expect.objectContaining({ error: 'States.ParameterPathFailure' }),
    ));

  it.each([
    'States.Hash($.bed, "SHA-256")',
    "States.Base64Encode('x')",
    "States.Base64Decode('x')",
    'States.Unheard()',
    'Math.Add(1, 2)',
    'States.MathAdd(1)',
    'States.UUID(1)',
    "States.Format('{}')",
    "States.Format('{}', 1, 2)",
    "States.Format('a",
    "States.Array('\\n')",
    'States.Array(1',
    'States.Array(1,)',
    'States.Array(,)',
    `${'States.Array('.repeat(11)}1${')'.repeat(11)}`,
  ])('%s is refused', (text) => expect(() => parseIntrinsic(text)).toThrow(SyntaxFault));
});
