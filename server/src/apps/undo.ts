/**
 * What was started is stopped backwards, on a clean stop and on a failed start alike. Every step is tried, whatever the
 * others do, and none may take longer than its bound.
 */
export interface UndoStack {
  /** Call right after a thing has started. */
  push(name: string, undo: () => unknown): void;
  /** Undoes everything, last first; answers with what failed. Idempotent. */
  run(): Promise<readonly { readonly name: string; readonly error: unknown }[]>;
}

/** PostgreSQL's fast shutdown under load is the slowest step; a step that takes longer than this is left behind. */
const STEP_MAX_MS = 20_000;

export function undoStack(onStep?: (name: string, ms: number) => void): UndoStack {
  const steps: { readonly name: string; readonly undo: () => unknown }[] = [];
  let running: Promise<readonly { name: string; error: unknown }[]> | undefined;

  const runAll = async () => {
    const failed: { name: string; error: unknown }[] = [];
    for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
      const startedMs = performance.now();
      try {
        await bounded(step.name, Promise.resolve(step.undo()));
      } catch (error) {
        failed.push({ name: step.name, error });
      }
      onStep?.(step.name, performance.now() - startedMs);
    }
    return failed;
  };
  return {
    push: (name, undo) => void steps.push({ name, undo }),
    run: () => (running ??= runAll()),
  };
}

async function bounded(name: string, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`stopping ${name} took longer than ${STEP_MAX_MS} ms`)), STEP_MAX_MS);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
