import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isMotoInstalled } from '../adapters/aws/test-moto.ts';
import { MemoryWorkflowStore } from '../adapters/memory/memory-workflow-store.ts';
import type { HistoryEvent } from './language/history-event.ts';
import type { Json } from './language/json.ts';
import { type StepFunctions, type StepFunctionsEvent, startStepFunctions } from './test-step-functions.ts';
import { historyIn, startTestDriver } from './test-workflow.ts';

/** One definition with one input, and what the world answers. */
interface Script {
  readonly definition: string;
  readonly input: Json;
  /** Of functions, in the order in which they are called. */
  readonly answers: readonly Json[];
  /** What becomes of the tokens of a state; of a state that is not here nobody hears. */
  readonly tokens?: Readonly<Record<string, { readonly output: Json } | { readonly error: string }>>;
}

/** An event as both tell it: without ids and times of their own, tokens masked. */
interface Told {
  readonly type: string;
  readonly previous: number;
  readonly state?: unknown;
  readonly input?: unknown;
  readonly output?: unknown;
  readonly error?: unknown;
}

const installed = isMotoInstalled();
if (!installed)
  console.warn(
    'NOT COMPARED with Step Functions: moto_server is not installed here (pip install "moto[server,stepfunctions]").',
  );

describe.skipIf(!installed)('the same definition, the same history, here and on moto’s Step Functions', () => {
  let stepFunctions: StepFunctions;
  beforeAll(async () => {
    stepFunctions = await startStepFunctions();
  });
  afterAll(() => stepFunctions?.stop());

  it.each<[string, Script]>([
    ['every state but Parallel, in order', everyState()],
    ['retries, and a Catch that is reached', retries()],
    ['a time-out, caught', timeOut()],
    ['a Fail', failing()],
    ['an escalation that the nurse answers', escalation({ TellNurse: { output: { answer: 'taken' } } }, [{}])],
    [
      'an escalation that goes on to the leads',
      escalation({ TellLeads: { output: { answer: 'taken' } } }, [{}, { verdict: 'breaching' }, {}]),
    ],
    ['an escalation that ends because the vital recovered', escalation({}, [{}, { verdict: 'recovered' }])],
    [
      'an escalation with nobody to tell at first',
      escalation({ TellNurse: { output: { answer: 'nobody' } }, TellLeads: { output: { answer: 'taken' } } }, [{}, {}]),
    ],
  ])('%s', { timeout: 60_000 }, async (_, script) => {
    const [ours, theirs] = [await playHere(script), await playThere(stepFunctions, script)];
    expect(ours.length).toBeGreaterThan(2);
    expect(linesOf(ours)).toEqual(linesOf(theirs));
  });

  it('branches of a Parallel, each by itself', { timeout: 60_000 }, async () => {
    const [ours, theirs] = [await playHere(branches()), await playThere(stepFunctions, branches())];
    const each = (told: readonly Told[]) => linesOf(told.map((event) => ({ ...event, previous: 0 }))).toSorted();
    expect(each(ours)).toEqual(each(theirs));
  });
});

const call = (payload: object, more: object) => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Parameters: { FunctionName: 'answer', Payload: payload },
  ResultSelector: { 'said.$': '$.Payload' },
  ...more,
});
const ask = (more: object) => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
  Parameters: { FunctionName: 'answer', Payload: { 'token.$': '$$.Task.Token' } },
  ...more,
});

function everyState(): Script {
  const definition = {
    StartAt: 'Begin',
    States: {
      Begin: {
        Type: 'Pass',
        Parameters: {
          'bed.$': '$.bed',
          'text.$': "States.Format('bed {} of {}', $.bed, $.ward.name)",
          'last.$': '$.list[-1:]',
          'ids.$': '$.list[*].id',
          'sum.$': 'States.MathAdd($.ward.beds, 1)',
          fixed: { list: [1], two: null },
        },
        ResultPath: '$.begun.here',
        Next: 'Choose',
      },
      Choose: {
        Type: 'Choice',
        InputPath: '$.begun.here',
        Choices: [
          { Variable: '$.sum', NumericLessThan: 5, Next: 'Wrong' },
          {
            And: [
              { Variable: '$.bed', StringMatches: 'B-*' },
              { Not: { Variable: '$.missing', IsPresent: true } },
              { Variable: '$.fixed.two', IsNull: true },
            ],
            Next: 'Pause',
          },
        ],
        Default: 'Wrong',
      },
      Pause: { Type: 'Wait', Seconds: 1, Next: 'Call' },
      Call: call({ 'of.$': '$.text' }, { ResultPath: '$.called', Next: 'Ask' }),
      Ask: ask({ TimeoutSeconds: 30, ResultPath: '$.asked', Next: 'Each' }),
      Each: {
        Type: 'Map',
        ItemsPath: '$.asked.items',
        ItemSelector: { 'item.$': '$$.Map.Item.Value', 'nth.$': '$$.Map.Item.Index' },
        MaxConcurrency: 1,
        ItemProcessor: {
          ProcessorConfig: { Mode: 'INLINE' },
          StartAt: 'One',
          States: { One: { Type: 'Pass', OutputPath: '$.nth', End: true } },
        },
        ResultPath: '$.each',
        Next: 'Done',
      },
      Done: { Type: 'Succeed', OutputPath: '$.each' },
      Wrong: { Type: 'Fail', Error: 'Wrong' },
    },
  };
  return {
    definition: JSON.stringify(definition),
    input: {
      bed: 'B-7',
      ward: { name: 'ICU', beds: 7 },
      list: [
        { id: 'a', news: 7 },
        { id: 'b', news: 1 },
      ],
    },
    answers: [{ yes: true }, {}],
    tokens: { Ask: { output: { items: ['x', 'y'] } } },
  };
}

function retries(): Script {
  const definition = {
    StartAt: 'Ask',
    States: {
      Ask: ask({
        TimeoutSeconds: 30,
        Retry: [
          { ErrorEquals: ['Other'], MaxAttempts: 9 },
          { ErrorEquals: ['Refused'], IntervalSeconds: 1, MaxAttempts: 2, BackoffRate: 1 },
        ],
        Catch: [
          { ErrorEquals: ['Other'], Next: 'Wrong' },
          { ErrorEquals: ['States.TaskFailed'], ResultPath: '$.failed', Next: 'Calm' },
        ],
        Next: 'Wrong',
      }),
      Calm: { Type: 'Pass', InputPath: '$.failed.Error', End: true },
      Wrong: { Type: 'Fail' },
    },
  };
  const answers = [{}, {}, {}];
  return { definition: JSON.stringify(definition), input: { a: 1 }, answers, tokens: { Ask: { error: 'Refused' } } };
}

function timeOut(): Script {
  const definition = {
    StartAt: 'Ask',
    States: {
      Ask: ask({
        TimeoutSecondsPath: '$.seconds',
        Catch: [{ ErrorEquals: ['States.Timeout'], ResultPath: null, Next: 'Calm' }],
        End: true,
      }),
      Calm: { Type: 'Succeed' },
    },
  };
  return { definition: JSON.stringify(definition), input: { seconds: 1 }, answers: [{}] };
}

function failing(): Script {
  const definition = { StartAt: 'No', States: { No: { Type: 'Fail', ErrorPath: '$.error', Cause: 'because' } } };
  return { definition: JSON.stringify(definition), input: { error: 'NobodyAnswered' }, answers: [] };
}

function branches(): Script {
  const pause = (Seconds: number, more: object) => ({ Type: 'Wait', Seconds, ...more });
  const definition = {
    StartAt: 'Both',
    States: {
      Both: {
        Type: 'Parallel',
        Branches: [
          { StartAt: 'A1', States: { A1: pause(1, { Next: 'A2' }), A2: { Type: 'Pass', Result: 'a', End: true } } },
          { StartAt: 'B1', States: { B1: call({ x: 1 }, { OutputPath: '$.said', End: true }) } },
        ],
        ResultSelector: { 'a.$': '$[0]', 'b.$': '$[1]' },
        ResultPath: '$.both',
        Next: 'Break',
      },
      Break: {
        Type: 'Parallel',
        Branches: [{ StartAt: 'C1', States: { C1: pause(1, { Next: 'C2' }), C2: { Type: 'Fail', Error: 'Broken' } } }],
        Catch: [{ ErrorEquals: ['Broken'], ResultPath: '$.broken', Next: 'Done' }],
        End: true,
      },
      Done: { Type: 'Succeed' },
    },
  };
  return { definition: JSON.stringify(definition), input: { in: 1 }, answers: ['b'] };
}

/** The definition as it is shipped, with seconds for minutes. */
function escalation(tokens: NonNullable<Script['tokens']>, answers: readonly Json[]): Script {
  const definition = readFileSync(join(import.meta.dirname, 'definitions', 'escalation-high.asl.json'), 'utf8');
  const seconds = { nurse: 3, leads: 3, onCall: 3, everyone: 3 };
  const input = { alarmId: 'A-1', round: 1, fromStep: 'nurse', seconds, repeat: 1, repeatsMax: 1 };
  return { definition, input, answers, tokens };
}

async function playHere(script: Script): Promise<readonly Told[]> {
  const store = new MemoryWorkflowStore();
  const answers = script.answers.slice();
  const answer = async () => answers.shift() ?? {};
  const functions = ['answer', 'escalation-tell', 'escalation-reread', 'escalation-close'];
  const driver = await startTestDriver(
    store,
    { machine: JSON.parse(script.definition) as object },
    Object.fromEntries(functions.map((name) => [name, answer])),
  );
  try {
    await store.start([{ definition: 'machine', name: 'A-1', input: script.input, nowMs: Date.now() }]);
    driver.wake();
    const told = () => historyIn(store, 'machine:A-1').then((events) => events.map(fromOurs));
    return await watch(told, script, async (token, reply) => {
      const nowMs = Date.now();
      if ('output' in reply) await store.completeTask({ token, output: reply.output, nowMs });
      else await store.failTask({ token, error: reply.error, cause: 'scripted', nowMs });
      driver.wake();
    });
  } finally {
    await driver.stop();
  }
}

async function playThere(stepFunctions: StepFunctions, script: Script): Promise<readonly Told[]> {
  const execution = await stepFunctions.start(script);
  const told = () => stepFunctions.history(execution).then((events) => events.map(fromTheirs));
  return await watch(told, script, async (token, reply) => {
    if ('output' in reply) await stepFunctions.succeed(token, reply.output);
    else await stepFunctions.fail(token, reply.error, 'scripted');
  });
}

type Reply = NonNullable<Script['tokens']>[string];

/** Answers tokens as they are handed out, until the execution has ended. */
async function watch(
  told: () => Promise<readonly Told[]>,
  script: Script,
  reply: (token: string, how: Reply) => Promise<void>,
): Promise<readonly Told[]> {
  const replied = new Set<number>();
  for (;;) {
    const events = await told();
    const last = events.at(-1)?.type ?? '';
    if (/^Execution(Succeeded|Failed|TimedOut|Aborted)$/.test(last)) return events.map(masked);
    if (last === 'TaskSubmitted' && !replied.has(events.length)) {
      const state = String(events.findLast(({ type }) => type === 'TaskStateEntered')?.state);
      const payload = events.findLast(({ type }) => type === 'TaskScheduled')?.input as {
        taskToken?: string;
        token?: string;
      };
      const how = script.tokens?.[state];
      replied.add(events.length);
      if (how !== undefined) await reply(String(payload.taskToken ?? payload.token), how);
    }
    await sleep(30);
  }
}

/** Everything both tell: of what a function answered only what a state makes of it, for the service adds its own. */
function fromOurs({ type, previousId, state, input, output, error }: HistoryEvent): Told {
  return told(type, previousId, { state, input, output, error });
}

function fromTheirs(event: StepFunctionsEvent): Told {
  const [, found] = Object.entries(event).find(([name]) => name.endsWith('EventDetails')) ?? [];
  const details = (found ?? {}) as Partial<Record<'parameters' | 'name' | 'input' | 'output' | 'error', string>>;
  const parameters = details.parameters === undefined ? undefined : JSON.parse(details.parameters);
  const parsed = (text: string | undefined) => (text === undefined ? undefined : (JSON.parse(text) as unknown));
  return told(event.type, event.previousEventId, {
    state: details.name,
    input: parameters?.Payload ?? parsed(details.input),
    output: parsed(details.output),
    error: details.error,
  });
}

function told(type: string, previous: number, { state, input, output, error }: Omit<Told, 'type' | 'previous'>): Told {
  const hasOutput = output !== undefined && !/^Task(Submitted|Succeeded)$/.test(type);
  return {
    type,
    // Within a Map moto links events by threads of its own.
    previous: type.startsWith('Map') ? 0 : previous,
    ...(state !== undefined && { state }),
    ...(input !== undefined && { input }),
    ...(hasOutput && { output }),
    // Of a Parallel or Map ours says why, too.
    ...(error !== undefined && error !== '' && !type.endsWith('StateFailed') && { error }),
  };
}

/** One line each, so that what differs is seen at a glance. */
function linesOf(events: readonly Told[]): readonly string[] {
  return events.map(({ type, previous, ...rest }) => `${previous} ${type} ${JSON.stringify(sorted(rest))}`);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  // The words of a cause are everybody's own.
  return Object.fromEntries(members.map(([name, member]) => [name, name === 'Cause' ? '…' : sorted(member)]));
}

function masked(event: Told): Told {
  const { input } = event;
  if (event.type !== 'TaskScheduled' || typeof input !== 'object' || input === null) return event;
  const tokens = Object.fromEntries(Object.keys(input).flatMap((name) => (/token$/i.test(name) ? [[name, '…']] : [])));
  return { ...event, input: { ...input, ...tokens } };
}
