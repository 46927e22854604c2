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
  // Written in the order of the names: JSON.stringify keeps it, and sorting thousands a second would cost more.
  return JSON.stringify({
    action: cleanText(entry.action),
    actor: {
      address: cleanIf(actor.address),
      kind: actor.kind,
      name: cleanText(actor.name),
      sessionId: cleanIf(actor.sessionId),
      userId: cleanIf(actor.userId),
    },
    at: rfc3339(entry.atMs),
    correlationId: cleanText(entry.correlationId),
    detail: detail === undefined ? undefined : cleanDetail(detail),
    outcome: entry.outcome,
    patientId: cleanIf(entry.patientId),
    policies: policies === undefined || policies.length === 0 ? undefined : policies.slice(0, LIST_MAX).map(cleanText),
    position: entry.position,
    purpose: cleanIf(entry.purpose),
    recordedAt: rfc3339(entry.recordedAtMs),
    resource: { id: cleanIf(resource.id), kind: cleanText(resource.kind) },
    salt: entry.salt,
    tenantId: cleanIf(entry.tenantId),
    v: 1,
  });
}

/** Reads what `encodeEntry` wrote; undefined: it is something else, or not written in that form to the byte. */
export function decodeEntry(text: string): RecordedEntry | undefined {
  let found: Record<string, unknown>;
  try {
    found = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { v, at, recordedAt, ...rest } = found ?? {};
  const atMs = Date.parse(String(at));
  const recordedAtMs = Date.parse(String(recordedAt));
  if (v !== 1 || Number.isNaN(atMs) || Number.isNaN(recordedAtMs)) return undefined;
  const entry = { ...rest, atMs, recordedAtMs } as unknown as RecordedEntry;
  try {
    return encodeEntry(entry) === text ? entry : undefined;
  } catch {
    return undefined; // a part that must be there is not
  }
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

const cleanIf = (text: string | undefined): string | undefined => (text === undefined ? undefined : cleanText(text));

/** Names that are no words are left out: digits would be put first by JSON.stringify, against RFC 8785 §3.2.3. */
function cleanDetail(detail: NonNullable<AuditEntry['detail']>): NonNullable<AuditEntry['detail']> | undefined {
  const kept: Record<string, string | number | boolean> = {};
  for (const name of Object.keys(detail).sort().slice(0, LIST_MAX)) {
    const value = detail[name];
    if (value === undefined || !DETAIL_NAME.test(name)) continue;
    kept[name] = typeof value === 'string' ? cleanText(value) : value;
  }
  return Object.keys(kept).length === 0 ? undefined : kept;
}

const rfc3339 = (ms: number): string => new Date(ms).toISOString();
