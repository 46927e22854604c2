import { workerData } from 'node:worker_threads';
import { connect, type DatabaseAddress } from '../adapters/postgres/connection.ts';
import { PostgresReadingArchive } from '../adapters/postgres/reading-archive.ts';
import type { BurdenJob } from '../analytics/alarm-burden-job.ts';
import { type BurdenBounds, runAlarmBurden } from '../analytics/alarm-burden-run.ts';
import type { BurdenMessage } from '../analytics/burden-worker-host.ts';
import { Failure } from '../ports/failure.ts';
import { recordedDatasets } from '../simulation/recorded-datasets.ts';
import { ownThread } from './own-thread.ts';

/** The thread that computes one alarm-burden preview, with a database connection of its own, and ends. */
export interface BurdenWorkerData {
  readonly address: DatabaseAddress;
  readonly datasetsFolder?: string;
  readonly bounds?: Partial<BurdenBounds>;
}

/** A person looks four times a second at most. */
const TELL_EVERY_MS = 250;

const { address, datasetsFolder, bounds, job } = workerData as BurdenWorkerData & { readonly job: BurdenJob };
const say = ownThread<BurdenMessage>();

const database = connect(address, { connectionsMax: 1 });
try {
  let toldMs = 0;
  const answer = await runAlarmBurden(job, {
    archive: new PostgresReadingArchive(database),
    datasets: recordedDatasets(datasetsFolder),
    ...(bounds === undefined ? {} : { bounds }),
    monotonicMs: () => performance.now(),
    onProgress(progress) {
      if (performance.now() - toldMs < TELL_EVERY_MS) return;
      toldMs = performance.now();
      say({ kind: 'progress', progress });
    },
  });
  say(
    answer === undefined
      ? { kind: 'failed', code: 'no-such-dataset', detail: 'There is no data set of this name any more.' }
      : { kind: 'done', answer },
  );
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  say({ kind: 'failed', code: 'database-unavailable', detail: 'The history could not be read; try again.' });
} finally {
  await database.close();
}
