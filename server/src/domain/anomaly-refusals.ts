import { DAY_MS, HOUR_MS, type PersonMemory, recent } from './anomaly-memory.ts';
import { type Detector, isBegin, reason, type Seen, type Sight } from './anomaly-sight.ts';

const WINDOW_MS = HOUR_MS;
const KEPT_MAX = 200;
const EVIDENCE_MAX = 50;

/** Somebody who clicks on a few that are not theirs has mistaken the ward. */
const REFUSED_PATIENTS = 5;
/** Of whatever kind: a broken script comes to this too, and is worth a look. */
const REFUSED_THINGS = 15;

/** Mistyped passwords of one person stay below; many names are somebody trying them out. */
const FAILED_SIGN_INS = 20;
const FAILED_ACCOUNTS = 4;
/** Different doors tried by somebody who is not signed in: an expired page asks for three or four. */
const DOORS_TRIED = 15;

/** A resuscitation or an accident makes two or three. */
const EMERGENCIES_A_DAY = 3;

/** The way to show again that it is them, not a refusal. */
const ASKED_FOR_PROOF = new Set(['stale-second-factor', 'emergency-fresh-proof']);

/** Refused again and again: a person at patients or doors that are not theirs, or an address that is signed in as nobody. */
export const repeatedDenials: Detector = (memory, sight) => {
  const { entry } = sight;
  if (entry.outcome !== 'denied' || isBegin(entry)) return { memory };
  if (entry.policies?.some((policy) => ASKED_FOR_PROOF.has(policy)) === true) return { memory };
  const isStranger = entry.actor.userId === undefined;
  const refusals = recent([...memory.refusals, refusalOf(sight, isStranger)], {
    nowMs: memory.seenMs,
    spanMs: WINDOW_MS,
    most: KEPT_MAX,
  });
  const next = { ...memory, refusals };
  return isStranger ? byStranger(next) : byPerson(next);
};

function refusalOf({ entry }: Sight, isStranger: boolean): PersonMemory['refusals'][number] {
  const { atMs, position, patientId, action, resource, detail = {} } = entry;
  const { attempts, account, route, method } = detail;
  const isSignIn = action.startsWith('session.');
  const target = isStranger
    ? isSignIn
      ? `account ${account ?? '?'}`
      : `door ${method ?? ''} ${route ?? action}`
    : `${patientId ?? `${resource.kind} ${resource.id ?? ''}`}`;
  const isPatient = !isStranger && patientId !== undefined;
  return { atMs, position, target, isPatient, times: 1 + (typeof attempts === 'number' ? attempts : 0) };
}

function byPerson(memory: PersonMemory): Seen {
  const { refusals } = memory;
  const patients = distinct(refusals.filter((one) => one.isPatient));
  const things = distinct(refusals);
  if (patients < REFUSED_PATIENTS && things < REFUSED_THINGS) return { memory };
  const score = Math.min(95, 45 + 5 * Math.max(patients - REFUSED_PATIENTS, things - REFUSED_THINGS));
  const text =
    patients >= REFUSED_PATIENTS
      ? `Refused at ${patients} different patients within an hour.`
      : `Refused at ${things} different things within an hour.`;
  return told(memory, score, [reason('refused-again', text, { patients, things })]);
}

function byStranger(memory: PersonMemory): Seen {
  const { refusals } = memory;
  const signIns = refusals.filter(({ target }) => target.startsWith('account '));
  const tries = signIns.reduce((sum, { times }) => sum + times, 0);
  const accounts = distinct(signIns.filter(({ target }) => target !== 'account ?'));
  const doors = distinct(refusals.filter(({ target }) => target.startsWith('door ')));
  const reasons = [
    ...(tries >= FAILED_SIGN_INS || accounts >= FAILED_ACCOUNTS
      ? [
          reason(
            'sign-ins-failed',
            `${tries} failed sign-ins within an hour, with the names of ${accounts} accounts.`,
            { tries, accounts },
          ),
        ]
      : []),
    ...(doors >= DOORS_TRIED
      ? [
          reason(
            'doors-tried',
            `${doors} different addresses of the interface tried within an hour without signing in.`,
            { doors },
          ),
        ]
      : []),
  ];
  if (reasons.length === 0) return { memory };
  const score = Math.min(
    90,
    45 + tries / 4 + 5 * Math.max(0, accounts - FAILED_ACCOUNTS) + Math.max(0, doors - DOORS_TRIED),
  );
  return told(memory, Math.round(score), reasons);
}

function told(memory: PersonMemory, score: number, reasons: readonly ReturnType<typeof reason>[]): Seen {
  const evidence = memory.refusals.map(({ position }) => position).slice(-EVIDENCE_MAX);
  return { memory, noticed: { kind: 'repeated-denials', key: '', forMs: 6 * HOUR_MS, score, reasons, evidence } };
}

const distinct = (all: readonly { readonly target: string }[]): number => new Set(all.map(({ target }) => target)).size;

/** Emergencies of one person within a day. */
export const breakGlassRate: Detector = (memory, { entry }) => {
  const { action, outcome, atMs, position } = entry;
  if (action !== 'break-glass.use' || outcome !== 'allowed' || isBegin(entry)) return { memory };
  const emergencies = recent([...memory.emergencies, { atMs, position }], {
    nowMs: memory.seenMs,
    spanMs: DAY_MS,
    most: EVIDENCE_MAX,
  });
  const next = { ...memory, emergencies };
  const many = emergencies.length;
  if (many <= EMERGENCIES_A_DAY) return { memory: next };
  const text = `${many} records opened in an emergency within a day; more than ${EMERGENCIES_A_DAY} are rare.`;
  return {
    memory: next,
    noticed: {
      kind: 'break-glass-rate',
      key: '',
      forMs: DAY_MS,
      score: Math.min(95, 40 + 10 * (many - EMERGENCIES_A_DAY)),
      reasons: [reason('emergencies-in-a-day', text, { emergencies: many, limit: EMERGENCIES_A_DAY })],
      evidence: emergencies.map((one) => one.position),
    },
  };
};
