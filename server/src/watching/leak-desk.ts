import { createHash } from 'node:crypto';
import { DEFAULT_TENANT, type PatientId } from '../domain/ids.ts';
import type { LeakHit } from '../domain/leak.ts';
import { canaryIdentity } from '../domain/leak-names.ts';
import type { Identifiers } from '../domain/leak-needles.ts';
import type { SecurityAlert, SecurityFinding } from '../domain/security-alert.ts';
import { localTime, minuteOf, momentOf } from '../domain/zoned-time.ts';
import type { User } from '../ports/accounts.ts';
import { Failure } from '../ports/failure.ts';
import type { PatientIdentities } from '../ports/patient-identities.ts';
import type { Patient } from '../ports/registry.ts';
import type { LeakScanRecord, LeakScans, SecurityAlerts } from '../ports/security-alerts.ts';
import type { LeakScanJob, LeakScanOutcome } from './leak-scan.ts';

/** Different ones, so that a leak of a few rows of a table has one of them sooner. */
const CANARIES = 5;

export interface LeakDesk {
  /** Plants the made-up patients that are missing. Answers how many were. */
  plant(): Promise<number>;
  /** Begins to search: listed once this is answered. Undefined: one runs, or this one was begun by another process. */
  begin(id: string): Promise<{ readonly outcome: Promise<LeakScanOutcome> } | undefined>;
  isRunning(): boolean;
  list(limit: number): Promise<readonly LeakScanRecord[]>;
}

/** Whoever searches: what for, what became of it, and whom it alerts. */
export function createLeakDesk(parts: {
  readonly scans: LeakScans;
  readonly alerts: Pick<SecurityAlerts, 'raise'>;
  readonly identities: Pick<PatientIdentities, 'open'>;
  readonly putPatient: (patient: Patient) => Promise<void>;
  readonly patients: () => Promise<readonly Patient[]>;
  readonly users: () => Promise<readonly User[]>;
  readonly folders: readonly string[];
  readonly bytesMax: number;
  readonly scan: (job: LeakScanJob) => Promise<LeakScanOutcome>;
  readonly onRaised: (alerts: readonly SecurityAlert[]) => void;
  readonly newId: () => string;
  /** In [0, 1), from a source that cannot be guessed. */
  readonly random: () => number;
  readonly now: () => number;
}): LeakDesk {
  const { scans, alerts, identities, scan, now } = parts;
  let running = false;

  async function canaries(): Promise<readonly Identifiers[]> {
    const found: Identifiers[] = [];
    for (const { patientId, identity } of await scans.canaries()) {
      const known = await identities.open(patientId, identity);
      if (known !== undefined) found.push({ patientId, ...known });
    }
    return found;
  }

  async function jobOf(): Promise<LeakScanJob> {
    const [planted, patients, users] = await Promise.all([canaries(), parts.patients(), parts.users()]);
    return {
      canaries: planted,
      patients: patients.map(({ id, familyName, givenName, mrn }) => ({
        patientId: id,
        ...(familyName !== undefined && { familyName }),
        ...(givenName !== undefined && { givenName }),
        ...(mrn !== undefined && { mrn }),
      })),
      staffNames: users.map(({ displayName }) => displayName),
      folders: parts.folders,
      bytesMax: parts.bytesMax,
    };
  }

  async function search(id: string): Promise<LeakScanOutcome> {
    try {
      const outcome = await scan(await jobOf());
      await scans.end({ id, atMs: now(), ...outcome });
      if (outcome.found > 0) parts.onRaised(await alerts.raise(leakFinding(outcome, now()), now()));
      return outcome;
    } catch (error) {
      const failure = error instanceof Failure ? error.code : 'defect';
      await scans.end({ id, atMs: now(), ...NOTHING, failure }).catch(() => undefined);
      throw error;
    } finally {
      running = false;
    }
  }

  return {
    async plant() {
      const missing = CANARIES - (await scans.canaries()).length;
      for (let i = 0; i < missing; i++) {
        const id = parts.newId() as PatientId;
        // Marked first: nobody is ever shown it.
        await scans.markCanary(id, now());
        await parts.putPatient({ id, ...canaryIdentity(parts.random) });
      }
      return Math.max(0, missing);
    },
    async begin(id) {
      if (running) return undefined;
      running = true;
      let hasBegun = false;
      try {
        hasBegun = await scans.begin({ id, atMs: now() });
      } finally {
        running = hasBegun;
      }
      return hasBegun ? { outcome: search(id) } : undefined;
    },
    isRunning: () => running,
    list: (limit) => scans.list(limit),
  };
}

const NOTHING = { files: 0, bytes: 0, tables: 0, rows: 0, canaries: 0, patients: 0, hits: [], found: 0, leftOut: [] };

/** One for the same places: what is found every night is one alert, with how often. */
function leakFinding({ hits, found }: LeakScanOutcome, atMs: number): SecurityFinding {
  const places = [...new Set(hits.map(({ where, place, what }) => `${where} ${place} ${what}`))].sort();
  const canaries = hits.filter(({ what }) => what === 'canary').length;
  return {
    id: `phi-leak-${createHash('sha256').update(places.join('\n')).digest('hex').slice(0, 16)}`,
    tenantId: DEFAULT_TENANT,
    kind: 'phi-leak',
    score: canaries > 0 ? 95 : 85,
    reasons: [
      {
        code: 'found-where-none-may-be',
        text: `${found} finds in ${places.length} places: ${listed(hits)}.`,
        numbers: { found, places: places.length },
      },
      ...(canaries > 0
        ? [
            {
              code: 'canary',
              text: 'Made-up patients are among them: nobody is called so, and nothing but a leak of the records writes it.',
              numbers: { canaries },
            },
          ]
        : []),
    ],
    evidence: [],
    count: 1,
    firstAtMs: atMs,
    lastAtMs: atMs,
  };
}

const LISTED_MAX = 5;

function listed(hits: readonly LeakHit[]): string {
  const places = [...new Set(hits.map(({ place, encoding }) => `${place} (${encoding})`))];
  const more = places.length - LISTED_MAX;
  return places.slice(0, LISTED_MAX).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/**
 * When the next search is due, and under which name: one for each night, in however many processes. `lastStartedAtMs`: of
 * the newest search, whoever asked for it; without one, `sinceMs`, when this program started.
 */
export function nextScan(
  at: string,
  { zone, nowMs, lastStartedAtMs, sinceMs }: NextScanFacts,
): { readonly id: string; readonly dueAtMs: number } | undefined {
  if (at === 'off') return undefined;
  const { day } = localTime(zone, nowMs);
  const minute = minuteOf(at);
  const seen = Math.max(lastStartedAtMs ?? sinceMs, 0);
  const due = [day - 1, day, day + 1]
    .map((one) => ({ day: one, dueAtMs: momentOf(zone, { day: one, minute }) }))
    .find(({ dueAtMs }) => dueAtMs > seen);
  return due && { id: `night-${new Date(due.day * 86_400_000).toISOString().slice(0, 10)}`, dueAtMs: due.dueAtMs };
}

interface NextScanFacts {
  readonly zone: string;
  readonly nowMs: number;
  readonly lastStartedAtMs?: number;
  readonly sinceMs: number;
}
