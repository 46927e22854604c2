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
import { type KeepAsker, RecentReadings } from './recent-readings.ts';
import type { RejectedQuarantine } from './rejected-quarantine.ts';
import { parseUnambiguousJson } from './unambiguous-json.ts';

/**
 * The one door by which readings come in, whatever carried them: from bytes to a named outcome. `accepted` and
 * `duplicate` are answered only once the reading is durable in the log, `rejected` once a copy with its reasons is kept.
 */
export interface Admission {
  /** One reading, `bytes[start, end)`. They are read before this returns; the caller may reuse them. */
  admitBytes(arrival: AskingArrival, bytes: Buffer, start: number, end: number): void;
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

/**
 * An arrival that is told itself what became of it, instead of by a promise: ten thousand come in a second. It hears one
 * of the two, once, and never before it was taken in.
 */
export interface AskingArrival extends Arrival {
  answered(outcome: IngestOutcome): void;
  /** By a defect: nothing is known to be stored. */
  failed(error: unknown): void;
}

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

  function admitBytes(arrival: AskingArrival, bytes: Buffer, start: number, end: number): void {
    const value = parseJson(bytes, start, end, bounds.readingBytesMax);
    if (value instanceof Unreadable) {
      const payload = bytes.subarray(start, Math.min(end, start + bounds.readingBytesMax));
      rejectOne(arrival, payload, { kind: 'rejected', problems: [value.problem] });
      return;
    }
    const judged = judge(arrival, value);
    if (isWhole(judged)) keep(arrival, judged, undefined);
    else admitDoubtful(arrival, value, judged, bytes.subarray(start, end));
  }

  function admitValue({ value, ...arrival }: Arrival & { readonly value: unknown }): Promise<IngestOutcome> {
    return new Promise((answered, failed) => {
      const asking = { ...arrival, answered, failed };
      const judged = judge(arrival, value);
      if (isWhole(judged)) keep(asking, judged, undefined);
      else admitDoubtful(asking, value, judged, bytesOf(value).subarray(0, bounds.readingBytesMax));
    });
  }

  /** The payload is copied where it is needed later: its bytes may be used again once this returns. */
  function admitDoubtful(arrival: AskingArrival, value: unknown, judged: Judged, payload: Uint8Array): void {
    if (judged.kind === 'admissible') keep(arrival, judged, new Uint8Array(payload));
    else if (mayBeNews(judged)) afterReread(arrival, value, new Uint8Array(payload));
    else rejectOne(arrival, payload, judged);
  }

  function afterReread(arrival: AskingArrival, value: unknown, payload: Uint8Array): void {
    const again = async () => {
      await reread();
      const judged = judge(arrival, value);
      if (judged.kind === 'admissible') keep(arrival, judged, payload);
      else rejectOne(arrival, payload, judged);
    };
    again().catch((error: unknown) => arrival.failed(error));
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

    const mapped = device.profile === undefined ? undefined : profiles.map(device.profile, value);
    if (device.profile !== undefined && mapped === undefined)
      return refuse('unknown-profile', '', "expected the device's mapping profile to be installed");
    const context = { deviceId, nowMs: receivedAtMs, clockAheadMaxMs: bounds.clockAheadMaxMs };
    const parsed = parseReading(mapped === undefined ? value : mapped.value, context);
    const unmapped = mapped?.refused ?? [];
    if (parsed.kind === 'rejected') return { ...parsed, problems: [...unmapped, ...parsed.problems] };

    const refused = unmapped.length === 0 ? parsed.refused : [...unmapped, ...parsed.refused];
    const { id, atMs, vitals, context: observed, status } = parsed.reading;
    const patientId = registry.patientAt(deviceId, atMs);
    if (patientId === undefined) {
      const nobody = problem('no-assignment', 'at', 'expected a time at which a patient wore this device');
      return { kind: 'rejected', readingId: id, problems: [nobody, ...refused] };
    }
    // Each by name: a spread costs several times as much, and every reading passes here.
    const reading = { id, deviceId, atMs, vitals, context: observed, status, patientId, receivedAtMs };
    return { kind: 'admissible', reading, refused };
  }

  /** `copy` is what goes into the list of rejected readings, if any of it was refused. */
  function keep(arrival: AskingArrival, { reading, refused }: Admissible, copy: Uint8Array | undefined): void {
    recent.keepOnce(log, reading, new Keeping(door, arrival, reading.id, refused, copy));
  }

  const door: KeepingDoor = {
    kept({ arrival, readingId, refused, copy }, how) {
      if (refused.length === 0) {
        answer(arrival, { kind: how === 'stored' ? 'accepted' : how, readingId });
        return;
      }
      // After the log, so that a reading the log refuses is not listed again each time it is resent.
      const listed =
        how === 'stored' && copy !== undefined ? quarantineCopy(arrival, copy, refused) : Promise.resolve();
      listed.then(
        () => answer(arrival, { kind: 'rejected', readingId, problems: refused, kept: true }),
        (error: unknown) => answerUnavailable(arrival, error),
      );
    },
    notKept({ arrival }, error) {
      answerUnavailable(arrival, error);
    },
  };

  /** The payload is copied before this returns. */
  function rejectOne(arrival: AskingArrival, payload: Uint8Array, judged: Rejected): void {
    quarantineCopy(arrival, payload, judged.problems).then(
      () => answer(arrival, judged),
      (error: unknown) => arrival.failed(error),
    );
  }

  function quarantineCopy(
    { deviceId, transport, receivedAtMs }: Arrival,
    payload: Uint8Array,
    problems: readonly Problem[],
  ): Promise<void> {
    return quarantine.add({ deviceId, receivedAtMs, source: transport, payload, problems });
  }

  function answerUnavailable(arrival: AskingArrival, error: unknown): void {
    answer(arrival, { kind: 'unavailable', retryAfterMs: retryAfterMs(error) }, error);
  }

  function answer(arrival: AskingArrival, outcome: IngestOutcome, cause?: unknown): void {
    try {
      if (outcome.kind === 'unavailable') hooks?.failed?.(cause);
      const code = outcome.kind === 'rejected' ? outcome.problems[0]?.code : undefined;
      hooks?.reading?.(arrival.transport, outcome.kind, code);
    } catch (error) {
      // A defect is no answer: the source keeps the reading and sends it again.
      arrival.failed(error);
      return;
    }
    arrival.answered(outcome);
  }

  function readmit({ bytes, replayId, problems, ...arrival }: RefusedReading): Promise<IngestOutcome> {
    const value = parseJson(Buffer.from(bytes), 0, bytes.byteLength, bounds.readingBytesMax);
    if (value instanceof Unreadable) return Promise.resolve({ kind: 'rejected', problems: [value.problem] });
    const judged = judge(arrival, value);
    if (judged.kind === 'rejected') return Promise.resolve(judged);
    const { refused } = judged;
    const wasKept = problems.every(({ field }) => ENTRY.test(field));
    if (wasKept && refused.length > 0)
      return Promise.resolve({ kind: 'rejected', readingId: judged.reading.id, problems: refused });
    const reading = wasKept ? onlyRefused(judged.reading, problems, replayId) : judged.reading;
    return new Promise((answered, failed) =>
      keep({ ...arrival, answered, failed }, { kind: 'admissible', reading, refused }, undefined),
    );
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

const isWhole = (judged: Judged): judged is Admissible => judged.kind === 'admissible' && judged.refused.length === 0;

/** One reading on its way into the log, with what its outcome is made of. */
class Keeping implements KeepAsker {
  readonly arrival: AskingArrival;
  readonly readingId: string;
  readonly refused: readonly Problem[];
  readonly copy: Uint8Array | undefined;
  readonly #door: KeepingDoor;

  constructor(
    door: KeepingDoor,
    arrival: AskingArrival,
    readingId: string,
    refused: readonly Problem[],
    copy: Uint8Array | undefined,
  ) {
    this.#door = door;
    this.arrival = arrival;
    this.readingId = readingId;
    this.refused = refused;
    this.copy = copy;
  }

  kept(how: 'stored' | 'duplicate'): void {
    this.#door.kept(this, how);
  }

  notKept(error: unknown): void {
    this.#door.notKept(this, error);
  }
}

interface KeepingDoor {
  kept(one: Keeping, how: 'stored' | 'duplicate'): void;
  notKept(one: Keeping, error: unknown): void;
}

/** What stands for a value that could not be read. */
class Unreadable {
  readonly problem: Problem;

  constructor(code: ProblemCode, detail: string) {
    this.problem = problem(code, '', detail);
  }
}

/** `JSON.parse` of V8 does not recurse, so that deep nesting within the size bound is harmless. */
function parseJson(bytes: Buffer, start: number, end: number, bytesMax: number): unknown {
  if (end - start > bytesMax) return new Unreadable('too-large', `expected at most ${bytesMax} bytes`);
  const text = bytes.toString('utf8', start, end);
  // Strict: a byte that is not UTF-8 must not silently become U+FFFD inside an id. Where there is none, there was none.
  if (text.includes('\ufffd') && !isUtf8(bytes.subarray(start, end)))
    return new Unreadable('malformed-json', 'expected UTF-8');
  try {
    return parseUnambiguousJson(text);
  } catch {
    return new Unreadable('malformed-json', 'expected JSON (RFC 8259), no name twice');
  }
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
