import { afterEach, describe, expect, it } from 'vitest';
import { MemoryWorkflowStore } from '../adapters/memory/memory-workflow-store.ts';
import type { WorkflowStore } from '../ports/workflow-store.ts';
import type { WorkflowDriver } from './driver.ts';
import type { TaskHandlers } from './task-handler.ts';
import { asked, ended, historyIn, invoke, invokeAndWait, startTestDriver } from './test-workflow.ts';

const DEFINITION = {
  StartAt: 'Tell',
  States: {
    Tell: invoke('tell', { Next: 'Ask' }),
    Ask: invokeAndWait('ask', { Next: 'Both', TimeoutSeconds: 600 }),
    Both: {
      Type: 'Parallel',
      Branches: [
        { StartAt: 'Left', States: { Left: invoke('tell', { Next: 'Left2' }), Left2: invoke('tell', { End: true }) } },
        { StartAt: 'Right', States: { Right: invokeAndWait('ask', { End: true }) } },
      ],
      ResultPath: '$.both',
      Next: 'Last',
    },
    Last: invoke('tell', { End: true }),
  },
};

const drivers: WorkflowDriver[] = [];
afterEach(() => {
  for (const driver of drivers.splice(0)) void driver.stop();
});

/** A process that dies at its nth word with the store: before it is heard, or after, when the answer never comes. */
function mortal(store: WorkflowStore, diesAt: number, isHeard: boolean) {
  const life = { words: 0, isDead: false };
  const proxy = asked(store, (name, answer) => async (...given) => {
    if (name === 'definition' || name === 'keepDefinition') return await answer(...given);
    if (life.isDead) return await NEVER;
    life.words++;
    const dies = life.words === diesAt;
    if (dies) life.isDead = true;
    if (dies && !isHeard) return await NEVER;
    const said = await answer(...given);
    return life.isDead ? await NEVER : said;
  });
  return { store: proxy, life };
}
const NEVER = new Promise<never>(() => undefined);

/** What happened out there, by key; a dead process does nothing any more. */
function handlersOf(
  store: WorkflowStore,
  effects: Map<string, number>,
  life: { readonly isDead: boolean },
): TaskHandlers {
  const note = async (key: string) => {
    if (life.isDead) await NEVER;
    effects.set(key, (effects.get(key) ?? 0) + 1);
  };
  return {
    tell: async (_, { idempotencyKey }) => {
      await note(idempotencyKey);
      return 'told';
    },
    // The answer is in the store with the question, or neither is.
    ask: async (_, { idempotencyKey, taskToken = '' }) => {
      await note(idempotencyKey);
      await store.completeTask({ token: taskToken, output: 'answered', nowMs: Date.now() });
    },
  };
}

async function live(diesAt: number, isHeard: boolean) {
  const store = new MemoryWorkflowStore();
  const effects = new Map<string, number>();
  const first = mortal(store, diesAt, isHeard);
  const options = { settings: { leaseMs: 60_000, pollMs: 1_000, drainMs: 0 } };
  drivers.push(
    await startTestDriver(first.store, { escalate: DEFINITION }, handlersOf(store, effects, first.life), options),
  );
  await store.start([{ definition: 'escalate', name: 'A-1', input: { who: 'nurse' }, nowMs: Date.now() }]);
  drivers[0]?.wake();
  const over = ended(store, 'escalate:A-1').then(() => true);
  while (!first.life.isDead && !(await Promise.race([over, soon()]))) drivers[0]?.wake();
  if (first.life.isDead) {
    const second = await startTestDriver(
      store,
      { escalate: DEFINITION },
      handlersOf(store, effects, { isDead: false }),
      options,
    );
    drivers.push(second);
    while (!(await Promise.race([over, soon()]))) second.wake();
  }
  const record = await ended(store, 'escalate:A-1');
  const history = await historyIn(store, 'escalate:A-1');
  for (const driver of drivers.splice(0)) void driver.stop();
  return { record, history, effects, died: first.life.isDead, words: first.life.words };
}

const soon = () => new Promise<false>((resolve) => setTimeout(() => resolve(false), 2));

describe('a process that dies at any word it says to the store', () => {
  it('leaves an execution that another brings to the same end, with no effect beyond the keys of the undisturbed', async () => {
    const undisturbed = await live(Number.POSITIVE_INFINITY, true);
    const keys = [...undisturbed.effects.keys()].sort();
    expect(keys).toHaveLength(6);
    let deaths = 0;
    for (let diesAt = 1; diesAt <= undisturbed.words; diesAt++)
      for (const isHeard of [false, true]) {
        const { record, history, effects, died } = await live(diesAt, isHeard);
        deaths += died ? 1 : 0;
        expect(record.status).toBe('SUCCEEDED');
        expect(history.map(({ id }) => id)).toEqual(history.map((_, index) => index + 1));
        expect(new Set(history.filter(({ type }) => type === 'TaskScheduled').map(({ id }) => id)).size).toBe(6);
        // Branches that run beside each other may be numbered in another order; what is done stays the same.
        expect([...effects.keys()].map(stateOf).sort()).toEqual(keys.map(stateOf).sort());
        for (const times of effects.values()) expect(times).toBeLessThanOrEqual(2);
      }
    // How many words there are depends on how often it looks: most of those it says anyway were its last once.
    expect(deaths).toBeGreaterThan(10);
  });
});

const stateOf = (key: string) => key.split(':')[2];
