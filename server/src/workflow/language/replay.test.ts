import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historyOf, historyText } from './history-text.ts';
import type { Json } from './json.ts';
import { load, type Played, play, replay, type TestFunction, task, waitingTask } from './test-machine.ts';

/** Machines of any shape: chains of states, of which some hold machines themselves. */
let serial = 0;
const fresh = () => `S${serial++}`;

interface Sketch {
  readonly kind: string;
  readonly n: number;
  readonly inner: readonly (readonly Sketch[])[];
}

const sketch = fc.letrec<{ chain: readonly Sketch[]; one: Sketch }>((tie) => ({
  chain: fc.array(tie('one'), { minLength: 1, maxLength: 4 }),
  one: fc.record({
    kind: fc.constantFrom('pass', 'wait', 'task', 'ask', 'choice', 'parallel', 'map', 'retry'),
    n: fc.integer({ min: 1, max: 3 }),
    inner: fc.oneof(
      { maxDepth: 2, depthSize: 'small' },
      fc.constant([]),
      fc.array(tie('chain'), { minLength: 1, maxLength: 3 }),
    ),
  }),
})).chain;

const RETRY = [{ ErrorEquals: ['States.ALL'], MaxAttempts: 2, JitterStrategy: 'FULL' }];

function build(chain: readonly Sketch[]): { StartAt: string; States: Record<string, object> } {
  const names = chain.map(fresh);
  const States: Record<string, object> = {};
  for (const [index, { kind, n, inner }] of chain.entries()) {
    const next = names[index + 1];
    const on = next === undefined ? { End: true } : { Next: next };
    const name = names[index] as string;
    const branches = inner.length > 0 ? inner : [[{ kind: 'pass', n: 1, inner: [] }]];
    if (kind === 'wait') States[name] = { Type: 'Wait', Seconds: n, ...on };
    else if (kind === 'task') States[name] = task('f', { ResultPath: '$.r', ...on });
    else if (kind === 'retry') States[name] = task('flaky', { ResultPath: '$.r', Retry: RETRY, ...on });
    else if (kind === 'ask')
      States[name] = waitingTask('ask', { TimeoutSeconds: 2, ResultPath: '$.r', Retry: RETRY, ...on });
    else if (kind === 'choice' && next !== undefined)
      States[name] = { Type: 'Choice', Choices: [{ Variable: '$.r', IsPresent: true, Next: next }], Default: next };
    else if (kind === 'parallel')
      States[name] = { Type: 'Parallel', Branches: branches.map(build), ResultPath: '$.p', Retry: RETRY, ...on };
    else if (kind === 'map')
      States[name] = {
        Type: 'Map',
        ItemsPath: '$.list',
        ItemSelector: { 'list.$': '$.list', 'r.$': '$$.Map.Item.Value' },
        MaxConcurrency: n,
        ItemProcessor: build(branches[0] as readonly Sketch[]),
        ResultPath: '$.m',
        ...on,
      };
    else States[name] = { Type: 'Pass', Result: { 'id.$': n }, ResultPath: '$.x', ...on };
  }
  return { StartAt: names[0] as string, States };
}

const INPUT = { list: [1, 2, 3], r: null } satisfies Json;

/** Functions that answer late, early, with failures, and sometimes never. */
function functionsOf(whims: readonly number[]): Readonly<Record<string, TestFunction>> {
  const whim = (call: number) => whims[call % whims.length] ?? 0;
  return {
    f: (_, call) => ({ output: whim(call), afterMs: whim(call) * 700 }),
    flaky: (_, call) => (whim(call) % 3 === 0 ? { error: 'Flaky', afterMs: 5 } : { output: 'ok' }),
    ask(_, call) {
      const how = whim(call);
      if (how === 0) return undefined;
      return how === 1 ? { fail: 'Refused' } : { complete: { by: how }, afterMs: how * 600 };
    },
  };
}

const playSketch = (
  chain: readonly Sketch[],
  whims: readonly number[],
): { definition: ReturnType<typeof load>; played: Played } => {
  serial = 0;
  const definition = load(build(chain));
  return { definition, played: play(definition, INPUT, functionsOf(whims)) };
};

describe('the interpreter', () => {
  it('does the same with the same events, state by state, and with what was written and read again', () => {
    const ends = { RUNNING: 0, SUCCEEDED: 0, FAILED: 0, TIMED_OUT: 0, ABORTED: 0 };
    fc.assert(
      fc.property(sketch, fc.array(fc.nat(4), { minLength: 1, maxLength: 7 }), (chain, whims) => {
        const { definition, played } = playSketch(chain, whims);
        // `play` has lost everything that is not in the text; this has not.
        const steps = replay(definition, INPUT, played.events);
        expect(steps.flatMap(({ history }) => history)).toEqual(played.history);
        expect(steps.at(-1)?.execution.status).toBe(played.status);
        for (const { execution } of steps) expect(JSON.parse(JSON.stringify(execution))).toEqual(execution);
        ends[played.status]++;
      }),
      { numRuns: 500 },
    );
    // The machines are such that both happen.
    expect(ends.SUCCEEDED).toBeGreaterThan(50);
    expect(ends.FAILED).toBeGreaterThan(20);
  });

  it('numbers events without a gap, in order of time, each after one that was before', () => {
    fc.assert(
      fc.property(sketch, fc.array(fc.nat(4), { minLength: 1, maxLength: 7 }), (chain, whims) => {
        const { history } = playSketch(chain, whims).played;
        for (const [index, event] of history.entries()) {
          expect(event.id).toBe(index + 1);
          expect(event.previousId).toBeLessThan(event.id);
          expect(event.atMs).toBeGreaterThanOrEqual(history[index - 1]?.atMs ?? 0);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('leaves as it was what it was given', () => {
    fc.assert(
      fc.property(sketch, fc.array(fc.nat(4), { minLength: 1, maxLength: 7 }), (chain, whims) => {
        const { definition, played } = playSketch(chain, whims);
        const steps = replay(definition, INPUT, played.events);
        const before = steps.map(({ execution }) => JSON.stringify(execution));
        replay(definition, INPUT, played.events);
        expect(steps.map(({ execution }) => JSON.stringify(execution))).toEqual(before);
      }),
      { numRuns: 100 },
    );
  });
});

describe('history as text', () => {
  it('is read again as it was, payloads said once or twice', () => {
    const payload = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>;
    const shared = { shared: true };
    const event = fc.record(
      {
        type: fc.constantFrom('TaskStateEntered', 'TaskScheduled', 'MapIterationStarted'),
        state: fc.string({ minLength: 1 }),
        error: fc.string(),
        cause: fc.string(),
        index: fc.nat(9),
        payload: fc.oneof(payload, fc.constant(shared)),
        isInput: fc.boolean(),
        laterMs: fc.nat(1_000),
      },
      { requiredKeys: ['type', 'laterMs', 'isInput'] },
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), fc.nat(20_000), (events, first) => {
        let atMs = 1_700_000_000_000;
        const history = events.map(({ payload: said, isInput, laterMs, ...rest }, index) => {
          atMs += laterMs;
          const detail = said === undefined ? {} : isInput ? { input: said } : { output: said };
          return { id: first + index + 1, previousId: first + index, atMs, ...rest, ...detail };
        });
        expect(historyOf(historyText(history as never))).toEqual(JSON.parse(JSON.stringify(history)));
      }),
    );
  });
});
