import { type Bound, learnHour, turnHour, usualBound } from './anomaly-baseline.ts';
import { DAY_MS, HOUR_MS, type PersonMemory, type RoleMemory, recent } from './anomaly-memory.ts';
import { type Detector, isBegin, type Noticed, reason, type Seen, type Sight } from './anomaly-sight.ts';

/**
 * Different patients within an hour, as long as nothing is known of a person or their role: a round of a physician, a
 * handover of a nurse, the day of somebody who answers for access and looks one case up after the other.
 */
const PATIENTS_INSTALLED: Readonly<Record<string, number>> = {
  physician: 60,
  'charge-nurse': 60,
  nurse: 40,
  'privacy-officer': 30,
  security: 30,
};
const PATIENTS_OTHERWISE = 25;
/** Nobody treats more in an hour; whatever is usual, this is told. */
const PATIENTS_EVER = 200;
/** One or two more than usual are an ordinary busy hour. */
const PATIENTS_ROOM = 5;

/** Twenty thousand pages of values, or the names of a whole large house some twenty times. */
const KILOBYTES_INSTALLED = 20_480;
const KILOBYTES_ROOM = 2_048;
/** A system that keeps records up to date reads what ten people read. */
const SERVICE_TIMES = 10;
/** Whole records of single patients, for themselves or by consent: a few a day. */
const EXPORTS_A_DAY = 5;

/** More than the largest bound times two, so that an hour's list says how far it went. */
const OPENED_MAX = 400;
const HANDED_MAX = 400;
const EVIDENCE_MAX = 50;
/** One burst is one alert, however long it lasts. */
const FOR_MS = 6 * HOUR_MS;

/** More different patients within an hour than is usual: own habit first, then the role's, then as installed. */
export const tooManyPatients: Detector = (memory, sight) => {
  const { entry, facts, opens, isService } = sight;
  // What a system does all day is its own; a person's copies of it are not: its volume is watched.
  if (!opens || isService || entry.outcome !== 'allowed' || entry.patientId === undefined) return { memory };
  const { atMs, position, patientId } = entry;
  const others = memory.opened.filter((one) => one.patientId !== patientId);
  const opened = recent([...others, { atMs, position, patientId, isInCare: facts.isInCare }], {
    nowMs: memory.seenMs,
    spanMs: HOUR_MS,
    most: OPENED_MAX,
  });
  // No bound is lower: most entries need no more.
  if (opened.length <= PATIENTS_ROOM)
    return {
      memory: { ...memory, opened, hour: { ...memory.hour, patients: Math.max(memory.hour.patients, opened.length) } },
    };
  const bound = usualBound('patients', memory.past, sight.role, {
    limit: installedFor(facts.roles),
    room: PATIENTS_ROOM,
  });
  const next = {
    ...memory,
    opened,
    hour: { ...memory.hour, patients: capped(memory.hour.patients, opened.length, bound) },
  };
  const inCare = opened.filter((one) => one.isInCare).length;
  const isMuch = opened.length > bound.limit && inCare * 2 < opened.length;
  if (!isMuch && opened.length <= PATIENTS_EVER) return { memory: next };
  const limit = Math.min(bound.limit, PATIENTS_EVER);
  const reasons = [
    reason('patients-in-an-hour', `${opened.length} different patients opened within an hour; ${usually(bound)}.`, {
      patients: opened.length,
      limit: bound.limit,
    }),
    reason(
      'in-their-care',
      inCare === 0 ? 'None of them was in their care by a plan.' : `${inCare} of them were in their care by the plan.`,
      { inCare },
    ),
  ];
  const evidence = opened.map((one) => one.position).slice(-EVIDENCE_MAX);
  return {
    memory: next,
    noticed: {
      kind: 'too-many-patients',
      key: '',
      forMs: FOR_MS,
      score: overBy(opened.length, limit),
      reasons,
      evidence,
    },
  };
};

/** More of patients' data handed out within an hour than is usual, or many whole records exported in a day. */
export const exportVolume: Detector = (memory, sight) => {
  const { entry } = sight;
  if (entry.outcome !== 'allowed' || isBegin(entry)) return { memory };
  if (entry.action === 'command.patient.export') return exported(memory, sight);
  const bytes = bytesOf(sight);
  if (bytes === 0) return { memory };
  const { atMs, position } = entry;
  const handedOut = recent([...memory.handedOut, { atMs, position, bytes }], {
    nowMs: memory.seenMs,
    spanMs: HOUR_MS,
    most: Number.POSITIVE_INFINITY,
  });
  const kilobytes = Math.round(handedOut.reduce((sum, one) => sum + one.bytes, 0) / 1024);
  // No bound is lower.
  if (kilobytes <= KILOBYTES_ROOM) {
    const hour = { ...memory.hour, kilobytes: Math.max(memory.hour.kilobytes, kilobytes) };
    return { memory: { ...memory, handedOut: joined(handedOut), hour } };
  }
  const bound = usualBound('kilobytes', memory.past, sight.role, {
    limit: KILOBYTES_INSTALLED * (sight.isService ? SERVICE_TIMES : 1),
    room: KILOBYTES_ROOM,
  });
  const next = {
    ...memory,
    handedOut: joined(handedOut),
    hour: { ...memory.hour, kilobytes: capped(memory.hour.kilobytes, kilobytes, bound) },
  };
  if (kilobytes <= bound.limit) return { memory: next };
  const megabytes = (kilobytes / 1024).toFixed(1);
  const usual = usually({ ...bound, limit: Math.round(bound.limit / 1024) }, ' MB');
  return {
    memory: next,
    noticed: {
      kind: 'export-volume',
      key: '',
      forMs: FOR_MS,
      score: overBy(kilobytes, bound.limit),
      reasons: [
        reason('handed-out', `${megabytes} MB of patients’ data handed out within an hour; ${usual}.`, {
          kilobytes,
          limit: bound.limit,
        }),
      ],
      evidence: largest(handedOut),
    },
  };
};

function exported(memory: PersonMemory, { entry: { atMs, position } }: Sight): Seen {
  const exports = recent([...memory.exports, { atMs, position }], {
    nowMs: memory.seenMs,
    spanMs: DAY_MS,
    most: EVIDENCE_MAX,
  });
  const next = { ...memory, exports };
  if (exports.length <= EXPORTS_A_DAY) return { memory: next };
  const noticed: Noticed = {
    kind: 'export-volume',
    key: 'records',
    forMs: DAY_MS,
    score: overBy(exports.length, EXPORTS_A_DAY),
    reasons: [
      reason(
        'records-exported',
        `${exports.length} whole records exported within a day; usually at most ${EXPORTS_A_DAY}.`,
        {
          exports: exports.length,
          limit: EXPORTS_A_DAY,
        },
      ),
    ],
    evidence: exports.map((one) => one.position),
  };
  return { memory: next, noticed };
}

/** Of what is read about patients, one or many; a page of the app or of the audit log is none of it. */
function bytesOf({ entry: { action, detail } }: Sight): number {
  const { bytes } = detail ?? {};
  const isOfPatients = action === 'patient.read' || action === 'vitals.read' || action === 'alarm.read';
  return isOfPatients && typeof bytes === 'number' && bytes > 0 ? bytes : 0;
}

/** The oldest are taken together where there are many: their sum counts, not each. */
function joined(handed: PersonMemory['handedOut']): PersonMemory['handedOut'] {
  if (handed.length <= HANDED_MAX) return handed;
  const [first, second, ...rest] = handed;
  if (first === undefined || second === undefined) return handed;
  return [{ ...second, bytes: first.bytes + second.bytes }, ...rest];
}

function largest(handed: PersonMemory['handedOut']): readonly number[] {
  const most = [...handed].sort((a, b) => b.bytes - a.bytes).slice(0, EVIDENCE_MAX);
  return most.map((one) => one.position).sort((a, b) => a - b);
}

/** The clock hour turns: what was reached in the one before becomes habit, the person's and their role's. */
export function turn(
  memory: PersonMemory,
  role: RoleMemory | undefined,
  { person, atMs }: { readonly person: string; readonly atMs: number },
): { readonly memory: PersonMemory; readonly role: RoleMemory | undefined } {
  const { memory: turned, over } = turnHour(memory, atMs);
  return { memory: turned, role: over === undefined || role === undefined ? role : learnHour(role, person, over) };
}

const installedFor = (roles: readonly string[]): number =>
  Math.max(PATIENTS_OTHERWISE, ...roles.map((role) => PATIENTS_INSTALLED[role] ?? 0));

/** An hour that was told of teaches no more than the bound: habit is not to be made by excess. */
const capped = (before: number, value: number, { limit }: Bound): number => Math.max(before, Math.min(value, limit));

/** 40 just above what is usual, 100 from twice as much. */
function overBy(value: number, limit: number): number {
  return Math.round(40 + 60 * Math.min(1, value / Math.max(1, limit) - 1));
}

/** For a person: whose measure, and what it is. */
function usually({ limit, by }: Bound, unit = ''): string {
  if (by === 'own') return `they usually have at most ${limit}${unit}`;
  return by === 'role'
    ? `people with their role have at most ${limit}${unit}`
    : `as installed, at most ${limit}${unit} is usual`;
}
