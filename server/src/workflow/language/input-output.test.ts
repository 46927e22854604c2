import { describe, expect, it } from 'vitest';
import type { Json } from './json.ts';
import { machine, play, single, task } from './test-machine.ts';

const INPUT = { alarm: { id: 'A-1', bed: 'B-7' }, list: [1, 2], seconds: 3 } satisfies Json;
const out = (state: object, input: Json = INPUT): Json | undefined => play(single(state), input).output;
const error = (state: object, input: Json = INPUT): string | undefined => play(single(state), input).error;

describe('what a Pass hands on', () => {
  it.each<[string, object, Json]>([
    ['its input', {}, INPUT],
    ['its result', { Result: { ok: true } }, { ok: true }],
    ['what InputPath takes', { InputPath: '$.alarm' }, INPUT.alarm],
    ['nothing, for InputPath null', { InputPath: null }, {}],
    ['what OutputPath takes', { OutputPath: '$.alarm.id' }, 'A-1'],
    ['nothing, for OutputPath null', { OutputPath: null }, {}],
    ['the result beside the input', { Result: 1, ResultPath: '$.said' }, { ...INPUT, said: 1 }],
    ['the result deep in what was not there', { Result: 1, ResultPath: '$.a.b' }, { ...INPUT, a: { b: 1 } }],
    [
      'the result in place of what was there',
      { Result: 'B-8', ResultPath: '$.alarm.bed' },
      { ...INPUT, alarm: { id: 'A-1', bed: 'B-8' } },
    ],
    ['the result in a list', { Result: 9, ResultPath: '$.list[1]' }, { ...INPUT, list: [1, 9] }],
    ['its input alone, for ResultPath null', { Result: 1, ResultPath: null }, INPUT],
    [
      'parameters, with paths in them',
      { Parameters: { 'id.$': '$.alarm.id', fixed: [{ 'first.$': '$.list[0]' }], 'state.$': '$$.State.Name' } },
      { id: 'A-1', fixed: [{ first: 1 }], state: 'Only' },
    ],
    [
      'parameters beside the raw input',
      { InputPath: '$.alarm', Parameters: { 'b.$': '$.bed' }, ResultPath: '$.p' },
      { ...INPUT, p: { b: 'B-7' } },
    ],
    ['from the context', { InputPath: '$$.Execution.Name' }, 'A-1'],
    ['a filter’s findings', { Parameters: { 'many.$': '$.list[?(@ > 1)]' } }, { many: [2] }],
  ])('%s', (_, fields, output) => expect(out({ Type: 'Pass', ...fields })).toEqual(output));

  it('changes nothing of its input', () => {
    const input = Object.freeze({ a: Object.freeze({ b: 1 }) });
    expect(out({ Type: 'Pass', Result: 2, ResultPath: '$.a.b' }, input)).toEqual({ a: { b: 2 } });
    expect(input).toEqual({ a: { b: 1 } });
  });

  it('keeps members with the names of JavaScript’s own', () => {
    const input = JSON.parse('{"__proto__":{"x":1},"constructor":2}') as Json;
    const played = out({ Type: 'Pass', Result: 3, ResultPath: '$.toString' }, input);
    expect(JSON.stringify(played)).toBe('{"__proto__":{"x":1},"constructor":2,"toString":3}');
  });
});

describe('paths that lead nowhere fail the state', () => {
  it.each<[string, object, string]>([
    ['InputPath', { InputPath: '$.missing' }, 'States.Runtime'],
    ['OutputPath', { OutputPath: '$.missing' }, 'States.Runtime'],
    ['Parameters', { Parameters: { 'a.$': '$.missing' } }, 'States.ParameterPathFailure'],
    ['an intrinsic function', { Parameters: { 'a.$': 'States.MathAdd(1, $.alarm)' } }, 'States.IntrinsicFailure'],
    ['ResultPath through a scalar', { Result: 1, ResultPath: '$.seconds.x' }, 'States.ResultPathMatchFailure'],
    ['ResultPath beyond a list', { Result: 1, ResultPath: '$.list[2]' }, 'States.ResultPathMatchFailure'],
    ['ResultPath into a list by name', { Result: 1, ResultPath: '$.list.x' }, 'States.ResultPathMatchFailure'],
  ])('%s', (_, fields, name) => expect(error({ Type: 'Pass', ...fields })).toBe(name));
});

describe('a Task', () => {
  const answer = { answer: () => ({ output: { said: 'yes', more: 1 } }) };

  it('sends its payload, and puts what it selects of the result beside its input', () => {
    const payloads: Json[] = [];
    const played = play(
      single(
        task('answer', {
          InputPath: '$.alarm',
          Parameters: { FunctionName: 'answer', Payload: { 'bed.$': '$.bed', fixed: 1 } },
          ResultSelector: { 'said.$': '$.Payload.said', 'code.$': '$.StatusCode' },
          ResultPath: '$.result',
          OutputPath: '$.result',
        }),
      ),
      INPUT,
      {
        answer(payload) {
          payloads.push(payload);
          return { output: { said: 'yes' } };
        },
      },
    );
    expect(payloads).toEqual([{ bed: 'B-7', fixed: 1 }]);
    expect(played.output).toEqual({ said: 'yes', code: 200 });
  });

  it('hands on what the service answers, by default', () => {
    expect(play(single(task('answer')), INPUT, answer).output).toEqual({
      Payload: { said: 'yes', more: 1 },
      StatusCode: 200,
    });
  });

  it('sends {} where there is no payload', () => {
    const payloads: Json[] = [];
    const bare = task('answer', { Parameters: { FunctionName: 'answer' } });
    play(single(bare), INPUT, { answer: (payload) => ({ output: payloads.push(payload) }) });
    expect(payloads).toEqual([{}]);
  });
});

describe('a Wait', () => {
  it.each<[string, object, number]>([
    ['so many seconds', { Seconds: 600 }, 600_000],
    ['as long as the input says', { SecondsPath: '$.seconds' }, 3_000],
    ['until a moment', { Timestamp: '2026-11-22T01:02:13Z' }, 10_000],
    ['until the moment the input says', { InputPath: '$.alarm', TimestampPath: '$.bed' }, 5_000],
    ['not at all, when the moment has passed', { Timestamp: '2026-11-22T01:02:02Z' }, 0],
    ['not at all for 0 seconds', { Seconds: 0 }, 0],
  ])('waits %s', (_, fields, tookMs) => {
    const input = { ...INPUT, alarm: { bed: '2026-11-22T01:02:08Z' } };
    expect(play(single({ Type: 'Wait', ...fields }), input)).toMatchObject({ status: 'SUCCEEDED', tookMs });
  });

  it.each<[string, object]>([
    ['no number', { SecondsPath: '$.alarm.bed' }],
    ['a fraction', { SecondsPath: '$.half' }],
    ['less than nothing', { SecondsPath: '$.negative' }],
    ['nothing', { SecondsPath: '$.missing' }],
    ['no moment', { TimestampPath: '$.alarm.bed' }],
  ])('fails where the input says %s', (_, fields) =>
    expect(error({ Type: 'Wait', ...fields }, { ...INPUT, half: 0.5, negative: -1 })).toBe('States.Runtime'),
  );
});

describe('the context object', () => {
  it('names execution, state machine and state', () => {
    const output = out({ Type: 'Pass', Parameters: { 'all.$': '$$' } }) as { all: Json };
    expect(output.all).toEqual({
      Execution: { Id: 'test:A-1', Name: 'A-1', StartTime: '2026-11-22T01:02:03.000Z', Input: INPUT },
      State: { Name: 'Only', EnteredTime: '2026-11-22T01:02:03.000Z', RetryCount: 0 },
      StateMachine: { Id: 'test', Name: 'test' },
    });
  });

  it('keeps the execution’s input to its end, however far away', () => {
    const definition = machine({
      Forget: { Type: 'Pass', Result: {}, Next: 'Pause' },
      Pause: { Type: 'Wait', Seconds: 60, Next: 'Recall' },
      Recall: { Type: 'Pass', Parameters: { 'id.$': '$$.Execution.Input.alarm.id' }, End: true },
    });
    expect(play(definition, INPUT).output).toEqual({ id: 'A-1' });
  });
});

describe('the ends', () => {
  it('Succeed hands on what its paths take', () => {
    const definition = machine({ Done: { Type: 'Succeed', InputPath: '$.alarm', OutputPath: '$.id' } });
    expect(play(definition, INPUT)).toMatchObject({ status: 'SUCCEEDED', output: 'A-1' });
  });

  it.each<[string, object, object]>([
    [
      'what it says',
      { Error: 'NobodyAnswered', Cause: 'after everyone' },
      { error: 'NobodyAnswered', cause: 'after everyone' },
    ],
    ['what the input says', { ErrorPath: '$.alarm.id', CausePath: '$.alarm.bed' }, { error: 'A-1', cause: 'B-7' }],
    ['nothing', {}, { error: '', cause: '' }],
    ['a path that leads nowhere', { ErrorPath: '$.missing' }, { error: 'States.Runtime' }],
  ])('Fail fails with %s', (_, fields, result) =>
    expect(play(machine({ No: { Type: 'Fail', ...fields } }), INPUT)).toMatchObject({ status: 'FAILED', ...result }),
  );

  it('a payload beyond 256 KiB fails with States.DataLimitExceeded', () => {
    const large = 'x'.repeat(262_143);
    expect(error({ Type: 'Pass', Result: large })).toBe('States.DataLimitExceeded');
    expect(error({ Type: 'Pass', Result: large.slice(2) })).toBeUndefined();
    // Two bytes each in UTF-8.
    expect(error({ Type: 'Pass', Result: 'ß'.repeat(131_072) })).toBe('States.DataLimitExceeded');
  });
});
