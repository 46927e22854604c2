import type { BedId, PatientId, WardId } from '../domain/ids.ts';
import { type News2NotApplicable, news2NotApplicable } from '../domain/news2-use.ts';
import type { Rule, RuleInForce } from '../domain/rule.ts';
import { ruleIndex } from '../domain/rule-index.ts';
import type { RuleOverride, RulePlace, RuleSnapshot } from '../domain/rule-place.ts';
import { rulesInForce } from '../domain/rules-in-force.ts';
import type { PatientPlace, RegistrySnapshot } from '../ports/registry.ts';

/** All that is needed to compute a preview, as plain data: it crosses to another thread. */
export interface BurdenJob {
  /** Lists of rules that hold somewhere, before or after; patients name theirs by index. */
  readonly ruleLists: readonly (readonly RuleInForce[])[];
  readonly on: OnHistory | OnDataset;
}

export interface OnHistory {
  readonly source: 'history';
  readonly fromMs: number;
  readonly toMs: number;
  readonly patients: readonly JobPatient[];
}

export interface OnDataset {
  readonly source: 'dataset';
  readonly dataset: string;
  /** Of each record. */
  readonly days: number;
  /** Every recorded patient is judged as this one. */
  readonly as: Omit<JobPatient, 'patientId' | 'bedId'>;
}

export interface JobPatient {
  readonly patientId: PatientId;
  readonly bedId?: BedId;
  readonly before: number;
  readonly after: number;
  readonly spo2Scale: 1 | 2;
  readonly news2NotApplicable?: News2NotApplicable;
}

/** What is asked: these own rules for this place, tried on a ward, a patient, or recorded patients. */
export interface BurdenQuestion {
  readonly place: RulePlace;
  readonly rules: readonly Rule[];
  readonly on:
    | { readonly wardId: WardId; readonly days: number }
    | { readonly patientId: PatientId; readonly days: number }
    | { readonly dataset: string; readonly days: number };
}

/** The job, and whether time-limited overrides take part in it. Those that hold now are taken to have held all the time. */
export function burdenJob(
  question: BurdenQuestion,
  snapshot: Pick<RegistrySnapshot, 'patients' | 'rules'>,
  nowMs: number,
): { readonly job: BurdenJob; readonly hasOverrides: boolean } {
  const { place, rules, on } = question;
  const before = ruleIndex(snapshot.rules, nowMs);
  const after = ruleIndex(replaced(snapshot.rules, place, rules), nowMs);
  const lists: RuleInForce[][] = [];
  const known = new Map<string, number>();

  /** Those with the same rules share one list, and later one compilation. */
  function listOf(index: typeof before, way: string, who: Who): number {
    const key = `${way} ${index.keyOf(who)}`;
    let found = known.get(key);
    if (found === undefined) {
      found = lists.push([...rulesInForce(index.layersOf(who))]) - 1;
      known.set(key, found);
    }
    return found;
  }

  function judgedAs(who: Who) {
    return { before: listOf(before, 'before', who), after: listOf(after, 'after', who) };
  }

  if ('dataset' in on) {
    const patient = place.scope === 'patient' ? find(snapshot, place.patientId) : undefined;
    const who = patient ?? (place.scope === 'ward' ? { id: NOBODY, wardId: place.wardId } : undefined);
    const as = { ...judgedAs(who), spo2Scale: patient?.spo2Scale ?? 1 };
    const job: BurdenJob = { ruleLists: lists, on: { source: 'dataset', dataset: on.dataset, days: on.days, as } };
    return { job, hasOverrides: hasOverrides(snapshot.rules?.overrides, who === undefined ? [] : [who], nowMs) };
  }
  const patients =
    'wardId' in on
      ? snapshot.patients.filter(({ wardId }) => wardId === on.wardId)
      : snapshot.patients.filter(({ id }) => id === on.patientId);
  const job: BurdenJob = {
    ruleLists: lists,
    on: {
      source: 'history',
      fromMs: nowMs - on.days * DAY_MS,
      toMs: nowMs,
      patients: patients.map((patient) => ({
        patientId: patient.id,
        ...(patient.bedId === undefined ? {} : { bedId: patient.bedId }),
        ...judgedAs(patient),
        ...news2Of(patient, nowMs),
      })),
    },
  };
  return { job, hasOverrides: hasOverrides(snapshot.rules?.overrides, patients, nowMs) };
}

type Who = Pick<PatientPlace, 'id' | 'wardId'> | undefined;

/** A recorded patient lies in no bed of ours: under this id, which is no patient's, the ward's rules hold for them. */
const NOBODY = '' as PatientId;
const DAY_MS = 86_400_000;

function find({ patients }: Pick<RegistrySnapshot, 'patients'>, id: PatientId): PatientPlace | undefined {
  return patients.find((patient) => patient.id === id);
}

function news2Of({ spo2Scale, news2Use = { kind: 'by-age' }, birthDate }: PatientPlace, nowMs: number) {
  const notApplicable = news2NotApplicable({ use: news2Use, birthDate }, nowMs);
  return { spo2Scale, ...(notApplicable === undefined ? {} : { news2NotApplicable: notApplicable }) };
}

function replaced(snapshot: RuleSnapshot | undefined, place: RulePlace, rules: readonly Rule[]): RuleSnapshot {
  const sets = snapshot?.sets ?? [];
  const own = sets.find((set) => samePlace(set.place, place));
  return {
    sets: [...sets.filter((set) => set !== own), { place, revision: (own?.revision ?? 0) + 1, rules }],
    overrides: snapshot?.overrides ?? [],
  };
}

function hasOverrides(overrides: readonly RuleOverride[] = [], of: readonly Exclude<Who, undefined>[], nowMs: number) {
  return overrides.some(
    ({ place, fromMs, untilMs }) =>
      fromMs <= nowMs &&
      nowMs < untilMs &&
      of.some(
        ({ id, wardId }) =>
          samePlace(place, { scope: 'patient', patientId: id }) ||
          samePlace(place, { scope: 'ward', wardId: wardId ?? NO_WARD }),
      ),
  );
}

const NO_WARD = '' as WardId;

function samePlace(a: RulePlace, b: RulePlace): boolean {
  if (a.scope === 'ward') return b.scope === 'ward' && a.wardId === b.wardId;
  if (a.scope === 'patient') return b.scope === 'patient' && a.patientId === b.patientId;
  return b.scope === 'house' && a.tenantId === b.tenantId;
}
