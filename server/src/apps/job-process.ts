import { ChildProcess, fork } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { Failure, type FailureCode } from '../ports/failure.ts';

/** What a job's process says. Structured clone, so that maps and bytes arrive as what they are. */
export type JobMessage =
  | { readonly kind: 'progress'; readonly progress: unknown }
  | { readonly kind: 'done'; readonly answer: unknown }
  | { readonly kind: 'failed'; readonly code: FailureCode; readonly detail: string; readonly retryable: boolean }
  /** A defect. */
  | { readonly kind: 'threw'; readonly error: unknown };

export interface JobProcess<Answer> {
  /** Rejects with the Failure the job met, with `JobEnded`, or with what it threw. */
  readonly answer: Promise<Answer>;
  /** Ends it, whatever it is doing, and waits until it is gone. Idempotent. */
  stop(): Promise<void>;
}

/** The process is gone and has not answered. */
export class JobEnded extends Error {
  override readonly name = 'JobEnded';
  readonly reason: 'ended' | 'out-of-memory';

  constructor(reason: JobEnded['reason']) {
    super(reason === 'ended' ? 'The job was ended before it was done.' : 'The job needed too much memory.');
    this.reason = reason;
  }
}

/**
 * Runs a job in a process of its own (`ownProcess` is the other side): reading gigabytes or judging weeks takes no turn of
 * the one that hears the devices, and if it dies or its memory is full, that one goes on. Not in a thread: V8 may end the
 * whole process when a thread ends while another begins (`Check failed: jit_page.has_value()`, Node 24). Beginning one
 * holds this process for 1 ms and 5 more for each 100 MB it has in memory (fork copies the tables of its pages).
 */
export function startJob<Answer, Progress = never>(options: {
  readonly script: URL;
  /** What structured clone takes. It goes through a pipe: arguments can be read by everyone on the machine. */
  readonly data: object;
  readonly heapMaxMegabytes: number;
  /** Somebody waits for it; otherwise whoever hears the devices goes first. */
  readonly isUrgent?: boolean;
  readonly onProgress?: (progress: Progress) => void;
}): JobProcess<Answer> {
  const child = begin(options.script, options.heapMaxMegabytes);
  // Of some troubles fork says so at once, of others later.
  if (!(child instanceof ChildProcess)) return { answer: Promise.reject(child), stop: async () => {} };
  if (options.isUrgent !== true) goBehind(child);
  const gone = goneOf(child);
  const answer = new Promise<Answer>((resolve, reject) => {
    child.on('message', (message: JobMessage) => {
      if (message.kind === 'progress') options.onProgress?.(message.progress as Progress);
      else if (message.kind === 'done') resolve(message.answer as Answer);
      else if (message.kind === 'threw') reject(message.error);
      else reject(new Failure(message.code, message.detail, { retryable: message.retryable }));
    });
    gone.then((error) => reject(error));
    // Where it could not even begin there is nobody to be given anything, and `gone` says why.
    if (child.connected)
      child.send(options.data, (error) => {
        if (error !== null) child.kill('SIGKILL');
      });
  });
  return {
    answer,
    async stop() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}

function begin(script: URL, heapMaxMegabytes: number): ChildProcess | Error {
  try {
    return fork(script, {
      execArgv: [
        ...process.execArgv.filter((option) => TRUST.test(option)),
        `--max-old-space-size=${heapMaxMegabytes}`,
      ],
      env: passedOn(process.env),
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
  } catch (error) {
    return error as Error;
  }
}

/** Whose certificates count, also of the database. */
const TRUST = /^--use-(system|openssl|bundled)-ca$/;

/** What says how to reach the database, and the time of the house. Secrets of the environment are none of its business. */
function passedOn(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => PASSED_ON.test(name)));
}

const PASSED_ON =
  /^(HOME|USER|NODE_EXTRA_CA_CERTS|NODE_USE_SYSTEM_CA|OPENSSL_CONF|SSL_CERT_DIR|SSL_CERT_FILE|TZ|PG[A-Z]+)$/;

/** When everything it said has been heard; with what to say of it if that was no answer. */
async function goneOf(child: ChildProcess): Promise<Error> {
  const words = lastWords(child);
  return await new Promise((resolve) => {
    child.on('error', resolve);
    child.once('close', () => resolve(new JobEnded(isOutOfMemory(words()) ? 'out-of-memory' : 'ended')));
  });
}

/** The end of what it wrote to its error output: V8's own words, or nothing. It may hold patient data and goes nowhere. */
function lastWords(child: ChildProcess): () => string {
  let words = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-LAST_WORDS_MAX);
  });
  return () => words;
}

const LAST_WORDS_MAX = 16_384;

function isOutOfMemory(words: string): boolean {
  return words.includes('out of memory');
}

/** At once, so that the threads it begins with go behind with it. */
function goBehind({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) setPriority(pid, constants.priority.PRIORITY_LOW);
  } catch {
    // Not allowed here, or gone: it goes on as it is.
  }
}
