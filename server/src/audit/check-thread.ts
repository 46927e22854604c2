import { Worker } from 'node:worker_threads';
import { Failure } from '../ports/failure.ts';
import type { AuditVerdict } from './verify.ts';

/** What the thread says before it ends. */
export type CheckMessage =
  | { readonly kind: 'done'; readonly verdict: AuditVerdict }
  | { readonly kind: 'failed'; readonly code: Failure['code']; readonly detail: string; readonly retryable: boolean };

export interface CheckThread {
  readonly outcome: Promise<AuditVerdict>;
  /** Ends it, whatever it is doing; the outcome then rejects. */
  stop(): Promise<void>;
}

/** 64 tiles of entries at a time are some 30 MB as objects; seven years of heads as many again. */
const HEAP_MAX_MEGABYTES = 256;

/** Verifies in a thread of its own: hashing a million entries takes no turn of the one that hears the devices. */
export function startCheckThread(script: URL, data: object): CheckThread {
  const worker = new Worker(script, {
    workerData: data,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MAX_MEGABYTES },
    // Secrets of the environment are none of its business.
    env: {},
    name: 'audit-check',
  });
  const outcome = new Promise<AuditVerdict>((resolve, reject) => {
    worker.on('message', (message: CheckMessage) => {
      if (message.kind === 'done') resolve(message.verdict);
      else reject(new Failure(message.code, message.detail, { retryable: message.retryable }));
    });
    worker.on('error', reject);
    worker.on('exit', () => reject(new Failure('log-closed', 'The verification was ended.', { retryable: true })));
  });
  return {
    outcome,
    async stop() {
      await worker.terminate();
    },
  };
}
