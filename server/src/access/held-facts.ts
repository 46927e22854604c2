import { type CareAssignment, holdsAt, type WardTeam } from '../domain/care-team.ts';
import { DEFAULT_TENANT, type PatientId, type TenantId, type UserId, type WardId } from '../domain/ids.ts';
import type { RegistryView } from '../identity/registry-view.ts';
import type { AccessFacts, EmergencyProof, OwnedThing, RunningEmergency, Shift } from './access-facts.ts';
import { type HeldConsents, heldConsents } from './held-consents.ts';

/** Before and after a shift: the handover, and what was not finished in time. */
const SHIFT_GRACE_MS = 3_600_000;
/** Who is on duty does not change within this; local times cost some tens of microseconds to work out. */
const DUTY_FRESH_MS = 5_000;
/** People asked about at once: a large hospital's shift. */
const DUTIES_MAX = 10_000;

/** The facts that decisions rest on, from the registry's view, the wards' plans, the emergencies that run, and consents. */
export function heldFacts(
  view: () => RegistryView,
  consents: HeldConsents = heldConsents('not-needed'),
  emergencyProof: EmergencyProof = 'second-factor',
): AccessFacts & {
  hold(facts: { readonly teams: readonly WardTeam[]; readonly emergencies: readonly RunningEmergency[] }): void;
} {
  let version = 0;
  let seen = view();
  let planned: ReadonlyMap<UserId, readonly Planned[]> = new Map();
  let emergencies: ReadonlyMap<UserId, readonly RunningEmergency[]> = new Map();
  const duties = new Map<UserId, { readonly atMs: number; readonly holds: readonly CareAssignment[] }>();

  /** What of somebody's assignments holds at a moment. */
  function dutyOf(userId: UserId, atMs: number): readonly CareAssignment[] {
    const plan = planned.get(userId);
    if (plan === undefined) return [];
    const known = duties.get(userId);
    if (known !== undefined && Math.abs(atMs - known.atMs) < DUTY_FRESH_MS) return known.holds;
    const holds = plan
      .filter(({ team, assignment }) => holdsAt(team, assignment, atMs))
      .map(({ assignment }) => assignment);
    if (duties.size >= DUTIES_MAX) duties.clear();
    duties.set(userId, { atMs, holds });
    return holds;
  }

  let wardTenants = tenantsOfWards(view());
  let wardTenantsOf = view();

  function tenantOf(what: OwnedThing): TenantId | undefined {
    switch (what.kind) {
      case 'ward': {
        if (wardTenantsOf !== view()) {
          wardTenantsOf = view();
          wardTenants = tenantsOfWards(wardTenantsOf);
        }
        return wardTenants.get(what.wardId);
      }
      case 'patient':
        return tenantOfKnown(view().place(what.patientId));
      case 'device':
        return tenantOfKnown(view().device(what.deviceId));
      default:
        return what satisfies never;
    }
  }

  const wardOf = (patientId: PatientId): WardId | undefined => view().place(patientId)?.wardId;

  return {
    emergencyProof,
    version() {
      if (seen !== view()) {
        seen = view();
        version++;
      }
      return version + consents.version();
    },
    tenantOf,
    wardOf,
    isVip: (patientId) => view().place(patientId)?.isVip === true,
    isInCareOf(userId, patientId, atMs) {
      const place = view().place(patientId);
      return dutyOf(userId, atMs).some(
        ({ wardId, bedIds, patientIds }) =>
          patientIds.includes(patientId) ||
          (place?.bedId !== undefined && bedIds.includes(place.bedId)) ||
          (bedIds.length === 0 && patientIds.length === 0 && place?.wardId === wardId),
      );
    },
    patientsOf(userId, atMs) {
      const found = new Set<PatientId>();
      for (const { wardId, bedIds, patientIds } of dutyOf(userId, atMs)) {
        for (const patientId of patientIds) found.add(patientId);
        const isWhole = bedIds.length === 0 && patientIds.length === 0;
        for (const { id, bedId } of view().patientsIn(wardId))
          if (isWhole || (bedId !== undefined && bedIds.includes(bedId))) found.add(id);
      }
      for (const { patientId, endsAtMs } of emergencies.get(userId) ?? []) if (atMs < endsAtMs) found.add(patientId);
      return found;
    },
    shiftOf(userId, atMs): Shift {
      const current = (planned.get(userId) ?? []).filter(
        ({ assignment: { fromMs, toMs } }) => fromMs <= atMs && (toMs === undefined || atMs < toMs),
      );
      if (current.length === 0) return 'unplanned';
      if (dutyOf(userId, atMs).length > 0) return 'on';
      const isNear = current.some(({ team, assignment }) =>
        [atMs - SHIFT_GRACE_MS, atMs + SHIFT_GRACE_MS].some((nearMs) => holdsAt(team, assignment, nearMs)),
      );
      return isNear ? 'on' : 'off';
    },
    emergencyOf: (userId, patientId, atMs) =>
      emergencies
        .get(userId)
        ?.find((one) => one.patientId === patientId && one.beganAtMs <= atMs && atMs < one.endsAtMs),
    consentTo: (question) => consents.consentTo(question),
    hold({ teams, emergencies: running }) {
      const all = teams.flatMap((team) => team.assignments.map((assignment) => ({ team, assignment })));
      planned = Map.groupBy(all, ({ assignment }) => assignment.userId);
      emergencies = Map.groupBy(running, ({ userId }) => userId);
      duties.clear();
      version++;
    },
  };
}

function tenantsOfWards({ snapshot }: RegistryView): ReadonlyMap<WardId, TenantId> {
  return new Map(snapshot.wards.map(({ id, tenantId = DEFAULT_TENANT }) => [id, tenantId]));
}

function tenantOfKnown(known: { readonly tenantId?: TenantId } | undefined): TenantId | undefined {
  return known && (known.tenantId ?? DEFAULT_TENANT);
}

interface Planned {
  readonly team: WardTeam;
  readonly assignment: CareAssignment;
}
