import type { AssignedReading } from '../../../domain/reading.ts';
import { Failure } from '../../../ports/failure.ts';
import {
  type AppendAsker,
  type LogConsumer,
  type LogPositions,
  type LogSubscription,
  partitionOf,
  type ReadingLog,
} from '../../../ports/reading-log.ts';
import { BlockSeal } from './block-seal.ts';
import { Delivery } from './delivery.ts';
import type { LogFile, LogFiles } from './files.ts';
import { GroupCommit } from './group-commit.ts';
import { GroupPositions } from './positions.ts';
import { LogReader, type ReadableLog } from './reader.ts';
import { countRecords, damageOf, recover } from './recovery.ts';
import { type Segment, Segments } from './segments.ts';
import {
  checkSettings,
  SEGMENT_LOG_DEFAULTS,
  type SegmentLogHooks,
  type SegmentLogOptions,
  type SegmentLogSettings,
} from './settings.ts';
import { cutOff, type TailNode } from './tail.ts';
import { type ThreadedFiles, threadedFiles } from './write-thread.ts';

/**
 * Opens the log in a folder, which must belong to this process alone. Rejects with `Failure` `data-folder-unusable`, and
 * with `keys-unavailable` or `keys-refused` where what is held cannot be opened.
 */
export async function openSegmentLog(options: SegmentLogOptions): Promise<SegmentLog> {
  const thread = options.files === undefined ? threadedFiles() : undefined;
  try {
    return await open({ ...options, files: options.files ?? (thread as LogFiles) }, thread);
  } catch (error) {
    await thread?.closeThread();
    throw error;
  }
}

async function open(
  options: SegmentLogOptions & { readonly files: LogFiles },
  thread: ThreadedFiles | undefined,
): Promise<SegmentLog> {
  const { folder, partitions, groups, files, hooks = {} } = options;
  const settings = { ...SEGMENT_LOG_DEFAULTS, ...options.settings };
  checkSettings(partitions, settings);
  const trouble = (text: string, error: unknown) => hooks.onTrouble?.(text, error);
  await files.makeFolder(folder);
  const names = (await files.list(folder)).map(({ name }) => name);
  for (const name of names.filter((unfinished) => unfinished.endsWith('.new'))) await files.remove(`${folder}/${name}`);
  const positions = new GroupPositions(folder, files, trouble);
  await positions.load(names);
  const seal = options.keys === 'none' ? undefined : new BlockSeal(options.keys);
  const recovered = await recover(folder, partitions, files, seal);
  const newest = recovered.segments.at(-1);
  await seal?.begin(newest?.keyId === undefined ? undefined : { id: newest.keyId, sinceMs: newest.startedAtMs });
  const durable = recovered.next.map((next, p) => Math.max(next, options.floor?.get(p) ?? 0, positions.furthest(p)));
  const isCut = durable.some((offset, p) => offset > (recovered.next[p] as number));
  if (isCut)
    trouble('the log ends before what its consumers have seen: its last readings, or all, were lost', undefined);
  const { now, monotonicMs = () => performance.now() } = options;
  const log = new SegmentLog({
    folder,
    partitions,
    groups,
    seal,
    settings,
    hooks,
    files,
    thread,
    now,
    monotonicMs,
    positions,
    durable,
  });
  await log.start({ ...recovered, isCut });
  return log;
}

/** The log in segment files of one machine. One process writes it; every group of readings is one synchronous write. */
export class SegmentLog implements ReadingLog {
  readonly partitions: number;
  readonly broken: Promise<Error>;
  readonly #groups: readonly string[];
  readonly #seal: BlockSeal | undefined;
  readonly #hooks: SegmentLogHooks;
  readonly #files: LogFiles;
  /** Ours to end. */
  readonly #thread: ThreadedFiles | undefined;
  readonly #settings: SegmentLogSettings;
  readonly #positions: GroupPositions;
  readonly #segments: Segments;
  readonly #writer: GroupCommit;
  readonly #subscriptions = new Map<LogReader, Delivery>();
  readonly #reported = new Set<number>();
  /** The first node of the tail that leads on. */
  #oldest: TailNode;
  #forgetting: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;

  /** Use `openSegmentLog`. */
  constructor(parts: {
    readonly folder: string;
    readonly partitions: number;
    readonly groups: readonly string[];
    readonly seal: BlockSeal | undefined;
    readonly settings: SegmentLogSettings;
    readonly hooks: SegmentLogHooks;
    readonly files: LogFiles;
    readonly thread: ThreadedFiles | undefined;
    readonly now: () => number;
    readonly positions: GroupPositions;
    readonly durable: number[];
    readonly monotonicMs: () => number;
  }) {
    const { settings, hooks, positions, files } = parts;
    this.partitions = parts.partitions;
    this.#groups = parts.groups;
    this.#seal = parts.seal;
    this.#hooks = hooks;
    this.#files = files;
    this.#thread = parts.thread;
    this.#settings = settings;
    this.#positions = positions;
    const broken = Promise.withResolvers<Error>();
    this.broken = broken.promise;
    this.#segments = new Segments(
      { ...settings, folder: parts.folder },
      {
        files,
        now: parts.now,
        hasEveryGroupPassed: (next) => positions.allPassed(this.#groups, next),
        onRecycled: () => this.#forgetKeys(),
        onSpare: () => this.#writer.spaceIsBack(),
        onFull: () => this.#writer.spaceIsOut(),
        onBroken: (error) => this.#writer.breakDown(error),
      },
    );
    this.#writer = new GroupCommit({
      segments: this.#segments,
      seal: parts.seal,
      durable: parts.durable,
      settings,
      hooks,
      monotonicMs: parts.monotonicMs,
      onDurable: () => this.#onDurable(),
      onBroken: broken.resolve,
    });
    this.#oldest = this.#writer.tail;
  }

  /** Takes up what recovery found. */
  async start(recovered: Awaited<ReturnType<typeof recover>> & { readonly isCut: boolean }): Promise<void> {
    this.#segments.list.push(...recovered.segments);
    if (recovered.spare) await this.#segments.adoptSpare(recovered.spare);
    const last = this.#segments.last;
    const sealer = await this.#seal?.forOld(last?.keyId);
    const isAsWritten = this.#seal === undefined ? last?.isSealed === false : sealer !== undefined;
    // Offsets that jump begin a new segment, whose header says so; and so does another way to write it.
    if (last && !recovered.isCut && isAsWritten)
      this.#writer.resume(last, await this.#files.openDurable(last.path), recovered.tail, sealer);
    for (const damage of recovered.damaged) {
      this.#reported.add(damage.segment);
      this.#hooks.onDamage?.(damage);
    }
    if (last === undefined) this.#segments.hurry();
    const prepared = this.#segments.prepare();
    if (last === undefined) await prepared;
  }

  append(reading: AssignedReading, asker: AppendAsker): void {
    this.#writer.append(reading, partitionOf(reading.patientId, this.partitions), asker);
  }

  subscribe(consumer: LogConsumer): LogSubscription {
    if (this.#closed) throw new Failure('log-closed', 'the log is closed', { retryable: false });
    const reader = new LogReader(this.#readable(), consumer.from, this.#settings.tailReadingsMax);
    const delivery = new Delivery(reader, consumer);
    this.#subscriptions.set(reader, delivery);
    delivery.done.then(() => this.#subscriptions.delete(reader));
    return delivery;
  }

  async commit(group: string, next: LogPositions): Promise<void> {
    this.#positions.commit(group, next);
    if (this.#segments.isOut) this.#segments.prepare();
  }

  async committed(group: string): Promise<LogPositions> {
    return this.#positions.of(group);
  }

  async extent(): Promise<{ readonly first: LogPositions; readonly next: LogPositions }> {
    const durable = this.#writer.durable;
    const first = this.#segments.list[0]?.base ?? durable;
    return { first: new Map(first.entries()), next: new Map(durable.entries()) };
  }

  /** For metrics and the doctor. */
  stats(): {
    readonly segments: number;
    readonly bytes: number;
    readonly isFull: boolean;
    readonly pendingBytes: number;
  } {
    return {
      segments: this.#segments.list.length,
      bytes: this.#segments.bytes(),
      isFull: this.#writer.isFull,
      pendingBytes: this.#writer.pendingBytes,
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#writer.close();
    await Promise.all([...this.#subscriptions.values()].map((subscription) => subscription.stop()));
    await this.#segments.close();
    this.#forgetKeys(true);
    await this.#forgetting;
    await this.#positions.close();
    await this.#thread?.closeThread();
  }

  /** What the log no longer holds shall be opened from no copy of it either. */
  #forgetKeys(isEnd = false): void {
    const { list } = this.#segments;
    // One whose header is lost may need any of them.
    if (list.some(({ isSealed, keyId }) => isSealed && keyId === undefined)) return;
    const needed = new Set(list.flatMap(({ keyId }) => keyId ?? []));
    this.#forgetting = this.#forgetting
      .then(() => (isEnd ? this.#seal?.end(needed) : this.#seal?.keepOnly(needed)))
      .catch((error) => this.#hooks.onTrouble?.('a key of readings that are gone cannot be destroyed', error));
  }

  #onDurable(): void {
    let passed = this.#writer.tail.countAfter;
    for (const [reader, delivery] of this.#subscriptions) {
      reader.checkLag();
      passed = Math.min(passed, reader.passed);
      delivery.wake();
    }
    this.#oldest = cutOff(this.#oldest, passed);
  }

  #readable(): ReadableLog {
    const writer = this.#writer;
    return {
      segments: this.#segments.list,
      seal: this.#seal,
      durable: writer.durable,
      get tail() {
        return writer.tail;
      },
      openSegment: (segment): Promise<LogFile> => this.#files.openForReading(segment.path),
      reportDamage: (segment) => {
        this.#reportDamage(segment).catch((error) => this.#hooks.onTrouble?.('damage cannot be counted', error));
      },
      reportTrouble: (trouble, error) => this.#hooks.onTrouble?.(trouble, error),
    };
  }

  /** Counts once, from the whole segment, what every reader of it would otherwise report in part. */
  async #reportDamage(segment: Segment): Promise<void> {
    if (this.#reported.has(segment.number)) return;
    this.#reported.add(segment.number);
    const { list } = this.#segments;
    const following = list[list.indexOf(segment) + 1];
    const end = [...(following?.base ?? this.#writer.durable)];
    const { partitions } = this;
    const count = await countRecords(segment, { partitions, files: this.#files, seal: this.#seal, limit: segment.end });
    if (!segment.recycled) this.#hooks.onDamage?.(damageOf(segment, count, end));
  }
}
