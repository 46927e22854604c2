import type { Priority } from './alarm.ts';
import type { ChannelType } from './channel.ts';
import { isZone, type WeeklyWindow, windowAt } from './zoned-time.ts';

/**
 * Quiet hours of a person or a ward. They can hold or soften medium and low alarms; a high alarm cannot be named in
 * them, and is told whatever they say.
 */
export interface QuietHours {
  /** IANA name. */
  readonly zone: string;
  readonly windows: readonly QuietWindow[];
}

export type QuietPriority = Exclude<Priority, 'high'>;

export interface QuietWindow extends WeeklyWindow {
  readonly priorities: readonly QuietPriority[];
  /** `hold`: told when the window ends, if the alarm is still open. `soften`: told at once, by silent channels. */
  readonly effect: 'hold' | 'soften';
}

export type QuietEffect =
  | { readonly kind: 'tell' }
  | { readonly kind: 'soften' }
  | { readonly kind: 'hold'; readonly untilMs: number };

/**
 * What quiet hours make of telling somebody now. The strongest of several holds. Nothing is quiet for a high alarm,
 * nor at the last step of an escalation: whoever else there was has been asked in vain.
 */
export function quietEffect(
  telling: { readonly priority: Priority; readonly atMs: number; readonly isLastStep: boolean },
  hours: readonly QuietHours[],
): QuietEffect {
  const { priority, atMs, isLastStep } = telling;
  if (priority === 'high' || isLastStep) return { kind: 'tell' };
  const now = effectAt(priority, atMs, hours);
  if (now.kind !== 'hold') return now;
  // Where one window ends as the next begins, the hold goes on; but an alarm that is half a day old must be heard of.
  const latestMs = atMs + HOLD_MAX_MS;
  let { untilMs } = now;
  for (let next = effectAt(priority, untilMs, hours); next.kind === 'hold' && untilMs < latestMs; ) {
    untilMs = next.untilMs;
    next = effectAt(priority, untilMs, hours);
  }
  return { kind: 'hold', untilMs: Math.min(untilMs, latestMs) };
}

const HOLD_MAX_MS = 12 * 3_600_000;

function effectAt(priority: QuietPriority, atMs: number, hours: readonly QuietHours[]): QuietEffect {
  let strongest: QuietEffect = { kind: 'tell' };
  for (const { zone, windows } of hours)
    for (const window of windows) {
      const found = window.priorities.includes(priority) ? windowAt(zone, window, atMs) : undefined;
      if (found === undefined) continue;
      if (window.effect === 'soften') strongest = strongest.kind === 'tell' ? { kind: 'soften' } : strongest;
      else if (strongest.kind !== 'hold' || strongest.untilMs < found.toMs)
        strongest = { kind: 'hold', untilMs: found.toMs };
    }
  return strongest;
}

/** What makes no noise by itself at night. A push or a text message does. */
export function isSilent(type: ChannelType): boolean {
  return type === 'smtp' || type === 'webhook' || type === 'slack' || type === 'teams';
}

export interface QuietHoursProblem {
  readonly code: 'unknown-zone' | 'never-quiet';
  readonly field: string;
  readonly detail: string;
}

/** Every problem of quiet hours as asked for; also where the text came past the contract and names high alarms. */
export function quietHoursProblems(hours: {
  readonly zone: string;
  readonly windows: readonly { readonly priorities: readonly string[] }[];
}): readonly QuietHoursProblem[] {
  const problems: QuietHoursProblem[] = [];
  if (!isZone(hours.zone))
    problems.push({ code: 'unknown-zone', field: 'zone', detail: 'an IANA time zone, such as Europe/Berlin' });
  hours.windows.forEach(({ priorities }, index) => {
    if (priorities.some((priority) => priority !== 'medium' && priority !== 'low'))
      problems.push({ code: 'never-quiet', field: `windows.${index}.priorities`, detail: 'medium and low only' });
  });
  return problems;
}
