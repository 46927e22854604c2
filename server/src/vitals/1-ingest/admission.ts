import { isUtf8 } from 'node:buffer';
import type { DeviceId } from '../../domain/ids.ts';
import { parseReadingId } from '../../domain/ids.ts';
import { parseReading } from '../../domain/parse-reading.ts';
import type { IngestOutcome, Problem, ProblemCode } from '../../domain/problem.ts';
import type { AssignedReading } from '../../domain/reading.ts';
import type { RegistryView } from '../../identity/registry-view.ts';
import { Failure } from '../../ports/failure.ts';
import type { ReadingLog } from '../../ports/reading-log.ts';
import type { MappingProfiles } from './mapping-profiles.ts';
import { RecentReadings } from './recent-readings.ts';
import type { RejectedQuarantine } from './rejected-quarantine.ts';
import { parseUnambiguousJson } from './unambiguous-json.ts';

/**
 * The one door by which readings come in, whatever carried them: from bytes to a named outcome. `accepted` and
 * `duplicate` are answered only once the reading is durable in the log, `rejected` once a copy with its reasons is kept.
 */
export interface Admission {
  /** The bytes are read before this returns; the caller may reuse them. */
  admitBytes(arrival: Arrival & { readonly bytes: Uint8Array }): Promise<IngestOutcome>;
  /** One reading out of a larger body that was parsed already. */
  admitValue(arrival: Arrival & { readonly value: unknown }): Promise<IngestOutcome>;
  /** A refused reading again, judged as of when it came. It is not kept a second time. */
  readmit(refused: RefusedReading): Promise<IngestOutcome>;
}

export interface Arrival {
  /** The device that authenticated. */
  readonly deviceId: DeviceId;
  readonly transport: Transport;
  readonly receivedAtMs: number;
}
export type Transport = 'mqtt' | 'https';

export interface RefusedReading extends Arrival {
  readonly bytes: Uint8Array;
  /** Under which id the entries go into the log that were left out the first time; unique. */
  readonly replayId: string;
  readonly problems: readonly Problem[];
}

export interface AdmissionBounds {
  /** A reading in our form is 300 bytes, a vendor's list of observations a few KiB. */
  readonly readingBytesMax: number;
  /** How far a device's clock may be ahead of ours: a minute is drift, more is a wrong clock. */
  readonly clockAheadMaxMs: number;
  /** A view older than this is reread before a device or its patient is called unknown; also bounds how often. */
  readonly viewAgeMaxMs: number;
}

export const defaultAdmissionBounds: AdmissionBounds = {
  readingBytesMax: 64 * 1024,
  clockAheadMaxMs: 60_000,
  viewAgeMaxMs: 2_000,
};

export interface AdmissionOptions {
  readonly log: Pick<ReadingLog, 'append'>;
  readonly view: () => RegistryView;
  /** Rereads the registry: someone may have been assigned this very moment. */
  readonly refreshView?: () => Promise<unknown>;
  readonly profiles: MappingProfiles;
  readonly quarantine: RejectedQuarantine;
  readonly recent?: RecentReadings;
  readonly now: () => number;
  readonly bounds?: Partial<AdmissionBounds>;
  readonly hooks?: AdmissionHooks;
}

export interface AdmissionHooks {
  /** What became of a reading; `code` is its first problem's. */
  readonly reading?: (transport: Transport, outcome: IngestOutcome['kind'], code?: ProblemCode) => void;
  /** The log would not take a reading. */
  readonly failed?: (error: unknown) => void;
}

export function createAdmission(options: AdmissionOptions): Admission {
  const { log, view, refreshView, profiles, quarantine, now, hooks, recent = new RecentReadings() } = options;
  const bounds: AdmissionBounds = { ...defaultAdmissionBounds, ...options.bounds };
  let rereading: Promise<unknown> | undefined;
  let rereadAtMs = Number.NEGATIVE_INFINITY;

  function admitBytes(arrival: Arrival & { readonly bytes: Uint8Array }): Promise<IngestOutcome> {
    const { bytes } = arrival;
    const parsed = parseJson(bytes, bounds.readingBytesMax);
    if (parsed.kind === 'failed') {
      const payload = bytes.subarray(0, bounds.readingBytesMax);
      return reject(arrival, () => payload, { kind: 'rejected', problems: [parsed.problem] });
    }
    return admit(arrival, parsed.value, () => bytes);
  }

  function admitValue(arrival: Arrival & { readonly value: unknown }): Promise<IngestOutcome> {
    const { value } = arrival;
    return admit(arrival, value, () => bytesOf(value).subarray(0, bounds.readingBytesMax));
  }

  function admit(arrival: Arrival, value: unknown, payload: () => Uint8Array): Promise<IngestOutcome> {
    const judged = judge(arrival, value);
    if (judged.kind === 'admissible') return keep(arrival, judged, payload);
    if (mayBeNews(judged)) {
      const copy = new Uint8Array(payload());
      return afterReread(arrival, value, () => copy);
    }
    return reject(arrival, payload, judged);
  }

  async function afterReread(arrival: Arrival, value: unknown, payload: () => Uint8Array): Promise<IngestOutcome> {
    await reread();
    const judged = judge(arrival, value);
    return judged.kind === 'admissible' ? keep(arrival, judged, payload) : reject(arrival, payload, judged);
  }

  /** A device or assignment we do not know may have been made since we last looked. */
  function mayBeNews(judged: Rejected): boolean {
    if (refreshView === undefined) return false;
    const isRecent = now() - Math.max(view().takenAtMs, rereadAtMs) < bounds.viewAgeMaxMs;
    if (isRecent && rereading === undefined) return false;
    return judged.problems.some(({ code }) => code === 'unknown-device' || code === 'no-assignment');
  }

  function reread(): Promise<unknown> {
    if (rereading !== undefined) return rereading;
    rereadAtMs = now();
    // The registry may be away; then what we knew last stands.
    rereading = (refreshView?.() ?? Promise.resolve())
      .catch(() => undefined)
      .finally(() => {
        rereading = undefined;
      });
    return rereading;
  }

  /** Whose reading it is and what it says. Decides only; stores nothing. */
  function judge({ deviceId, receivedAtMs }: Arrival, value: unknown): Judged {
    const registry = view();
    const device = registry.device(deviceId);
    if (device === undefined) return refuse('unknown-device', '', 'expected a device that is enrolled');

    const mapped = device.profile === undefined ? { value, refused: [] } : profiles.map(device.profile, value);
    const context = { deviceId, nowMs: receivedAtMs, clockAheadMaxMs: bounds.clockAheadMaxMs };
    if (mapped === undefined)
      return refuse('unknown-profile', '', "expected the device's mapping profile to be installed");
    const parsed = parseReading(mapped.value, context);
    if (parsed.kind === 'rejected') return { ...parsed, problems: [...mapped.refused, ...parsed.problems] };

    const refused = mapped.refused.length === 0 ? parsed.refused : [...mapped.refused, ...parsed.refused];
    const { reading } = parsed;
    const patientId = registry.patientAt(deviceId, reading.atMs);
    if (patientId === undefined) {
      const nobody = problem('no-assignment', 'at', 'expected a time at which a patient wore this device');
      return { kind: 'rejected', readingId: reading.id, problems: [nobody, ...refused] };
    }
    return { kind: 'admissible', reading: { ...reading, patientId, receivedAtMs }, refused };
  }

  function keep(arrival: Arrival, { reading, refused }: Admissible, payload: () => Uint8Array): Promise<IngestOutcome> {
    // Taken now if it will be needed: the caller reuses the bytes while we wait. (A `slice` of a `Buffer` would be a view.)
    const copy = refused.length > 0 ? new Uint8Array(payload()) : undefined;
    const kept = recent.once(reading.deviceId, reading.id, () => log.append(reading));
    const failed = (error: unknown) => unavailable(arrival, error);
    if (copy === undefined) return kept.then((kind) => tell(arrival, { kind, readingId: reading.id }), failed);
    return kept.then((kind) => keptInPart(kind, copy)).catch(failed);

    async function keptInPart(kind: 'stored' | 'duplicate', bytes: Uint8Array): Promise<IngestOutcome> {
      // After the log, so that a reading the log refuses is not listed again each time it is resent.
      if (kind === 'stored') await quarantineCopy(arrival, bytes, refused);
      return tell(arrival, { kind: 'rejected', readingId: reading.id, problems: refused, kept: true });
    }
  }

  async function reject(arrival: Arrival, payload: () => Uint8Array, judged: Rejected): Promise<IngestOutcome> {
    await quarantineCopy(arrival, payload(), judged.problems);
    return tell(arrival, judged);
  }

  function quarantineCopy(
    { deviceId, transport, receivedAtMs }: Arrival,
    payload: Uint8Array,
    problems: readonly Problem[],
  ): Promise<void> {
    return quarantine.add({ deviceId, receivedAtMs, source: transport, payload, problems });
  }

  function unavailable({ transport }: Arrival, error: unknown): IngestOutcome {
    hooks?.failed?.(error);
    hooks?.reading?.(transport, 'unavailable');
    return { kind: 'unavailable', retryAfterMs: retryAfterMs(error) };
  }

  function tell(
    { transport }: Arrival,
    answer: IngestOutcome | { readonly kind: 'stored'; readonly readingId: string },
  ) {
    const outcome: IngestOutcome = answer.kind === 'stored' ? { ...answer, kind: 'accepted' } : answer;
    hooks?.reading?.(transport, outcome.kind, outcome.kind === 'rejected' ? outcome.problems[0]?.code : undefined);
    return outcome;
  }

  function readmit({ bytes, replayId, problems, ...arrival }: RefusedReading): Promise<IngestOutcome> {
    const parsed = parseJson(bytes, bounds.readingBytesMax);
    if (parsed.kind === 'failed') return Promise.resolve({ kind: 'rejected', problems: [parsed.problem] });
    const judged = judge(arrival, parsed.value);
    if (judged.kind === 'rejected') return Promise.resolve(judged);
    const { refused } = judged;
    const wasKept = problems.every(({ field }) => ENTRY.test(field));
    if (wasKept && refused.length > 0)
      return Promise.resolve({ kind: 'rejected', readingId: judged.reading.id, problems: refused });
    const reading = wasKept ? onlyRefused(judged.reading, problems, replayId) : judged.reading;
    return recent
      .once(reading.deviceId, reading.id, () => log.append(reading))
      .then((kind) =>
        refused.length === 0
          ? tell(arrival, { kind, readingId: reading.id })
          : tell(arrival, { kind: 'rejected', readingId: reading.id, problems: refused, kept: true }),
      )
      .catch((error: unknown) => unavailable(arrival, error));
  }

  return { admitBytes, admitValue, readmit };
}

type Rejected = Extract<IngestOutcome, { kind: 'rejected' }>;
interface Admissible {
  readonly kind: 'admissible';
  readonly reading: AssignedReading;
  /** Entries left out; empty for a reading that is wholly in order. */
  readonly refused: readonly Problem[];
}
type Judged = Admissible | Rejected;

type Json = { readonly kind: 'read'; readonly value: unknown } | { readonly kind: 'failed'; readonly problem: Problem };

/** `JSON.parse` of V8 does not recurse, so that deep nesting within the size bound is harmless. */
function parseJson(bytes: Uint8Array, bytesMax: number): Json {
  if (bytes.byteLength > bytesMax)
    return { kind: 'failed', problem: problem('too-large', '', `expected at most ${bytesMax} bytes`) };
  // Strict: a byte that is not UTF-8 must not silently become U+FFFD inside an id.
  if (!isUtf8(bytes)) return { kind: 'failed', problem: problem('malformed-json', '', 'expected UTF-8') };
  try {
    return { kind: 'read', value: parseUnambiguousJson(textOf(bytes)) };
  } catch {
    return { kind: 'failed', problem: problem('malformed-json', '', 'expected JSON (RFC 8259), no name twice') };
  }
}

function textOf(bytes: Uint8Array): string {
  const buffer = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString('utf8');
}

function bytesOf(value: unknown): Uint8Array {
  return Buffer.from(textOfValue(value), 'utf8');
}

/** `JSON.stringify` does recurse: what is nested thousands deep reads well and cannot be written again. */
function textOfValue(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch (error) {
    if (error instanceof RangeError) return '"nested too deeply to be kept"';
    throw error;
  }
}

function problem(code: ProblemCode, field: string, detail: string): Problem {
  return { code, field, detail };
}

function refuse(code: ProblemCode, field: string, detail: string): Rejected {
  return { kind: 'rejected', problems: [problem(code, field, detail)] };
}

/** A problem of one entry: the rest of such a reading may be in the log under its own id. */
const ENTRY = /^(vitals|context|status)\.([A-Za-z]+)/;

/**
 * Of a reading that may have been kept in part, only what was left out goes in now, under an id of its own: history
 * would take the whole reading under its first id for a duplicate.
 */
function onlyRefused(reading: AssignedReading, problems: readonly Problem[], replayId: string): AssignedReading {
  const id = parseReadingId(replayId);
  const entries = problems.map(({ field }) => ENTRY.exec(field));
  const left = (part: 'vitals' | 'context' | 'status'): object =>
    Object.fromEntries(
      Object.entries(reading[part]).filter(([name]) =>
        entries.some((entry) => entry?.[1] === part && entry[2] === name),
      ),
    );
  const refused = { vitals: left('vitals'), context: left('context'), status: left('status') };
  // Mended into "no measurement": nothing is left to add.
  const isNothing = Object.values(refused).every((part) => Object.keys(part).length === 0);
  return id === undefined || isNothing ? reading : { ...reading, ...refused, id };
}

/** When to try again. Space comes back by trimming, which takes seconds; a full queue drains in a moment. */
function retryAfterMs(error: unknown): number {
  if (!(error instanceof Failure)) return 1_000;
  switch (error.code) {
    case 'log-full':
      return 5_000;
    case 'overloaded':
      return 250;
    default:
      return 1_000;
  }
}
