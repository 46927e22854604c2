import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { DatabaseAddress } from '../adapters/postgres/connection.ts';
import type { BurdenJob } from '../analytics/alarm-burden-job.ts';
import { type BurdenPreview, createBurdenDesk } from '../analytics/burden-desk.ts';
import type { AuditEntry } from '../domain/audit-entry.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import { type AlarmBurdenServices, type BurdenAbout, registerAlarmBurden } from '../serve/api/alarm-burden.ts';
import { recordedDatasets } from '../simulation/recorded-datasets.ts';
import type { Log } from '../telemetry/log.ts';
import { startBurdenProcess } from './alarm-burden-process.ts';
import type { undoStack } from './undo.ts';

/** The alarm-burden preview: the processes that compute it, one at a time, and the routes to ask for it. */
export function openAlarmBurden(parts: {
  /** Where and as whom the request that is being answered reaches the database. */
  readonly addressNow: () => DatabaseAddress;
  readonly datasetsFolder?: string | undefined;
  readonly services: Pick<AlarmBurdenServices, 'view' | 'ruleSets' | 'shownPreviews' | 'now'> & {
    readonly audit: AuditLog;
  };
  readonly log: Log;
  readonly undo: ReturnType<typeof undoStack>;
}): (app: FastifyInstance) => void {
  const { addressNow, datasetsFolder, services, log, undo } = parts;
  // Kept with the job: it may begin when another one's request has just ended.
  const addresses = new WeakMap<BurdenJob, DatabaseAddress>();
  const desk = createBurdenDesk<BurdenAbout>({
    start(job, onProgress) {
      const address = addresses.get(job);
      if (address === undefined) throw new Error('nobody asked for this preview');
      return startBurdenProcess(
        { job, address, ...(datasetsFolder === undefined ? {} : { datasetsFolder }) },
        { onProgress },
      );
    },
    newId: randomUUID,
    now: services.now,
    onEnd(preview) {
      const { state, failed, answer } = preview;
      // Who asked for it, and about whom, is the entry of the request; this is how much was read for it.
      void services.audit
        .append([endEntry(preview, services.now())])
        .catch((error) => log.error('an entry of the audit log could not be written', { error }));
      if (state === 'failed')
        log.warn('an alarm-burden preview failed', { reason: failed?.code, error: failed?.error });
      else log.debug('an alarm-burden preview ended', { state, durationMs: answer?.tookMs ?? 0 });
    },
  });
  undo.push('alarm-burden preview', () => desk.close());
  const datasets = recordedDatasets(datasetsFolder);
  const { view, ruleSets, shownPreviews, now } = services;
  const asked: typeof desk = {
    ...desk,
    ask(request) {
      addresses.set(request.job, addressNow());
      return desk.ask(request);
    },
  };
  return (app) => registerAlarmBurden(app, { view, ruleSets, shownPreviews, now, desk: asked, datasets });
}

function endEntry({ id, by, state, progress }: BurdenPreview<unknown>, atMs: number): AuditEntry {
  return {
    atMs,
    actor: { kind: 'system', name: 'alarm-burden preview' },
    action: 'rules.preview',
    resource: { kind: 'preview', id },
    outcome: state === 'failed' ? 'failed' : 'allowed',
    correlationId: id,
    detail: { state, askedBy: by, patients: progress.patientsDone, readings: progress.readings },
  };
}
