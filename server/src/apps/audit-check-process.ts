import type { AuditVerdict } from '../audit/verify.ts';
import type { CheckWorkerData } from './audit-check-worker.ts';
import { type JobProcess, startJob } from './job-process.ts';

/** 64 tiles of entries at a time are some 30 MB as objects; seven years of heads as many again. */
const HEAP_MAX_MEGABYTES = 256;

const SCRIPT = new URL('./audit-check-worker.ts', import.meta.url);

/** Verifies in a process of its own: hashing a million entries takes no turn of the one that hears the devices. */
export function startAuditCheck(data: CheckWorkerData, { isUrgent = false } = {}): JobProcess<AuditVerdict> {
  return startJob({ script: SCRIPT, data, heapMaxMegabytes: HEAP_MAX_MEGABYTES, isUrgent });
}
