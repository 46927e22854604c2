import type { AuthorizationCall, CedarValueJson, EntityJson, TypeAndId } from '@cedar-policy/cedar-wasm/nodejs';
import { usualPurposeOf } from '../domain/access.ts';
import { DEFAULT_TENANT, type PatientId, type TenantId } from '../domain/ids.ts';
import type { AccessFacts, ConsentAnswer } from './access-facts.ts';
import type { Question, ResourceRef, Subject } from './decisions.ts';
import type { Policies, PolicySlice } from './policy-files.ts';
import { inScope } from './scopes.ts';

/** A question as Cedar is asked it: `policies/schema.cedarschema` says what each part means. */
export interface CedarRequest extends Pick<AuthorizationCall, 'context'> {
  readonly principal: TypeAndId;
  readonly action: TypeAndId;
  readonly resource: TypeAndId;
  readonly entities: readonly Entity[];
  /** The policies that can speak to it. */
  readonly slice: PolicySlice;
  /** What the patient's consent says, where it was asked. */
  readonly consent?: NonNullable<ConsentAnswer['by']>;
}

interface Entity extends EntityJson {
  uid: TypeAndId;
  parents: TypeAndId[];
}

export function cedarRequest(
  question: Question,
  { facts, policies, atMs }: { readonly facts: AccessFacts; readonly policies: Policies; readonly atMs: number },
): CedarRequest {
  const { action, resource } = question;
  const who = principalEntity(question.principal);
  const what = resourceEntity(resource, facts, question.principal);
  const slice = policies.sliceFor(action, what.uid.type);
  const consent = consentOf(question, facts, atMs);
  // A device that asks about itself is one entity, not two of a name.
  const isSame = who.uid.type === what.uid.type && who.uid.id === what.uid.id;
  return {
    principal: who.uid,
    action: { type: 'Action', id: action },
    resource: what.uid,
    context: {
      ...contextOf(question, facts, atMs),
      consent: consent.isOpen,
      ...(slice.looksAtProof && proofOf(question.principal, atMs)),
    },
    slice,
    ...(consent.by !== undefined && { consent: consent.by }),
    entities: isSame ? [who] : [who, what],
  };
}

function principalEntity({ userId, roles, wardIds, tenantId, kind }: Subject): Entity {
  const tenant = tenantId;
  const isDevice = kind === 'device';
  return {
    uid: { type: isDevice ? 'Device' : 'Person', id: userId },
    attrs: isDevice ? { tenant } : { tenant, everyWard: wardIds.length === 0, wards: [...wardIds] },
    parents: roles.map((role) => ({ type: 'Role', id: role })),
  };
}

function resourceEntity(resource: ResourceRef, facts: AccessFacts, asking: Subject): Entity {
  const tenant = tenantOf(resource, facts, asking);
  switch (resource.kind) {
    case 'door':
      return bare('Door', 'door', { tenant });
    case 'house':
      return bare('House', 'house', { tenant });
    case 'installation':
      return bare('Installation', 'installation', { tenant });
    case 'ward':
      return bare('Ward', resource.wardId ?? '~', {
        tenant,
        ...(resource.wardId !== undefined && { ward: resource.wardId }),
      });
    case 'patient': {
      const wardId = resource.wardId ?? facts.wardOf(resource.patientId);
      return bare('Patient', resource.patientId, {
        tenant,
        vip: facts.isVip(resource.patientId),
        ...(wardId !== undefined && { ward: wardId }),
      });
    }
    case 'device': {
      const { wardId } = resource;
      return bare('Device', resource.deviceId, {
        tenant,
        ...(wardId !== undefined && { ward: wardId }),
      });
    }
    case 'emergency-access':
      return bare('EmergencyAccess', resource.id, { tenant, by: { __entity: { type: 'Person', id: resource.by } } });
    default:
      return resource satisfies never;
  }
}

/**
 * Whose it is, by the registry. A door and a house are one's own organisation's; so is what nobody knows of, where there
 * is nothing to find, but for patients: of one whom the registry has lost alarms may be left.
 */
function tenantOf(resource: ResourceRef, facts: AccessFacts, asking: Subject): TenantId {
  const said = 'tenantId' in resource ? resource.tenantId : undefined;
  if (said !== undefined) return said;
  switch (resource.kind) {
    case 'patient':
      return facts.tenantOf(resource) ?? DEFAULT_TENANT;
    case 'ward':
      return (resource.wardId && facts.tenantOf({ kind: 'ward', wardId: resource.wardId })) ?? asking.tenantId;
    case 'device':
      return facts.tenantOf(resource) ?? asking.tenantId;
    case 'emergency-access':
    case 'installation':
      return DEFAULT_TENANT;
    case 'door':
    case 'house':
      return asking.tenantId;
    default:
      return resource satisfies never;
  }
}

function contextOf({ principal, action, resource, context = {} }: Question, facts: AccessFacts, atMs: number) {
  const { userId, mfaAtMs, scopes, launchPatientId } = principal;
  const patientId: PatientId | undefined = resource.kind === 'patient' ? resource.patientId : undefined;
  return {
    purpose: purposeOf({ principal, action, context }),
    careTeam: patientId !== undefined && facts.isInCareOf(userId, patientId, atMs),
    emergency: patientId !== undefined && facts.emergencyOf(userId, patientId, atMs) !== undefined,
    shift: facts.shiftOf(userId, atMs),
    program: principal.kind !== 'session',
    inScope: inScope(scopes, action),
    secondFactor: mfaAtMs !== undefined,
    emergencyByPassword: facts.emergencyProof === 'password',
    ...(launchPatientId !== undefined && { appPatient: { __entity: { type: 'Patient', id: launchPatientId } } }),
  };
}

/**
 * In whole minutes, begun ones counted: what is the same for a while need not be judged anew. A time to come counts as
 * never shown.
 */
function proofOf({ mfaAtMs, authenticatedAtMs }: Subject, atMs: number) {
  const provenAtMs = mfaAtMs ?? authenticatedAtMs;
  if (provenAtMs === undefined || provenAtMs > atMs) return {};
  return { proofAgeSeconds: Math.ceil((atMs - provenAtMs) / 60_000) * 60 };
}

function purposeOf({ principal, action, context }: Pick<Question, 'principal' | 'action' | 'context'>): string {
  return context?.purpose ?? principal.purpose ?? usualPurposeOf(action);
}

/** Asked of one patient; of whatever is more than one, the policies open nothing that would need it. */
function consentOf(question: Question, facts: AccessFacts, atMs: number): ConsentAnswer {
  const { principal, resource } = question;
  if (resource.kind !== 'patient') return { isOpen: true };
  return facts.consentTo({
    patientId: resource.patientId,
    purpose: purposeOf(question),
    ...(principal.name !== undefined && { party: principal.name }),
    atMs,
  });
}

const bare = (type: string, id: string, attrs: Record<string, CedarValueJson>): Entity => ({
  uid: { type, id },
  attrs,
  parents: [],
});
