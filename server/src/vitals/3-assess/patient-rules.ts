import { type AssessRules, assessRules } from '../../domain/assess-rules.ts';
import type { DeviceId, PatientId } from '../../domain/ids.ts';
import type { LimitRule } from '../../domain/threshold.ts';
import type { Assignment, PatientPlace, RegistrySnapshot } from '../../ports/registry.ts';

/** How each patient is judged now, made from the registry when first asked for and kept until it changes. */
export interface PatientRules {
  of(patientId: PatientId): AssessRules;
  /** The registry was reread. What was handed out stays until `update` is called for that patient. */
  follow(snapshot: RegistrySnapshot, nowMs: number): void;
  /** Takes the patient's rules from the newest snapshot; true if they changed. */
  update(patientId: PatientId): boolean;
  forget(patientId: PatientId): void;
}

interface Known {
  readonly own: readonly LimitRule[];
  readonly spo2Scale: 1 | 2;
  readonly devices: readonly DeviceId[] | undefined;
  readonly rules: AssessRules;
}

export function patientRules(snapshot: RegistrySnapshot, nowMs: number): PatientRules {
  const known = new Map<PatientId, Known>();
  let places: ReadonlyMap<PatientId, PatientPlace>;
  let worn: ReadonlyMap<PatientId, readonly Assignment[]>;

  function follow(next: RegistrySnapshot, atMs: number): void {
    places = new Map(next.patients.map((place) => [place.id, place]));
    worn = Map.groupBy(
      next.assignments.filter(({ fromMs, toMs }) => fromMs <= atMs && (toMs === undefined || atMs < toMs)),
      (assignment) => assignment.patientId,
    );
  }
  follow(snapshot, nowMs);

  function make(patientId: PatientId): Known {
    const place = places.get(patientId);
    const own = place?.limits ?? [];
    const spo2Scale = place?.spo2Scale ?? 1;
    // A patient the registry does not know (yet): every device that speaks for them counts.
    const devices = place === undefined ? undefined : (worn.get(patientId) ?? []).map(({ deviceId }) => deviceId);
    const rules =
      own.length === 0
        ? { ...BY_DEFAULT, spo2Scale, ...(devices === undefined ? {} : { devices }) }
        : assessRules({ own, spo2Scale, ...(devices === undefined ? {} : { devices }) });
    return { own, spo2Scale, devices, rules };
  }

  return {
    of(patientId) {
      let found = known.get(patientId);
      if (found === undefined) {
        found = make(patientId);
        known.set(patientId, found);
      }
      return found.rules;
    },
    follow,
    update(patientId) {
      const before = known.get(patientId);
      const after = make(patientId);
      if (before !== undefined && isSame(before, after)) return false;
      known.set(patientId, after);
      return true;
    },
    forget: (patientId) => known.delete(patientId),
  };
}

const BY_DEFAULT = assessRules({ own: [], spo2Scale: 1 });

function isSame(a: Known, b: Known): boolean {
  return a.spo2Scale === b.spo2Scale && sameDevices(a.devices, b.devices) && sameLimits(a.own, b.own);
}

function sameDevices(a: readonly DeviceId[] | undefined, b: readonly DeviceId[] | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((device) => b.includes(device));
}

function sameLimits(a: readonly LimitRule[], b: readonly LimitRule[]): boolean {
  return a === b || (a.length === b.length && JSON.stringify(a) === JSON.stringify(b));
}
