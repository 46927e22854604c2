import { ACTION_NAMES, ACTIONS, type Action } from './access.ts';

/**
 * What a token is good for, in the words of OAuth. Scopes narrow what the roles allow, and never widen it.
 * - Of our own interface, actions by name: `alarm.read`, `alarm.*`, `*` (`access/scopes.ts` decides by them).
 * - Of FHIR, SMART App Launch 2.2, "Scopes for requesting FHIR Resources": `patient/Observation.rs`, `user/*.cruds`,
 *   `system/Patient.r`; and of version 1 `patient/Observation.read`, `.write`, `.*`.
 */
export interface FhirScope {
  readonly context: 'patient' | 'user' | 'system';
  /** `*`: every type. */
  readonly resource: string;
  /** Letters of `cruds`: create, read, update, delete, search. */
  readonly may: string;
}

/** Undefined for what is no such scope. */
export function parseFhirScope(scope: string): FhirScope | undefined {
  const [, context, resource, asked = ''] =
    /^(patient|user|system)\/(\*|[A-Z][A-Za-z]{2,60})\.([a-z]+|\*)$/.exec(scope) ?? [];
  if (context === undefined || resource === undefined) return undefined;
  const may = VERSION_1[asked] ?? asked;
  // In this order and each once, so that one right has one spelling ("scopes SHALL be in order").
  return may !== '' && /^c?r?u?d?s?$/.test(may)
    ? { context: context as FhirScope['context'], resource, may }
    : undefined;
}

const VERSION_1: Readonly<Record<string, string>> = { read: 'rs', write: 'cud', '*': 'cruds' };

/** Whether what was granted covers what is asked for. */
export function covers(granted: readonly string[], asked: string): boolean {
  if (granted.includes(asked)) return true;
  if (OF_API.has(asked)) return granted.includes('*') || granted.includes(familyOf(asked));
  const wanted = parseFhirScope(asked);
  if (wanted === undefined) return false;
  return granted.some((scope) => {
    const have = parseFhirScope(scope);
    if (have === undefined || have.context !== wanted.context) return false;
    return (have.resource === '*' || have.resource === wanted.resource) && includesAll(have.may, wanted.may);
  });
}

const familyOf = (action: string): string => action.replace(/\..*$/, '.*');

const OF_API: ReadonlySet<string> = new Set(['*', ...ACTION_NAMES.map(familyOf), ...ACTION_NAMES]);

const includesAll = (have: string, wanted: string): boolean => [...wanted].every((letter) => have.includes(letter));

/** What the apps and systems of a house work with here; others are refused by name. */
export const FHIR_TYPES = [
  '*',
  'AuditEvent',
  'Consent',
  'Condition',
  'Device',
  'DiagnosticReport',
  'DocumentReference',
  'Encounter',
  'Location',
  'Observation',
  'Organization',
  'Patient',
  'Practitioner',
  'PractitionerRole',
  'Provenance',
  'Subscription',
  'Task',
] as const;

/** Scopes of signing in and of launching, beside those of data. */
export const SIGN_IN_SCOPES = [
  'openid',
  'profile',
  'fhirUser',
  'offline_access',
  'online_access',
  'launch',
  'launch/patient',
] as const;

/** Those that are actions of our own interface, as a person would say them. */
export function wordsOfActions(scopes: readonly string[]): Readonly<Record<string, string>> {
  const actions = scopes.filter((scope): scope is Action => Object.hasOwn(ACTIONS, scope));
  return Object.fromEntries(actions.map((action) => [action, ACTIONS[action].words]));
}

/** Every scope that can be asked for: a provider must know them by name. */
export function everyScope(): readonly string[] {
  const mays = ['read', 'write', '*', ...subsetsOf('cruds')];
  const fhir = (['patient', 'user', 'system'] as const).flatMap((context) =>
    FHIR_TYPES.flatMap((type) => mays.map((may) => `${context}/${type}.${may}`)),
  );
  return [...SIGN_IN_SCOPES, ...OF_API, ...fhir];
}

/** `c`, `r`, `cr`, … in order. */
function subsetsOf(letters: string): readonly string[] {
  return Array.from({ length: 2 ** letters.length - 1 }, (_, index) =>
    [...letters].filter((_letter, place) => ((index + 1) >> place) % 2 === 1).join(''),
  );
}
