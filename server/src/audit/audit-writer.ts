import { randomBytes } from 'node:crypto';
import { FORGED_ACTION } from '../domain/anomaly-log.ts';
import { type AuditEntry, encodeEntry, purposeOf, type RecordedEntry } from '../domain/audit-entry.ts';
import type { AuditLog, AuditReceipt } from '../ports/audit-log.ts';
import type { AuditBatch, AuditStore, PendingEntry, StoredLog } from '../ports/audit-store.ts';
import { Failure } from '../ports/failure.ts';
import { RFC6962 } from './rfc6962.ts';
import type { TreeEnd } from './tiles.ts';
import { type TreeHeadKey, verifyNote } from './tree-head-key.ts';
import { TreeNodes } from './tree-nodes.ts';

export const AUDIT_BOUNDS = {
  /** Entries in one transaction: what is prepared while the database writes the ones before, in some milliseconds. */
  batchMax: 500,
  /** Waiting for their turn: two seconds at the rate we promise. Beyond it nothing more may happen that must be audited. */
  waitingMax: 40_000,
  /** Heads are kept this far apart at least: 1,440 a day, each a few hundred bytes. */
  headEveryMs: 60_000,
  /** Waiting for its turn, among other processes: every command line is one of its own, forty at once are seen. */
  contendedMaxMs: 15_000,
} as const;

/** What the log is found not to be. Told once each; the log goes on, for a hospital must. */
export type AuditDivergence =
  /** What is stored does not add up to the head that was signed for it. */
  | 'not-as-signed'
  /** It is shorter than it was, or began differently. */
  | 'not-as-before'
  /** Its newest head was signed with a key that is not ours. */
  | 'foreign-key';

export interface AuditWriter extends AuditLog {
  readonly origin: string;
  /** Writes down what other transactions left to be written down; answers how many. */
  settle(): Promise<number>;
  /** Entries in the log, as far as this process knows. */
  size(): number;
  /** Those that wait for their write. */
  waiting(): number;
  /** As the log was found when it was opened, if we had signed it: the next write puts its own in its place. */
  headFound(): string | undefined;
  /** The last that this process signed and wrote: evidence that no change of the database reaches. */
  ownHead(): string | undefined;
  /** Writes what waits, and no more. */
  close(): Promise<void>;
}

interface Waiting {
  readonly entries: readonly AuditEntry[];
  readonly settles: readonly string[];
  resolve(receipts: readonly AuditReceipt[]): void;
  reject(error: unknown): void;
}

interface Ahead {
  readonly group: readonly Waiting[];
  /** The tree it goes on from. */
  readonly from: TreeEnd;
  readonly prepared: { readonly batch: AuditBatch; readonly tree: TreeEnd; readonly recordedAtMs: number };
}

/** The log while nobody else may write it. */
interface Turn {
  readonly log: StoredLog;
  readonly nodes: TreeNodes;
}

interface Appending {
  readonly outcome: Awaited<ReturnType<AuditStore['append']>>;
  readonly made: Ahead['prepared'] | undefined;
}

/**
 * The one writer of this process. Entries that come while a write is under way go together into the next: one
 * transaction, one wait for the disk, however many they are.
 */
export async function openAuditWriter(options: {
  readonly store: AuditStore;
  readonly key: TreeHeadKey;
  readonly now: () => number;
  /** First line of every head, where the log is made now. */
  readonly originIfNew: string;
  readonly bounds?: Partial<Record<keyof typeof AUDIT_BOUNDS, number>>;
  readonly onDivergence?: (what: AuditDivergence) => void;
  readonly onBatch?: (done: {
    readonly entries: number;
    readonly ms: number;
    readonly outcome: 'written' | 'failed';
  }) => void;
}): Promise<AuditWriter> {
  const { store, key, now, onDivergence, onBatch } = options;
  const bounds = { ...AUDIT_BOUNDS, ...options.bounds };
  const told = new Set<AuditDivergence>();
  const queue: Waiting[] = [];
  let waiting = 0;
  let isClosed = false;
  let working: Promise<void> = Promise.resolve();
  let isWorking = false;
  /** Prepared while the group before it is being written. */
  let ahead: Ahead | undefined;
  let keptHeadAtMs = Number.NEGATIVE_INFINITY;
  /** Undefined: not known, because a write ended in doubt or another process has written. */
  let end: { tree: TreeEnd; lastRecordedAtMs: number } | undefined;
  /** The last of ours, to see whether what others wrote goes on from it. */
  let seen: { size: number; root: Uint8Array } | undefined;
  let ownHead: string | undefined;
  /** The last that was read and is ours. */
  let trueHead: string | undefined;

  const { origin } = await store.open(options.originIfNew);
  await reload();
  const headFound = trueHead;

  return {
    origin,
    size: () => end?.tree.size ?? seen?.size ?? 0,
    waiting: () => waiting,
    headFound: () => headFound,
    ownHead: () => ownHead,
    append: (entries) => (entries.length === 0 ? Promise.resolve([]) : enqueue(entries, [])),
    async settle() {
      const pending = await store.pending(bounds.batchMax);
      if (pending.length === 0) return 0;
      const receipts = await enqueue(pending.map(asLeft), idsOf(pending));
      return receipts.length;
    },
    async close() {
      isClosed = true;
      await working;
    },
  };

  function enqueue(entries: readonly AuditEntry[], settles: readonly string[]): Promise<readonly AuditReceipt[]> {
    if (isClosed || waiting + entries.length > bounds.waitingMax)
      return Promise.reject(new Failure('overloaded', 'The audit log cannot take more now.', { retryable: true }));
    waiting += entries.length;
    return new Promise((resolve, reject) => {
      queue.push({ entries, settles, resolve, reject });
      if (isWorking) return;
      isWorking = true;
      working = work();
    });
  }

  async function work(): Promise<void> {
    // Whoever asks in the same turn of the event loop shares the first write already.
    await Promise.resolve();
    while (ahead !== undefined || queue.length > 0) {
      const mine = ahead;
      ahead = undefined;
      const group = mine?.group ?? nextGroup();
      const startedMs = performance.now();
      const entries = group.reduce((sum, one) => sum + one.entries.length, 0);
      try {
        const answer = await write(group, mine);
        waiting -= entries;
        onBatch?.({ entries, ms: performance.now() - startedMs, outcome: 'written' });
        answer();
      } catch (error) {
        // Whether it was committed is not known: the next write looks.
        end = undefined;
        waiting -= entries;
        onBatch?.({ entries, ms: performance.now() - startedMs, outcome: 'failed' });
        for (const one of group) one.reject(error);
        failEveryone(error);
      }
    }
    // In the same turn in which the queue was seen empty: whoever comes next starts anew.
    isWorking = false;
  }

  /** Behind a store that is away, nobody waits longer than the first: each would wait a time-out of its own. */
  function failEveryone(error: unknown): void {
    const behind = ahead?.group ?? [];
    ahead = undefined;
    for (const one of [...behind, ...queue.splice(0)]) {
      waiting -= one.entries.length;
      one.reject(error);
    }
  }

  function nextGroup(): readonly Waiting[] {
    let entries = 0;
    let count = 0;
    for (const one of queue) {
      if (count > 0 && entries + one.entries.length > bounds.batchMax) break;
      entries += one.entries.length;
      count++;
    }
    return queue.splice(0, count);
  }

  /** Answers with what tells those who wait. */
  async function write(group: readonly Waiting[], mine: Ahead | undefined): Promise<() => void> {
    let left = group;
    let isOvertaken = false;
    const giveUpMs = performance.now() + bounds.contendedMaxMs;
    for (let attempt = 0; attempt === 0 || performance.now() < giveUpMs; attempt++) {
      if (left.length === 0) return () => undefined;
      const { outcome, made } = isOvertaken ? await appendInTurn(left) : await appendAtOnce(left, mine);
      if (outcome === 'appended' && made !== undefined) {
        const { batch, tree, recordedAtMs } = made;
        end = { tree, lastRecordedAtMs: recordedAtMs };
        seen = { size: tree.size, root: tree.root() };
        ownHead = batch.head;
        if (batch.keepsHead) keptHeadAtMs = recordedAtMs;
        const written = left;
        return () => answer(written, batch);
      }
      takeBack();
      end = undefined;
      if (outcome === 'settled') left = withoutSettled(left);
      else isOvertaken = true;
    }
    throw new Failure('overloaded', 'Too many processes write the audit log at once.', { retryable: true });
  }

  /** On from the end we know: right as long as nobody else writes. */
  async function appendAtOnce(group: readonly Waiting[], mine: Ahead | undefined): Promise<Appending> {
    const from = end ?? (await reload());
    const made = mine?.from === from.tree ? mine.prepared : prepare(group, from);
    const appending = store.append(made.batch);
    prepareAhead(made.tree, made.recordedAtMs);
    return { outcome: await appending, made };
  }

  /** Others write too: forty command lines at once are seen. In turn nobody is overtaken again and again. */
  async function appendInTurn(group: readonly Waiting[]): Promise<Appending> {
    let made: Ahead['prepared'] | undefined;
    const outcome = await store.appendInTurn(async (log, there) => {
      made = prepare(group, await reload({ log, nodes: new TreeNodes(there) }));
      return made.batch;
    });
    return { outcome, made };
  }

  /** While the database writes, the next group is made ready on top of this one; if this one fails, so does that. */
  function prepareAhead(tree: TreeEnd, lastRecordedAtMs: number): void {
    if (queue.length === 0) return;
    const group = nextGroup();
    ahead = { group, from: tree, prepared: prepare(group, { tree, lastRecordedAtMs }) };
  }

  /** What was made ready rested on a write that did not happen. */
  function takeBack(): void {
    queue.unshift(...(ahead?.group ?? []));
    ahead = undefined;
  }

  function prepare(group: readonly Waiting[], from: NonNullable<typeof end>): Ahead['prepared'] {
    const tree = from.tree.copy();
    // A clock that was set back does not put what comes now before what was.
    const recordedAtMs = Math.max(now(), from.lastRecordedAtMs);
    const all = group.flatMap((one) => one.entries);
    const salts = randomBytes(SALT_BYTES * all.length).toString('hex');
    const tiles: AuditBatch['tiles'][number][] = [];
    const entries = all.map((plain, i) => {
      const salt = salts.slice(i * 2 * SALT_BYTES, (i + 1) * 2 * SALT_BYTES);
      const purpose = purposeOf(plain);
      const told = purpose === undefined ? plain : { ...plain, purpose };
      const entry: RecordedEntry = { ...told, position: tree.size, recordedAtMs, salt };
      const text = encodeEntry(entry);
      tiles.push(...tree.push(RFC6962.leaf(text)));
      return { entry, text };
    });
    const batch: AuditBatch = {
      size: from.tree.size,
      entries,
      tiles,
      head: headOf(tree, recordedAtMs),
      signedAtMs: recordedAtMs,
      keepsHead: recordedAtMs - keptHeadAtMs >= bounds.headEveryMs,
      settles: group.flatMap((one) => one.settles),
    };
    return { batch, tree, recordedAtMs };
  }

  function headOf(tree: TreeEnd, signedAtMs: number): string {
    return key.sign({ origin, size: tree.size, rootBase64: base64(tree.root()), signedAtMs });
  }

  /** Reads the log's end, and whether it is what was signed, and goes on from what we knew. */
  async function reload(turn?: Turn): Promise<NonNullable<typeof end>> {
    const stored = turn?.log ?? (await store.open(options.originIfNew));
    const nodes = turn?.nodes ?? new TreeNodes(store);
    const tree = await nodes.end(stored.size);
    if (tree === undefined)
      throw new Failure('database-rejected', 'The end of the audit log is incomplete.', { retryable: false });
    if (stored.head !== undefined) checkHead(stored.head, tree);
    await checkBefore(tree, nodes);
    seen = { size: tree.size, root: tree.root() };
    end = { tree, lastRecordedAtMs: stored.lastRecordedAtMs };
    return end;
  }

  function checkHead(head: string, tree: TreeEnd): void {
    const verdict = verifyNote(head, [key.publicKey]);
    if (verdict.kind === 'signed' && verdict.note.head.origin === origin) trueHead = head;
    if (verdict.kind === 'not-signed') diverges('foreign-key');
    if (verdict.kind === 'not-a-head') diverges('not-as-signed');
    else if (verdict.note.head.size !== tree.size || verdict.note.head.rootBase64 !== base64(tree.root()))
      diverges('not-as-signed');
  }

  async function checkBefore(tree: TreeEnd, nodes: TreeNodes): Promise<void> {
    if (seen === undefined || seen.size === 0) return;
    const before = tree.size < seen.size ? undefined : await nodes.range({ from: 0, to: seen.size });
    if (before === undefined || base64(before) !== base64(seen.root)) diverges('not-as-before');
  }

  function diverges(what: AuditDivergence): void {
    if (told.has(what)) return;
    told.add(what);
    onDivergence?.(what);
  }
}

/** Salts of 128 bits cannot be tried. */
const SALT_BYTES = 16;
function answer(group: readonly Waiting[], { size, signedAtMs: recordedAtMs }: AuditBatch): void {
  let position = size;
  for (const one of group) one.resolve(one.entries.map(() => ({ position: position++, recordedAtMs })));
}

/** Another process has settled some of them: all are left, and asked for again. */
function withoutSettled(group: readonly Waiting[]): readonly Waiting[] {
  for (const one of group) if (one.settles.length > 0) one.resolve([]);
  return group.filter((one) => one.settles.length === 0);
}

/**
 * What the log says of itself (what was deleted rightly, what was verified, which restore was accepted) is written by
 * who does it. In the table of what waits, anybody who may write to the database could have said it, and we would sign.
 */
function asLeft({ entry }: PendingEntry): AuditEntry {
  const action = String(entry.action);
  if (!action.startsWith(OF_THE_LOG)) return entry;
  return { ...entry, action: FORGED_ACTION, outcome: 'failed', detail: { ...entry.detail, said: action } };
}
const OF_THE_LOG = 'audit.';

const idsOf = (pending: readonly PendingEntry[]) => pending.map(({ id }) => id);
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
