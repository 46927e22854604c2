import type { Log } from '../telemetry/log.ts';
import type { OpenedAudit } from './open-audit.ts';
import type { OpenedKeys } from './open-keys.ts';

/** What opening the keys did by itself is on record; and a rotation that was interrupted is ended, beside the start. */
export async function noteKeys(
  { erasedAgain, subjects }: Pick<OpenedKeys, 'erasedAgain' | 'subjects'>,
  note: OpenedAudit['note'],
  log: Log,
): Promise<void> {
  const resource = { kind: 'key' };
  if (erasedAgain > 0) {
    log.warn('keys of erased patients had come back, and were destroyed again', { count: erasedAgain });
    await note('keys', { action: 'key.erase-again', resource, detail: { count: erasedAgain } });
  }
  void subjects
    .rewrapAll()
    .then((count) => (count === 0 ? undefined : note('keys', { action: 'key.rewrap', resource, detail: { count } })))
    .catch((error) => log.warn('a rotation of keys could not be ended', { error }));
}
