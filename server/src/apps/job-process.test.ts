import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { Failure } from '../ports/failure.ts';
import { type JobProcess, startJob } from './job-process.ts';
import type { TestJob } from './test-job.ts';

const SCRIPT = new URL('./test-job.ts', import.meta.url);

function start(does: TestJob['does'], onProgress: (progress: number) => void = () => {}): JobProcess<unknown> {
  const data: TestJob = { does };
  return startJob<unknown, number>({ script: SCRIPT, data, heapMaxMegabytes: 64, onProgress });
}

const isThere = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('a job in a process of its own', () => {
  it('is heard to its last word, however long that is, and structured as it was', async () => {
    const progress: number[] = [];
    const answer = (await start('answer', (step) => progress.push(step)).answer) as { map: Map<string, Uint8Array> };
    expect(progress).toEqual([0, 1, 2]);
    expect(answer.map.get('bytes')?.filter((byte) => byte === 7)).toHaveLength(3_000_000);
  });

  it('fails with the failure it met, or with what it threw', async () => {
    const failure = await start('fail').answer.catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Failure);
    expect(failure).toMatchObject({ code: 'database-unavailable', message: 'away', retryable: true });
    await expect(start('throw').answer).rejects.toThrow(new TypeError('a defect'));
  });

  it('says that it ended without an answer, and when its memory was full', async () => {
    await expect(start('exit').answer).rejects.toMatchObject({ name: 'JobEnded', reason: 'ended' });
    await expect(start('fill-memory').answer).rejects.toMatchObject({ name: 'JobEnded', reason: 'out-of-memory' });
  });

  it('is gone when it was stopped, twice or before it has begun', async () => {
    const begun = Promise.withResolvers<number>();
    const job = start('wait', begun.resolve);
    const pid = await begun.promise;
    const ended = expect(job.answer).rejects.toMatchObject({ reason: 'ended' });
    // Ctrl-C goes to all of a program's processes; who drains says when this one ends.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.kill(pid, signal);
    await sleep(200);
    expect(isThere(pid)).toBe(true);
    await Promise.all([job.stop(), job.stop()]);
    expect(isThere(pid)).toBe(false);
    await ended;
    const unbegun = start('wait');
    const unheard = expect(unbegun.answer).rejects.toMatchObject({ reason: 'ended' });
    await unbegun.stop();
    await unheard;
  });

  it('rejects where no process can be begun', async () => {
    const script = new URL('./no-such-job.ts', import.meta.url);
    await expect(startJob({ script, data: {}, heapMaxMegabytes: 64 }).answer).rejects.toMatchObject({
      reason: 'ended',
    });
  });

  it('knows no secrets of the environment, and shows nothing on its command line', async () => {
    vi.stubEnv('HEALTHSYNC_TEST_SECRET', 'secret');
    vi.stubEnv('PGPASSWORD', 'for the database');
    const { environment, options } = (await start('look-around').answer) as Record<string, string[]>;
    vi.unstubAllEnvs();
    expect(environment).toContain('PGPASSWORD');
    expect(environment).not.toContain('HEALTHSYNC_TEST_SECRET');
    expect(environment).not.toContain('PATH');
    expect(options).toEqual([]);
  });

  it('ends when the process that wants it is killed', async () => {
    const parent = `
      const { startJob } = await import(${JSON.stringify(new URL('./job-process.ts', import.meta.url).href)});
      const script = new URL(${JSON.stringify(SCRIPT.href)});
      startJob({ script, data: { does: 'wait' }, heapMaxMegabytes: 64, onProgress: (pid) => console.log(pid) });
    `;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', parent], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [pid] = await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await expect.poll(() => isThere(Number(pid)), { timeout: 20_000 }).toBe(false);
  });
});
