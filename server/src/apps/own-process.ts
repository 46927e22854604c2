import { Failure } from '../ports/failure.ts';
import type { JobMessage } from './job-process.ts';

/**
 * For the script of a job (`startJob` is the other side): does the work with what it was given, says what came of it, and
 * ends. It ends too when nobody is there to hear it.
 */
export function ownProcess<Data, Answer, Progress = never>(
  work: (data: Data, tell: (progress: Progress) => void) => Promise<Answer>,
): void {
  if (process.send === undefined) throw new Error('this runs in a process of its own');
  // A signal to all of the program's processes is for the one that drains: it ends this one when it has done with it.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  // Whoever asked has died, or wants no more.
  process.on('disconnect', () => process.exit());
  process.once('message', (data) => {
    work(data as Data, (progress) => say({ kind: 'progress', progress })).then(
      (answer) => sayLast({ kind: 'done', answer }),
      (error: unknown) => sayLast(messageOf(error)),
    );
  });
}

function messageOf(error: unknown): JobMessage {
  if (!(error instanceof Failure)) return { kind: 'threw', error };
  return { kind: 'failed', code: error.code, detail: error.message, retryable: error.retryable };
}

function say(message: JobMessage, onSaid?: () => void): void {
  process.send?.(message, undefined, undefined, onSaid);
}

function sayLast(message: JobMessage): void {
  say(message, () => process.exit());
}
