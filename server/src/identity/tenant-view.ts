import { DEFAULT_TENANT, type TenantId } from '../domain/ids.ts';
import type { RulePlace } from '../domain/rule-place.ts';
import type { RegistrySnapshot } from '../ports/registry.ts';
import { type RegistryView, registryView } from './registry-view.ts';

/**
 * The registry as one organisation has it: of the others there is nothing in it. Made once per view and organisation; an
 * installation of one organisation keeps the view it has.
 */
export function viewOfTenant(view: RegistryView, tenantId: TenantId): RegistryView {
  let views = known.get(view);
  if (views === undefined) {
    views = new Map();
    known.set(view, views);
    if (isOfOne(view.snapshot)) views.set(DEFAULT_TENANT, view);
  }
  let own = views.get(tenantId);
  if (own === undefined) {
    own = registryView(snapshotOf(view, tenantId), view.takenAtMs);
    views.set(tenantId, own);
  }
  return own;
}

const known = new WeakMap<RegistryView, Map<TenantId, RegistryView>>();

function isOfOne({ wards, patients, devices, rules }: RegistrySnapshot): boolean {
  return (
    [...wards, ...patients, ...devices].every(({ tenantId }) => tenantId === undefined) &&
    (rules?.sets ?? []).every(({ place }) => place.scope !== 'house' || place.tenantId === undefined)
  );
}

/** Part by part: what a snapshot will hold besides is nobody's until somebody says here whose it is. */
function snapshotOf({ snapshot }: RegistryView, tenantId: TenantId): RegistrySnapshot {
  const isOwn = (one: { readonly tenantId?: TenantId }) => (one.tenantId ?? DEFAULT_TENANT) === tenantId;
  const wards = snapshot.wards.filter(isOwn);
  const patients = snapshot.patients.filter(isOwn);
  const devices = snapshot.devices.filter(isOwn);
  const wardIds = new Set(wards.map(({ id }) => id));
  const patientIds = new Set(patients.map(({ id }) => id));
  const deviceIds = new Set(devices.map(({ id }) => id));
  const serials = new Set(devices.flatMap(({ certificates }) => certificates.map(({ serial }) => serial)));
  const holdsHere = ({ place }: { readonly place: RulePlace }) => {
    if (place.scope === 'house') return isOwn(place);
    return place.scope === 'ward' ? wardIds.has(place.wardId) : patientIds.has(place.patientId);
  };
  const { rules, doubts } = snapshot;
  return {
    wards,
    beds: snapshot.beds.filter(({ wardId }) => wardIds.has(wardId)),
    patients,
    devices,
    assignments: snapshot.assignments.filter(({ deviceId }) => deviceIds.has(deviceId)),
    revokedSerials: snapshot.revokedSerials.filter((serial) => serials.has(serial)),
    deviceTokens: snapshot.deviceTokens.filter(({ deviceId }) => deviceIds.has(deviceId)),
    ...(rules !== undefined && {
      rules: { sets: rules.sets.filter(holdsHere), overrides: rules.overrides.filter(holdsHere) },
    }),
    ...(doubts !== undefined && { doubts: doubts.filter(({ deviceId }) => deviceIds.has(deviceId)) }),
  };
}
