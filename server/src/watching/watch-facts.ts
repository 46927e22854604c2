import type { AccessFacts } from '../access/access-facts.ts';
import type { WatchFacts } from '../domain/anomaly-sight.ts';
import type { RecordedEntry } from '../domain/audit-entry.ts';
import { parsePatientId, parseUserId, type UserId } from '../domain/ids.ts';
import type { NetworkPlaces } from '../domain/network-place.ts';
import { localTime } from '../domain/zoned-time.ts';
import type { RegistryView } from '../identity/registry-view.ts';
import type { User } from '../ports/accounts.ts';
import type { Relations } from './relations.ts';

/** What is known besides an entry: of who did it, of the patient, of the hour and the place. */
export interface WatchFactsSource {
  factsOf(entry: RecordedEntry): WatchFacts;
  /** Reads what has changed; often enough is before each round. */
  refresh(): Promise<void>;
  /** What is known of people who work here has changed: the next round reads it anew. */
  stale(): void;
}

/** Accounts and patients change slowly; a change of the registry is read sooner. */
const REREAD_MS = 60_000;
/** Time zones are whole quarters of an hour apart; a year of them is this many. */
const QUARTER_MS = 900_000;
const QUARTERS_MAX = 40_000;

export function createWatchFacts(parts: {
  readonly users: () => Promise<readonly User[]>;
  readonly facts: Pick<AccessFacts, 'shiftOf' | 'isInCareOf'>;
  readonly view: () => RegistryView;
  readonly relations: Relations;
  readonly places: NetworkPlaces;
  readonly zone: string;
  readonly now: () => number;
}): WatchFactsSource {
  const { facts, view, relations, places, zone, now } = parts;
  let roles = new Map<UserId, readonly string[]>();
  let readAtMs = Number.NEGATIVE_INFINITY;
  let readOf: RegistryView | undefined;
  const hours = new Map<number, WatchFacts['local']>();

  return {
    factsOf({ actor, patientId: patient, atMs }) {
      const userId = parseUserId(actor.userId);
      const patientId = parsePatientId(patient);
      const both = userId !== undefined && patientId !== undefined;
      const relation = both ? relations.of(userId, patientId) : undefined;
      const place = actor.address === undefined ? undefined : places.placeOf(actor.address);
      return {
        roles: (userId && roles.get(userId)) ?? [],
        shift: userId === undefined ? 'unplanned' : facts.shiftOf(userId, atMs),
        local: localHour(atMs),
        isInCare: both && facts.isInCareOf(userId, patientId, atMs),
        isVip: patientId !== undefined && view().place(patientId)?.isVip === true,
        ...(relation !== undefined && { relation }),
        ...(place !== undefined && { place }),
      };
    },
    stale() {
      readAtMs = Number.NEGATIVE_INFINITY;
    },
    async refresh() {
      const isChanged = readOf?.snapshot.patients !== view().snapshot.patients;
      const ageMs = now() - readAtMs;
      // A registry that changes all the time is not read all the time.
      if (ageMs < (isChanged ? REREAD_MS / 10 : REREAD_MS)) return;
      const current = view();
      const users = await parts.users();
      await relations.refresh(users);
      roles = new Map(users.map((user) => [user.id, user.roles]));
      [readAtMs, readOf] = [now(), current];
    },
  };

  function localHour(atMs: number): WatchFacts['local'] {
    const quarter = Math.floor(atMs / QUARTER_MS);
    const known = hours.get(quarter);
    if (known !== undefined) return known;
    const { day, minute } = localTime(zone, atMs);
    const local = { day, hour: Math.floor(minute / 60) };
    if (hours.size >= QUARTERS_MAX) hours.clear();
    hours.set(quarter, local);
    return local;
  }
}
