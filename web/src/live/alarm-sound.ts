import type { Alert } from '@healthsync/contracts/alert';
import { isCalling } from './alarm-rank.ts';

/**
 * Alarm sounds by WebAudio. IEC 60601-1-8 as its secondary sources give it: a high alarm is a burst of ten pulses (3, 2,
 * and again), a medium one of three, a low one a single pulse. What is acknowledged or over makes no sound.
 */
export interface AlarmSound {
  /** The open alarms as they are now; called at every change and every second. */
  update(alarms: readonly Alert[], feedIsDown: boolean): void;
  /** Silences for at most two minutes; or sounds again at once. */
  togglePause(): void;
  state(): SoundState;
  onState(listener: () => void): () => void;
  stop(): void;
}

export interface SoundState {
  /** A browser plays nothing before somebody has clicked or typed. */
  readonly isLocked: boolean;
  /** Wall-clock end of the pause, by `now`. */
  readonly pausedUntil: number | undefined;
}

export type Urgency = 'high' | 'medium' | 'low';

export const PAUSE_MS = 120_000;

/** Seconds from the start of one burst to the start of the next. */
const REPEAT_MS: Readonly<Record<Urgency, number>> = { high: 7_000, medium: 15_000, low: 30_000 };

/**
 * When each pulse begins, and its pitch; pulses are 150 ms. The fundamental stays below 1 kHz and four harmonics below
 * 4 kHz (IEC 60601-1-8 as its secondary sources give it): higher ones are what older ears lose first.
 */
const PULSES: Readonly<Record<Urgency, readonly (readonly [atSeconds: number, hertz: number])[]>> = {
  high: [0, 0.26, 0.52, 1.04, 1.3, 2.2, 2.46, 2.72, 3.24, 3.5].map((at, i) => [at, i % 5 < 3 ? 659.3 : 880]),
  medium: [
    [0, 587.3],
    [0.36, 587.3],
    [0.72, 493.9],
  ],
  low: [[0, 523.3]],
};
const PULSE_SECONDS = 0.15;
const WEIGHT: Readonly<Record<Urgency, number>> = { high: 3, medium: 2, low: 1 };

export function createAlarmSound(options: {
  readonly createContext: () => AudioContext;
  readonly now: () => number;
}): AlarmSound {
  const { now } = options;
  const listeners = new Set<() => void>();
  let context: AudioContext | undefined;
  let pausedUntil: number | undefined;
  /** What was calling when the pause began; anything more urgent, or a new high alarm, breaks it. */
  let known = new Map<string, Urgency>();
  let loudest: Urgency | undefined;
  let burst: { readonly urgency: Urgency; readonly atMs: number } | undefined;
  const tell = () => {
    for (const listener of listeners) listener();
  };
  const unlock = () => {
    context ??= options.createContext();
    context.onstatechange = tell;
    if (context.state === 'suspended') void context.resume().then(tell);
    else tell();
  };
  const gestures = ['pointerdown', 'keydown'] as const;
  for (const gesture of gestures) addEventListener(gesture, unlock, { capture: true });

  function play(urgency: Urgency): void {
    // What nobody could hear was no burst: the first click is answered by what is calling, not by its next repeat.
    if (context?.state !== 'running') return;
    burst = { urgency, atMs: now() };
    for (const [at, hertz] of PULSES[urgency]) pulse(context, context.currentTime + 0.02 + at, hertz);
  }

  return {
    update(alarms, feedIsDown) {
      const calling = alarms.filter(isCalling);
      // A wall that sees nothing is itself a reason to come.
      const urgency = most([...calling.map((alert) => alert.priority), ...(feedIsDown ? (['medium'] as const) : [])]);
      const isNewHigh = calling.some((alert) => alert.priority === 'high' && known.get(alert.id) !== 'high');
      const isHigher = urgency !== undefined && (loudest === undefined || WEIGHT[urgency] > WEIGHT[loudest]);
      if (pausedUntil !== undefined && (now() >= pausedUntil || isNewHigh || isHigher)) {
        pausedUntil = undefined;
        burst = undefined;
        tell();
      }
      if (pausedUntil === undefined) {
        known = new Map(calling.map((alert) => [alert.id, alert.priority]));
        loudest = urgency;
      }
      if (urgency === undefined) burst = undefined;
      if (urgency === undefined || pausedUntil !== undefined) return;
      const isDue = burst === undefined || now() - burst.atMs >= REPEAT_MS[urgency];
      if (isDue || (burst !== undefined && WEIGHT[urgency] > WEIGHT[burst.urgency])) play(urgency);
    },
    togglePause() {
      pausedUntil = pausedUntil === undefined ? now() + PAUSE_MS : undefined;
      burst = undefined;
      tell();
    },
    state: () => ({ isLocked: context?.state !== 'running', pausedUntil }),
    onState(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    stop() {
      for (const gesture of gestures) removeEventListener(gesture, unlock, { capture: true });
      void context?.close();
    },
  };
}

function most(urgencies: readonly Urgency[]): Urgency | undefined {
  return urgencies.toSorted((a, b) => WEIGHT[b] - WEIGHT[a])[0];
}

/** A fundamental with harmonics, so that it is located in a room, with soft edges so that it does not click. */
function pulse(context: AudioContext, at: number, hertz: number): void {
  const gain = context.createGain();
  gain.connect(context.destination);
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(0.25, at + 0.02);
  gain.gain.setValueAtTime(0.25, at + PULSE_SECONDS - 0.03);
  gain.gain.linearRampToValueAtTime(0, at + PULSE_SECONDS);
  for (const harmonic of [1, 2, 3, 4]) {
    const oscillator = context.createOscillator();
    const level = context.createGain();
    level.gain.value = 1 / harmonic;
    oscillator.frequency.value = hertz * harmonic;
    oscillator.connect(level).connect(gain);
    oscillator.start(at);
    oscillator.stop(at + PULSE_SECONDS + 0.02);
    // The whole chain goes with its last sound; a wall runs for months.
    oscillator.onended = () => level.disconnect();
    if (harmonic === 4) oscillator.addEventListener('ended', () => gain.disconnect());
  }
}
