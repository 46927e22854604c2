import type { KeyObject } from 'node:crypto';
import { readEntry } from '../domain/audit-entry.ts';
import { type AcceptedRestore, RESTORE_ACTION, type StrayHead } from '../domain/audit-restore.ts';
import { type ScannedEntry, scanEntry } from '../domain/audit-scan.ts';
import { isSame, TreeFrontier } from '../domain/audit-tree.ts';
import { columnsOf, type EntryColumns, TILE_SIZE } from '../ports/audit-store.ts';
import { AcceptedRestores, type RestoreSeen } from './accepted-restores.ts';
import type { AuditEvidence, EvidenceChunk, EvidenceEntry } from './evidence.ts';
import { leavesOf, perfectRoot, RFC6962 } from './rfc6962.ts';
import { hashesOf, TILE_LEVELS } from './tiles.ts';
import { verifyNote } from './tree-head-key.ts';

/** One thing that is not as it was signed. */
export interface AuditFinding {
  readonly kind: /** Its bytes are not those that were hashed. */
    | 'changed'
    | 'dropped'
    /** It says of itself that it stands elsewhere. */
    | 'reordered'
    /** Its time is earlier than what came before it, or than what had been signed by then. */
    | 'back-dated'
    /** More is there than the log says. */
    | 'added'
    /** It is found by other words than it holds. */
    | 'mislabelled'
    /** A kept hash is wrong, while the entries are what was signed. */
    | 'hash'
    /** The entries up to here do not add up to what was signed for them. */
    | 'root'
    /** A head that nobody we trust has signed, or of another log. */
    | 'head'
    /** A head was signed for more than there is. */
    | 'cut-off'
    /** Something says that a restore was accepted, and nobody we trust has signed that, or it is not in the log. */
    | 'restore';
  /** The entries it is about: `from <= position < to`. */
  readonly from: number;
  readonly to: number;
  /** For a person. */
  readonly text: string;
}

export interface AuditVerdict {
  readonly isIntact: boolean;
  readonly origin: string;
  readonly from: number;
  readonly size: number;
  /** Entries whose bytes were there and were hashed. */
  readonly entries: number;
  /** Deleted after their retention: proved by their hashes alone. */
  readonly pruned: number;
  readonly headsChecked: number;
  /** When the newest head was signed. */
  readonly signedAtMs?: number;
  readonly keyIds: readonly string[];
  readonly rootHash: string;
  /** Restores that were accepted: what was signed before them is not all here. */
  readonly restores: readonly RestoreSeen[];
  /** The first hundred; `findingsTotal` says how many there are. */
  readonly findings: readonly AuditFinding[];
  readonly findingsTotal: number;
  /** Of a part of a log, the last one included: what the parts beside it must agree with. */
  readonly edges?: PartEdges;
}

export interface PartEdges {
  /** The root of all before it, as its hashes have it; hexadecimal. */
  readonly rootBefore: string;
  /** Infinity, and -Infinity, where it has no entry. */
  readonly firstRecordedAtMs: number;
  /** Of its entries and of the heads that cover them. */
  readonly latestMs: number;
  /** Whether its root is what its entries say: not where something is lost, or differs and no head has judged it. */
  readonly isRootKnown: boolean;
  /** Not there; well if it was deleted at the end of its retention, which an entry of a later part says. */
  readonly missingBefore: number;
  readonly prunedBefore: number;
}

const FINDINGS_MAX = 100;

/**
 * Hashes every entry anew and compares the tree with every head that was signed. Whoever changes, drops, inserts,
 * reorders or back-dates an entry would have to forge a signature, and the copies of it that lie elsewhere.
 */
export async function verifyAudit(
  evidence: AuditEvidence,
  options: {
    readonly keys: readonly KeyObject[];
    readonly onProgress?: (position: number) => void;
    /** Heads that are signed and that the log is not, excused or not. */
    readonly onStray?: (head: StrayHead) => void;
    /** Whether all would be well if these were accepted. */
    readonly proposed?: readonly AcceptedRestore[];
  },
): Promise<AuditVerdict> {
  const verification = new Verification(evidence, options);
  for await (const chunk of evidence.chunks()) {
    verification.chunk(chunk);
    options.onProgress?.(chunk.to);
  }
  return verification.verdict();
}

interface CheckedHead {
  readonly size: number;
  readonly root: Uint8Array;
  readonly signedAtMs: number;
  /** Not a head: what a restore that was accepted says of what came back. */
  readonly isRestored?: true;
}

class Verification {
  readonly #evidence: AuditEvidence;
  readonly #restores: AcceptedRestores;
  readonly #onStray: ((head: StrayHead) => void) | undefined;
  readonly #findings: AuditFinding[] = [];
  #findingsTotal = 0;
  readonly #keyIds = new Set<string>();
  /** By size, the next last. */
  readonly #heads: CheckedHead[];
  #tree: TreeFrontier;
  /** From the first difference between an entry and its kept hash: the tree as the entries have it. */
  #byEntries: { tree: TreeFrontier; readonly positions: number[] } | undefined;
  /** Something is missing of which there is no hash: from there on no root can be made. */
  #isLost = false;
  #hasRootFailed = false;
  #goodSize: number;
  #headsChecked = 0;
  #signedAtMs: number | undefined;
  #firstRecordedAtMs = Number.POSITIVE_INFINITY;
  #lastRecordedAtMs = Number.NEGATIVE_INFINITY;
  /** Of the newest head at or before the present position. */
  #lastHeadAtMs = Number.NEGATIVE_INFINITY;
  #entries = 0;
  readonly #missing: { from: number; to: number }[] = [];
  #prunedBefore = 0;
  readonly #rootBefore: string;

  constructor(evidence: AuditEvidence, { keys, proposed = [], onStray }: Parameters<typeof verifyAudit>[1]) {
    this.#evidence = evidence;
    this.#onStray = onStray;
    const { origin, restores = [] } = evidence;
    this.#restores = new AcceptedRestores(restores, { origin, keys, proposed });
    for (const position of this.#restores.forged) this.#find('restore', position, position + 1, NOT_ACCEPTED);
    this.#tree = new TreeFrontier(RFC6962);
    this.#heads = this.#readHeads(keys);
    this.#goodSize = evidence.from;
    let at = 0;
    for (const hash of evidence.before) {
      const level = levelThatFits(at, evidence.from);
      this.#tree.pushNode(level, hash);
      at += 2 ** level;
    }
    this.#rootBefore = hex(this.#tree.root());
    this.#meetHeads();
  }

  chunk(chunk: EvidenceChunk): void {
    const placed = this.#inOrder(chunk);
    let next = 0;
    for (let from = chunk.from; from < chunk.to; from += TILE_SIZE) {
      const to = Math.min(from + TILE_SIZE, chunk.to);
      const start = next;
      while ((placed[next]?.position ?? Number.POSITIVE_INFINITY) < to) next++;
      this.#tile(from, to, placed.slice(start, next), chunk);
    }
  }

  /** Each entry once, and where it says it stands. */
  #inOrder({ from, to, entries }: EvidenceChunk): readonly EvidenceEntry[] {
    const placed: EvidenceEntry[] = [];
    let isSorted = true;
    for (const entry of entries) {
      const { position } = entry;
      const last = placed.at(-1)?.position ?? -1;
      if (position >= to) this.#find('added', position, position + 1, 'stands beyond the end of the log');
      else if (position < from || position < last)
        this.#find('reordered', position, position + 1, `stands after entry ${Math.max(last, from - 1)}`);
      if (position < from || position >= to) continue;
      isSorted &&= position > last;
      placed.push(entry);
    }
    if (isSorted) return placed;
    placed.sort((a, b) => a.position - b.position);
    return placed.filter((entry, i) => {
      const isTwin = entry.position === placed[i - 1]?.position;
      if (isTwin) this.#find('added', entry.position, entry.position + 1, 'is there twice');
      return !isTwin;
    });
  }

  verdict(): AuditVerdict {
    const { origin, from, size, isPart } = this.#evidence;
    if (isPart !== true) this.#judgeEnd();
    for (const at of this.#restores.missing(from, size)) this.#find('restore', at, at + 1, NOT_ACCEPTED);
    const pruned = this.#missing.reduce((sum, range) => sum + range.to - range.from, 0);
    return {
      isIntact: this.#findingsTotal === 0,
      origin,
      from,
      size,
      entries: this.#entries,
      pruned,
      headsChecked: this.#headsChecked,
      ...(this.#signedAtMs !== undefined && { signedAtMs: this.#signedAtMs }),
      keyIds: [...this.#keyIds],
      rootHash: hex(this.#tree.root()),
      restores: this.#restores.list(),
      findings: this.#findings,
      findingsTotal: this.#findingsTotal,
      ...((isPart === true || from > 0) && { edges: this.#edges() }),
    };
  }

  #edges(): PartEdges {
    return {
      rootBefore: this.#rootBefore,
      firstRecordedAtMs: this.#firstRecordedAtMs,
      latestMs: Math.max(this.#lastRecordedAtMs, this.#lastHeadAtMs),
      isRootKnown: !this.#isLost && this.#byEntries === undefined,
      missingBefore: this.#missing.at(-1)?.to ?? 0,
      prunedBefore: this.#prunedBefore,
    };
  }

  /** What can only be said where the log ends: whether all of it is signed, and all that was signed is here. */
  #judgeEnd(): void {
    const { from, size } = this.#evidence;
    for (const range of this.#missing)
      if (range.to > this.#prunedBefore)
        this.#find(
          'dropped',
          Math.max(range.from, this.#prunedBefore),
          range.to,
          'missing, and not by the end of retention',
        );
    for (const head of this.#heads.reverse())
      if (head.size > size && !this.#isExcused(head))
        this.#find('cut-off', size, head.size, `signed for ${head.size} entries, of which ${size} are here`);
    if (size > 0 && this.#headsChecked === 0 && this.#findingsTotal === 0)
      this.#find('head', from, size, 'nothing signed covers these entries');
    else if (this.#tree.size > this.#goodSize && !this.#hasRootFailed && !this.#isLost)
      this.#find('head', this.#goodSize, size, 'no signed head covers these entries');
  }

  #readHeads(keys: readonly KeyObject[]): CheckedHead[] {
    const heads = new Map<string, CheckedHead>();
    for (const text of this.#evidence.heads) {
      const verdict = verifyNote(text, keys);
      if (verdict.kind === 'not-a-head') {
        this.#find('head', 0, 0, 'something that is kept as a signed head is none');
        continue;
      }
      const { origin, size, rootBase64, signedAtMs } = verdict.note.head;
      if (verdict.kind === 'not-signed') this.#find('head', 0, size, 'a head that no key we trust has signed');
      else if (origin !== this.#evidence.origin) this.#find('head', 0, size, 'a head of another log');
      else {
        this.#keyIds.add(verdict.keyId);
        heads.set(verdict.note.text, { size, root: Buffer.from(rootBase64, 'base64'), signedAtMs });
      }
    }
    for (const { restoredSize, restoredRootBase64, lostUntilMs } of this.#restores.signed) {
      const root = Buffer.from(restoredRootBase64, 'base64');
      // What came back is of before, and what was written since of after: by time, too.
      const restored = { size: restoredSize, root, signedAtMs: lostUntilMs, isRestored: true } as const;
      heads.set(`restored ${restoredSize} ${restoredRootBase64}`, restored);
    }
    return [...heads.values()].sort((a, b) => b.size - a.size || b.signedAtMs - a.signedAtMs);
  }

  #tile(from: number, to: number, entries: readonly EvidenceEntry[], chunk: EvidenceChunk): void {
    const index = from / TILE_SIZE;
    const kept = chunk.tiles.get(index);
    const isWhole = entries.length === to - from;
    if (!isWhole) this.#noteMissing(from, to, entries);
    const root = chunk.tileRoots.get(index);
    if (kept === undefined && entries.length === 0 && root !== undefined) {
      this.#passHeadsBefore(to);
      this.#tree.pushNode(TILE_LEVELS, root);
      this.#byEntries?.tree.pushNode(TILE_LEVELS, root);
      this.#meetHeads();
      return;
    }
    if (kept === undefined && !isWhole) {
      for (const entry of entries) this.#read(entry);
      this.#isLost = true;
      return;
    }
    const isSeen = kept !== undefined && isWhole && this.#isUndivided(to);
    if (isSeen) {
      for (const entry of entries) this.#read(entry);
      // Nearly always: all of it is what was hashed, and is one node of the tree.
      if (leavesOf(entries).equals(kept)) {
        this.#tree.pushNode(TILE_LEVELS, perfectRoot(kept));
        this.#meetHeads();
        return;
      }
    }
    const hashes = kept === undefined ? undefined : hashesOf(kept);
    let next = 0;
    for (let position = from; position < to; position++) {
      const entry = entries[next]?.position === position ? entries[next++] : undefined;
      if (entry !== undefined && !isSeen) this.#read(entry);
      this.#leaf(position, entry && RFC6962.leaf(entry.text), hashes?.[position - from]);
    }
  }

  /** Nothing has been different so far, and no head ends within the tile before `to`. */
  #isUndivided(to: number): boolean {
    const isWithin = (this.#heads.at(-1)?.size ?? Number.POSITIVE_INFINITY) < to;
    return !isWithin && !this.#isLost && this.#byEntries === undefined;
  }

  #leaf(position: number, found: Uint8Array | undefined, kept: Uint8Array | undefined): void {
    if (this.#isLost) return;
    const isDifferent = found !== undefined && kept !== undefined && !isSame(found, kept);
    if (isDifferent) {
      this.#byEntries ??= { tree: this.#tree.copy(), positions: [] };
      this.#byEntries.positions.push(position);
    }
    const hash = kept ?? found;
    if (hash === undefined) return;
    this.#tree.push(hash);
    this.#byEntries?.tree.push(found ?? hash);
    this.#meetHeads();
  }

  /** What an entry says of itself. */
  #read({ position, text, columns }: EvidenceEntry): void {
    this.#entries++;
    const said = saidBy(text);
    if (said === undefined) {
      this.#find('changed', position, position + 1, 'is not an entry as they are written');
      return;
    }
    if (said.position !== position)
      this.#find('reordered', position, position + 1, `was written as entry ${said.position}`);
    if (said.recordedAtMs < this.#lastRecordedAtMs)
      this.#find('back-dated', position, position + 1, 'was recorded before the entry before it');
    else if (said.recordedAtMs < this.#lastHeadAtMs)
      this.#find('back-dated', position, position + 1, 'was recorded before what had been signed by then');
    this.#lastRecordedAtMs = Math.max(said.recordedAtMs, this.#lastRecordedAtMs);
    this.#firstRecordedAtMs = Math.min(said.recordedAtMs, this.#firstRecordedAtMs);
    if (columns !== undefined && !isSameColumns(said, columns))
      this.#find('mislabelled', position, position + 1, 'is searched for by other words than it holds');
    if (said.action === RESTORE_ACTION) this.#restores.saw(text);
    if (said.action === PRUNED_ACTION) this.#prunedBefore = Math.max(this.#prunedBefore, prunedBy(text));
  }

  #noteMissing(from: number, to: number, entries: readonly EvidenceEntry[]): void {
    let at = from;
    for (const { position } of [...entries, { position: to }]) {
      const last = this.#missing.at(-1);
      if (position > at) {
        if (last?.to === at) last.to = position;
        else this.#missing.push({ from: at, to: position });
      }
      at = position + 1;
    }
  }

  /** Heads that end inside a tile of which only the root is left cannot be compared; those around it can. */
  #passHeadsBefore(size: number): void {
    while ((this.#heads.at(-1)?.size ?? Number.POSITIVE_INFINITY) < size) this.#heads.pop();
  }

  #meetHeads(): void {
    for (let head = this.#heads.at(-1); head !== undefined && head.size <= this.#tree.size; head = this.#heads.at(-1)) {
      this.#heads.pop();
      if (head.size === this.#tree.size) this.#meet(head);
      // Heads before the beginning of an export say nothing about it.
    }
  }

  #meet(head: CheckedHead): void {
    const other = this.#byEntries;
    const isAsKept = isSame(this.#tree.root(), head.root);
    const isAsEntries = !isAsKept && other !== undefined && isSame(other.tree.root(), head.root);
    // What a restore excuses says nothing about this log, neither good nor bad.
    if (!isAsKept && !isAsEntries && this.#isExcused(head)) return;
    this.#meetTime(head);
    if (isAsKept) {
      for (const position of other?.positions ?? [])
        this.#find('changed', position, position + 1, 'is not what was hashed when it was written');
    } else if (isAsEntries) {
      for (const position of other.positions)
        this.#find('hash', position, position + 1, 'the kept hash is wrong; the entry is what was signed');
      this.#tree = other.tree;
    } else {
      for (const position of other?.positions ?? [])
        this.#find('changed', position, position + 1, 'differs from its kept hash');
      if (!this.#hasRootFailed)
        this.#find('root', this.#goodSize, head.size, 'these entries are not those that were signed');
      this.#hasRootFailed = true;
    }
    this.#byEntries = undefined;
    if (!this.#hasRootFailed) this.#goodSize = head.size;
  }

  #meetTime({ size, signedAtMs, isRestored }: CheckedHead): void {
    if (isRestored !== true) {
      this.#headsChecked++;
      this.#signedAtMs = signedAtMs;
    }
    if (signedAtMs < this.#lastRecordedAtMs)
      this.#find('back-dated', size - 1, size, 'is later than the head that covers it');
    this.#lastHeadAtMs = Math.max(signedAtMs, this.#lastHeadAtMs);
  }

  #isExcused(head: CheckedHead): boolean {
    if (head.isRestored === true) return false;
    this.#onStray?.({ size: head.size, signedAtMs: head.signedAtMs });
    return this.#restores.excuses(head);
  }

  #find(kind: AuditFinding['kind'], from: number, to: number, text: string): void {
    this.#findingsTotal++;
    if (this.#findings.length < FINDINGS_MAX) this.#findings.push({ kind, from, to, text });
  }
}

const NOT_ACCEPTED = 'says that a restore was accepted, which nobody we trust has signed, or is not in the log';
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** The entry that says up to where others were deleted after their retention: `detail.before`. */
export const PRUNED_ACTION = 'audit.prune';

/** The largest perfect subtree that begins there and ends within the range, as `coverOf` takes them. */
function levelThatFits(at: number, to: number): number {
  let level = 0;
  while (at % 2 ** (level + 1) === 0 && at + 2 ** (level + 1) <= to) level++;
  return level;
}

type Said = EntryColumns & { readonly position: number };

/** Place, time and words of an entry; undefined where it is none. */
function saidBy(text: string): Said | ScannedEntry | undefined {
  const scanned = scanEntry(text);
  if (scanned !== undefined) return scanned;
  const entry = readEntry(text);
  return entry && { ...columnsOf(entry), position: entry.position };
}

/** Up to where entries were deleted after their retention, by what the entry of it says. */
function prunedBy(text: string): number {
  const before = readEntry(text)?.detail?.['before'];
  return typeof before === 'number' ? before : 0;
}

/** Written out: a million of them are compared for one verification. */
function isSameColumns(said: Said | ScannedEntry, columns: EntryColumns): boolean {
  return (
    said.recordedAtMs === columns.recordedAtMs &&
    said.actor === columns.actor &&
    said.actorId === columns.actorId &&
    said.action === columns.action &&
    said.outcome === columns.outcome &&
    said.resourceKind === columns.resourceKind &&
    said.resourceId === columns.resourceId &&
    said.patientId === columns.patientId &&
    said.correlationId === columns.correlationId &&
    said.tenantId === columns.tenantId
  );
}
