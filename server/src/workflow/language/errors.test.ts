import { describe, expect, it } from 'vitest';
import { machine, play, single, type TestFunction, task, waitingTask } from './test-machine.ts';

/** Fails with these one after the other, then answers. */
const failing =
  (...errors: readonly string[]): TestFunction =>
  (_, call) =>
    errors[call - 1] === undefined ? { output: 'ok' } : { error: errors[call - 1] as string, cause: `call ${call}` };

const ALL = ['States.ALL'];
const retry = (...retriers: readonly object[]) => ({ Retry: retriers });
/** The seconds at which the function was called. */
const calls = (played: ReturnType<typeof play>) =>
  played.history
    .filter(({ type }) => type === 'TaskScheduled')
    .map(({ atMs }, _, all) => (atMs - (all[0]?.atMs ?? 0)) / 1_000);

describe('Retry', () => {
  it('tries three times more by default, after 1, 2 and 4 seconds', () => {
    const played = play(single(task('f', retry({ ErrorEquals: ALL }))), {}, { f: failing('A', 'A', 'A') });
    expect(played.status).toBe('SUCCEEDED');
    expect(calls(played)).toEqual([0, 1, 3, 7]);
  });

  it('gives up after MaxAttempts, with the last error', () => {
    const played = play(
      single(task('f', retry({ ErrorEquals: ALL, MaxAttempts: 2 }))),
      {},
      { f: failing('A', 'B', 'C') },
    );
    expect(played).toMatchObject({ status: 'FAILED', error: 'C', cause: 'call 3' });
  });

  it.each<[string, object, readonly number[]]>([
    ['IntervalSeconds and BackoffRate', { IntervalSeconds: 10, BackoffRate: 1.5, MaxAttempts: 3 }, [0, 10, 25, 47.5]],
    ['a flat BackoffRate', { IntervalSeconds: 5, BackoffRate: 1, MaxAttempts: 3 }, [0, 5, 10, 15]],
    ['MaxDelaySeconds', { IntervalSeconds: 10, BackoffRate: 10, MaxDelaySeconds: 15, MaxAttempts: 3 }, [0, 10, 25, 40]],
    ['MaxAttempts 0: never', { MaxAttempts: 0 }, [0]],
  ])('waits by %s', (_, fields, at) => {
    const played = play(
      single(task('f', retry({ ErrorEquals: ALL, ...fields }))),
      {},
      { f: failing('A', 'A', 'A', 'A') },
    );
    expect(calls(played)).toEqual(at);
  });

  it('with full jitter waits between nothing and the whole of it', () => {
    const jitter = retry({
      ErrorEquals: ALL,
      IntervalSeconds: 100,
      BackoffRate: 1,
      MaxAttempts: 50,
      JitterStrategy: 'FULL',
    });
    const at = calls(play(single(task('f', jitter)), {}, { f: failing(...Array.from({ length: 50 }, () => 'A')) }));
    const pauses = at.slice(1).map((second, index) => second - (at[index] ?? 0));
    expect(pauses).toHaveLength(50);
    expect(pauses.every((pause) => pause >= 0 && pause <= 100)).toBe(true);
    expect(new Set(pauses).size).toBeGreaterThan(40);
  });

  it('takes the first retrier that names the error, and counts each by itself', () => {
    const two = retry(
      { ErrorEquals: ['A'], IntervalSeconds: 1, MaxAttempts: 1 },
      { ErrorEquals: ['B'], IntervalSeconds: 10, MaxAttempts: 2, BackoffRate: 1 },
      { ErrorEquals: ALL, IntervalSeconds: 100, MaxAttempts: 1 },
    );
    expect(calls(play(single(task('f', two)), {}, { f: failing('A', 'B', 'B', 'X') }))).toEqual([0, 1, 11, 21, 121]);
    // The second A finds its retrier used up: those after it are not asked.
    expect(play(single(task('f', two)), {}, { f: failing('A', 'A') })).toMatchObject({ status: 'FAILED', error: 'A' });
  });

  it('begins anew when the state is entered again', () => {
    const definition = machine({
      Work: task('f', {
        ...retry({ ErrorEquals: ALL, MaxAttempts: 1, IntervalSeconds: 1 }),
        ResultPath: '$.r',
        Next: 'Again',
      }),
      Again: {
        Type: 'Choice',
        Choices: [{ Variable: '$$.State.RetryCount', NumericEquals: 0, Next: 'Once' }],
      },
      Once: task('g', { ResultPath: '$.g', Next: 'Enough' }),
      Enough: {
        Type: 'Choice',
        Choices: [{ Variable: '$.g.Payload', NumericEquals: 1, Next: 'Work' }],
        Default: 'Done',
      },
      Done: { Type: 'Succeed' },
    });
    const g: TestFunction = (_, call) => ({ output: call });
    const f: TestFunction = (_, call) => (call % 2 === 1 ? { error: 'A' } : { output: 1 });
    expect(play(definition, {}, { f, g }).status).toBe('SUCCEEDED');
  });

  it('puts the count into the context', () => {
    const payloads: unknown[] = [];
    const fields = {
      Parameters: { FunctionName: 'f', Payload: { 'count.$': '$$.State.RetryCount' } },
      ...retry({ ErrorEquals: ALL }),
    };
    play(
      single(task('f', fields)),
      {},
      {
        f(payload, call) {
          payloads.push(payload);
          return call < 3 ? { error: 'A' } : { output: 1 };
        },
      },
    );
    expect(payloads).toEqual([{ count: 0 }, { count: 1 }, { count: 2 }]);
  });

  it('gives every attempt a number of its own', () => {
    const attempts: number[] = [];
    play(
      single(task('f', retry({ ErrorEquals: ALL }))),
      {},
      {
        f(_, call, order) {
          attempts.push(order.task);
          return call < 3 ? { error: 'A' } : { output: 1 };
        },
      },
    );
    expect(attempts).toEqual([1, 2, 3]);
  });
});

describe('Catch', () => {
  const caught = (catchers: readonly object[], ...errors: readonly string[]) =>
    play(
      machine({
        Work: task('f', { Catch: catchers, Next: 'Fine' }),
        Fine: { Type: 'Pass', Result: 'fine', End: true },
        Fallback: { Type: 'Pass', End: true },
        Other: { Type: 'Pass', Result: 'other', End: true },
      }),
      { bed: 'B-7' },
      { f: failing(...errors) },
    );
  const unreached = { ErrorEquals: ['Never'], Next: 'Fallback' };

  it('goes to its state with Error and Cause', () => {
    const played = caught(
      [
        { ErrorEquals: ['A'], Next: 'Fallback' },
        { ErrorEquals: ALL, Next: 'Other' },
      ],
      'A',
    );
    expect(played.output).toEqual({ Error: 'A', Cause: 'call 1' });
  });

  it('puts them beside the input by ResultPath', () => {
    const played = caught(
      [
        unreached,
        { ErrorEquals: ['B'], Next: 'Other' },
        { ErrorEquals: ALL, Next: 'Fallback', ResultPath: '$.failed' },
      ],
      'A',
    );
    expect(played.output).toEqual({ bed: 'B-7', failed: { Error: 'A', Cause: 'call 1' } });
  });

  it('keeps the input alone for ResultPath null', () => {
    const played = caught(
      [
        { ErrorEquals: ['B'], Next: 'Other' },
        { ErrorEquals: ALL, Next: 'Fallback', ResultPath: null },
      ],
      'A',
    );
    expect(played.output).toEqual({ bed: 'B-7' });
  });

  it('comes after Retry', () => {
    const definition = machine({
      Work: task('f', {
        ...retry({ ErrorEquals: ['A'], MaxAttempts: 1 }),
        Catch: [{ ErrorEquals: ['A'], Next: 'Fallback' }],
        Next: 'Fine',
      }),
      Fine: { Type: 'Pass', Result: 'fine', End: true },
      Fallback: { Type: 'Pass', Result: 'fallback', End: true },
    });
    expect(play(definition, {}, { f: failing('A') }).output).toBe('fine');
    expect(play(definition, {}, { f: failing('A', 'A') }).output).toBe('fallback');
  });

  it('catches what goes wrong before and after the function, too', () => {
    const definition = (fields: object) =>
      machine({
        Work: task('f', { ...fields, Catch: [{ ErrorEquals: ALL, Next: 'Fallback' }], Next: 'Fine' }),
        Fine: { Type: 'Succeed' },
        Fallback: { Type: 'Pass', InputPath: '$.Error', End: true },
      });
    const parameters = { Parameters: { FunctionName: 'f', Payload: { 'x.$': '$.missing' } } };
    expect(play(definition(parameters), {}, { f: failing() }).output).toBe('States.ParameterPathFailure');
    const selector = { ResultSelector: { 'x.$': 'States.MathAdd(1, $.Payload)' } };
    expect(play(definition(selector), {}, { f: failing() }).output).toBe('States.IntrinsicFailure');
  });
});

describe('error names', () => {
  const isCaught = (name: string, error: string) =>
    play(
      machine({
        Work: task('f', { Catch: [{ ErrorEquals: [name], Next: 'Fallback' }], Next: 'Fine' }),
        Fine: { Type: 'Succeed' },
        Fallback: { Type: 'Succeed' },
      }),
      {},
      { f: failing(error) },
    ).status === 'SUCCEEDED';

  it.each<[string, string, boolean]>([
    ['A', 'A', true],
    ['A', 'B', false],
    ['States.ALL', 'A', true],
    ['States.ALL', 'States.Timeout', true],
    ['States.ALL', 'States.Permissions', true],
    ['States.ALL', 'States.DataLimitExceeded', false],
    ['States.ALL', 'States.Runtime', false],
    ['States.Runtime', 'States.Runtime', false],
    ['States.DataLimitExceeded', 'States.DataLimitExceeded', true],
    ['States.TaskFailed', 'A', true],
    ['States.TaskFailed', 'States.Timeout', false],
    ['States.TaskFailed', 'States.HeartbeatTimeout', true],
    ['States.Timeout', 'States.HeartbeatTimeout', true],
    ['States.HeartbeatTimeout', 'States.Timeout', false],
  ])('%s names %s: %s', (name, error, result) => expect(isCaught(name, error)).toBe(result));
});

describe('TimeoutSeconds', () => {
  const timed = (fields: object, f: TestFunction, input = {}) =>
    play(machine({ Ask: waitingTask('f', { ...fields, End: true }) }), input, { f });

  it('fails a task that nobody answers, to the second', () => {
    const played = timed({ TimeoutSeconds: 600 }, () => undefined);
    expect(played).toMatchObject({ status: 'FAILED', error: 'States.Timeout', tookMs: 600_000 });
    expect(played.history.map(({ type }) => type)).toContain('TaskTimedOut');
  });

  it('counts on after the function has returned, until the token is completed', () => {
    expect(timed({ TimeoutSeconds: 600 }, () => ({ complete: 'yes', afterMs: 599_999 }))).toMatchObject({
      output: 'yes',
    });
    expect(timed({ TimeoutSeconds: 600 }, () => ({ complete: 'yes', afterMs: 600_000 }))).toMatchObject({
      error: 'States.Timeout',
    });
  });

  it('comes from the input', () => {
    const played = timed({ TimeoutSecondsPath: '$.wait' }, () => undefined, { wait: 30 });
    expect(played).toMatchObject({ error: 'States.Timeout', tookMs: 30_000 });
    expect(timed({ TimeoutSecondsPath: '$.wait' }, () => undefined, { wait: 0 })).toMatchObject({
      error: 'States.Runtime',
    });
  });

  it('begins anew with every attempt', () => {
    const fields = {
      TimeoutSeconds: 10,
      ...retry({ ErrorEquals: ['States.Timeout'], MaxAttempts: 2, IntervalSeconds: 1, BackoffRate: 1 }),
    };
    expect(timed(fields, () => undefined)).toMatchObject({ error: 'States.Timeout', tookMs: 32_000 });
  });

  it('of the whole ends it as TIMED_OUT', () => {
    const definition = machine({ Wait: { Type: 'Wait', Seconds: 100, End: true } }, { TimeoutSeconds: 60 });
    expect(play(definition)).toMatchObject({ status: 'TIMED_OUT', tookMs: 60_000 });
  });
});

describe('HeartbeatSeconds', () => {
  const beating = (f: TestFunction, fields: object = {}) =>
    play(
      machine({ Ask: waitingTask('f', { HeartbeatSeconds: 10, TimeoutSeconds: 100, ...fields, End: true }) }),
      { beat: 20 },
      { f },
    );

  it('fails a task that shows no sign of life', () => {
    expect(beating(() => undefined)).toMatchObject({ error: 'States.HeartbeatTimeout', tookMs: 10_000 });
  });

  it('goes on as long as it does', () => {
    const played = beating(() => ({ beatEveryMs: 9_000, times: 5 }));
    expect(played).toMatchObject({ error: 'States.HeartbeatTimeout', tookMs: 55_000 });
  });

  it('does not outlast the time-out', () => {
    expect(beating(() => ({ beatEveryMs: 9_000, times: 50 }))).toMatchObject({
      error: 'States.Timeout',
      tookMs: 100_000,
    });
  });

  it('comes from the input', () => {
    const state = waitingTask('f', { HeartbeatSecondsPath: '$.beat', End: true });
    expect(play(machine({ Ask: state }), { beat: 20 }, {})).toMatchObject({ tookMs: 20_000 });
  });
});

describe('a task that waits for a token', () => {
  it('hands on what completes it, and nothing of what its function answered', () => {
    const played = play(
      machine({ Ask: waitingTask('f', { End: true }) }),
      {},
      { f: () => ({ complete: { by: 'nurse' } }) },
    );
    expect(played.output).toEqual({ by: 'nurse' });
    expect(played.history.map(({ type }) => type).slice(2, 7)).toEqual([
      'TaskScheduled',
      'TaskStarted',
      'TaskSubmitted',
      'TaskSucceeded',
      'TaskStateExited',
    ]);
  });

  it('fails with what fails it', () => {
    const played = play(machine({ Ask: waitingTask('f', { End: true }) }), {}, { f: () => ({ fail: 'Refused' }) });
    expect(played).toMatchObject({ status: 'FAILED', error: 'Refused' });
  });

  it('fails when its function does, before anybody could answer', () => {
    const played = play(machine({ Ask: waitingTask('f', { End: true }) }), {}, { f: () => ({ error: 'Broken' }) });
    expect(played).toMatchObject({ status: 'FAILED', error: 'Broken' });
  });

  it('has a token of its own in every attempt; an answer to an earlier one changes nothing', () => {
    const tokens: (string | undefined)[] = [];
    const fields = {
      TimeoutSeconds: 10,
      ...retry({ ErrorEquals: ['States.Timeout'], MaxAttempts: 2, IntervalSeconds: 1 }),
      End: true,
    };
    const played = play(
      machine({ Ask: waitingTask('f', fields) }),
      {},
      {
        f(_, call, order) {
          tokens.push(order.token);
          // The first answers after its time, when the second already waits.
          return call === 1 ? { complete: 'late', afterMs: 15_000 } : { complete: 'second', afterMs: 9_000 };
        },
      },
    );
    expect(new Set(tokens).size).toBe(2);
    expect(played.output).toBe('second');
  });
});

describe('stopping', () => {
  it('ends it as ABORTED, whatever it is in', () => {
    const played = play(machine({ Ask: waitingTask('f', { End: true }) }), {}, {}, { stopAfterMs: 5_000 });
    expect(played).toMatchObject({ status: 'ABORTED', cause: 'told to', tookMs: 5_000 });
  });
});
