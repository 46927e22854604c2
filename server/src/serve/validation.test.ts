import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { compileValidator, type InvalidInput } from './validation.ts';

const schema = Type.Object({}, { additionalProperties: true });
const validate = compileValidator({ schema, method: 'POST', url: '/', httpPart: 'body' }) as (input: unknown) => {
  readonly value?: unknown;
  readonly error?: InvalidInput;
};
const fieldsOf = (input: unknown) => validate(input).error?.errors.map(({ field }) => field);

describe('text that comes in', () => {
  it.each(['a\0b', 'a\ud800b', 'a\u001b[31mb', 'a\u009b31mb', '\u007f'])('is refused where it is %j', (text) => {
    expect(fieldsOf({ reason: text })).toEqual(['reason']);
    expect(fieldsOf({ rules: [{ note: 'well' }, { note: text }] })).toEqual(['rules.1.note']);
    expect(fieldsOf({ fields: { [text]: 1 } })).toEqual(['fields']);
  });
  it('keeps its lines, its tabs and what is not English', () => {
    const input = { reason: 'one\r\n\ttwo', name: 'Zoë 𝒳 👩‍⚕️ عربى' };
    expect(validate(input)).toEqual({ value: input });
  });
  it('may be nested as deeply as it fits into a body', () => {
    const deep = JSON.parse(`${'{"a":'.repeat(10_000)}"\\u0000"${'}'.repeat(10_000)}`) as object;
    expect(validate(deep).error?.errors).toHaveLength(1);
  });
});
