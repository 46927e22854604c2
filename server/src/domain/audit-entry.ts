import { isAction, usualPurposeOf } from './access.ts';

/**
 * One thing that happened and that must be provable afterwards: who did what, to what, about which patient, why, with
 * which outcome, by which policies. Never a clinical value: an audit trail is read by people who may not see one.
 */
export interface AuditEntry {
  /** When it happened, ms since 1970. When it was written down is the log's to say. */
  readonly atMs: number;
  readonly actor: AuditActor;
  /** What was done, in the words of `domain/access.ts` where a route is behind it: `patient.read`, `session.sign-in`. */
  readonly action: string;
  readonly resource: { readonly kind: string; readonly id?: string };
  readonly patientId?: string;
  /** Why it was allowed to be asked: `treatment`, `research`, `break-glass`. */
  readonly purpose?: string;
  readonly outcome: AuditOutcome;
  /** The policies that decided. */
  readonly policies?: readonly string[];
  /** The same for everything that belongs to one request or one job. */
  readonly correlationId: string;
  /** Whose organisation; absent where the installation has only one. */
  readonly tenantId?: string;
  /** Whatever else explains it. Never clinical values, never names of patients, never secrets. */
  readonly detail?: Readonly<Record<string, string | number | boolean>>;
}

export interface AuditActor {
  readonly kind: AuditActorKind;
  /** Sign-in name, device id, or what part of the program it was. */
  readonly name: string;
  readonly userId?: string;
  /** Of the peer. */
  readonly address?: string;
  /** Which session, in a form that opens none. */
  readonly sessionId?: string;
}

export const AUDIT_ACTOR_KINDS = ['person', 'service', 'device', 'system'] as const;
export type AuditActorKind = (typeof AUDIT_ACTOR_KINDS)[number];

export const AUDIT_OUTCOMES = ['allowed', 'denied', 'failed'] as const;
export type AuditOutcome = (typeof AUDIT_OUTCOMES)[number];

/**
 * What it was for, where nobody said so: what the program tells of a patient is told to those who treat them, all else
 * keeps the house running. What a stranger was after nobody knows.
 */
export function purposeOf({ purpose, actor, action, patientId }: AuditEntry): string | undefined {
  if (purpose !== undefined) return purpose;
  if (actor.name === STRANGER) return undefined;
  if (actor.kind === 'system' && patientId !== undefined) return 'treatment';
  return isAction(action) ? usualPurposeOf(action) : 'operations';
}

/** Nobody has this name: a sign-in name has no question mark. */
export const STRANGER = '?';

/** An entry in its place in the log. */
export interface RecordedEntry extends AuditEntry {
  /** From 0, without gaps: the index of its leaf (RFC 6962 §2.1). */
  readonly position: number;
  /** When it was written down; never earlier than the entry before it. */
  readonly recordedAtMs: number;
  /** 128 random bits, hexadecimal: the hash of an entry that was deleted must not tell, by trying, what was in it. */
  readonly salt: string;
}

/**
 * The one text of an entry, whose UTF-8 bytes are its leaf: JSON as RFC 8785 (JCS) writes it, so that any language can
 * make it again. Names in the order of their code units, no blanks, fields without a value left out, times as RFC 3339
 * in UTC with milliseconds, strings as ECMAScript's JSON.stringify writes them. `v` is 1 for this form.
 *
 *   {"action":"patient.read","actor":{"address":"10.0.0.7","kind":"person","name":"ada","sessionId":"…","userId":"…"},
 *    "at":"2026-11-22T01:02:03.456Z","correlationId":"…","detail":{"status":200},"outcome":"allowed","patientId":"P1",
 *    "policies":["…"],"position":17,"purpose":"treatment","recordedAt":"2026-11-22T01:02:03.460Z",
 *    "resource":{"id":"P1","kind":"patient"},"salt":"…","tenantId":"…","v":1}
 */
export function encodeEntry(entry: RecordedEntry): string {
  const { actor, resource, detail, policies } = entry;
  // By hand, and in the order of the names: thousands a second are a third of what JSON.stringify would cost.
  return (
    `{"action":${quoted(entry.action)},"actor":{${field('address', actor.address)}"kind":${quoted(actor.kind)}` +
    `,"name":${quoted(actor.name)}${more('sessionId', actor.sessionId)}${more('userId', actor.userId)}}` +
    `,"at":"${rfc3339(entry.atMs)}","correlationId":${quoted(entry.correlationId)}` +
    `${detail === undefined ? '' : detailText(detail)},"outcome":${quoted(entry.outcome)}` +
    more('patientId', entry.patientId) +
    (policies === undefined || policies.length === 0
      ? ''
      : `,"policies":[${policies.slice(0, LIST_MAX).map(quoted).join(',')}]`) +
    `,"position":${entry.position}${more('purpose', entry.purpose)},"recordedAt":"${rfc3339(entry.recordedAtMs)}"` +
    `,"resource":{${field('id', resource.id)}"kind":${quoted(resource.kind)}},"salt":${quoted(entry.salt)}` +
    `${more('tenantId', entry.tenantId)},"v":1}`
  );
}

const field = (name: string, text: string | undefined): string =>
  text === undefined ? '' : `"${name}":${quoted(text)},`;
const more = (name: string, text: string | undefined): string =>
  text === undefined ? '' : `,"${name}":${quoted(text)}`;

/** As JSON.stringify writes it, after `cleanText`. */
function quoted(text: string): string {
  return text.length <= TEXT_MAX && NEEDS_NOTHING.test(text) ? `"${text}"` : JSON.stringify(cleanText(text));
}

/** Printable ASCII but for the quotation mark and the backslash: nearly everything. */
const NEEDS_NOTHING = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

/** Names that are no words are left out: digits would be put first by other writers of JSON, against RFC 8785 §3.2.3. */
function detailText(detail: NonNullable<AuditEntry['detail']>): string {
  const parts: string[] = [];
  for (const name of Object.keys(detail).sort()) {
    const value = detail[name];
    if (value === undefined || !DETAIL_NAME.test(name) || parts.length === LIST_MAX) continue;
    parts.push(`"${name}":${typeof value === 'string' ? quoted(value) : JSON.stringify(value)}`);
  }
  return parts.length === 0 ? '' : `,"detail":{${parts.join(',')}}`;
}

/** Reads what `encodeEntry` wrote; undefined: it is something else, or not written in that form to the byte. */
export function decodeEntry(text: string): RecordedEntry | undefined {
  const entry = readEntry(text);
  return entry !== undefined && encodeEntry(entry) === text ? entry : undefined;
}

/** The same for a text whose bytes are judged by their hash: whether it is an entry at all. */
export function readEntry(text: string): RecordedEntry | undefined {
  let found: Written | null;
  try {
    found = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (found === null || typeof found !== 'object') return undefined;
  // Written out, field by field: a million of them are read for one verification.
  const { action, actor, correlationId, outcome, position, resource, salt } = found;
  const atMs = msOf(found.at);
  const recordedAtMs = msOf(found.recordedAt);
  const isOne =
    found.v === 1 &&
    !Number.isNaN(atMs) &&
    !Number.isNaN(recordedAtMs) &&
    Number.isSafeInteger(position) &&
    typeof action === 'string' &&
    typeof outcome === 'string' &&
    typeof correlationId === 'string' &&
    typeof salt === 'string' &&
    typeof actor?.name === 'string' &&
    typeof resource?.kind === 'string';
  if (!isOne) return undefined;
  const { detail, patientId, policies, purpose, tenantId } = found;
  const entry: { -readonly [Name in keyof RecordedEntry]: RecordedEntry[Name] } = {
    atMs,
    recordedAtMs,
    action,
    actor,
    correlationId,
    outcome,
    position,
    resource,
    salt,
  };
  if (detail !== undefined) entry.detail = detail;
  if (patientId !== undefined) entry.patientId = patientId;
  if (policies !== undefined) entry.policies = policies;
  if (purpose !== undefined) entry.purpose = purpose;
  if (tenantId !== undefined) entry.tenantId = tenantId;
  return entry;
}

/** An entry as it is written, before anybody has looked whether it is one. */
type Written = RecordedEntry & { readonly v?: unknown; readonly at?: unknown; readonly recordedAt?: unknown };

/** Entries of one write share their moment. */
let readText: unknown;
let readMs = Number.NaN;
function msOf(text: unknown): number {
  if (text === readText) return readMs;
  const ms = Date.parse(String(text));
  readText = text;
  readMs = ms;
  return ms;
}

/** As it would be read back: what an entry is cut to before it is kept. */
export function cleanEntry(entry: AuditEntry): AuditEntry {
  const text = encodeEntry({ ...entry, position: 0, recordedAtMs: 0, salt: '' });
  const { position: _, recordedAtMs: __, salt: ___, ...rest } = decodeEntry(text) as RecordedEntry;
  return rest;
}

/** Ids have at most 64 characters, names of people 200; what is longer is not what the field is for. */
const TEXT_MAX = 256;
const LIST_MAX = 32;
const DETAIL_NAME = /^[a-z][A-Za-z0-9]{0,63}$/;

/** What PostgreSQL cannot keep, what would steer a terminal or break a line of syslog, and half characters. */
const UNFIT = /\p{Cc}|\p{Cs}/gu;

/** A text as an entry holds it. */
export function cleanText(text: string): string {
  const cut = text.length > TEXT_MAX ? text.slice(0, TEXT_MAX) : text;
  return PLAIN.test(cut) ? cut : cut.replace(UNFIT, '\ufffd');
}

/** Nearly everything, found in one pass. */
const PLAIN = /^[\x20-\x7e]*$/;

/** Entries of one write share their moment, and often those of one request. */
let lastMs = Number.NaN;
let lastText = '';
function rfc3339(ms: number): string {
  if (ms === lastMs) return lastText;
  lastMs = ms;
  lastText = new Date(ms).toISOString();
  return lastText;
}
