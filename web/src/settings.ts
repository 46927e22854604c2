import { useSyncExternalStore } from 'react';
import type { WallOrder } from './wall/tile-order.ts';

/** How this screen is used. Kept in the browser; nothing about a patient ever is. */
export interface Settings {
  readonly ward: string | undefined;
  readonly order: WallOrder;
  readonly night: boolean;
  /** Single-key shortcuts (WCAG 2.1.4: must be possible to switch off). */
  readonly keys: boolean;
}

const KEY = 'healthsync.settings';
const DEFAULTS: Settings = { ward: undefined, order: 'bed', night: false, keys: true };

let settings: Settings = read();
const listeners = new Set<() => void>();

export function useSettings(): Settings {
  return useSyncExternalStore(subscribe, currentSettings);
}

export function currentSettings(): Settings {
  return settings;
}

export function changeSettings(change: Partial<Settings>): void {
  settings = { ...settings, ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(settings));
  } catch {
    // A locked-down kiosk has no storage: the setting holds for this page.
  }
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** Whatever an older version or another hand left there must not break the wall. */
function read(): Settings {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? '{}') as Record<string, unknown>;
    return {
      ward: typeof stored['ward'] === 'string' ? stored['ward'] : undefined,
      order: stored['order'] === 'priority' ? 'priority' : 'bed',
      night: stored['night'] === true,
      keys: stored['keys'] !== false,
    };
  } catch {
    return DEFAULTS;
  }
}
