import { describe, expect, it } from 'vitest';
import type { Json } from './json.ts';
import { machine, play, single, type TestFunction, task, waitingTask } from './test-machine.ts';

const branch = (states: Readonly<Record<string, object>>) => ({ StartAt: Object.keys(states)[0], States: states });
const parallel = (branches: readonly Readonly<Record<string, object>>[], more: object = {}) => ({
  Type: 'Parallel',
  Branches: branches.map(branch),
  ...more,
});
const types = (played: ReturnType<typeof play>) => played.history.map(({ type }) => type);

describe('Parallel', () => {
  it('hands its input to every branch, and their outputs on in their order', () => {
    const state = parallel([
      {
        Slow: { Type: 'Wait', Seconds: 10, Next: 'A' },
        A: { Type: 'Pass', Parameters: { 'a.$': '$.bed' }, End: true },
      },
      { B: { Type: 'Pass', Result: 'b', End: true } },
    ]);
    expect(play(single(state), { bed: 'B-7' })).toMatchObject({ output: [{ a: 'B-7' }, 'b'], tookMs: 10_000 });
  });

  it('runs its branches beside each other', () => {
    const state = parallel(
      [10, 20, 30].map((Seconds, index) => ({ [`W${index}`]: { Type: 'Wait', Seconds, End: true } })),
    );
    expect(play(single(state)).tookMs).toBe(30_000);
  });

  it('puts the outputs where ResultSelector and ResultPath say', () => {
    const state = parallel(
      [{ A: { Type: 'Pass', Result: 1, End: true } }, { B: { Type: 'Pass', Result: 2, End: true } }],
      {
        Parameters: { x: 1 },
        ResultSelector: { 'second.$': '$[1]' },
        ResultPath: '$.both',
      },
    );
    expect(play(single(state), { bed: 'B-7' }).output).toEqual({ bed: 'B-7', both: { second: 2 } });
  });

  it('fails as a whole with the first branch that fails, and asks no more of the others', () => {
    const called: string[] = [];
    const state = parallel([
      { A: { Type: 'Wait', Seconds: 5, Next: 'A2' }, A2: { Type: 'Fail', Error: 'Broken', Cause: 'because' } },
      { B: { Type: 'Wait', Seconds: 10, Next: 'B2' }, B2: task('late', { End: true }) },
    ]);
    const late: TestFunction = () => {
      called.push('late');
      return { output: 1 };
    };
    const played = play(single(state), {}, { late });
    expect(played).toMatchObject({ status: 'FAILED', error: 'Broken', cause: 'because', tookMs: 5_000 });
    expect(called).toEqual([]);
    expect(types(played)).toContain('ParallelStateFailed');
  });

  it('catches in the branch what the branch catches', () => {
    const state = parallel([
      {
        A: task('f', { Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Calm' }], End: true }),
        Calm: { Type: 'Pass', Result: 'calm', End: true },
      },
      { B: { Type: 'Pass', Result: 'b', End: true } },
    ]);
    expect(play(single(state), {}, { f: () => ({ error: 'A' }) }).output).toEqual(['calm', 'b']);
  });

  it('is retried as a whole, every branch anew', () => {
    let calls = 0;
    const state = parallel([{ A: task('f', { End: true }) }, { B: task('g', { End: true }) }], {
      Retry: [{ ErrorEquals: ['Flaky'], IntervalSeconds: 2, MaxAttempts: 1 }],
      ResultSelector: { 'a.$': '$[0].Payload' },
    });
    const f: TestFunction = (_, call) => (call === 1 ? { error: 'Flaky', afterMs: 10 } : { output: 'second' });
    const g: TestFunction = () => {
      calls++;
      return { output: 1 };
    };
    expect(play(single(state), {}, { f, g })).toMatchObject({ output: { a: 'second' }, tookMs: 2_010 });
    expect(calls).toBe(2);
  });

  it('goes to its own Catch with the branch’s error', () => {
    const definition = machine({
      Both: parallel([{ A: { Type: 'Fail', Error: 'Broken' } }, { B: { Type: 'Wait', Seconds: 60, End: true } }], {
        Catch: [{ ErrorEquals: ['Broken'], Next: 'Calm' }],
        Next: 'Fine',
      }),
      Calm: { Type: 'Pass', InputPath: '$.Error', End: true },
      Fine: { Type: 'Succeed' },
    });
    expect(play(definition)).toMatchObject({ output: 'Broken', tookMs: 0 });
  });

  it('a Succeed ends its branch, not the whole', () => {
    const state = parallel([{ A: { Type: 'Succeed' } }, { B: { Type: 'Wait', Seconds: 1, End: true } }]);
    expect(play(single(state), { x: 1 })).toMatchObject({ output: [{ x: 1 }, { x: 1 }], tookMs: 1_000 });
  });

  it('a token completes the task that waits for it, and no other', () => {
    const answers: Record<string, Json> = { a: 'first', b: 'second' };
    const state = parallel([{ A: waitingTask('a', { End: true }) }, { B: waitingTask('b', { End: true }) }]);
    const ask: TestFunction = (_, __, order) => ({ complete: answers[order.resource] as Json, afterMs: 1_000 });
    expect(play(single(state), {}, { a: ask, b: ask }).output).toEqual(['first', 'second']);
  });

  it('nests', () => {
    const inner = parallel(
      [{ C: { Type: 'Wait', Seconds: 3, End: true } }, { D: { Type: 'Pass', Result: 'd', End: true } }],
      { End: true },
    );
    const state = parallel([{ Inner: inner }, { B: { Type: 'Pass', Result: 'b', End: true } }]);
    expect(play(single(state), 0)).toMatchObject({ output: [[0, 'd'], 'b'], tookMs: 3_000 });
  });
});

const map = (states: Readonly<Record<string, object>>, more: object = {}) => ({
  Type: 'Map',
  ItemProcessor: { ProcessorConfig: { Mode: 'INLINE' }, ...branch(states) },
  ...more,
});
const DOUBLE = {
  Double: { Type: 'Pass', Parameters: { 'x.$': 'States.MathAdd($, $)' }, OutputPath: '$.x', End: true },
};
const tell = { Tell: task('tell', { ResultSelector: { 'r.$': '$.Payload' }, OutputPath: '$.r', End: true }) };

describe('Map', () => {
  it('does the same with every item, and hands the results on in their order', () => {
    expect(play(single(map(DOUBLE)), [1, 2, 3]).output).toEqual([2, 4, 6]);
  });

  it('of nothing gives nothing', () => {
    expect(play(single(map(DOUBLE)), []).output).toEqual([]);
  });

  it('takes its items from ItemsPath, and makes its input by ItemSelector', () => {
    const state = map(tell, {
      InputPath: '$.alarm',
      ItemsPath: '$.staff',
      ItemSelector: { 'who.$': '$$.Map.Item.Value', 'nth.$': '$$.Map.Item.Index', 'bed.$': '$.bed' },
      ResultPath: '$.told',
    });
    const input = { alarm: { staff: ['N-1', 'N-2'], bed: 'B-7' } };
    expect(play(single(state), input, { tell: (payload) => ({ output: payload }) }).output).toEqual({
      ...input,
      told: [
        { who: 'N-1', nth: 0, bed: 'B-7' },
        { who: 'N-2', nth: 1, bed: 'B-7' },
      ],
    });
  });

  it('knows its item in every state of the iteration', () => {
    const states = {
      Pause: { Type: 'Wait', Seconds: 1, Next: 'Say' },
      Say: { Type: 'Pass', InputPath: '$$.Map.Item.Index', End: true },
    };
    expect(play(single(map(states)), ['a', 'b']).output).toEqual([0, 1]);
  });

  it.each<[object, number]>([
    [{}, 10],
    [{ MaxConcurrency: 0 }, 10],
    [{ MaxConcurrency: 1 }, 50],
    [{ MaxConcurrency: 2 }, 30],
    [{ MaxConcurrencyPath: '$[0]' }, 30],
  ])('runs as many at once as %j allows', (fields, seconds) => {
    const states = { Pause: { Type: 'Wait', Seconds: 10, End: true } };
    expect(play(single(map(states, fields)), [2, 2, 2, 2, 2]).tookMs).toBe(seconds * 1_000);
  });

  it('fails with the first item that fails, and is retried or caught as a whole', () => {
    const flaky: TestFunction = (payload, call) => (payload === 2 && call < 4 ? { error: 'Odd' } : { output: payload });
    const played = play(single(map(tell)), [1, 2, 3], { tell: flaky });
    expect(played).toMatchObject({ status: 'FAILED', error: 'Odd' });
    expect(types(played)).toEqual(expect.arrayContaining(['MapIterationFailed', 'MapStateFailed']));
    const retried = map(tell, { Retry: [{ ErrorEquals: ['Odd'], MaxAttempts: 2 }] });
    expect(play(single(retried), [1, 2, 3], { tell: flaky }).output).toEqual([1, 2, 3]);
  });

  it('of what is no list fails', () => {
    expect(play(single(map(DOUBLE)), { a: 1 })).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
  });

  it('over hundreds of items comes to its end', () => {
    const items = Array.from({ length: 700 }, (_, index) => index);
    expect(play(single(map(tell)), items, { tell: (payload) => ({ output: payload }) }).output).toEqual(items);
  });
});

describe('loops', () => {
  const loop = machine({
    Count: { Type: 'Pass', Parameters: { 'n.$': 'States.MathAdd($.n, 1)', 'until.$': '$.until' }, Next: 'Enough' },
    Enough: {
      Type: 'Choice',
      Choices: [{ Variable: '$.n', NumericLessThanPath: '$.until', Next: 'Count' }],
      Default: 'Done',
    },
    Done: { Type: 'Succeed' },
  });

  it('let others have their turn, and come to their end', () => {
    const played = play(loop, { n: 0, until: 2_000 });
    expect(played.output).toEqual({ n: 2_000, until: 2_000 });
    expect(played.events.length).toBeGreaterThan(5);
  });

  it('without an end are ended at 25,000 events', () => {
    const played = play(loop, { n: 0, until: 1e9 });
    expect(played).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
    expect(played.history.length).toBeGreaterThan(25_000);
    expect(played.history.length).toBeLessThan(27_000);
  });
});
