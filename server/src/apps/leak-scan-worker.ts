import { connect, type DatabaseAddress } from '../adapters/postgres/connection.ts';
import { PostgresStoredTexts } from '../adapters/postgres/stored-texts.ts';
import { type LeakScanJob, type LeakScanOutcome, scanForLeaks } from '../watching/leak-scan.ts';
import { ownProcess } from './own-process.ts';

/** The process of one search for leaks, with a database connection of its own: reading gigabytes takes no turn of others. */
export interface LeakScanWorkerData {
  readonly address: DatabaseAddress;
  readonly job: LeakScanJob;
}

ownProcess<LeakScanWorkerData, LeakScanOutcome>(async ({ address, job }) => {
  const database = connect(address, { connectionsMax: 1 });
  try {
    return await scanForLeaks(job, { texts: new PostgresStoredTexts(database) });
  } finally {
    await database.close();
  }
});
