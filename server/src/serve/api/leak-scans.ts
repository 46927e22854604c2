import { type LeakScan, LeakScanList } from '@healthsync/contracts/security-alert';
import type { FastifyInstance } from 'fastify';
import type { LeakScanRecord } from '../../ports/security-alerts.ts';
import { rfc3339 } from '../alert-shape.ts';
import { sendProblem } from '../problem.ts';
import type { Api } from '../validation.ts';

/** A month of nights. */
const LISTED = 30;
/** Longer than a search takes: one that never said how it ended went down with its program. */
const RUNS_AT_MOST_MS = 12 * 3_600_000;

export interface LeakScanServices {
  readonly list: (limit: number) => Promise<readonly LeakScanRecord[]>;
  readonly next: () => Promise<{ readonly dueAtMs: number } | undefined>;
  readonly runNow: () => Promise<boolean>;
  /** Names of the folders that are searched. */
  readonly folders: readonly string[];
  readonly now: () => number;
}

/** The search for what has leaked: what it found, where, and never what it says. */
export function registerLeakScans(app: FastifyInstance, services: LeakScanServices): void {
  const api = app as unknown as Api;
  const tags = ['security'];

  api.get(
    '/api/leak-scans',
    {
      config: { action: 'security-alert.read', installation: true },
      schema: { summary: 'Searches for patients’ data where none may be', tags, response: { 200: LeakScanList } },
    },
    async (_request, reply) => {
      const [scans, next] = await Promise.all([services.list(LISTED), services.next()]);
      return reply.send({
        scans: scans.map((scan) => shown(scan, services.now())),
        ...(next !== undefined && { nextAt: rfc3339(next.dueAtMs) }),
        folders: [...services.folders],
      });
    },
  );

  api.post(
    '/api/leak-scans',
    { config: { action: 'leak-scan.run', installation: true }, schema: { summary: 'Search now', tags } },
    async (_request, reply) => {
      if (await services.runNow()) return reply.code(202).send();
      return sendProblem(reply, { status: 409, code: 'already-running', detail: 'A search is running.' });
    },
  );
}

function shown(record: LeakScanRecord, nowMs: number): LeakScan {
  const { id, startedAtMs, endedAtMs, found = 0, failure, hits = [], leftOut = [] } = record;
  const isLost = endedAtMs === undefined && nowMs - startedAtMs > RUNS_AT_MOST_MS;
  const state =
    failure !== undefined || isLost ? 'failed' : endedAtMs === undefined ? 'running' : found > 0 ? 'found' : 'clean';
  return {
    id,
    state,
    startedAt: rfc3339(startedAtMs),
    ...(endedAtMs !== undefined && { endedAt: rfc3339(endedAtMs) }),
    files: record.files ?? 0,
    bytes: record.bytes ?? 0,
    tables: record.tables ?? 0,
    rows: record.rows ?? 0,
    canaries: record.canaries ?? 0,
    patients: record.patients ?? 0,
    leftOut: [...leftOut],
    findings: hits.map((hit) => ({ ...hit })),
    found,
    ...(failure !== undefined && { failure }),
  };
}
