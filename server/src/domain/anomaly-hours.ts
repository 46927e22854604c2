import { NO_RHYTHM, type PersonMemory, type Rhythm, type RoleMemory } from './anomaly-memory.ts';
import { type Detector, isEmergency, reason } from './anomaly-sight.ts';

/** Two weeks of work say at which hours somebody works. */
const DAYS_MIN = 10;
/** On fewer days than one of thirty is not at this hour. */
const SHARE_MIN = 1 / 30;
/** Of the days of all who have the role: others do work now. */
const ROLE_SHARE_MIN = 0.1;
/** Then all is halved: who changed their hours half a year ago is judged by the new ones. */
const DAYS_MAX = 120;
/** Told once for a stretch of work: a night is eight to twelve hours. */
const FOR_MS = 12 * 3_600_000;

/**
 * Work at an hour that is not theirs. Where shifts are planned the plan says so, with an hour before and after; where
 * they are not, the person's own hours do. Somebody on duty is never told of, at whatever hour; nor is an emergency, or a
 * patient in their care. Work that is done counts from the next day on: who moves to nights is told of once or twice.
 */
export const unusualHour: Detector = (memory, sight) => {
  const { entry, facts, opens, isService } = sight;
  if (!opens || isService || entry.outcome !== 'allowed' || entry.actor.kind !== 'person') return { memory };
  const { hour } = facts.local;
  const rhythm = learned(memory.rhythm, facts.local);
  const next: PersonMemory = { ...memory, rhythm };
  const isCalled = facts.isInCare || isEmergency(entry);
  if (facts.shift === 'on' || isCalled) return { memory: next };
  const clock = `${String(hour).padStart(2, '0')}:00`;
  const key = `${facts.local.day}`;
  if (facts.shift === 'off') {
    const text = `At ${clock}, outside the shifts that are planned for them and the hour around these.`;
    return {
      memory: next,
      noticed: { kind: 'unusual-hour', key, forMs: FOR_MS, score: 45, reasons: [reason('off-shift', text, { hour })] },
    };
  }
  const { days } = memory.rhythm;
  if (days < DAYS_MIN || shareAt(memory.rhythm, hour) >= SHARE_MIN) return { memory: next };
  const text = `At ${clock}: of the last ${days} days they worked, none or nearly none reached this hour.`;
  const others = roleShareAt(sight.role, hour);
  const isUsualForRole = others >= ROLE_SHARE_MIN;
  return {
    memory: next,
    noticed: {
      kind: 'unusual-hour',
      key,
      forMs: FOR_MS,
      score: isUsualForRole ? 25 : 50,
      reasons: [
        reason('not-their-hours', text, { hour, days }),
        isUsualForRole
          ? reason('colleagues-work', 'Others with the same role do work at this hour.', {
              percent: Math.round(others * 100),
            })
          : reason('nobody-works', 'Few or none with the same role work at this hour.', {
              percent: Math.round(others * 100),
            }),
      ],
    },
  };
};

/** A day that is over is added: its hours, and that it was one. */
function learned(rhythm: Rhythm, { day, hour }: { readonly day: number; readonly hour: number }): Rhythm {
  const bit = 1 << hour;
  if (rhythm.day === day) return (rhythm.today & bit) !== 0 ? rhythm : { ...rhythm, today: rhythm.today | bit };
  // What comes late, of a day that is over, teaches nothing.
  if (day < rhythm.day) return rhythm;
  if (rhythm.day < 0) return { ...NO_RHYTHM, day, today: bit };
  const days = rhythm.days + 1;
  const hours = rhythm.hours.map((count, at) => count + ((rhythm.today >> at) & 1));
  if (days <= DAYS_MAX) return { days, hours, day, today: bit };
  return { days: Math.round(days / 2), hours: hours.map((count) => count / 2), day, today: bit };
}

/** On how many of their days they worked in this hour, or in the one before or after. */
function shareAt({ days, hours }: Pick<Rhythm, 'days' | 'hours'>, hour: number): number {
  const near = [hour + 23, hour, hour + 1].map((at) => hours[at % 24] ?? 0);
  return Math.max(...near) / Math.max(1, days);
}

function roleShareAt(role: RoleMemory | undefined, hour: number): number {
  return role === undefined || role.days < DAYS_MIN ? 0 : shareAt(role, hour);
}

/** What a person's day teaches about their role, once it is over. */
export function learnDay(role: RoleMemory, before: Rhythm, after: Rhythm): RoleMemory {
  if (before.day < 0 || before.day === after.day) return role;
  return {
    ...role,
    days: role.days + 1,
    hours: role.hours.map((count, at) => count + ((before.today >> at) & 1)),
  };
}
