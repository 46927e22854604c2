import type { SecurityFinding } from './security-alert.ts';

/**
 * What is remembered of one person (or of one address that nobody signed in from): everything that watching needs, as
 * plain JSON, so that it goes on after a restart exactly as it would have. Every list has a bound: a person cannot make
 * the memory of the installation grow by what they do.
 */
export interface PersonMemory {
  /** The newest moment that was seen; what comes late does not turn the clock back. */
  readonly seenMs: number;
  /** Patients opened in the last hour, each once, by when they were opened last. */
  readonly opened: readonly Opened[];
  /** Bytes of patients' data handed out in the last hour. */
  readonly handedOut: readonly Handed[];
  /** Single exports of whole records in the last day. */
  readonly exports: readonly Moment[];
  /** The clock hour that is running, and the most of each that was reached in it. */
  readonly hour: { readonly startMs: number; readonly patients: number; readonly kilobytes: number };
  /** The same of hours that are over, newest last. */
  readonly past: {
    readonly patients: readonly number[];
    readonly kilobytes: readonly number[];
    /** What these come to, worked out once an hour; absent: of too few hours. */
    readonly usual?: { readonly patients: number; readonly kilobytes: number };
  };
  readonly rhythm: Rhythm;
  readonly whereabouts?: Whereabouts;
  readonly sessions: readonly SessionTrail[];
  readonly refusals: readonly Refusal[];
  readonly emergencies: readonly Moment[];
  /** What was told lately: what comes again is added to it. */
  readonly told: readonly Told[];
}

export interface Moment {
  readonly atMs: number;
  readonly position: number;
}
export interface Opened extends Moment {
  readonly patientId: string;
  readonly isInCare: boolean;
}
export interface Handed extends Moment {
  readonly bytes: number;
}
export interface Refusal extends Moment {
  readonly target: string;
  readonly isPatient: boolean;
  /** How many one entry stands for. */
  readonly times: number;
}

/** At which hours of the day somebody works: on how many days each hour was used, of how many days in all. */
export interface Rhythm {
  readonly days: number;
  readonly hours: readonly number[];
  /** The local day that is running, and its hours as bits. */
  readonly day: number;
  readonly today: number;
}

export interface Whereabouts extends Moment {
  readonly site: string;
  readonly latitude: number;
  readonly longitude: number;
}

/** From which networks a session came, in turn. */
export interface SessionTrail {
  readonly id: string;
  readonly steps: readonly (Moment & { readonly network: string })[];
}

export interface Told {
  readonly key: string;
  readonly untilMs: number;
  readonly finding: SecurityFinding;
}

/** The same of everybody with a role: what is usual among colleagues. */
export interface RoleMemory {
  /** How many hours of work ended with so many patients, or kilobytes, by steps (`stepOf`). */
  readonly patients: readonly number[];
  readonly kilobytes: readonly number[];
  /** Of how many people, at most 1,000 are told apart. */
  readonly people: readonly string[];
  /** Days on which somebody worked in this hour of the day, and days of somebody's work in all. */
  readonly hours: readonly number[];
  readonly days: number;
}

export const NO_RHYTHM: Rhythm = { days: 0, hours: Array<number>(24).fill(0), day: -1, today: 0 };

export const NEW_PERSON: PersonMemory = {
  seenMs: 0,
  opened: [],
  handedOut: [],
  exports: [],
  hour: { startMs: 0, patients: 0, kilobytes: 0 },
  past: { patients: [], kilobytes: [] },
  rhythm: NO_RHYTHM,
  sessions: [],
  refusals: [],
  emergencies: [],
  told: [],
};

export const NEW_ROLE: RoleMemory = {
  patients: [],
  kilobytes: [],
  people: [],
  hours: Array<number>(24).fill(0),
  days: 0,
};

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** What is younger than `spanMs`, and of that the newest `most`. */
export function recent<T extends { readonly atMs: number }>(
  all: readonly T[],
  { nowMs, spanMs, most }: { readonly nowMs: number; readonly spanMs: number; readonly most: number },
): readonly T[] {
  const young = all.filter(({ atMs }) => nowMs - atMs < spanMs);
  return young.length > most ? young.slice(-most) : young;
}
