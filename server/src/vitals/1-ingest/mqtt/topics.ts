import type { DeviceId } from '../../../domain/ids.ts';

/** The topics of one device. There are no others: this is a door for devices, not a broker between clients. */
export const readingsTopic = (device: DeviceId): string => `devices/${device}/readings`;
export const statusTopic = (device: DeviceId): string => `devices/${device}/status`;
export const configTopic = (device: DeviceId): string => `devices/${device}/config`;
/** What became of a request for a certificate. */
export const certificateTopic = (device: DeviceId): string => `devices/${device}/certificate`;
export const certificateRequestTopic = (device: DeviceId): string => `devices/${device}/certificate/request`;
export const commandsTopic = (device: DeviceId): string => `devices/${device}/commands`;

/** MQTT-3.3.2-2, 4.7.3-1: a topic name has no wildcards and at least one character. */
export const isTopicName = (topic: string): boolean => topic !== '' && !/[+#]/.test(topic);

export type FilterKind = 'plain' | 'wildcard' | 'shared' | 'invalid';

/** Section 4.7.1: `#` alone in the last level, `+` alone in its level; 4.8.2: `$share/name/filter`. */
export function kindOfFilter(filter: string): FilterKind {
  if (filter.startsWith('$share/')) return 'shared';
  const levels = filter.split('/');
  const isValid = levels.every(
    (level, i) => !/[+#]/.test(level) || level === '+' || (level === '#' && i === levels.length - 1),
  );
  if (!isValid) return 'invalid';
  return /[+#]/.test(filter) ? 'wildcard' : 'plain';
}
