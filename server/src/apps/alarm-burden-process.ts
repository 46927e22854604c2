import type { BurdenProgress } from '../analytics/alarm-burden-run.ts';
import type { BurdenFailed, BurdenOutcome, BurdenRun } from '../analytics/burden-desk.ts';
import { Failure } from '../ports/failure.ts';
import type { BurdenWorkerAnswer, BurdenWorkerData } from './alarm-burden-worker.ts';
import { JobEnded, startJob } from './job-process.ts';

/**
 * Megabytes of heap: an hour or three of one patient's readings, and the counts. The process of a run over forty patients
 * and a day of seconds grew by 139, all told.
 */
const HEAP_MAX_MEGABYTES = 256;

/** Computes a preview in a process of its own: judging weeks of readings takes no turn of the one that hears the devices. */
export function startBurdenProcess(
  data: BurdenWorkerData,
  options: { readonly onProgress: (progress: BurdenProgress) => void; readonly heapMaxMegabytes?: number },
): BurdenRun {
  const { onProgress, heapMaxMegabytes = HEAP_MAX_MEGABYTES } = options;
  const { answer, stop } = startJob<BurdenWorkerAnswer, BurdenProgress>({
    script: SCRIPT,
    data,
    heapMaxMegabytes,
    onProgress,
  });
  return { outcome: answer.then(outcomeOf, failedBy), stop };
}

const SCRIPT = new URL('./alarm-burden-worker.ts', import.meta.url);

function outcomeOf(answer: BurdenWorkerAnswer): BurdenOutcome {
  if (answer !== undefined) return { kind: 'done', answer };
  return { kind: 'failed', code: 'no-such-dataset', detail: 'There is no data set of this name any more.' };
}

function failedBy(error: unknown): BurdenFailed {
  if (error instanceof Failure)
    return {
      kind: 'failed',
      code: 'database-unavailable',
      detail: 'The history could not be read; try again.',
      error,
    };
  if (!(error instanceof JobEnded))
    return { kind: 'failed', code: 'defect', detail: 'It failed; the log says why.', error };
  if (error.reason === 'out-of-memory')
    return { kind: 'failed', code: 'out-of-memory', detail: 'It needed too much memory; try fewer days.' };
  return { kind: 'failed', code: 'ended', detail: 'It was ended before it was done; ask again.' };
}
