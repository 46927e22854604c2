import type { Log } from '../telemetry/log.ts';

/**
 * What nobody caught ends the process: nobody knows what it would still acknowledge, and the next start goes on where
 * the log durably was. It is said before in the log's form: by itself Node would print the error with all it quotes,
 * perhaps a patient.
 */
export function endOnWhatNobodyCaught(log: Log, exitCode: number): void {
  process.on('uncaughtException', (error) => {
    try {
      log.error('nobody caught this, the process ends', { error, exitCode });
    } finally {
      process.exit(exitCode);
    }
  });
}
