import type { KeyObject } from 'node:crypto';
import type { DatabaseAddress } from '../adapters/postgres/connection.ts';
import type { AuditWatch } from '../audit/audit-watch.ts';
import { type LogCheck, type ScheduledCheck, startScheduledCheck } from '../audit/scheduled-check.ts';
import type { AuditVerdict } from '../audit/verify.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import type { AuditCheck, AuditStore } from '../ports/audit-store.ts';
import { Failure } from '../ports/failure.ts';
import type { Log } from '../telemetry/log.ts';
import { readAnchors, readableAnchors } from './audit-anchors.ts';
import { startAuditCheck } from './audit-check-process.ts';
import type { CheckWorkerData } from './audit-check-worker.ts';
import { JobEnded, type JobProcess } from './job-process.ts';
import type { Settings } from './settings.ts';

const HOUR_MS = 3_600_000;

/** The verification of the audit log by the clock, in a process of its own, against every place that keeps its heads. */
export function startAuditChecking(parts: {
  readonly settings: Settings;
  readonly address: DatabaseAddress;
  readonly store: AuditStore;
  readonly audit: AuditLog;
  readonly publicKey: KeyObject;
  /** What this process has signed itself: nobody who changes the database changes that. */
  readonly ownHead: () => string | undefined;
  readonly watch: AuditWatch;
  readonly log: Log;
  readonly now: () => number;
}): { readonly check: ScheduledCheck; stop(): Promise<void> } {
  const { settings, address, store, audit, publicKey, ownHead, watch, log, now } = parts;
  let running: JobProcess<AuditVerdict> | undefined;

  async function check(from: number): Promise<LogCheck> {
    // Before the anchors are asked: what is signed meanwhile is no more than the log holds.
    const own = ownHead();
    const { heads, unread } = await readAnchors(await readableAnchors(settings));
    for (const { name, error } of unread)
      log.warn('the audit log could not be compared with heads that are kept outside', { component: name, error });
    const data: CheckWorkerData = {
      address,
      publicKeys: [String(publicKey.export({ type: 'spki', format: 'pem' }))],
      anchored: own === undefined ? heads : [...heads, own],
      from,
    };
    const found = await run(data);
    // Retention may have deleted what was still there when we began: what is wrong is so the second time, too.
    return checkOf(found.isIntact ? found : await run(data));
  }

  async function run(data: CheckWorkerData): Promise<AuditVerdict> {
    running = startAuditCheck(data);
    try {
      return await running.answer;
    } catch (error) {
      // That no process could be begun, or that it was ended, says nothing of the log: it is verified the next time. A log
      // for which there is not enough memory never will be.
      if (isEnded(error) || isOfTheSystem(error))
        throw new Failure('overloaded', 'The verification was ended.', { retryable: true, cause: error });
      throw error;
    } finally {
      await running.stop();
      running = undefined;
    }
  }

  let isStopping = false;
  const scheduled = startScheduledCheck({
    store,
    check,
    audit,
    wholeEveryMs: settings.auditVerifyHours * HOUR_MS,
    now,
    onChecked(last, found) {
      const isWhole = typeof found === 'object' ? found.from === 0 : isWholeElsewhere(last, found);
      watch.checked(last, isWhole);
      if (typeof found === 'object' && found.findings > 0)
        log.error('the audit log is not what was signed: run "healthsync audit verify"', {
          count: found.findings,
          reason: found.kinds.join(' '),
        });
    },
    onFailed(error, last) {
      if (isStopping) return;
      watch.notChecked(error, last);
      log.warn('the audit log could not be verified', { error });
    },
  });
  return {
    check: scheduled,
    async stop() {
      isStopping = true;
      await running?.stop();
      await scheduled.stop();
    },
  };
}

/** A command that found everything well ends what rang; what was found well before this start may have rung since. */
function isWholeElsewhere({ atMs, wholeAtMs }: AuditCheck, found: 'before' | 'elsewhere'): boolean {
  return found === 'elsewhere' && wholeAtMs === atMs;
}

function checkOf({ from, size, findings, findingsTotal, headsChecked }: AuditVerdict): LogCheck {
  return { from, size, findings: findingsTotal, kinds: [...new Set(findings.map(({ kind }) => kind))], headsChecked };
}

const isEnded = (error: unknown): boolean => error instanceof JobEnded && error.reason === 'ended';
const isOfTheSystem = (error: unknown): boolean => error instanceof Error && 'syscall' in error;
