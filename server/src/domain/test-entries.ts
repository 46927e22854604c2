import { watchEntry } from './anomaly.ts';
import { NEW_PERSON, NEW_ROLE, type PersonMemory, type RoleMemory } from './anomaly-memory.ts';
import type { WatchFacts } from './anomaly-sight.ts';
import type { RecordedEntry } from './audit-entry.ts';
import type { SecurityFinding } from './security-alert.ts';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
/** A Monday, at midnight UTC: local time in these tests is UTC. */
export const MONDAY = Date.UTC(2026, 10, 16);

export type Said = Partial<Omit<RecordedEntry, 'actor'>> & { readonly actor?: Partial<RecordedEntry['actor']> };

export function entryOf(position: number, said: Said): RecordedEntry {
  const atMs = said.atMs ?? MONDAY + 10 * HOUR_MS;
  return {
    action: 'patient.read',
    resource: { kind: 'patients' },
    outcome: 'allowed',
    correlationId: `c${position}`,
    salt: '00',
    recordedAtMs: atMs,
    ...said,
    atMs,
    position,
    actor: { kind: 'person', name: 'nora', userId: 'u-nora', address: '10.0.0.7', sessionId: 's1', ...said.actor },
  };
}

export function factsAt(atMs: number, facts: Partial<WatchFacts> = {}): WatchFacts {
  return {
    roles: ['nurse'],
    shift: 'unplanned',
    local: { day: Math.floor(atMs / DAY_MS), hour: Math.floor(atMs / HOUR_MS) % 24 },
    isInCare: false,
    isVip: false,
    ...facts,
  };
}

/** One person whose doings are watched, entry after entry. */
export function watched(usual: Partial<WatchFacts> = {}) {
  let person: PersonMemory = NEW_PERSON;
  let role: RoleMemory = NEW_ROLE;
  let position = 0;
  const all = new Map<string, SecurityFinding>();
  return {
    /** What is told of this entry. */
    does(said: Said, facts: Partial<WatchFacts> = {}): readonly SecurityFinding[] {
      const entry = entryOf(position++, said);
      const seen = watchEntry(entry, { person, role, facts: factsAt(entry.atMs, { ...usual, ...facts }) });
      person = seen.person;
      role = seen.role ?? role;
      for (const finding of seen.findings) all.set(finding.id, finding);
      return seen.findings;
    },
    /** What was told in all, as it stands. */
    told: (): readonly SecurityFinding[] => [...all.values()],
    kinds: (): readonly string[] => [...new Set([...all.values()].map(({ kind }) => kind))],
    /** What colleagues do. */
    among(colleagues: RoleMemory): void {
      role = colleagues;
    },
    memory: () => ({ person, role }),
  };
}
