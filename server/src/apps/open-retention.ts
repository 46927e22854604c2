import type { Connections } from '../adapters/postgres/connection.ts';
import { PostgresOldData } from '../adapters/postgres/old-data.ts';
import type { OldDataKind } from '../ports/old-data.ts';
import { type RetentionDays, startRetention } from '../retention/retention.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Settings } from './settings.ts';
import type { undoStack } from './undo.ts';

/** What is kept for a time only, as it is set. Where nothing is, nothing runs. */
export function openRetention(parts: {
  readonly settings: Settings;
  readonly database: Connections;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly now: () => number;
  readonly undo: ReturnType<typeof undoStack>;
}): void {
  const { settings, database, metrics, log, now, undo } = parts;
  const kept: Readonly<Record<OldDataKind, number>> = {
    vitals: settings.vitalsRetentionDays,
    deliveries: settings.deliveryRetentionDays,
    'workflow-histories': settings.workflowRetentionDays,
  };
  const days: RetentionDays = Object.fromEntries(Object.entries(kept).filter(([, many]) => many > 0));
  if (Object.keys(days).length === 0) return;
  const retention = startRetention({
    oldData: new PostgresOldData(database),
    days,
    now,
    hooks: {
      removed: (kind, count) => {
        metrics.retention.removed(kind, count);
        log.info('what was old is gone', { component: kind, count });
      },
      onError: (error) => log.warn('what is old could not be taken away', { error }),
    },
  });
  undo.push('retention', () => retention.stop());
}
