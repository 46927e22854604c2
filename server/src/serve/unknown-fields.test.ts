import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { withoutUnknown } from './unknown-fields.ts';
import { compileValidator, type InvalidInput } from './validation.ts';

const closed = { additionalProperties: false } as const;
const Step = Type.Object({ text: Type.String() }, closed);
const Plan = Type.Object(
  {
    reason: Type.String(),
    step: Type.Optional(Step),
    steps: Type.Optional(Type.Array(Step)),
    rule: Type.Optional(
      Type.Union([
        Type.Object({ kind: Type.Literal('a'), low: Type.Number() }, closed),
        Type.Object({ kind: Type.Literal('b'), high: Type.Number() }, closed),
      ]),
    ),
    notes: Type.Optional(Type.Record(Type.String(), Type.String())),
  },
  closed,
);
const validate = compileValidator({ schema: Plan, method: 'POST', url: '/', httpPart: 'body' }) as (input: unknown) => {
  readonly error?: InvalidInput;
};
const errorsOf = (input: unknown) => validate(input).error?.errors ?? [];

/** As many as fit into a body. */
const thousands = Object.fromEntries(Array.from({ length: 6_000 }, (_, n) => [`k${n}`, n]));

describe('fields that nobody knows', () => {
  it('are named, the first of thousands, and counted', () => {
    const errors = errorsOf({ ...thousands, reason: 'x' });
    expect(errors.map(({ field }) => field)).toEqual(['k0', 'k1', 'k2', 'k3', 'k4', 'k5', 'k6', 'k7']);
    expect(errors.every(({ code }) => code === 'unknown-field')).toBe(true);
    expect(errors.at(-1)?.detail).toBe('is not known here, and neither are 5992 others');
    expect(errors[0]?.detail).toBe('is not known here');
  });
  it('hide nothing that is wrong besides', () => {
    const fields = errorsOf({ ...thousands, step: { text: 1 } }).map(({ field }) => field);
    expect(fields.slice(8)).toEqual(['reason', 'step.text']);
  });
  it('are taken out before anything else is judged, wherever they stand', () => {
    const left = withoutUnknown(Plan, {
      reason: 'x',
      ...thousands,
      step: { text: 't', ...thousands },
      steps: [{ text: 't' }, { ...thousands }],
      rule: { kind: 'b', low: 1, ...thousands },
    });
    expect(left.value).toEqual({
      reason: 'x',
      step: { text: 't' },
      steps: [{ text: 't' }, {}],
      // What one of the branches knows is for the schema to judge.
      rule: { kind: 'b', low: 1 },
    });
    expect(left.count).toBe(24_000);
  });
  it('are named where they stand, with names no longer than a person reads', () => {
    expect(withoutUnknown(Plan, { steps: [{ text: 't' }, { more: 1 }] }).named).toEqual(['steps.1.more']);
    expect(withoutUnknown(Plan, { ['x'.repeat(5_000)]: 1 }).named).toEqual(['x'.repeat(64)]);
  });
  it('are none where a schema is open', () => {
    const input = { reason: 'x', notes: { anything: 'goes' } };
    expect(withoutUnknown(Plan, input)).toEqual({ value: input, named: [], count: 0 });
    expect(withoutUnknown(Type.Object({}), { a: 1 }).count).toBe(0);
    expect(withoutUnknown(Type.Intersect([Step, Type.Object({ a: Type.Number() })]), { b: 1 }).count).toBe(0);
  });
  it('are what a prototype has, too', () => {
    expect(withoutUnknown(Plan, { constructor: 1, toString: 1 }).named).toEqual(['constructor', 'toString']);
  });
});

describe('what is wrong', () => {
  it('is named all at once', () => {
    const Wide = Type.Object(Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`f${n}`, Type.String()])));
    const check = compileValidator({ schema: Wide, method: 'POST', url: '/', httpPart: 'body' }) as typeof validate;
    const wrong = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`f${n}`, n]));
    expect(check(wrong).error?.errors).toHaveLength(20);
  });
});
