import { describe, expect, it } from 'vitest';
import { matchesPattern } from './comparison.ts';
import type { Json } from './json.ts';
import { machine, play } from './test-machine.ts';

const INPUT = {
  text: 'b',
  other: 'c',
  number: 5,
  more: 6,
  yes: true,
  no: false,
  nothing: null,
  at: '2026-11-22T01:02:03Z',
  sameMoment: '2026-11-22T02:02:03.000+01:00',
  later: '2026-11-22T01:02:03.5Z',
  list: [{ news: 7 }],
} satisfies Json;

/** Which way a Choice goes; undefined: it failed. */
function chooses(rule: object): boolean | undefined {
  const played = play(
    machine({
      Choose: { Type: 'Choice', Choices: [{ ...rule, Next: 'Yes' }], Default: 'No' },
      Yes: { Type: 'Pass', Result: true, End: true },
      No: { Type: 'Pass', Result: false, End: true },
    }),
    INPUT,
  );
  return played.status === 'SUCCEEDED' ? (played.output as boolean) : undefined;
}

const at = (variable: string, operator: string, operand: Json) => ({ Variable: variable, [operator]: operand });

describe('a Choice compares', () => {
  it.each<[string, string, Json, boolean]>([
    ['$.text', 'StringEquals', 'b', true],
    ['$.text', 'StringEquals', 'B', false],
    ['$.text', 'StringLessThan', 'c', true],
    ['$.text', 'StringLessThan', 'b', false],
    ['$.text', 'StringGreaterThan', 'a', true],
    ['$.text', 'StringGreaterThan', 'b', false],
    ['$.text', 'StringLessThanEquals', 'b', true],
    ['$.text', 'StringLessThanEquals', 'a', false],
    ['$.text', 'StringGreaterThanEquals', 'b', true],
    ['$.text', 'StringGreaterThanEquals', 'c', false],
    ['$.text', 'StringMatches', '*', true],
    ['$.text', 'StringMatches', 'a*', false],
    ['$.number', 'NumericEquals', 5, true],
    ['$.number', 'NumericEquals', 5.01, false],
    ['$.number', 'NumericLessThan', 6, true],
    ['$.number', 'NumericLessThan', 5, false],
    ['$.number', 'NumericGreaterThan', 4, true],
    ['$.number', 'NumericGreaterThan', 5, false],
    ['$.number', 'NumericLessThanEquals', 5, true],
    ['$.number', 'NumericLessThanEquals', 4, false],
    ['$.number', 'NumericGreaterThanEquals', 5, true],
    ['$.number', 'NumericGreaterThanEquals', 6, false],
    ['$.yes', 'BooleanEquals', true, true],
    ['$.yes', 'BooleanEquals', false, false],
    ['$.at', 'TimestampEquals', '2026-11-22T01:02:03Z', true],
    ['$.at', 'TimestampEquals', '2026-11-22T00:02:03-01:00', true],
    ['$.at', 'TimestampEquals', '2026-11-22T01:02:03.001Z', false],
    ['$.at', 'TimestampLessThan', '2026-11-22T01:02:04Z', true],
    ['$.at', 'TimestampLessThan', '2026-11-22T01:02:03Z', false],
    ['$.at', 'TimestampGreaterThan', '2026-11-22T01:02:02Z', true],
    ['$.at', 'TimestampGreaterThan', '2026-11-22T01:02:03Z', false],
    ['$.at', 'TimestampLessThanEquals', '2026-11-22T01:02:03Z', true],
    ['$.at', 'TimestampLessThanEquals', '2026-11-22T01:02:02Z', false],
    ['$.at', 'TimestampGreaterThanEquals', '2026-11-22T01:02:03Z', true],
    ['$.at', 'TimestampGreaterThanEquals', '2026-11-22T01:02:04Z', false],
    // With what stands elsewhere.
    ['$.text', 'StringEqualsPath', '$.text', true],
    ['$.text', 'StringLessThanPath', '$.other', true],
    ['$.text', 'StringGreaterThanPath', '$.other', false],
    ['$.text', 'StringLessThanEqualsPath', '$.other', true],
    ['$.text', 'StringGreaterThanEqualsPath', '$.other', false],
    ['$.number', 'NumericEqualsPath', '$.number', true],
    ['$.number', 'NumericLessThanPath', '$.more', true],
    ['$.number', 'NumericGreaterThanPath', '$.more', false],
    ['$.number', 'NumericLessThanEqualsPath', '$.more', true],
    ['$.number', 'NumericGreaterThanEqualsPath', '$.more', false],
    ['$.yes', 'BooleanEqualsPath', '$.no', false],
    ['$.at', 'TimestampEqualsPath', '$.sameMoment', true],
    ['$.at', 'TimestampLessThanPath', '$.later', true],
    ['$.at', 'TimestampGreaterThanPath', '$.later', false],
    ['$.at', 'TimestampLessThanEqualsPath', '$.later', true],
    ['$.at', 'TimestampGreaterThanEqualsPath', '$.later', false],
    ['$$.State.Name', 'StringEquals', 'Choose', true],
    // Another type is never matched, and never an error.
    ['$.number', 'StringEquals', '5', false],
    ['$.text', 'NumericEquals', 5, false],
    ['$.text', 'BooleanEquals', true, false],
    ['$.text', 'TimestampEquals', '2026-11-22T01:02:03Z', false],
    ['$.nothing', 'NumericLessThan', 5, false],
    ['$.list', 'StringEquals', 'b', false],
    // Types.
    ['$.nothing', 'IsNull', true, true],
    ['$.text', 'IsNull', true, false],
    ['$.text', 'IsNull', false, true],
    ['$.number', 'IsNumeric', true, true],
    ['$.text', 'IsNumeric', true, false],
    ['$.text', 'IsString', true, true],
    ['$.number', 'IsString', false, true],
    ['$.yes', 'IsBoolean', true, true],
    ['$.number', 'IsBoolean', true, false],
    ['$.at', 'IsTimestamp', true, true],
    ['$.text', 'IsTimestamp', true, false],
    ['$.text', 'IsPresent', true, true],
    ['$.missing', 'IsPresent', true, false],
    ['$.missing', 'IsPresent', false, true],
    ['$.nothing', 'IsPresent', true, true],
    ['$.list[0].news', 'IsPresent', true, true],
    ['$.list[1].news', 'IsPresent', true, false],
  ])('%s %s %j: %s', (variable, operator, operand, result) =>
    expect(chooses(at(variable, operator, operand))).toBe(result),
  );

  it('fails, and does not guess, where a path leads nowhere', () => {
    expect(chooses(at('$.missing', 'StringEquals', 'b'))).toBeUndefined();
    expect(chooses(at('$.missing', 'IsNull', true))).toBeUndefined();
    expect(chooses(at('$.text', 'StringEqualsPath', '$.missing'))).toBeUndefined();
  });
});

describe('rules are joined', () => {
  const yes = at('$.yes', 'BooleanEquals', true);
  const no = at('$.yes', 'BooleanEquals', false);
  it.each<[string, object, boolean]>([
    ['And', { And: [yes, yes] }, true],
    ['And', { And: [yes, no] }, false],
    ['Or', { Or: [no, yes] }, true],
    ['Or', { Or: [no, no] }, false],
    ['Not', { Not: no }, true],
    ['Not', { Not: yes }, false],
    ['all of them', { And: [{ Or: [no, yes] }, { Not: { And: [yes, no] } }] }, true],
  ])('%s', (_, rule, result) => expect(chooses(rule)).toBe(result));

  it('a guard keeps what comes after it from failing', () => {
    const guarded = { And: [at('$.missing', 'IsPresent', true), at('$.missing', 'StringEquals', 'b')] };
    expect(chooses(guarded)).toBe(false);
  });
});

describe('a Choice', () => {
  it('takes the first rule that holds', () => {
    const played = play(
      machine({
        Choose: {
          Type: 'Choice',
          Choices: [
            { ...at('$.number', 'NumericGreaterThan', 10), Next: 'C' },
            { ...at('$.number', 'NumericGreaterThan', 1), Next: 'A' },
            { ...at('$.number', 'NumericGreaterThan', 2), Next: 'B' },
          ],
        },
        A: { Type: 'Pass', Result: 'A', End: true },
        B: { Type: 'Pass', Result: 'B', End: true },
        C: { Type: 'Pass', Result: 'C', End: true },
      }),
      INPUT,
    );
    expect(played.output).toBe('A');
  });

  it('without a match and without Default fails with States.NoChoiceMatched', () => {
    const played = play(
      machine({
        Choose: { Type: 'Choice', Choices: [{ ...at('$.number', 'NumericEquals', 0), Next: 'A' }] },
        A: { Type: 'Succeed' },
      }),
      INPUT,
    );
    expect(played).toMatchObject({ status: 'FAILED', error: 'States.NoChoiceMatched' });
  });
});

describe('StringMatches', () => {
  it.each<[string, string, boolean]>([
    ['escalate.log', '*.log', true],
    ['escalate.log', 'esc*.*g', true],
    ['escalate.log', '*late', false],
    ['log', '*log*', true],
    ['ab', 'a*b*c', false],
    ['abcabc', 'a*bc', true],
    ['aba', 'ab*ba', false],
    ['', '*', true],
    ['', '', true],
    ['a', '', false],
    ['a*b', 'a\\*b', true],
    ['axb', 'a\\*b', false],
    ['a\\b', 'a\\\\b', true],
    ['💊x', '💊*', true],
  ])('%j %j %s', (text, pattern, result) => expect(matchesPattern(text, pattern)).toBe(result));

  it('takes a hostile pattern in its stride', () => {
    expect(matchesPattern('a'.repeat(100_000), `${'*a'.repeat(50_000)}b`)).toBe(false);
  });
});
