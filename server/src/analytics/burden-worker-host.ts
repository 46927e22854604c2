import { Worker } from 'node:worker_threads';
import type { BurdenJob } from './alarm-burden-job.ts';
import type { BurdenAnswer, BurdenProgress } from './alarm-burden-run.ts';

/** What a worker says. */
export type BurdenMessage =
  | { readonly kind: 'progress'; readonly progress: BurdenProgress }
  | { readonly kind: 'done'; readonly answer: BurdenAnswer }
  | BurdenFailed;

export interface BurdenFailed {
  readonly kind: 'failed';
  readonly code: 'no-such-dataset' | 'database-unavailable' | 'out-of-memory' | 'took-too-long' | 'ended' | 'defect';
  /** For a person, without patient data. */
  readonly detail: string;
  /** For the log. */
  readonly error?: unknown;
}

export type BurdenOutcome = Extract<BurdenMessage, { kind: 'done' }> | BurdenFailed;

export interface BurdenRun {
  readonly outcome: Promise<BurdenOutcome>;
  /** Ends it, whatever it is doing; the outcome is then `ended`. */
  stop(): Promise<void>;
}

/**
 * Megabytes of heap: an hour or three of one patient's readings, and the counts. The process of a run over forty patients
 * and a day of seconds grew by 139, all told.
 */
const HEAP_MAX_MEGABYTES = 256;

/**
 * Runs a job in a thread of its own, so that judging weeks of readings takes no turn of the one that hears the devices;
 * if it dies, its memory is full or it hangs, that one goes on. `script` says what runs, `data` what it needs besides.
 */
export function startBurdenWorker(
  job: BurdenJob,
  options: {
    readonly script: URL;
    readonly data: object;
    readonly onProgress: (progress: BurdenProgress) => void;
    readonly heapMaxMegabytes?: number;
  },
): BurdenRun {
  const worker = new Worker(options.script, {
    workerData: { ...options.data, job },
    resourceLimits: { maxOldGenerationSizeMb: options.heapMaxMegabytes ?? HEAP_MAX_MEGABYTES },
    // Secrets of the environment are none of its business.
    env: {},
    name: 'alarm-burden',
  });
  const outcome = new Promise<BurdenOutcome>((resolve) => {
    worker.on('message', (message: BurdenMessage) => {
      if (message.kind === 'progress') options.onProgress(message.progress);
      else resolve(message);
    });
    worker.on('error', (error: NodeJS.ErrnoException) =>
      resolve(
        error.code === 'ERR_WORKER_OUT_OF_MEMORY'
          ? { kind: 'failed', code: 'out-of-memory', detail: 'It needed too much memory; try fewer days.' }
          : { kind: 'failed', code: 'defect', detail: 'It failed; the log says why.', error },
      ),
    );
    worker.on('exit', () =>
      resolve({ kind: 'failed', code: 'ended', detail: 'It was ended before it was done; ask again.' }),
    );
  });
  return {
    outcome,
    async stop() {
      await worker.terminate();
    },
  };
}
