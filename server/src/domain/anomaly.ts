import { learnDay, unusualHour } from './anomaly-hours.ts';
import { logAltered, saysLogAltered } from './anomaly-log.ts';
import { DAY_MS, type PersonMemory, type RoleMemory, type Told } from './anomaly-memory.ts';
import { breakGlassRate, repeatedDenials } from './anomaly-refusals.ts';
import { neighbour, ownRecord, vip } from './anomaly-relation.ts';
import { type Detector, type Noticed, opensPatient, reason, type Sight, type WatchFacts } from './anomaly-sight.ts';
import { impossibleTravel } from './anomaly-travel.ts';
import { exportVolume, tooManyPatients, turn } from './anomaly-volume.ts';
import { type RecordedEntry, STRANGER } from './audit-entry.ts';
import { DEFAULT_TENANT, type PatientId, type TenantId, type UserId } from './ids.ts';
import type { SecurityFinding } from './security-alert.ts';

/** Each looks at every entry by itself; none knows of the others. */
const DETECTORS: readonly Detector[] = [
  ownRecord,
  vip,
  neighbour,
  tooManyPatients,
  exportVolume,
  unusualHour,
  impossibleTravel,
  repeatedDenials,
  breakGlassRate,
  logAltered,
];

/** Of one finding: enough to begin from, and to find the rest by person and time. */
const EVIDENCE_MAX = 50;
/** Kinds and patients of one person within a day; beyond it the oldest is told anew. */
const TOLD_MAX = 64;
/** Each other kind of the same person within a day makes one weigh more. */
const ALSO_SCORE = 10;
const ALSO_MAX = 2;

/**
 * What one entry of the audit log tells about whoever did it. By the time the entries speak of, and from nothing but what
 * is handed in: the same entries in the same order say the same, whenever they are looked at.
 */
export function watchEntry(
  entry: RecordedEntry,
  known: { readonly person: PersonMemory; readonly role: RoleMemory | undefined; readonly facts: WatchFacts },
): {
  readonly person: PersonMemory;
  readonly role: RoleMemory | undefined;
  readonly findings: readonly SecurityFinding[];
} {
  const { facts } = known;
  const seenMs = Math.max(known.person.seenMs, entry.atMs);
  const turned = turn({ ...known.person, seenMs }, known.role, { person: keyOf(entry) ?? '', atMs: entry.atMs });
  const sight: Sight = {
    entry,
    facts,
    role: turned.role,
    isService: entry.actor.kind === 'service',
    opens: opensPatient(entry),
  };
  let memory = turned.memory;
  const findings: SecurityFinding[] = [];
  for (const detect of DETECTORS) {
    const seen = detect(memory, sight);
    memory = seen.memory;
    if (seen.noticed === undefined) continue;
    const told = tell(memory.told, seen.noticed, entry);
    memory = { ...memory, told: told.told };
    findings.push(told.finding);
  }
  const role = turned.role && learnDay(turned.role, known.person.rhythm, memory.rhythm);
  return { person: memory, role, findings };
}

/** A finding of its own; or, where the same was told a while ago, that one with this added. */
function tell(
  before: readonly Told[],
  noticed: Noticed,
  entry: RecordedEntry,
): { readonly told: readonly Told[]; readonly finding: SecurityFinding } {
  const key = `${noticed.kind} ${noticed.key}`;
  const current = before.filter(({ untilMs }) => entry.atMs < untilMs);
  const again = current.find((one) => one.key === key);
  const others = current.filter((one) => one !== again);
  const fresh = freshFinding(noticed, entry, others);
  const finding = again === undefined ? fresh : added(again.finding, fresh);
  const untilMs = again?.untilMs ?? entry.atMs + noticed.forMs;
  return { told: [...others, { key, untilMs, finding }].slice(-TOLD_MAX), finding };
}

function freshFinding(noticed: Noticed, entry: RecordedEntry, others: readonly Told[]): SecurityFinding {
  const { kind, score, reasons, evidence = [], patientId } = noticed;
  const also = [
    ...new Set(
      others
        .filter(({ finding }) => finding.kind !== kind && entry.atMs - finding.lastAtMs < DAY_MS)
        .map(({ finding }) => finding.kind),
    ),
  ].slice(0, ALSO_MAX);
  return {
    id: `${kind}-${entry.position}`,
    tenantId: (entry.tenantId ?? DEFAULT_TENANT) as TenantId,
    kind,
    score: Math.min(100, score + ALSO_SCORE * also.length),
    ...(noticed.isNobodys !== true && { person: personOf(entry) }),
    ...(patientId !== undefined && { patientId: patientId as PatientId }),
    reasons: [
      ...reasons,
      ...(also.length === 0
        ? []
        : [reason('also', `Besides, within a day: ${also.join(', ')}.`, { kinds: also.length })]),
    ],
    evidence: united(evidence, [entry.position]),
    count: 1,
    firstAtMs: entry.atMs,
    lastAtMs: entry.atMs,
  };
}

/** The more serious of both speaks; the first keeps its name and time. */
function added(before: SecurityFinding, fresh: SecurityFinding): SecurityFinding {
  const worse = fresh.score >= before.score ? fresh : before;
  return {
    ...before,
    score: worse.score,
    reasons: worse.reasons,
    evidence: united(before.evidence, fresh.evidence),
    count: before.count + 1,
    lastAtMs: Math.max(before.lastAtMs, fresh.lastAtMs),
  };
}

/** The first ones say how it began, the last ones how it stands. */
function united(a: readonly number[], b: readonly number[]): readonly number[] {
  const all = [...new Set([...a, ...b])].sort((one, other) => one - other);
  return all.length <= EVIDENCE_MAX ? all : [...all.slice(0, EVIDENCE_MAX / 2), ...all.slice(-EVIDENCE_MAX / 2)];
}

/** Under which name somebody is remembered; undefined: what the program and devices do is not watched here. */
export function keyOf(entry: RecordedEntry): string | undefined {
  const { actor, tenantId = DEFAULT_TENANT } = entry;
  if (saysLogAltered(entry)) return 'log:audit';
  if (actor.kind === 'system' || actor.kind === 'device') return undefined;
  if (actor.userId !== undefined) return `person:${tenantId}:${actor.userId}`;
  // Strangers are told apart by where they come from.
  return actor.name === STRANGER ? `address:${actor.address ?? '?'}` : `name:${tenantId}:${actor.name}`;
}

/** Colleagues: those with the same roles, in the same organisation. */
export function roleKeyOf({ tenantId = DEFAULT_TENANT }: RecordedEntry, roles: readonly string[]): string | undefined {
  return roles.length === 0 ? undefined : `role:${tenantId}:${[...roles].sort().join('+')}`;
}

function personOf({ actor }: RecordedEntry): NonNullable<SecurityFinding['person']> {
  const name = actor.name === STRANGER ? (actor.address ?? '?') : actor.name;
  return { name, ...(actor.userId !== undefined && { userId: actor.userId as UserId }) };
}
