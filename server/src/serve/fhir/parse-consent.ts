import type { Consent } from '../../domain/consent.ts';
import { type PatientId, parsePatientId } from '../../domain/ids.ts';
import { PARTY_SYSTEM, WITNESS } from './consent.ts';

/** What of a FHIR R4 Consent we can hold to; everything else is refused with the element that says it. */
export type ParsedConsent =
  | {
      readonly kind: 'consent';
      /** `inactive`: it is taken back. Only where there is one already. */
      readonly status: 'active' | 'inactive';
      readonly consent: Pick<
        Consent,
        'patientId' | 'purpose' | 'party' | 'decision' | 'fromMs' | 'untilMs' | 'givenAtMs' | 'source' | 'witness'
      >;
    }
  | { readonly kind: 'refused'; readonly problems: readonly ElementProblem[] };

export interface ElementProblem {
  /** FHIRPath of the element: `Consent.provision.provision[0].data`. */
  readonly element: string;
  readonly code: 'structure' | 'required' | 'value' | 'not-supported';
  readonly detail: string;
}

/**
 * Reads what we write, and the common short form: one root provision that says by itself what is permitted or denied.
 * Nothing that would narrow or widen it is passed over: an element that is not understood refuses the whole.
 */
export function parseConsent(
  resource: unknown,
  nowMs: number,
  statuses: readonly ('active' | 'inactive')[] = ['active'],
): ParsedConsent {
  const problems: ElementProblem[] = [];
  const refuse = (element: string, code: ElementProblem['code'], detail: string) =>
    void problems.push({ element, code, detail });
  const body = asObject(resource);
  if (body?.['resourceType'] !== 'Consent') {
    refuse('Consent', 'structure', 'expected a resource of type Consent');
    return { kind: 'refused', problems };
  }
  onlyKnown(body, 'Consent', KNOWN, refuse);
  const status = statuses.find((each) => each === body['status']);
  if (status === undefined) refuse('Consent.status', 'not-supported', `expected ${statuses.join(' or ')}`);
  metaOf(body['meta'], refuse);
  const patientId = patientOf(body, refuse);
  const base = codeOf(body['policyRule'], 'Consent.policyRule', refuse, { [ACT_CODE]: ['OPTIN', 'OPTOUT'] });
  const givenAtMs = instantOf(body['dateTime'], 'Consent.dateTime', 'start', refuse) ?? nowMs;
  const said = provisionOf(body['provision'], base, refuse);
  if (said !== undefined) namesOf(body, said.purpose, refuse);
  const source = sourceOf(body['sourceAttachment'], refuse);
  const witness = witnessOf(body['extension'], refuse);
  if (problems.length > 0 || said === undefined || patientId === undefined || status === undefined)
    return { kind: 'refused', problems };
  const how = { ...(source !== undefined && { source }), ...(witness !== undefined && { witness }) };
  const fromMs = said.fromMs ?? givenAtMs;
  return { kind: 'consent', status, consent: { patientId, givenAtMs, ...said, ...how, fromMs } };
}

const SOURCES = ['in-person', 'form', 'representative', 'other-system'] as const;

/** By our own words for it alone: a scan is kept by whoever has it, and is not half taken over. */
function sourceOf(value: unknown, refuse: Refuse): Consent['source'] {
  if (value === undefined) return undefined;
  const path = 'Consent.sourceAttachment';
  const attachment = asObject(value);
  if (attachment !== undefined) onlyKnown(attachment, path, ['title'], refuse);
  const found = SOURCES.find((source) => source === attachment?.['title']);
  if (found === undefined) refuse(`${path}.title`, 'value', `expected one of ${SOURCES.join(', ')}`);
  return found;
}

/** The one extension that is understood: a colleague who was there. */
function witnessOf(value: unknown, refuse: Refuse): string | undefined {
  if (value === undefined) return undefined;
  const path = 'Consent.extension';
  const [first, ...more] = Array.isArray(value) ? value : [];
  const extension = asObject(first);
  if (more.length > 0) refuse(`${path}[1]`, 'not-supported', 'one witness is kept');
  if (extension !== undefined) onlyKnown(extension, `${path}[0]`, ['url', 'valueReference'], refuse);
  const reference = asObject(extension?.['valueReference']);
  if (reference !== undefined) onlyKnown(reference, `${path}[0].valueReference`, ['identifier', 'display'], refuse);
  const { system, value: name } = asObject(reference?.['identifier']) ?? {};
  if (extension?.['url'] === WITNESS && system === PARTY_SYSTEM && typeof name === 'string') return name;
  refuse(`${path}[0]`, 'not-supported', `expected ${WITNESS} with the sign-in name of an account`);
  return undefined;
}

type Refuse = (element: string, code: ElementProblem['code'], detail: string) => void;
type Json = Readonly<Record<string, unknown>>;

const ACT_CODE = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';
const REASONS = 'http://terminology.hl7.org/CodeSystem/v3-ActReason';
const ACTIONS = 'http://terminology.hl7.org/CodeSystem/consentaction';

/** `text` and `language` say nothing that binds; ids are given here (FHIR R4 http#create). */
const KNOWN = [
  ...['resourceType', 'id', 'meta', 'text', 'language'],
  ...['status', 'scope', 'category', 'patient', 'dateTime', 'policyRule', 'provision'],
  ...['sourceAttachment', 'extension'],
];

function onlyKnown(body: Json, path: string, known: readonly string[], refuse: Refuse): void {
  for (const name of Object.keys(body))
    if (!known.includes(name))
      refuse(`${path}.${name.slice(0, 64)}`, 'not-supported', 'is not understood here, and may change what is meant');
}

/** A profile may only narrow what this reader demands anyway; a label is ours to give, by what is known of the patient. */
function metaOf(value: unknown, refuse: Refuse): void {
  if (value === undefined) return;
  const known = ['versionId', 'lastUpdated', 'source', 'profile', 'security', 'tag'];
  onlyKnown(asObject(value) ?? { '': value }, 'Consent.meta', known, refuse);
}

function patientOf(body: Json, refuse: Refuse): PatientId | undefined {
  const patient = asObject(body['patient']);
  // An identifier beside it might be another patient's.
  if (patient !== undefined) onlyKnown(patient, 'Consent.patient', ['reference', 'type', 'display'], refuse);
  const reference = patient?.['reference'];
  const id = typeof reference === 'string' ? /^Patient\/(.+)$/.exec(reference)?.[1] : undefined;
  const patientId = parsePatientId(id);
  if (patientId === undefined) refuse('Consent.patient.reference', 'required', 'expected Patient/<id>');
  return patientId;
}

interface Said extends Pick<Consent, 'purpose' | 'party' | 'decision' | 'untilMs'> {
  readonly fromMs: number | undefined;
}

function provisionOf(value: unknown, base: string | undefined, refuse: Refuse): Said | undefined {
  const path = 'Consent.provision';
  const root = asObject(value);
  if (root === undefined) {
    refuse(path, 'required', 'is needed: without it, a consent would be to everything');
    return undefined;
  }
  const nested = root['provision'];
  const times = periodOf(root['period'], `${path}.period`, refuse);
  if (nested === undefined) {
    onlyKnown(root, path, ['type', 'period', 'purpose', 'action', 'actor'], refuse);
    const decision = root['type'] ?? (base === 'OPTIN' ? 'permit' : base === 'OPTOUT' ? 'deny' : undefined);
    if (base === 'OPTIN' && decision === 'deny')
      refuse('Consent.policyRule', 'not-supported', 'OPTIN with an exception opens everything else');
    return saidOf(root, path, decision, times, refuse);
  }
  onlyKnown(root, path, ['period', 'provision'], refuse);
  if (base === 'OPTIN') refuse('Consent.policyRule', 'not-supported', 'OPTIN with exceptions opens everything else');
  const [exception, ...more] = Array.isArray(nested) ? nested : [];
  const inner = asObject(exception);
  const innerPath = `${path}.provision[0]`;
  if (more.length > 0) refuse(`${path}.provision[1]`, 'not-supported', 'one exception; send the others by themselves');
  if (inner === undefined) {
    refuse(innerPath, 'required', 'expected an exception');
    return undefined;
  }
  onlyKnown(inner, innerPath, ['type', 'purpose', 'action', 'actor'], refuse);
  return saidOf(inner, innerPath, inner['type'], times, refuse);
}

function saidOf(
  rule: Json,
  path: string,
  decision: unknown,
  times: Pick<Said, 'fromMs' | 'untilMs'>,
  refuse: Refuse,
): Said | undefined {
  if (decision !== 'permit' && decision !== 'deny') refuse(`${path}.type`, 'required', 'expected permit or deny');
  const isSharing = rule['actor'] !== undefined;
  const purpose = isSharing ? 'sharing' : purposeOf(rule['purpose'], `${path}.purpose`, refuse);
  if (isSharing && rule['purpose'] !== undefined)
    refuse(`${path}.purpose`, 'not-supported', 'sharing with a party is for whatever it is for');
  if (!isSharing && rule['action'] !== undefined)
    refuse(`${path}.action`, 'not-supported', 'a purpose opens reading, as a whole');
  const party = isSharing ? partyOf(rule, path, refuse) : undefined;
  if (purpose === undefined || (decision !== 'permit' && decision !== 'deny')) return undefined;
  return { purpose, decision, ...times, ...(party !== undefined && { party }) };
}

function purposeOf(value: unknown, path: string, refuse: Refuse): 'treatment' | 'research' | undefined {
  const [first, ...more] = Array.isArray(value) ? value : [];
  const coding = asObject(first);
  if (coding === undefined) {
    refuse(path, 'required', 'is needed: for what the patient consents');
    return undefined;
  }
  if (more.length > 0) refuse(`${path}[1]`, 'not-supported', 'one purpose; send the others by themselves');
  onlyKnown(coding, `${path}[0]`, CODING, refuse);
  const { system, code } = coding;
  if (system === REASONS && code === 'TREAT') return 'treatment';
  if (system === REASONS && code === 'HRESCH') return 'research';
  refuse(`${path}[0]`, 'not-supported', `expected TREAT or HRESCH of ${REASONS}`);
  return undefined;
}

function partyOf(rule: Json, path: string, refuse: Refuse): string | undefined {
  const actions = Array.isArray(rule['action']) ? rule['action'] : [];
  actions.forEach((action, index) => {
    codeOf(action, `${path}.action[${index}]`, refuse, { [ACTIONS]: ['disclose'] });
  });
  const [first, ...more] = Array.isArray(rule['actor']) ? rule['actor'] : [];
  const actor = asObject(first);
  if (more.length > 0) refuse(`${path}.actor[1]`, 'not-supported', 'one party; send the others by themselves');
  if (actor !== undefined) onlyKnown(actor, `${path}.actor[0]`, ['role', 'reference'], refuse);
  codeOf(actor?.['role'], `${path}.actor[0].role`, refuse, {
    'http://terminology.hl7.org/CodeSystem/v3-ParticipationType': ['IRCP'],
  });
  const reference = asObject(actor?.['reference']);
  // Who is meant is said once: a reference beside the identifier might be to somebody else.
  const referencePath = `${path}.actor[0].reference`;
  if (reference !== undefined) onlyKnown(reference, referencePath, ['identifier', 'type', 'display'], refuse);
  const identifier = asObject(reference?.['identifier']);
  if (identifier !== undefined)
    onlyKnown(identifier, `${referencePath}.identifier`, ['use', 'system', 'value'], refuse);
  const { system, value } = identifier ?? {};
  if (system === PARTY_SYSTEM && typeof value === 'string') return value;
  refuse(
    `${path}.actor[0].reference.identifier`,
    'not-supported',
    `expected the sign-in name of an account, of system ${PARTY_SYSTEM}`,
  );
  return undefined;
}

/** What it is called must not contradict what it says. */
function namesOf(body: Json, purpose: Said['purpose'], refuse: Refuse): void {
  codeOf(body['scope'], 'Consent.scope', refuse, {
    'http://terminology.hl7.org/CodeSystem/consentscope':
      purpose === 'research' ? ['research', 'patient-privacy'] : ['patient-privacy'],
  });
  const categories = Array.isArray(body['category']) ? body['category'] : [];
  if (categories.length === 0) refuse('Consent.category', 'required', 'is needed (FHIR R4: 1..*)');
  categories.forEach((category, index) => {
    codeOf(category, `Consent.category[${index}]`, refuse, {
      [ACT_CODE]: purpose === 'sharing' ? ['IDSCL'] : purpose === 'research' ? ['RESEARCH', 'INFA'] : ['INFA'],
      'http://loinc.org': ['59284-0'],
    });
  });
}

/** All of a Coding (FHIR R4 datatypes#Coding). */
const CODING = ['system', 'version', 'code', 'display', 'userSelected'];

/** The one code of a concept, if it is one of these. */
function codeOf(
  value: unknown,
  path: string,
  refuse: Refuse,
  known: Readonly<Record<string, readonly string[]>>,
): string | undefined {
  const concept = asObject(value);
  const codings = concept?.['coding'];
  const [first, ...more] = Array.isArray(codings) ? codings : [];
  const coding = asObject(first);
  const { system, code } = coding ?? {};
  if (value === undefined) refuse(path, 'required', 'is needed');
  else if (typeof system === 'string' && typeof code === 'string' && known[system]?.includes(code) === true) {
    onlyKnown(concept as Json, path, ['coding', 'text'], refuse);
    onlyKnown(coding as Json, `${path}.coding[0]`, CODING, refuse);
    if (more.length > 0) refuse(`${path}.coding[1]`, 'not-supported', 'one code: which of several binds is not said');
    return code;
  } else refuse(path, 'not-supported', `expected ${Object.values(known).flat().join(' or ')}`);
  return undefined;
}

function periodOf(value: unknown, path: string, refuse: Refuse): Pick<Said, 'fromMs' | 'untilMs'> {
  if (value === undefined) return { fromMs: undefined };
  const period = asObject(value);
  if (period === undefined) {
    refuse(path, 'structure', 'expected a Period');
    return { fromMs: undefined };
  }
  onlyKnown(period, path, ['start', 'end'], refuse);
  const fromMs = instantOf(period['start'], `${path}.start`, 'start', refuse);
  const lastMs = instantOf(period['end'], `${path}.end`, 'end', refuse);
  return { fromMs, ...(lastMs !== undefined && { untilMs: lastMs + 1 }) };
}

/**
 * A FHIR dateTime with its time. One without has no zone either (FHIR R4 datatypes#dateTime), and nobody here knows
 * where the day began that the patient meant. `end` is inclusive, to the precision it is given in.
 */
function instantOf(value: unknown, path: string, edge: 'start' | 'end', refuse: Refuse): number | undefined {
  if (value === undefined) return undefined;
  const match = typeof value === 'string' ? DATE_TIME.exec(value) : null;
  const ms = match === null || !isDay(match) ? Number.NaN : Date.parse(match[0]);
  if (Number.isNaN(ms)) {
    refuse(path, 'value', 'expected a date with time and zone');
    return undefined;
  }
  return edge === 'end' && match?.[4] === undefined ? ms + 999 : ms;
}

/** FHIR R4 datatypes#dateTime, with time: "24:00" may not be used, a leap second may and is none here. */
const DATE_TIME =
  /^(\d{4})-(\d\d)-(\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)$/;

/** `Date.parse` takes the 30th of February for the 2nd of March. */
function isDay([, year, month, day]: RegExpExecArray): boolean {
  const date = new Date(`${year}-${month}-${day}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.getUTCDate() === Number(day);
}

function asObject(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}
