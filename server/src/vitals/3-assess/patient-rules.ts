import { type AssessRules, type CompiledRules, compileRules } from '../../domain/assess-rules.ts';
import type { DeviceId, PatientId } from '../../domain/ids.ts';
import { news2NotApplicable } from '../../domain/news2-use.ts';
import { type RuleIndex, ruleIndex } from '../../domain/rule-index.ts';
import { rulesInForce } from '../../domain/rules-in-force.ts';
import type { Assignment, PatientPlace, RegistrySnapshot } from '../../ports/registry.ts';

/** How each patient is judged now, made from the registry when first asked for and kept until it changes. */
export interface PatientRules {
  of(patientId: PatientId): AssessRules;
  /** The registry was reread, or the clock went on. What was handed out stays until `update` is called for that patient. */
  follow(snapshot: RegistrySnapshot, nowMs: number): void;
  /** Takes the patient's rules from the newest snapshot; true if they changed. */
  update(patientId: PatientId): boolean;
  /** When the next override begins or ends: then `follow` again. */
  dueMs(): number;
  forget(patientId: PatientId): void;
}

interface Known {
  /** Of which versions of which sets and overrides its rules were made. */
  readonly key: string;
  readonly rules: AssessRules;
}

export function patientRules(snapshot: RegistrySnapshot, nowMs: number): PatientRules {
  const known = new Map<PatientId, Known>();
  /** Compiled rules by key, shared by all who have the same. */
  let compiled = new Map<string, CompiledRules>();
  let places: ReadonlyMap<PatientId, PatientPlace>;
  let worn: ReadonlyMap<PatientId, readonly DeviceId[]>;
  let index: RuleIndex;
  let followedMs = nowMs;

  function follow(next: RegistrySnapshot, atMs: number): void {
    places = new Map(next.patients.map((place) => [place.id, place]));
    worn = wornAt(next.assignments, atMs);
    index = ruleIndex(next.rules, atMs);
    followedMs = atMs;
    compiled = new Map();
  }
  follow(snapshot, nowMs);

  function update(patientId: PatientId): boolean {
    const before = known.get(patientId);
    const place = places.get(patientId);
    // A patient the registry does not know (yet): every device that speaks for them counts.
    const devices = place === undefined ? undefined : (worn.get(patientId) ?? NONE);
    const spo2Scale = place?.spo2Scale ?? 1;
    const notApplicable = news2NotApplicable(
      { use: place?.news2Use ?? { kind: 'by-age' }, birthDate: place?.birthDate },
      followedMs,
    );
    const key = index.keyOf(place);
    const rules = before?.rules;
    if (
      before?.key === key &&
      rules?.spo2Scale === spo2Scale &&
      rules.news2NotApplicable === notApplicable &&
      sameDevices(rules.devices, devices)
    )
      return false;
    known.set(patientId, {
      key,
      rules: { compiled: compile(key, place), spo2Scale, news2NotApplicable: notApplicable, devices },
    });
    return true;
  }

  function compile(key: string, place: PatientPlace | undefined): CompiledRules {
    let found = compiled.get(key);
    if (found === undefined) {
      found = compileRules(rulesInForce(index.layersOf(place)));
      compiled.set(key, found);
    }
    return found;
  }

  return {
    of(patientId) {
      let found = known.get(patientId);
      if (found === undefined) {
        update(patientId);
        found = known.get(patientId) as Known;
      }
      return found.rules;
    },
    follow,
    update,
    dueMs: () => index.dueMs,
    forget: (patientId) => known.delete(patientId),
  };
}

const NONE: readonly DeviceId[] = [];

function wornAt(assignments: readonly Assignment[], atMs: number): ReadonlyMap<PatientId, readonly DeviceId[]> {
  const worn = new Map<PatientId, DeviceId[]>();
  for (const { deviceId, patientId, fromMs, toMs } of assignments) {
    if (fromMs > atMs || (toMs !== undefined && atMs >= toMs)) continue;
    const devices = worn.get(patientId);
    if (devices === undefined) worn.set(patientId, [deviceId]);
    else devices.push(deviceId);
  }
  return worn;
}

function sameDevices(a: readonly DeviceId[] | undefined, b: readonly DeviceId[] | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((device) => b.includes(device));
}
