import type { Log } from '../telemetry/log.ts';
import type { OpenedAudit } from './open-audit.ts';
import type { OpenedKeys } from './open-keys.ts';

/** What opening the keys did by itself is on record; and a rotation that was interrupted is ended, beside the start. */
export async function noteKeys(
  { erasedAgain, clearedAgain, subjects }: Pick<OpenedKeys, 'erasedAgain' | 'clearedAgain' | 'subjects'>,
  note: OpenedAudit['note'],
  log: Log,
): Promise<void> {
  const resource = { kind: 'key' };
  if (erasedAgain > 0) {
    log.warn('keys of erased patients had come back, and were destroyed again', { count: erasedAgain });
    await note('keys', { action: 'key.erase-again', resource, detail: { count: erasedAgain } });
  }
  if (clearedAgain > 0) {
    log.warn('erased patients had come back with a backup of the database, and were cleared again', {
      count: clearedAgain,
    });
    await note('keys', {
      action: 'patient.clear-again',
      resource: { kind: 'patient' },
      detail: { count: clearedAgain },
    });
  }
  void subjects
    .rewrapAll()
    .then((count) => (count === 0 ? undefined : note('keys', { action: 'key.rewrap', resource, detail: { count } })))
    .catch((error) => log.warn('a rotation of keys could not be ended', { error }));
}
