import type { BurdenJob } from './alarm-burden-job.ts';
import type { BurdenAnswer, BurdenProgress } from './alarm-burden-run.ts';

export interface BurdenFailed {
  readonly kind: 'failed';
  readonly code: 'no-such-dataset' | 'database-unavailable' | 'out-of-memory' | 'took-too-long' | 'ended' | 'defect';
  /** For a person, without patient data. */
  readonly detail: string;
  /** For the log. */
  readonly error?: unknown;
}

export type BurdenOutcome = { readonly kind: 'done'; readonly answer: BurdenAnswer } | BurdenFailed;

export interface BurdenRun {
  readonly outcome: Promise<BurdenOutcome>;
  /** Ends it, whatever it is doing; the outcome is then `ended`. */
  stop(): Promise<void>;
}

/** A preview as it stands. `About` is whatever its answer is shown with. */
export interface BurdenPreview<About> {
  readonly id: string;
  readonly by: string;
  readonly about: About;
  readonly askedAtMs: number;
  readonly state: 'queued' | 'running' | 'done' | 'failed' | 'cancelled';
  readonly progress: BurdenProgress;
  readonly answer?: BurdenAnswer;
  readonly failed?: BurdenFailed;
}

export interface BurdenDesk<About> {
  /** A new one of the same person takes the place of theirs that has not ended. `busy`: too many wait. */
  ask(request: {
    readonly by: string;
    readonly job: BurdenJob;
    readonly about: About;
  }): { readonly kind: 'accepted'; readonly preview: BurdenPreview<About> } | { readonly kind: 'busy' };
  find(id: string): BurdenPreview<About> | undefined;
  /** One that has ended stays as it is. */
  cancel(id: string): Promise<void>;
  /** Ends whatever runs. */
  close(): Promise<void>;
}

export interface DeskBounds {
  /** Behind the one that runs; a hospital has few people who change rules at one moment. */
  readonly waitingMax: number;
  /** For how long an answer can be fetched. */
  readonly keepMs: number;
  /** An answer is some tens of kilobytes. */
  readonly keptMax: number;
  /** Whatever runs longer hangs: its own bound is 6 minutes (`BURDEN_BOUNDS`). */
  readonly runMaxMs: number;
}
const DESK_BOUNDS: DeskBounds = { waitingMax: 4, keepMs: 3_600_000, keptMax: 50, runMaxMs: 420_000 };

type Entry<About> = { -readonly [K in keyof BurdenPreview<About>]: BurdenPreview<About>[K] } & {
  readonly job: BurdenJob;
};

/** One preview at a time, whoever asks: the machine is there to judge the living first. */
export function createBurdenDesk<About>(options: {
  readonly start: (job: BurdenJob, onProgress: (progress: BurdenProgress) => void) => BurdenRun;
  readonly newId: () => string;
  readonly now: () => number;
  readonly bounds?: Partial<DeskBounds>;
  readonly onEnd?: (preview: BurdenPreview<About>) => void;
}): BurdenDesk<About> {
  const bounds = { ...DESK_BOUNDS, ...options.bounds };
  const { now } = options;
  const entries = new Map<string, Entry<About>>();
  let running: { readonly entry: Entry<About>; readonly run: BurdenRun; readonly over: Promise<void> } | undefined;
  let isClosed = false;

  function goOn(): void {
    if (running !== undefined || isClosed) return;
    const entry = [...entries.values()].find(({ state }) => state === 'queued');
    if (entry === undefined) return;
    entry.state = 'running';
    const run = options.start(entry.job, (progress) => {
      entry.progress = progress;
    });
    running = { entry, run, over: see(entry, run) };
  }

  async function see(entry: Entry<About>, run: BurdenRun): Promise<void> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      void run.stop();
    }, bounds.runMaxMs);
    const outcome = await run.outcome;
    clearTimeout(timer);
    if (outcome.kind === 'done') {
      entry.answer = outcome.answer;
      entry.progress = { ...entry.progress, share: 1, patientsDone: outcome.answer.patientsDone };
    } else if (entry.state !== 'cancelled') {
      entry.failed = isLate
        ? { kind: 'failed', code: 'took-too-long', detail: 'It took too long; try fewer days.' }
        : outcome;
    }
    if (entry.state !== 'cancelled') entry.state = outcome.kind;
    // Its process and its connection are gone before the next begins.
    await run.stop();
    running = undefined;
    options.onEnd?.(entry);
    goOn();
  }

  function forgetOld(): void {
    const ended = [...entries.values()].filter(({ state }) => state !== 'queued' && state !== 'running');
    const many = ended.length - bounds.keptMax;
    ended.forEach((entry, index) => {
      if (index < many || now() - entry.askedAtMs > bounds.keepMs) entries.delete(entry.id);
    });
  }

  async function cancel(id: string): Promise<void> {
    const entry = entries.get(id);
    if (entry === undefined || (entry.state !== 'queued' && entry.state !== 'running')) return;
    const isRunning = entry.state === 'running';
    entry.state = 'cancelled';
    if (isRunning && running?.entry === entry) await running.run.stop();
  }

  return {
    ask({ by, job, about }) {
      forgetOld();
      const open = [...entries.values()].filter(({ state }) => state === 'queued' || state === 'running');
      const own = open.filter((entry) => entry.by === by);
      const waiting = open.filter((entry) => entry.state === 'queued' && entry.by !== by);
      if (isClosed || waiting.length >= bounds.waitingMax) return { kind: 'busy' };
      for (const { id } of own) void cancel(id);
      const entry: Entry<About> = {
        id: options.newId(),
        by,
        about,
        job,
        askedAtMs: now(),
        state: 'queued',
        progress: { share: 0, patients: 0, patientsDone: 0, readings: 0 },
      };
      entries.set(entry.id, entry);
      goOn();
      return { kind: 'accepted', preview: entry };
    },
    find(id) {
      forgetOld();
      return entries.get(id);
    },
    cancel,
    async close() {
      isClosed = true;
      for (const entry of entries.values()) if (entry.state === 'queued') entry.state = 'cancelled';
      if (running === undefined) return;
      await cancel(running.entry.id);
      await running?.over;
    },
  };
}
