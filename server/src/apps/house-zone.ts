import { isZone } from '../domain/zoned-time.ts';
import { Failure } from '../ports/failure.ts';
import type { Settings } from './settings.ts';

/** The zone of the house's clocks: of shifts, rotas and quiet hours, of what is unusual at night, of times on pages. */
export function houseZone({ timeZone }: Pick<Settings, 'timeZone'>): string {
  const zone = timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (isZone(zone)) return zone;
  throw new Failure('configuration-invalid', 'HEALTHSYNC_TIME_ZONE is not a time zone this machine knows.', {
    retryable: false,
  });
}
