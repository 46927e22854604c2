import type { AuditEvent, AuditEventAgent, AuditEventEntity, Coding } from 'fhir/r4.js';
import type { RecordedEntry } from '../../domain/audit-entry.ts';

const TYPES = 'http://terminology.hl7.org/CodeSystem/audit-event-type';
const DICOM = 'http://dicom.nema.org/resources/ontology/DCM';
const OBJECT_TYPES = 'http://terminology.hl7.org/CodeSystem/audit-entity-type';
const OBJECT_ROLES = 'http://terminology.hl7.org/CodeSystem/object-role';
const REASONS = 'http://terminology.hl7.org/CodeSystem/v3-ActReason';
/** Of our own words for what is done. */
export const ACTIONS_SYSTEM = 'urn:healthsync:audit-action';

/** An entry as FHIR R4 AuditEvent (http://hl7.org/fhir/R4/auditevent.html). Its id is its place in the log. */
export function auditEvent(entry: RecordedEntry): AuditEvent {
  const { action, outcome, purpose, detail } = entry;
  const reason = purpose === undefined ? undefined : PURPOSES[purpose];
  return {
    resourceType: 'AuditEvent',
    id: String(entry.position),
    type: typeOf(action),
    subtype: [{ system: ACTIONS_SYSTEM, code: action }],
    action: actionOf(entry),
    ...(entry.atMs !== entry.recordedAtMs && { period: { start: instant(entry.atMs), end: instant(entry.atMs) } }),
    recorded: instant(entry.recordedAtMs),
    outcome: outcome === 'allowed' ? '0' : outcome === 'denied' ? '4' : '8',
    ...(outcome !== 'allowed' && { outcomeDesc: outcome }),
    ...(purpose !== undefined && {
      purposeOfEvent: [{ ...(reason !== undefined && { coding: [{ system: REASONS, code: reason }] }), text: purpose }],
    }),
    agent: [agentOf(entry)],
    source: { observer: { display: 'HealthSync' } },
    entity: [
      ...(entry.patientId === undefined ? [] : [patientOf(entry.patientId)]),
      objectOf(entry),
      ...(detail === undefined ? [] : [detailOf(detail, entry.correlationId)]),
    ],
  };
}

function typeOf(action: string): Coding {
  if (action.startsWith('session.')) return { system: DICOM, code: '110114', display: 'User Authentication' };
  if (action.startsWith('audit.')) return { system: DICOM, code: '110101', display: 'Audit Log Used' };
  if (/^(system|configuration)\./.test(action))
    return { system: DICOM, code: '110100', display: 'Application Activity' };
  if (action.startsWith('command.')) return { system: DICOM, code: '110100', display: 'Application Activity' };
  return { system: TYPES, code: 'rest', display: 'RESTful Operation' };
}

/** http://hl7.org/fhir/R4/valueset-audit-event-action.html, by the method where there is one. */
function actionOf({ detail, action }: RecordedEntry): NonNullable<AuditEvent['action']> {
  const { method } = detail ?? {};
  if (action.startsWith('session.')) return 'E';
  return METHODS[String(method)] ?? 'E';
}

const METHODS: Readonly<Record<string, NonNullable<AuditEvent['action']>>> = {
  GET: 'R',
  HEAD: 'R',
  POST: 'C',
  PUT: 'U',
  PATCH: 'U',
  DELETE: 'D',
};

const PURPOSES: Readonly<Record<string, string>> = {
  treatment: 'TREAT',
  emergency: 'ETREAT',
  operations: 'HOPERAT',
  research: 'HRESCH',
};

function agentOf({ actor, policies }: RecordedEntry): AuditEventAgent {
  return {
    who: {
      ...(actor.userId !== undefined && { identifier: { system: 'urn:healthsync:user', value: actor.userId } }),
      display: actor.name,
    },
    altId: actor.name,
    name: actor.name,
    requestor: actor.kind !== 'system',
    ...(policies !== undefined && {
      policy: policies.map((policy) => `urn:healthsync:policy:${encodeURIComponent(policy)}`),
    }),
    // http://hl7.org/fhir/R4/valueset-network-type.html: 2 is an IP address.
    ...(actor.address !== undefined && { network: { address: actor.address, type: '2' as const } }),
  };
}

function patientOf(patientId: string): AuditEventEntity {
  return {
    what: { reference: `Patient/${patientId}` },
    type: { system: OBJECT_TYPES, code: '1', display: 'Person' },
    role: { system: OBJECT_ROLES, code: '1', display: 'Patient' },
  };
}

function objectOf({ resource }: RecordedEntry): AuditEventEntity {
  return {
    what: {
      ...(resource.id !== undefined && {
        identifier: { system: `urn:healthsync:${resource.kind}`, value: resource.id },
      }),
      display: resource.kind,
    },
    type: { system: OBJECT_TYPES, code: '2', display: 'System Object' },
  };
}

function detailOf(detail: NonNullable<RecordedEntry['detail']>, correlationId: string): AuditEventEntity {
  return {
    what: { identifier: { system: 'urn:healthsync:correlation', value: correlationId } },
    type: { system: OBJECT_TYPES, code: '4', display: 'Other' },
    detail: Object.entries(detail).map(([type, value]) => ({ type, valueString: String(value) })),
  };
}

const instant = (ms: number): string => new Date(ms).toISOString();
