import { describe, expect, it } from 'vitest';
import type { BurdenJob } from './alarm-burden-job.ts';
import type { BurdenAnswer } from './alarm-burden-run.ts';
import { type BurdenOutcome, createBurdenDesk, type DeskBounds } from './burden-desk.ts';

const JOB: BurdenJob = { ruleLists: [], on: { source: 'history', fromMs: 0, toMs: 1, patients: [] } };
const ANSWER = { patientsDone: 3 } as BurdenAnswer;
const ENDED: BurdenOutcome = { kind: 'failed', code: 'ended', detail: 'ended' };

/** A desk whose runs end when the test says so. */
function testDesk(bounds: Partial<DeskBounds> = {}) {
  const clock = { ms: 0 };
  const begun: { finish(outcome: BurdenOutcome): void; stopped: boolean }[] = [];
  let next = 0;
  const desk = createBurdenDesk<string>({
    start: () => {
      const { promise: outcome, resolve } = Promise.withResolvers<BurdenOutcome>();
      const run = { finish: resolve, stopped: false };
      begun.push(run);
      return {
        outcome,
        async stop() {
          run.stopped = true;
          resolve(ENDED);
        },
      };
    },
    newId: () => `b${next++}`,
    now: () => clock.ms,
    bounds,
  });
  const ask = (by: string) => {
    const asked = desk.ask({ by, job: JOB, about: by });
    return asked.kind === 'accepted' ? asked.preview.id : asked.kind;
  };
  const states = (...ids: readonly string[]) => ids.map((id) => desk.find(id)?.state);
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return { desk, clock, begun, ask, states, settled };
}

describe('the desk of previews', () => {
  it('runs one at a time, the others in their turn, and refuses when too many wait', async () => {
    const { ask, states, begun, settled } = testDesk({ waitingMax: 2 });
    expect(['ann', 'bob', 'cid', 'dan'].map(ask)).toEqual(['b0', 'b1', 'b2', 'busy']);
    expect(states('b0', 'b1', 'b2')).toEqual(['running', 'queued', 'queued']);
    begun[0]?.finish({ kind: 'done', answer: ANSWER });
    await settled();
    expect(states('b0', 'b1', 'b2')).toEqual(['done', 'running', 'queued']);
    expect(begun[0]?.stopped).toBe(true);
    expect(begun).toHaveLength(2);
    expect(ask('dan')).toBe('b3');
  });

  it('a new one of the same person takes the place of the one before', async () => {
    const { ask, states, begun, settled } = testDesk({ waitingMax: 1 });
    ask('ann');
    ask('bob');
    expect(ask('bob')).toBe('b2');
    expect(ask('ann')).toBe('busy');
    expect(states('b0', 'b1', 'b2')).toEqual(['running', 'cancelled', 'queued']);
    begun[0]?.finish({ kind: 'done', answer: ANSWER });
    await settled();
    expect(ask('bob')).toBe('b3');
    await settled();
    expect(states('b2', 'b3')).toEqual(['cancelled', 'running']);
    expect(begun.map(({ stopped }) => stopped)).toEqual([true, true, false]);
  });

  it('one that is taken back ends, and the next begins; one that has ended stays', async () => {
    const { desk, ask, states, begun, settled } = testDesk();
    ask('ann');
    ask('bob');
    await desk.cancel('b0');
    await settled();
    expect(states('b0', 'b1')).toEqual(['cancelled', 'running']);
    expect(desk.find('b0')?.failed).toBeUndefined();
    begun[1]?.finish({ kind: 'done', answer: ANSWER });
    await settled();
    await desk.cancel('b1');
    expect(desk.find('b1')).toMatchObject({ state: 'done', answer: ANSWER, progress: { share: 1, patientsDone: 3 } });
  });

  it('says why one failed, and that one that hangs took too long', async () => {
    const { desk, ask, begun, settled } = testDesk({ runMaxMs: 1 });
    ask('ann');
    begun[0]?.finish({ kind: 'failed', code: 'out-of-memory', detail: 'too much' });
    await settled();
    expect(desk.find('b0')).toMatchObject({ state: 'failed', failed: { code: 'out-of-memory' } });
    ask('ann');
    while (desk.find('b1')?.state === 'running') await settled();
    expect(desk.find('b1')).toMatchObject({ state: 'failed', failed: { code: 'took-too-long' } });
  });

  it('forgets what is old, or too many', async () => {
    const { ask, states, clock, begun, settled } = testDesk({ keepMs: 1_000, keptMax: 2 });
    for (let index = 0; index < 4; index++) {
      ask('ann');
      begun[index]?.finish({ kind: 'done', answer: ANSWER });
      await settled();
    }
    expect(states('b0', 'b1', 'b2', 'b3')).toEqual([undefined, undefined, 'done', 'done']);
    clock.ms = 1_001;
    expect(states('b2', 'b3')).toEqual([undefined, undefined]);
  });

  it('closes with nothing left running', async () => {
    const { desk, ask, states, begun } = testDesk();
    ask('ann');
    ask('bob');
    await desk.close();
    expect(states('b0', 'b1')).toEqual(['cancelled', 'cancelled']);
    expect(begun.map(({ stopped }) => stopped)).toEqual([true]);
    expect(ask('cid')).toBe('busy');
  });
});
