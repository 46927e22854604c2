import { beforeEach, describe, expect, it } from 'vitest';
import type { Advance, DueExecution, WorkflowStore } from './workflow-store.ts';

const T = Date.UTC(2026, 10, 22, 1, 2, 3, 456);
const D1 = { name: 'escalation', digest: 'a'.repeat(64), source: '{"one":1}' };
const D2 = { name: 'escalation', digest: 'b'.repeat(64), source: '{"two":2}' };

/** What every `WorkflowStore` must do. `makeStore` answers with an empty one. */
export function workflowStoreContract(engine: string, makeStore: () => Promise<WorkflowStore>): void {
  describe(`${engine} for workflow executions`, () => {
    let store: WorkflowStore;
    beforeEach(async () => {
      store = await makeStore();
      await store.keepDefinition(D1);
    });

    const start = (name = 'A-1', nowMs = T) =>
      store.start([{ definition: 'escalation', name, input: { alarmId: name }, nowMs }]);

    /** Takes what is due as this worker, and does with each what is said. */
    async function take(
      worker: string,
      nowMs: number,
      what: (due: DueExecution) => Partial<Advance> | undefined = () => undefined,
      limit = 100,
    ): Promise<readonly DueExecution[]> {
      let seen: readonly DueExecution[] = [];
      await store.advanceDue({
        worker,
        nowMs,
        limit,
        decide(due) {
          seen = due;
          return due.flatMap((one) => {
            const change = what(one);
            return change === undefined ? [] : [advanceOf(one, change)];
          });
        },
      });
      return seen;
    }

    const names = (due: readonly DueExecution[]) => due.map(({ name }) => name);

    describe('definitions', () => {
      it('are kept, and the last one is that with which executions start', async () => {
        await start('before');
        await store.keepDefinition(D2);
        await store.keepDefinition(D2);
        await start('after');
        expect(await store.definition(D1.digest)).toEqual(D1);
        expect(await store.definition('c'.repeat(64))).toBeUndefined();
        expect((await take('w', T)).map(({ name, digest }) => [name, digest])).toEqual([
          ['before', D1.digest],
          ['after', D2.digest],
        ]);
      });

      it('may become current again', async () => {
        await store.keepDefinition(D2);
        await store.keepDefinition(D1);
        await start();
        expect((await take('w', T))[0]?.digest).toBe(D1.digest);
      });

      it('must be there before an execution starts', async () => {
        const unknown = { definition: 'unheard', name: 'A-1', input: {}, nowMs: T };
        await expect(store.start([unknown])).rejects.toThrow('unheard');
      });
    });

    describe('starting', () => {
      it('is idempotent by name', async () => {
        expect(await start()).toEqual([{ id: 'escalation:A-1', isNew: true }]);
        expect(await start()).toEqual([{ id: 'escalation:A-1', isNew: false }]);
        const both = ['A-1', 'A-2', 'A-2'].map((name) => ({ definition: 'escalation', name, input: 1, nowMs: T }));
        expect((await store.start(both)).map(({ isNew }) => isNew)).toEqual([false, true, false]);
        expect(await take('w', T)).toHaveLength(2);
      });

      it('is due at once, with its input', async () => {
        await start();
        expect(await take('w', T - 1)).toEqual([]);
        expect(await take('w', T)).toEqual([
          {
            key: expect.any(Number),
            id: 'escalation:A-1',
            name: 'A-1',
            digest: D1.digest,
            version: 0,
            state: '{"alarmId":"A-1"}',
            startedAtMs: T,
            wakeAtMs: T,
            signals: [],
            isHeld: false,
          },
        ]);
      });

      it('of nothing does nothing', async () => expect(await store.start([])).toEqual([]));
    });

    describe('advancing', () => {
      it('writes the new state and wake, one version on', async () => {
        await start();
        await take('w', T, () => ({ state: 'waiting', wakeAtMs: T + 600_000 }));
        expect(await take('w', T + 599_999)).toEqual([]);
        expect(await take('w', T + 600_000)).toMatchObject([{ version: 1, state: 'waiting', wakeAtMs: T + 600_000 }]);
      });

      it('leaves alone what nothing was decided about', async () => {
        await start();
        await take('w', T);
        expect(await take('w', T)).toMatchObject([{ version: 0 }]);
      });

      it('takes the oldest wake first, and no more than it was asked to', async () => {
        await start('late', T + 2);
        await start('early', T);
        await start('middle', T + 1);
        expect(names(await take('w', T + 5, undefined, 2))).toEqual(['early', 'middle']);
      });

      it('what has no wake waits for a signal', async () => {
        await start();
        await take('w', T, () => ({ tokens: ['escalation:A-1~1~x'] }));
        expect(await take('w', T + 1e10)).toEqual([]);
        await store.completeTask({ token: 'escalation:A-1~1~x', output: 1, nowMs: T + 5 });
        expect(await take('w', T + 5)).toHaveLength(1);
      });

      it('an end is an end', async () => {
        await start();
        await take('w', T, () => ({ status: 'FAILED', endedAtMs: T + 1, error: 'NobodyAnswered', tokens: [] }));
        expect(await take('w', T + 1e10)).toEqual([]);
        const ended = await store.find('escalation:A-1');
        expect(ended).toMatchObject({ status: 'FAILED', endedAtMs: T + 1, error: 'NobodyAnswered' });
        expect(ended).not.toHaveProperty('wakeAtMs');
        expect(await store.stopExecution({ id: 'escalation:A-1', nowMs: T + 2 })).toBe('not-waiting');
      });

      it('writes nothing when deciding fails', async () => {
        await start();
        const failing = take('w', T, () => {
          throw new RangeError('a defect');
        });
        await expect(failing).rejects.toThrow('a defect');
        // Nobody's yet for the moment in which a store takes back what it had begun.
        await expect.poll(() => take('w', T)).toMatchObject([{ version: 0 }]);
      });
    });

    describe('leases', () => {
      const hold = (leasedUntilMs = T + 1_000) => ({ wakeAtMs: leasedUntilMs, leasedUntilMs });

      it('keep others away until they run out', async () => {
        await start();
        await take('w1', T, () => hold());
        expect(await take('w2', T + 999)).toEqual([]);
        expect(await take('w2', T + 1_000)).toMatchObject([{ version: 1, isHeld: false }]);
      });

      it('let their holder take what became due meanwhile', async () => {
        await start();
        await take('w1', T, () => ({ wakeAtMs: T + 100, leasedUntilMs: T + 1_000 }));
        expect(await take('w2', T + 100)).toEqual([]);
        expect(await take('w1', T + 100)).toMatchObject([{ isHeld: true }]);
      });

      it('let their holder alone record, at the version it knows', async () => {
        await start();
        const [due] = await take('w1', T, () => hold());
        const next = (version: number): Advance => advanceOf({ ...(due as DueExecution), version }, hold());
        expect(await store.record('w2', [next(1)])).toEqual(new Map([[due?.key, 'lost']]));
        expect(await store.record('w1', [next(0)])).toEqual(new Map([[due?.key, 'lost']]));
        expect(await store.record('w1', [next(1)])).toEqual(new Map([[due?.key, 'written']]));
        expect(await store.record('w1', [next(1)])).toEqual(new Map([[due?.key, 'lost']]));
      });

      it('that were lost record nothing', async () => {
        await start();
        const [due] = await take('w1', T, () => hold());
        await take('w2', T + 1_000, () => hold(T + 2_000));
        const late = advanceOf({ ...(due as DueExecution), version: 1 }, {});
        expect(await store.record('w1', [late])).toEqual(new Map([[due?.key, 'lost']]));
        expect(await take('w2', T + 2_000)).toMatchObject([{ version: 2 }]);
      });

      it('tell what a worker with its hands full still has to look at', async () => {
        await start('A-1');
        await take('w1', T, () => ({ wakeAtMs: T + 100, leasedUntilMs: T + 1_000 }));
        await start('A-2');
        let seen: readonly DueExecution[] = [];
        const decide = (due: readonly DueExecution[]) => {
          seen = due;
          return [];
        };
        await store.advanceDue({ worker: 'w1', nowMs: T + 100, limit: 9, onlyHeld: true, decide });
        expect(names(seen)).toEqual(['A-1']);
      });

      it('are renewed, for their holder', async () => {
        await start();
        const [due] = await take('w1', T, () => hold());
        const keys = [due?.key as number, 999_999];
        expect(await store.renew({ worker: 'w2', keys, leasedUntilMs: T + 9_000 })).toEqual(new Set(keys));
        expect(await store.renew({ worker: 'w1', keys, leasedUntilMs: T + 5_000 })).toEqual(new Set([999_999]));
        expect(await take('w2', T + 4_999)).toEqual([]);
        expect(await take('w2', T + 5_000)).toHaveLength(1);
      });

      it('are renewed without delaying a timer', async () => {
        await start();
        const [due] = await take('w1', T, () => ({ wakeAtMs: T + 100, leasedUntilMs: T + 1_000 }));
        await store.renew({ worker: 'w1', keys: [due?.key as number], leasedUntilMs: T + 5_000 });
        expect(await take('w1', T + 100)).toHaveLength(1);
      });

      it('are let go at once when their holder says so', async () => {
        await start('A-1');
        await start('A-2');
        await take('w1', T, () => hold());
        expect(await store.release('w2', T + 1)).toBe(0);
        expect(await store.release('w1', T + 1)).toBe(2);
        expect(await take('w2', T + 1)).toMatchObject([{ isHeld: false }, { isHeld: false }]);
      });

      it('end with a record that holds no longer', async () => {
        await start();
        const [due] = await take('w1', T, () => hold());
        const free = advanceOf({ ...(due as DueExecution), version: 1 }, { wakeAtMs: T + 10 });
        await store.record('w1', [free]);
        expect(await take('w2', T + 10)).toMatchObject([{ isHeld: false, version: 2 }]);
      });
    });

    describe('signals', () => {
      const token = 'escalation:A-1~1~0123456789abcdef';
      beforeEach(async () => {
        await start();
        await take('w', T, () => ({ tokens: [token], wakeAtMs: T + 600_000 }));
      });

      it('wake it, and are handed over in order', async () => {
        expect(await store.heartbeat({ token, nowMs: T + 1 })).toBe('accepted');
        expect(await store.completeTask({ token, output: { by: 'N-1' }, nowMs: T + 2 })).toBe('accepted');
        expect((await take('w', T + 2))[0]?.signals).toEqual([
          { kind: 'heartbeat', token, atMs: T + 1 },
          { kind: 'succeeded', token, output: { by: 'N-1' }, atMs: T + 2 },
        ]);
      });

      it('a task is answered once', async () => {
        expect(await store.failTask({ token, error: 'Refused', cause: 'busy', nowMs: T + 1 })).toBe('accepted');
        expect(await store.completeTask({ token, output: 1, nowMs: T + 2 })).toBe('not-waiting');
        expect(await store.heartbeat({ token, nowMs: T + 3 })).toBe('not-waiting');
        expect((await take('w', T + 3))[0]?.signals).toEqual([
          { kind: 'failed', token, error: 'Refused', cause: 'busy', atMs: T + 1 },
        ]);
      });

      it.each(['', 'nonsense', 'escalation:A-1~2~x', 'escalation:A-9~1~x', 'escalation:A-1~1~', "'; drop table~"])(
        'to %j find nobody waiting',
        async (unknown) => {
          expect(await store.completeTask({ token: unknown, output: 1, nowMs: T })).toBe('not-waiting');
          expect(await take('w', T + 1)).toEqual([]);
        },
      );

      it('that were seen are gone, those that came meanwhile are not, and it is due for them', async () => {
        await store.heartbeat({ token, nowMs: T + 1 });
        const [due] = await take('w', T + 1, () => ({
          signalsSeen: 1,
          tokens: [token],
          wakeAtMs: T + 5_000,
          leasedUntilMs: T + 5_000,
        }));
        await store.heartbeat({ token, nowMs: T + 2 });
        const again = advanceOf(
          { ...(due as DueExecution), version: 2, signals: [] },
          { tokens: [token], wakeAtMs: T + 9_000 },
        );
        expect(await store.record('w', [again])).toEqual(new Map([[due?.key, 'signalled']]));
        expect(await take('w', T + 2)).toMatchObject([{ signals: [{ kind: 'heartbeat', atMs: T + 2 }] }]);
      });

      it('stop it, whatever it waits for', async () => {
        const id = 'escalation:A-1';
        expect(await store.stopExecution({ id, cause: 'resolved', nowMs: T + 1 })).toBe('accepted');
        expect(await store.completeTask({ token, output: 1, nowMs: T + 2 })).toBe('not-waiting');
        expect((await take('w', T + 1))[0]?.signals).toEqual([{ kind: 'stop', cause: 'resolved', atMs: T + 1 }]);
        expect(await store.stopExecution({ id: 'escalation:A-9', nowMs: T })).toBe('not-waiting');
      });

      it('have a bound', async () => {
        let outcome: string = 'accepted';
        let count = 0;
        for (; outcome === 'accepted' && count < 1_000; count++)
          outcome = await store.heartbeat({ token, nowMs: T + count });
        expect(outcome).toBe('overloaded');
        expect((await take('w', T + 1_000))[0]?.signals).toHaveLength(count - 1);
      });

      it('carry any text', async () => {
        const output = { text: 'a "b" \\ {c}, ü 💊 \u2028 NULL', list: [null, 1.5, true] };
        await store.completeTask({ token, output, nowMs: T + 1 });
        expect((await take('w', T + 1))[0]?.signals).toMatchObject([{ output }]);
      });
    });

    describe('the next wake', () => {
      const next = (worker: string, nowMs: number) => store.nextWakeMs({ worker, nowMs });

      it('is none where nothing waits', async () => expect(await next('w', T)).toBeUndefined());

      it('is the earliest of those still to come', async () => {
        await start('A-1', T + 50);
        await start('A-2', T + 20);
        expect(await next('w', T)).toBe(T + 20);
        expect(await next('w', T + 20)).toBe(T + 50);
      });

      it('is the end of another worker’s lease on what is due', async () => {
        await start();
        await take('w1', T, () => ({ wakeAtMs: T + 10, leasedUntilMs: T + 1_000 }));
        expect(await next('w2', T + 10)).toBe(T + 1_000);
        expect(await next('w1', T + 10)).toBeUndefined();
      });
    });

    describe('reading', () => {
      it('finds by id, lists newest first, by definition and status, page by page', async () => {
        await store.keepDefinition({ name: 'other', digest: 'c'.repeat(64), source: '{}' });
        await start('A-1');
        await store.start([{ definition: 'other', name: 'A-1', input: {}, nowMs: T }]);
        await start('A-2');
        await take('w', T, ({ id }) => (id === 'escalation:A-1' ? { status: 'SUCCEEDED', endedAtMs: T } : undefined));
        const ids = async (query: Partial<Parameters<WorkflowStore['list']>[0]>) =>
          (await store.list({ limit: 10, ...query })).map(({ id }) => id);
        expect(await ids({})).toEqual(['escalation:A-2', 'other:A-1', 'escalation:A-1']);
        expect(await ids({ definition: 'escalation' })).toEqual(['escalation:A-2', 'escalation:A-1']);
        expect(await ids({ status: 'RUNNING' })).toEqual(['escalation:A-2', 'other:A-1']);
        const [first] = await store.list({ limit: 1 });
        expect(await ids({ limit: 1, beforeKey: first?.key ?? 0 })).toEqual(['other:A-1']);
        expect(await store.find('other:A-1')).toMatchObject({
          definition: 'other',
          name: 'A-1',
          status: 'RUNNING',
          wakeAtMs: T,
        });
        expect(await store.find('other:A-2')).toBeUndefined();
        expect(await store.find('nonsense')).toBeUndefined();
      });

      it('gives back history piece by piece, to the letter', async () => {
        await start();
        const pieces = ['[1,2]', '{"a":"\\"ü💊\\u0000\\\\"}', 'three'];
        for (const history of pieces) await take('w', T, () => ({ history, wakeAtMs: T }));
        const found = await store.find('escalation:A-1');
        expect(await store.history(found?.key ?? 0)).toEqual(pieces);
        expect(await store.history(999_999)).toEqual([]);
      });

      it('forgets what ended long ago, with its history, and nothing else', async () => {
        for (const name of ['old', 'new', 'running']) await start(name);
        const ends = new Map([
          ['old', T + 1],
          ['new', T + 100],
        ]);
        const due = await take('w', T, ({ name }) => {
          const endedAtMs = ends.get(name);
          return { history: '[]', ...(endedAtMs === undefined ? { wakeAtMs: T } : { endedAtMs, status: 'SUCCEEDED' }) };
        });
        expect(await store.prune({ endedBeforeMs: T + 50, limit: 10 })).toBe(1);
        expect((await store.list({ limit: 10 })).map(({ name }) => name)).toEqual(['running', 'new']);
        const old = due.find(({ name }) => name === 'old');
        expect(await store.history(old?.key ?? 0)).toEqual([]);
        expect(await store.prune({ endedBeforeMs: T + 50, limit: 10 })).toBe(0);
      });
    });
  });
}

/** The least that can be written of what was due. */
function advanceOf({ key, version, state, signals }: DueExecution, change: Partial<Advance>): Advance {
  return { key, version, status: 'RUNNING', state, signalsSeen: signals.length, tokens: [], ...change };
}
