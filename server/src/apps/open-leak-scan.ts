import { randomInt, randomUUID } from 'node:crypto';
import type { DatabaseAddress } from '../adapters/postgres/connection.ts';
import { repeat } from '../pacing/repeating.ts';
import { Failure } from '../ports/failure.ts';
import type { Log } from '../telemetry/log.ts';
import { createLeakDesk, type LeakDesk, nextScan } from '../watching/leak-desk.ts';
import type { LeakScanJob, LeakScanOutcome } from '../watching/leak-scan.ts';
import { type JobProcess, startJob } from './job-process.ts';
import type { LeakScanWorkerData } from './leak-scan-worker.ts';
import type { Settings } from './settings.ts';
import type { undoStack } from './undo.ts';

/** Names and their needles, and a page of a table: measured with ten thousand patients it took under 200. */
const HEAP_MAX_MEGABYTES = 1_024;
const LOOK_EVERY_MS = 60_000;
/** A night without a search, and some hours: then somebody should know. */
const OVERDUE_MS = 30 * 3_600_000;

type DeskParts = Parameters<typeof createLeakDesk>[0];

/** The desk with what only a composition root has: folders, randomness, a process. */
export function leakDesk(
  settings: Pick<Settings, 'dataFolder' | 'leakScanFolders' | 'leakScanMegabytes'>,
  parts: Omit<DeskParts, 'folders' | 'bytesMax' | 'newId' | 'random'>,
): LeakDesk {
  return createLeakDesk({
    ...parts,
    folders: [settings.dataFolder, ...settings.leakScanFolders],
    bytesMax: settings.leakScanMegabytes * 1024 * 1024,
    newId: () => `p-${randomUUID()}`,
    random: () => randomInt(2 ** 40) / 2 ** 40,
  });
}

/** Searches every night at the hour that is set, and when somebody asks. */
export function startLeakScans(parts: {
  readonly settings: Pick<Settings, 'leakScanAt'>;
  readonly zone: string;
  readonly desk: LeakDesk;
  readonly log: Log;
  readonly now: () => number;
  readonly undo: ReturnType<typeof undoStack>;
}) {
  const { settings, zone, desk, log, now, undo } = parts;
  const sinceMs = now();
  let planted: Promise<unknown> | undefined;

  /** A search without its made-up patients would find less and say that all is well. */
  async function plant(): Promise<void> {
    planted ??= desk.plant();
    try {
      await planted;
    } catch (error) {
      planted = undefined;
      throw error;
    }
  }

  async function next() {
    const [last] = await desk.list(1);
    return nextScan(settings.leakScanAt, {
      zone,
      nowMs: now(),
      sinceMs,
      ...(last !== undefined && { lastStartedAtMs: last.startedAtMs }),
    });
  }

  /** Undefined: not begun. Else whatever becomes of it is in the log. */
  async function begin(id: string): Promise<{ readonly ended: Promise<void> } | undefined> {
    const begun = await desk.begin(id);
    return (
      begun && {
        ended: begun.outcome.then(
          ({ found }) => log.info('searched for what has leaked', { count: found, component: 'leak scan' }),
          (error: unknown) => log.warn('the search for what has leaked failed', { error }),
        ),
      }
    );
  }

  const looking = repeat(
    async () => {
      await plant();
      const due = await next();
      if (due !== undefined && due.dueAtMs <= now()) await (await begin(due.id))?.ended;
    },
    {
      everyMs: LOOK_EVERY_MS,
      onError: (error) => log.warn('the search for what has leaked could not be begun', { error }),
    },
  );
  undo.push('leak scan', () => looking.stop());

  return {
    next,
    /** Begins one; false: one runs already. */
    async runNow(): Promise<boolean> {
      if (desk.isRunning()) return false;
      await plant();
      return (await begin(randomUUID())) !== undefined;
    },
    async isOverdue(): Promise<boolean> {
      const due = await next();
      return due !== undefined && now() - due.dueAtMs > OVERDUE_MS;
    },
  };
}

/** In a process of its own, ended when the program ends. */
export function scanInProcess(
  address: DatabaseAddress,
  undo: ReturnType<typeof undoStack>,
): (job: LeakScanJob) => Promise<LeakScanOutcome> {
  let running: JobProcess<LeakScanOutcome> | undefined;
  undo.push('leak scan process', async () => {
    await running?.stop();
  });
  return async (job) => {
    const data: LeakScanWorkerData = { address, job };
    running = startJob({ script: SCRIPT, data, heapMaxMegabytes: HEAP_MAX_MEGABYTES });
    try {
      return await running.answer;
    } catch (cause) {
      throw new Failure('overloaded', 'The search for leaks failed.', { retryable: true, cause });
    } finally {
      await running.stop();
    }
  };
}

const SCRIPT = new URL('./leak-scan-worker.ts', import.meta.url);
