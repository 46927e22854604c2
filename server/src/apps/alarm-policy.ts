import type { Priority } from '../domain/alarm.ts';
import { type AlarmPolicy, parseAutoClear } from '../domain/alarm-policy.ts';
import type { Settings } from './settings.ts';

/** The times of an alarm's life as they are set. */
export function alarmPolicyOf(
  settings: Pick<
    Settings,
    | 'alarmAcknowledgementMinutes'
    | 'alarmNews2AcknowledgementMinutes'
    | 'alarmRemindMinutes'
    | 'alarmRemindersMax'
    | 'alarmSnoozeMinutes'
    | 'alarmSnoozeHighMaxMinutes'
    | 'alarmAutoClear'
  >,
): AlarmPolicy {
  const snoozeMs = settings.alarmSnoozeMinutes.map(milliseconds);
  return {
    acknowledgementMs: byPriority(settings.alarmAcknowledgementMinutes),
    news2AcknowledgementMs: byPriority(settings.alarmNews2AcknowledgementMinutes),
    remindEveryMs: byPriority(settings.alarmRemindMinutes),
    remindersMax: settings.alarmRemindersMax,
    snoozeMs: {
      high: snoozeMs.filter((ms) => ms <= settings.alarmSnoozeHighMaxMinutes * 60_000),
      medium: snoozeMs,
      low: snoozeMs,
    },
    autoClear: settings.alarmAutoClear.flatMap((text) => parseAutoClear(text) ?? []),
  };
}

function byPriority([high = '0', medium = '0', low = '0']: readonly string[]): Readonly<Record<Priority, number>> {
  return { high: milliseconds(high), medium: milliseconds(medium), low: milliseconds(low) };
}

const milliseconds = (minutes: string) => Math.round(Number(minutes) * 60_000);
