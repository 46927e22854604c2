import { connect, type DatabaseAddress } from '../adapters/postgres/connection.ts';
import { PostgresReadingArchive } from '../adapters/postgres/reading-archive.ts';
import type { BurdenJob } from '../analytics/alarm-burden-job.ts';
import {
  type BurdenAnswer,
  type BurdenBounds,
  type BurdenProgress,
  runAlarmBurden,
} from '../analytics/alarm-burden-run.ts';
import { recordedDatasets } from '../simulation/recorded-datasets.ts';
import { ownProcess } from './own-process.ts';

/** The process that computes one alarm-burden preview, with a database connection of its own, and ends. */
export interface BurdenWorkerData {
  readonly job: BurdenJob;
  readonly address: DatabaseAddress;
  readonly datasetsFolder?: string;
  readonly bounds?: Partial<BurdenBounds>;
}

/** Undefined: there is no data set of this name any more. */
export type BurdenWorkerAnswer = BurdenAnswer | undefined;

/** A person looks four times a second at most. */
const TELL_EVERY_MS = 250;

ownProcess<BurdenWorkerData, BurdenWorkerAnswer, BurdenProgress>(async (data, tell) => {
  const { job, address, datasetsFolder, bounds } = data;
  const database = connect(address, { connectionsMax: 1 });
  let toldMs = 0;
  try {
    return await runAlarmBurden(job, {
      archive: new PostgresReadingArchive(database),
      datasets: recordedDatasets(datasetsFolder),
      ...(bounds === undefined ? {} : { bounds }),
      monotonicMs: () => performance.now(),
      onProgress(progress) {
        if (performance.now() - toldMs < TELL_EVERY_MS) return;
        toldMs = performance.now();
        tell(progress);
      },
    });
  } finally {
    await database.close();
  }
});
