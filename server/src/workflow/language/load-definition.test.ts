import { describe, expect, it } from 'vitest';
import { loadDefinition } from './load-definition.ts';
import { task, waitingTask } from './test-machine.ts';

function problemsOf(definition: unknown, functions?: readonly string[]) {
  const source = typeof definition === 'string' ? definition : JSON.stringify(definition);
  const outcome = loadDefinition(source, { name: 'test', digest: 'd', ...(functions !== undefined && { functions }) });
  return outcome.kind === 'refused' ? outcome.problems : [];
}

/** The first problem of a definition with this one state (and an end to go to). */
function refused(state: object): string | undefined {
  const states = { Only: { ...state }, Done: { Type: 'Succeed' } };
  const [first] = problemsOf({ StartAt: 'Only', States: states });
  return first && `${first.path.replace('$.States.', '')} ${first.code}`;
}

const DONE = { Next: 'Done' };
const pass = (fields: object) => ({ Type: 'Pass', ...DONE, ...fields });
const wait = (fields: object) => ({ Type: 'Wait', ...DONE, ...fields });
const work = (fields: object) => task('f', { ...DONE, ...fields });
const inner = (states: object = { Inside: { Type: 'Succeed' } }) => ({
  StartAt: Object.keys(states)[0],
  States: states,
});
const map = (fields: object) => ({ Type: 'Map', ItemProcessor: inner(), ...DONE, ...fields });
const choice = (rule: object) => ({ Type: 'Choice', Choices: [{ Next: 'Done', ...rule }] });

describe('what is outside the subset is refused when it is loaded, with its place', () => {
  it.each<[string, object]>([
    // Another query language, and what belongs to it.
    ['Only.QueryLanguage unsupported', pass({ QueryLanguage: 'JSONata' })],
    ['Only.Arguments unsupported', work({ Arguments: {} })],
    ['Only.Output unsupported', pass({ Output: '{% $x %}' })],
    ['Only.Assign unsupported', pass({ Assign: { x: 1 } })],
    ['Only.Items unsupported', map({ Items: [] })],
    ['Only.Choices[0].Condition unsupported', choice({ Condition: '{% true %}', Variable: '$', IsNull: true })],
    // Distributed Map, and Map's old names.
    ['Only.ItemReader unsupported', map({ ItemReader: {} })],
    ['Only.ItemBatcher unsupported', map({ ItemBatcher: {} })],
    ['Only.ResultWriter unsupported', map({ ResultWriter: {} })],
    ['Only.ToleratedFailureCount unsupported', map({ ToleratedFailureCount: 1 })],
    ['Only.ToleratedFailurePercentagePath unsupported', map({ ToleratedFailurePercentagePath: '$' })],
    ['Only.Label unsupported', map({ Label: 'x' })],
    ['Only.Parameters unsupported', map({ Parameters: {} })],
    ['Only.Iterator unsupported', { Type: 'Map', Iterator: inner(), ItemProcessor: inner(), ...DONE }],
    [
      'Only.ItemProcessor.ProcessorConfig.Mode unsupported',
      map({ ItemProcessor: { ...inner(), ProcessorConfig: { Mode: 'DISTRIBUTED' } } }),
    ],
    [
      'Only.ItemProcessor.ProcessorConfig.ExecutionType unsupported',
      map({ ItemProcessor: { ...inner(), ProcessorConfig: { Mode: 'INLINE', ExecutionType: 'EXPRESS' } } }),
    ],
    // Tasks other than functions.
    ['Only.Resource unsupported', work({ Resource: 'arn:aws:lambda:eu-west-1:123456789012:function:f' })],
    ['Only.Resource unsupported', work({ Resource: 'arn:aws:states:::sqs:sendMessage.waitForTaskToken' })],
    ['Only.Resource unsupported', work({ Resource: 'arn:aws:states:::lambda:invoke.sync' })],
    ['Only.Resource unsupported', work({ Resource: 'arn:aws:states:eu-west-1:123456789012:activity:a' })],
    ['Only.Credentials unsupported', work({ Credentials: { RoleArn: 'x' } })],
    [
      'Only.Parameters.FunctionName.$ unsupported',
      work({ Parameters: { 'FunctionName.$': '$.f', FunctionName: 'f' } }),
    ],
    [
      'Only.Parameters.InvocationType unsupported',
      work({ Parameters: { FunctionName: 'f', InvocationType: 'Event' } }),
    ],
    ['Only.Parameters.Qualifier unsupported', work({ Parameters: { FunctionName: 'f', Qualifier: '1' } })],
    // Paths and functions.
    ['Only.InputPath unsupported', pass({ InputPath: '$.a.length()' })],
    ['Only.InputPath unsupported', pass({ InputPath: "$['a','b']" })],
    ['Only.InputPath unsupported', pass({ InputPath: '$$.Execution.RoleArn' })],
    ['Only.Parameters.h.$ unsupported', pass({ Parameters: { 'h.$': "States.Hash($.a, 'MD5')" } })],
    ['Only.Parameters.h.$ unsupported', pass({ Parameters: { 'h.$': 'States.Array($$.Execution.RedriveCount)' } })],
    ['Only.ErrorPath unsupported', { Type: 'Fail', ErrorPath: "States.Format('x')" }],
  ])('%s', (problem, state) => expect(refused(state)).toBe(problem));

  it('as a whole, too', () => {
    const states = { A: { Type: 'Succeed' } };
    expect(problemsOf({ StartAt: 'A', States: states, QueryLanguage: 'JSONata' })).toMatchObject([
      { path: '$.QueryLanguage', code: 'unsupported', detail: expect.stringContaining('JSONata') },
    ]);
    expect(problemsOf({ StartAt: 'A', States: states, ProcessorConfig: {} })).toMatchObject([
      { path: '$.ProcessorConfig', code: 'unknown-field' },
    ]);
  });
});

describe('what is malformed is refused with its place', () => {
  it.each<[string, object]>([
    ['Only.Type missing', { End: true }],
    ['Only.Type malformed', { Type: 'Sleep' }],
    ['Only.Type malformed', { Type: 'constructor' }],
    ['Only missing', { Type: 'Pass' }],
    ['Only.End conflict', pass({ End: true })],
    ['Only.End malformed', { Type: 'Pass', End: false }],
    ['Only.Next not-found', { Type: 'Pass', Next: 'Nowhere' }],
    ['Only.Next not-found', { Type: 'Pass', Next: 'toString' }],
    ['Only.Typo unknown-field', pass({ Typo: 1 })],
    ['Only.Retry unknown-field', pass({ Retry: [] })],
    ['Only.Catch unknown-field', wait({ Seconds: 1, Catch: [] })],
    ['Only.ResultPath unknown-field', wait({ Seconds: 1, ResultPath: '$' })],
    ['Only.Next unknown-field', { Type: 'Succeed', Next: 'Done' }],
    ['Only.End unknown-field', { Type: 'Fail', End: true }],
    // Paths.
    ['Only.InputPath malformed', pass({ InputPath: 'a' })],
    ['Only.InputPath malformed', pass({ InputPath: 5 })],
    ['Only.OutputPath malformed', pass({ OutputPath: '$.a[' })],
    ['Only.ResultPath malformed', pass({ ResultPath: '$.a[*]' })],
    ['Only.ResultPath malformed', pass({ ResultPath: '$$.Execution.Id' })],
    ['Only.Parameters.a.$ malformed', pass({ Parameters: { 'a.$': 5 } })],
    ['Only.Parameters.a.$ malformed', pass({ Parameters: { 'a.$': 'plain' } })],
    ['Only.Parameters.a conflict', pass({ Parameters: { 'a.$': '$', a: 1 } })],
    ['Only.Parameters.deep[0].b.$ malformed', pass({ Parameters: { deep: [{ 'b.$': '$.' }] } })],
    // Times.
    ['Only missing', wait({})],
    ['Only.SecondsPath conflict', wait({ Seconds: 1, SecondsPath: '$.s' })],
    ['Only.Timestamp conflict', wait({ Seconds: 1, Timestamp: '2026-11-22T01:02:03Z' })],
    ['Only.Seconds malformed', wait({ Seconds: -1 })],
    ['Only.Seconds malformed', wait({ Seconds: 1.5 })],
    ['Only.Seconds malformed', wait({ Seconds: 100_000_000 })],
    ['Only.Seconds malformed', wait({ Seconds: '1' })],
    ['Only.SecondsPath malformed', wait({ SecondsPath: '$.s[*]' })],
    ['Only.Timestamp malformed', wait({ Timestamp: '2026-11-22 01:02:03' })],
    ['Only.Timestamp malformed', wait({ Timestamp: '2026-02-31T01:02:03Z' })],
    ['Only.Timestamp malformed', wait({ Timestamp: '2026-11-22t01:02:03z' })],
    // Tasks.
    ['Only.Resource missing', { Type: 'Task', ...DONE }],
    ['Only.Parameters missing', { Type: 'Task', Resource: 'arn:aws:states:::lambda:invoke', ...DONE }],
    ['Only.Parameters.FunctionName missing', work({ Parameters: {} })],
    ['Only.Parameters.FunctionName malformed', work({ Parameters: { FunctionName: 'a b' } })],
    [
      'Only.Parameters.Payload malformed',
      work({ Parameters: { FunctionName: 'f', Payload: { 't.$': '$$.Task.Token' } } }),
    ],
    ['Only.Parameters.Payload missing', waitingTask('f', { ...DONE, Parameters: { FunctionName: 'f' } })],
    ['Only.TimeoutSeconds malformed', work({ TimeoutSeconds: 0 })],
    ['Only.TimeoutSecondsPath conflict', work({ TimeoutSeconds: 1, TimeoutSecondsPath: '$.t' })],
    ['Only.HeartbeatSeconds malformed', work({ TimeoutSeconds: 10, HeartbeatSeconds: 10 })],
    ['Only.ResultSelector malformed', work({ ResultSelector: [1] })],
    // Retry and Catch.
    ['Only.Retry malformed', work({ Retry: {} })],
    ['Only.Retry[0].ErrorEquals missing', work({ Retry: [{}] })],
    ['Only.Retry[0].ErrorEquals malformed', work({ Retry: [{ ErrorEquals: [] }] })],
    ['Only.Retry[0].ErrorEquals malformed', work({ Retry: [{ ErrorEquals: ['States.ALL', 'A'] }] })],
    ['Only.Retry[0].ErrorEquals malformed', work({ Retry: [{ ErrorEquals: ['States.ALL'] }, { ErrorEquals: ['A'] }] })],
    ['Only.Retry[0].ErrorEquals malformed', work({ Retry: [{ ErrorEquals: ['States.Typo'] }] })],
    ['Only.Retry[0].IntervalSeconds malformed', work({ Retry: [{ ErrorEquals: ['A'], IntervalSeconds: 0 }] })],
    ['Only.Retry[0].MaxAttempts malformed', work({ Retry: [{ ErrorEquals: ['A'], MaxAttempts: -1 }] })],
    ['Only.Retry[0].BackoffRate malformed', work({ Retry: [{ ErrorEquals: ['A'], BackoffRate: 0.5 }] })],
    [
      'Only.Retry[0].MaxDelaySeconds malformed',
      work({ Retry: [{ ErrorEquals: ['A'], IntervalSeconds: 5, MaxDelaySeconds: 5 }] }),
    ],
    ['Only.Retry[0].JitterStrategy malformed', work({ Retry: [{ ErrorEquals: ['A'], JitterStrategy: 'HALF' }] })],
    ['Only.Retry[0].Next unknown-field', work({ Retry: [{ ErrorEquals: ['A'], Next: 'Done' }] })],
    ['Only.Catch[0].Next missing', work({ Catch: [{ ErrorEquals: ['A'] }] })],
    ['Only.Catch[0].Next not-found', work({ Catch: [{ ErrorEquals: ['A'], Next: 'Nowhere' }] })],
    ['Only.Catch[0].ResultPath malformed', work({ Catch: [{ ErrorEquals: ['A'], Next: 'Done', ResultPath: '$..a' }] })],
    // Choices.
    ['Only.Choices missing', { Type: 'Choice', Default: 'Done' }],
    ['Only.Choices malformed', { Type: 'Choice', Choices: [], Default: 'Done' }],
    ['Only.Choices[0] missing', choice({ Variable: '$.a' })],
    ['Only.Choices[0].Variable missing', choice({ StringEquals: 'a' })],
    ['Only.Choices[0].NumericEquals conflict', choice({ Variable: '$.a', StringEquals: 'a', NumericEquals: 1 })],
    ['Only.Choices[0].StringEquals malformed', choice({ Variable: '$.a', StringEquals: 1 })],
    ['Only.Choices[0].NumericLessThan malformed', choice({ Variable: '$.a', NumericLessThan: '1' })],
    ['Only.Choices[0].TimestampEquals malformed', choice({ Variable: '$.a', TimestampEquals: 'noon' })],
    ['Only.Choices[0].IsNull malformed', choice({ Variable: '$.a', IsNull: 'yes' })],
    [
      'Only.Choices[0].StringMatchesPath unknown-field',
      choice({ Variable: '$.a', IsNull: true, StringMatchesPath: '$.b' }),
    ],
    ['Only.Choices[0].And malformed', choice({ And: [] })],
    ['Only.Choices[0].And[0].Next unknown-field', choice({ And: [{ Variable: '$.a', IsNull: true, Next: 'Done' }] })],
    ['Only.Choices[0].Not.Variable malformed', choice({ Not: { Variable: 'a', IsNull: true } })],
    ['Only.Choices[0].Next missing', { Type: 'Choice', Choices: [{ Variable: '$.a', IsNull: true }], Default: 'Done' }],
    // Branches.
    ['Only.Branches missing', { Type: 'Parallel', ...DONE }],
    ['Only.Branches malformed', { Type: 'Parallel', Branches: [], ...DONE }],
    [
      'Only.Branches[0].StartAt not-found',
      { Type: 'Parallel', Branches: [{ StartAt: 'X', States: inner().States }], ...DONE },
    ],
    [
      'Only.Branches[0].States.Inside.Next not-found',
      { Type: 'Parallel', Branches: [inner({ Inside: { Type: 'Pass', Next: 'Done' } })], ...DONE },
    ],
    [
      'Only.Branches[0].TimeoutSeconds unknown-field',
      { Type: 'Parallel', Branches: [{ ...inner(), TimeoutSeconds: 1 }], ...DONE },
    ],
    ['Only.ItemProcessor missing', { Type: 'Map', ...DONE }],
    ['Only.ItemProcessor.States.Done conflict', map({ ItemProcessor: inner({ Done: { Type: 'Succeed' } }) })],
    ['Only.MaxConcurrency malformed', map({ MaxConcurrency: -1 })],
    ['Only.MaxConcurrencyPath conflict', map({ MaxConcurrency: 1, MaxConcurrencyPath: '$.n' })],
    ['Only.ItemsPath malformed', map({ ItemsPath: '$.a[*]' })],
    ['Only.CausePath conflict', { Type: 'Fail', Cause: 'x', CausePath: '$.x' }],
  ])('%s', (problem, state) => expect(refused(state)).toBe(problem));

  it.each<[string, unknown]>([
    ['$ malformed', '{'],
    ['$ malformed', '[]'],
    ['$ malformed', 'null'],
    ['$ malformed', `{"Comment":"${'x'.repeat(1_048_576)}"}`],
    ['$.States missing', { StartAt: 'A' }],
    ['$.StartAt missing', { States: { A: { Type: 'Succeed' } } }],
    ['$.StartAt not-found', { StartAt: 'B', States: { A: { Type: 'Succeed' } } }],
    ['$.States missing', { StartAt: 'A', States: {} }],
    ['$.States.A malformed', { StartAt: 'A', States: { A: 'Pass' } }],
    ['$.States.B unreachable', { StartAt: 'A', States: { A: { Type: 'Succeed' }, B: { Type: 'Succeed' } } }],
    ['$.Version malformed', { Version: '2.0', StartAt: 'A', States: { A: { Type: 'Succeed' } } }],
    ['$.TimeoutSeconds malformed', { TimeoutSeconds: 0, StartAt: 'A', States: { A: { Type: 'Succeed' } } }],
  ])('%s', (problem, definition) => {
    expect(problemsOf(definition).map(({ path, code }) => `${path} ${code}`)).toContain(problem);
  });

  it('names every problem at once', () => {
    const states = { A: { Type: 'Wait', Seconds: -1, Typo: 1 }, B: { Type: 'Nap' } };
    expect(problemsOf({ StartAt: 'C', States: states }).map(({ path }) => path)).toEqual(
      expect.arrayContaining(['$.StartAt', '$.States.A.Typo', '$.States.A.Seconds', '$.States.A', '$.States.B.Type']),
    );
  });
});

describe('functions', () => {
  const definition = { StartAt: 'A', States: { A: task('escalation-tell', { End: true }) } };

  it('must be there', () => {
    expect(problemsOf(definition, ['escalation-tell'])).toEqual([]);
    expect(problemsOf(definition, ['tell'])).toMatchObject([
      { path: '$.States.A.Parameters.FunctionName', code: 'not-found' },
    ]);
  });

  it('may be named by ARN, as on AWS', () => {
    const FunctionName = 'arn:aws:lambda:eu-central-1:123456789012:function:escalation-tell:live';
    const byArn = { StartAt: 'A', States: { A: task('', { Parameters: { FunctionName }, End: true }) } };
    expect(problemsOf(byArn, ['escalation-tell'])).toEqual([]);
  });
});
