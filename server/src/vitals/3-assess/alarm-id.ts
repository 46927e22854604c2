import { hash } from 'node:crypto';
import type { AlarmId } from '../../domain/ids.ts';

/** The first 128 bits of SHA-256, as hexadecimal: two alarms that share an id will not be met. */
export function alarmIdOf(key: string): AlarmId {
  return hash('sha256', key).slice(0, 32) as AlarmId;
}
