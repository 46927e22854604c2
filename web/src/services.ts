import { createContext, useContext, useEffect, useState, useSyncExternalStore } from 'react';
import type { AlarmSound, SoundState } from './live/alarm-sound.ts';
import type { FeedState, LiveStore } from './live/live-store.ts';
import type { Sparklines } from './live/sparkline-data.ts';

/** What every page stands on; made once in main.tsx. */
export interface AppServices {
  readonly store: LiveStore;
  readonly sparks: Sparklines;
  readonly sound: AlarmSound;
}

const Context = createContext<AppServices | undefined>(undefined);
export const ServicesProvider = Context.Provider;

export function useServices(): AppServices {
  const services = useContext(Context);
  if (services === undefined) throw new Error('outside ServicesProvider');
  return services;
}

/** Renders again when beds or open alarms change, not when a value does. */
export function useShape(): number {
  const { store } = useServices();
  return useSyncExternalStore(store.onShape, store.shape);
}

export function useFeed(): FeedState {
  const { store } = useServices();
  return useSyncExternalStore(store.onFeed, store.feed);
}

export function useSound(): SoundState {
  const { sound } = useServices();
  const [state, setState] = useState(sound.state);
  useEffect(() => {
    setState(sound.state());
    return sound.onState(() => setState(sound.state()));
  }, [sound]);
  return state;
}

/** Renders once a second: only for the few elements that show a running time. */
export function useSeconds(): void {
  const [, setTick] = useState(0);
  useEffect(() => onSecond(() => setTick((tick) => tick + 1)), []);
}

const seconds = new Set<() => void>();
let isTicking = false;

/** One timer for everything that ages on the page, for as long as the page is there. */
export function onSecond(listener: () => void): () => void {
  seconds.add(listener);
  if (!isTicking) setInterval(tick, 1_000);
  isTicking = true;
  return () => void seconds.delete(listener);
}

function tick(): void {
  for (const each of [...seconds]) each();
}
