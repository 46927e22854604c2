import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { openSegmentLog, type SegmentLog } from '../adapters/embedded/segment-log/segment-log.ts';
import { createLogKeys } from '../keys/log-keys.ts';
import type { SubjectKeys } from '../keys/subject-keys.ts';
import type { Checkpoints } from '../ports/checkpoints.ts';
import type { VitalsHistory } from '../ports/vitals-history.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { KEEP_GROUP } from '../vitals/2-keep/keeper.ts';
import { ASSESS_GROUP } from '../vitals/3-assess/assessor.ts';
import type { Settings } from './settings.ts';

const MIB = 1024 * 1024;

/**
 * Opens the log of readings of an installation: what is acknowledged is in it. Its consumers' positions are never taken
 * below what history and checkpoints have seen.
 */
export async function openReadings(parts: {
  readonly settings: Pick<Settings, 'partitions' | 'logMaxMegabytes' | 'diskReserveMegabytes' | 'logRetentionHours'>;
  /** The data folder. */
  readonly folder: string;
  readonly keys: { readonly subjects: SubjectKeys };
  readonly checkpoints: Pick<Checkpoints, 'load'>;
  readonly history: Pick<VitalsHistory, 'position'>;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly now: () => number;
}): Promise<{ readonly readings: SegmentLog; readonly isFull: () => boolean }> {
  const { settings, folder, keys, checkpoints, history, metrics, log, now } = parts;
  const saved = await checkpoints.load();
  const floor = new Map(await history.position());
  for (const { partition, next } of saved) floor.set(partition, Math.max(next, floor.get(partition) ?? 0));
  let isFull = false;
  const readings = await openSegmentLog({
    folder: join(folder, 'log'),
    partitions: settings.partitions,
    groups: [KEEP_GROUP, ASSESS_GROUP],
    floor,
    keys: createLogKeys({
      subjects: keys.subjects,
      newId: () => randomBytes(8).toString('hex'),
      now,
      onError: (error) => log.warn('a new key for the log of readings could not be made', { error }),
    }),
    now,
    settings: {
      bytesMax: settings.logMaxMegabytes * MIB,
      retainBytesMax: Math.floor((settings.logMaxMegabytes * MIB) / 2),
      freeBytesMin: settings.diskReserveMegabytes * MIB,
      retainMs: settings.logRetentionHours * 3_600_000,
    },
    hooks: {
      onGroup: ({ writeMs, records, bytes }) => metrics.log.write({ ms: writeMs, records, bytes }),
      onDamage: ({ what, readingsLost }) => log.error('the log is damaged', { state: what, count: readingsLost }),
      // The text is one of a closed list, without patient data.
      onTrouble: (trouble, error) => log.error('trouble with the log', { reason: trouble, error }),
      onFull: (full) => {
        isFull = full;
        log[full ? 'error' : 'info'](full ? ('the log is full' as const) : ('the log has space again' as const));
      },
    },
  });
  return { readings, isFull: () => isFull };
}
