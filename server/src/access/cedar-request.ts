import type { AuthorizationCall, CedarValueJson, EntityJson, TypeAndId } from '@cedar-policy/cedar-wasm/nodejs';
import { ACTIONS } from '../domain/access.ts';
import { DEFAULT_TENANT, type PatientId } from '../domain/ids.ts';
import type { AccessFacts } from './access-facts.ts';
import type { Question, ResourceRef, Subject } from './decisions.ts';
import { inScope } from './scopes.ts';

/** A question as Cedar is asked it: `policies/schema.cedarschema` says what each part means. */
export interface CedarRequest extends Pick<AuthorizationCall, 'context'> {
  readonly principal: TypeAndId;
  readonly action: TypeAndId;
  readonly resource: TypeAndId;
  readonly entities: readonly Entity[];
}

interface Entity extends EntityJson {
  uid: TypeAndId;
  parents: TypeAndId[];
}

export function cedarRequest(question: Question, facts: AccessFacts, atMs: number): CedarRequest {
  const { action, resource } = question;
  const who = principalEntity(question.principal);
  const what = resourceEntity(resource, facts);
  // A device that asks about itself is one entity, not two of a name.
  const isSame = who.uid.type === what.uid.type && who.uid.id === what.uid.id;
  return {
    principal: who.uid,
    action: { type: 'Action', id: action },
    resource: what.uid,
    context: contextOf(question, facts, atMs),
    entities: isSame ? [who] : [who, what],
  };
}

function principalEntity({ userId, roles, wardIds, tenantId, kind }: Subject): Entity {
  const tenant = entity('Tenant', tenantId);
  const isDevice = kind === 'device';
  return {
    uid: { type: isDevice ? 'Device' : 'Person', id: userId },
    attrs: isDevice
      ? { tenant }
      : { tenant, everyWard: wardIds.length === 0, wards: wardIds.map((wardId) => entity('Ward', wardId)) },
    parents: roles.map((role) => ({ type: 'Role', id: role })),
  };
}

function resourceEntity(resource: ResourceRef, facts: AccessFacts): Entity {
  const tenant = entity('Tenant', ('tenantId' in resource ? resource.tenantId : undefined) ?? DEFAULT_TENANT);
  switch (resource.kind) {
    case 'door':
      return bare('Door', 'door', { tenant });
    case 'house':
      return bare('House', 'house', { tenant });
    case 'ward':
      return bare('Ward', resource.wardId ?? NO_WARD, { tenant });
    case 'patient': {
      const wardId = resource.wardId ?? facts.wardOf(resource.patientId);
      return bare('Patient', resource.patientId, {
        tenant,
        ...(wardId !== undefined && { ward: entity('Ward', wardId) }),
      });
    }
    case 'device': {
      const { wardId } = resource;
      return bare('Device', resource.deviceId, {
        tenant,
        ...(wardId !== undefined && { ward: entity('Ward', wardId) }),
      });
    }
    case 'emergency-access':
      return bare('EmergencyAccess', resource.id, { tenant, by: entity('Person', resource.by) });
    default:
      return resource satisfies never;
  }
}

/** Nobody can be given it: it is no ward id. */
const NO_WARD = '~none';

function contextOf({ principal, action, resource, context = {} }: Question, facts: AccessFacts, atMs: number) {
  const { userId, mfaAtMs, scopes } = principal;
  const provenAtMs = mfaAtMs ?? principal.authenticatedAtMs;
  const patientId: PatientId | undefined = resource.kind === 'patient' ? resource.patientId : undefined;
  return {
    purpose: context.purpose ?? principal.purpose ?? (ACTIONS[action].isOfPatients ? 'treatment' : 'operations'),
    careTeam: patientId !== undefined && facts.isInCareOf(userId, patientId, atMs),
    emergency: patientId !== undefined && facts.emergencyOf(userId, patientId, atMs) !== undefined,
    shift: facts.shiftOf(userId, atMs),
    program: principal.kind !== 'session',
    inScope: inScope(scopes, action),
    secondFactor: mfaAtMs !== undefined,
    // A time to come counts as never shown.
    ...(provenAtMs !== undefined && provenAtMs <= atMs && { proofAgeSeconds: Math.floor((atMs - provenAtMs) / 1000) }),
  };
}

const entity = (type: string, id: string): CedarValueJson => ({ __entity: { type, id } });

const bare = (type: string, id: string, attrs: Record<string, CedarValueJson>): Entity => ({
  uid: { type, id },
  attrs,
  parents: [],
});
