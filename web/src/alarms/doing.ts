import { useSyncExternalStore } from 'react';
import { type Doing, doingOf, doingVersion, onDoing } from './alarm-actions.ts';

/** What is under way with this alarm, if anything. */
export function useDoing(alertId: string): Doing | undefined {
  useSyncExternalStore(onDoing, doingVersion);
  return doingOf(alertId);
}
