import { decodeEntry, type RecordedEntry } from '../../domain/audit-entry.ts';
import { RESTORE_ACTION } from '../../domain/audit-restore.ts';
import { DEFAULT_TENANT } from '../../domain/ids.ts';
import type { AuditQuery } from '../../ports/audit-log.ts';
import {
  type AuditBatch,
  type AuditCheck,
  type AuditCursor,
  type AuditStore,
  columnsOf,
  type LegalHold,
  type PendingEntry,
  type StoredEntry,
  type StoredLog,
  TILE_SIZE,
} from '../../ports/audit-store.ts';

/** The audit log in memory, held to the same suite as the real one. A test may reach into it and play the forger. */
export class MemoryAuditStore implements AuditStore {
  log: StoredLog | undefined;
  readonly entries = new Map<number, StoredEntry>();
  readonly tileHashes = new Map<string, Uint8Array>();
  keptHeads: { size: number; note: string }[] = [];
  readonly waiting: PendingEntry[] = [];
  readonly #cursors = new Map<string, AuditCursor>();
  readonly #holds: LegalHold[] = [];
  #check: AuditCheck | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  /** Thrown by whatever is asked next, while set. */
  failure: Error | undefined;

  async open(originIfNew: string): Promise<StoredLog> {
    this.#guard();
    this.log ??= { origin: originIfNew, size: 0, lastRecordedAtMs: Number.NEGATIVE_INFINITY };
    return this.log;
  }

  async append(batch: AuditBatch): ReturnType<AuditStore['append']> {
    this.#guard();
    if (this.log === undefined || this.log.size !== batch.size) return 'moved';
    if (!batch.settles.every((id) => this.waiting.some((one) => one.id === id))) return 'settled';
    for (const id of batch.settles)
      this.waiting.splice(
        this.waiting.findIndex((one) => one.id === id),
        1,
      );
    for (const { entry, text } of batch.entries)
      this.entries.set(entry.position, { position: entry.position, text, columns: columnsOf(entry) });
    for (const { level, index, hashes } of batch.tiles) this.tileHashes.set(`${level}/${index}`, hashes);
    const size = batch.size + batch.entries.length;
    this.log = { ...this.log, size, lastRecordedAtMs: batch.signedAtMs, head: batch.head };
    if (batch.keepsHead) this.keptHeads.push({ size, note: batch.head });
    return 'appended';
  }

  async appendInTurn(make: Parameters<AuditStore['appendInTurn']>[0]): ReturnType<AuditStore['append']> {
    this.#guard();
    const turn = this.#turn.then(async () => this.append(await make(await this.open('-'), this)));
    this.#turn = turn.catch(() => undefined);
    return await turn;
  }

  async read({ from, to }: Parameters<AuditStore['read']>[0]): Promise<readonly StoredEntry[]> {
    this.#guard();
    const found: StoredEntry[] = [];
    for (let position = from; position < Math.min(to, this.log?.size ?? 0); position++) {
      const entry = this.entries.get(position);
      if (entry !== undefined) found.push(entry);
    }
    return found;
  }

  async tiles(level: number, { from, to }: Parameters<AuditStore['tiles']>[1]): ReturnType<AuditStore['tiles']> {
    this.#guard();
    const found = new Map<number, Uint8Array>();
    for (let index = from; index < Math.min(to, (this.log?.size ?? 0) + TILE_SIZE); index++) {
      const hashes = this.tileHashes.get(`${level}/${index}`);
      if (hashes !== undefined) found.set(index, hashes);
    }
    return found;
  }

  async heads({ from = 0, newest = false, limit }: Parameters<AuditStore['heads']>[0]): Promise<readonly string[]> {
    this.#guard();
    return this.keptHeads
      .filter(({ size }) => size >= from)
      .sort((a, b) => (newest ? b.size - a.size : a.size - b.size))
      .slice(0, limit)
      .map(({ note }) => note);
  }

  async search(query: AuditQuery): Promise<readonly RecordedEntry[]> {
    this.#guard();
    const all = [...this.entries.values()].sort((a, b) => a.position - b.position);
    const found = all.map(({ text }) => decodeEntry(text) as RecordedEntry).filter((entry) => agrees(entry, query));
    return (query.after === undefined ? found.reverse() : found).slice(0, query.limit);
  }

  async pending(limit: number): Promise<readonly PendingEntry[]> {
    this.#guard();
    return this.waiting.slice(0, limit);
  }

  async cursor(name: string): Promise<AuditCursor | undefined> {
    this.#guard();
    return this.#cursors.get(name);
  }

  async cursors(): ReturnType<AuditStore['cursors']> {
    this.#guard();
    return [...this.#cursors].map(([name, cursor]) => ({ name, ...cursor })).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async setCursor(name: string, cursor: AuditCursor): Promise<void> {
    this.#guard();
    this.#cursors.set(name, cursor);
  }

  async prune({ before, limit }: Parameters<AuditStore['prune']>[0]): Promise<number> {
    this.#guard();
    const holding = this.#holds.filter(({ releasedAtMs }) => releasedAtMs === undefined);
    const isHeld = ({ columns }: StoredEntry) =>
      columns.action === RESTORE_ACTION ||
      holding.some(({ kind, subject }) =>
        kind === 'patient' ? columns.patientId === subject : [columns.actor, columns.actorId].includes(subject),
      );
    const old = (await this.read({ from: 0, to: before })).filter((entry) => !isHeld(entry)).slice(0, limit);
    for (const { position } of old) this.entries.delete(position);
    if (old.length === 0) this.#pruneTiles(before);
    return old.length;
  }

  #pruneTiles(before: number): void {
    for (let index = 0; (index + 1) * TILE_SIZE <= before; index++) {
      const isNeeded = Array.from({ length: TILE_SIZE }, (_, i) => index * TILE_SIZE + i).some((position) =>
        this.entries.has(position),
      );
      if (!isNeeded && this.tileHashes.has(`1/${Math.floor(index / TILE_SIZE)}`)) this.tileHashes.delete(`0/${index}`);
    }
  }

  async positionAt(atMs: number): Promise<number> {
    this.#guard();
    const found = (await this.read({ from: 0, to: Number.POSITIVE_INFINITY })).find(
      ({ columns }) => columns.recordedAtMs >= atMs,
    );
    return found?.position ?? this.log?.size ?? 0;
  }

  async prunedBefore(): Promise<number> {
    this.#guard();
    return Math.min(this.log?.size ?? 0, ...this.entries.keys());
  }

  async lastCheck(): Promise<AuditCheck | undefined> {
    this.#guard();
    return this.#check;
  }

  async setLastCheck(check: AuditCheck): Promise<void> {
    this.#guard();
    this.#check = check;
  }

  async holds(): Promise<readonly LegalHold[]> {
    this.#guard();
    return [...this.#holds];
  }

  async placeHold(hold: Parameters<AuditStore['placeHold']>[0]): Promise<LegalHold> {
    this.#guard();
    const placed = { ...hold, id: `hold-${this.#holds.length + 1}` };
    this.#holds.unshift(placed);
    return placed;
  }

  async releaseHold(id: string, by: string, atMs: number): Promise<boolean> {
    this.#guard();
    const index = this.#holds.findIndex((one) => one.id === id && one.releasedAtMs === undefined);
    const hold = this.#holds[index];
    if (hold === undefined) return false;
    this.#holds[index] = { ...hold, releasedBy: by, releasedAtMs: atMs };
    return true;
  }

  #guard(): void {
    if (this.failure !== undefined) throw this.failure;
  }
}

function agrees(entry: RecordedEntry, query: AuditQuery): boolean {
  const { actor, action, resource } = entry;
  const is = (wanted: unknown, found: unknown) => wanted === undefined || wanted === found;
  return (
    (query.person === undefined || [actor.name, actor.userId].includes(query.person)) &&
    (query.action?.endsWith('*') === true ? action.startsWith(query.action.slice(0, -1)) : is(query.action, action)) &&
    is(query.patientId, entry.patientId) &&
    is(query.outcome, entry.outcome) &&
    is(query.resourceKind, resource.kind) &&
    is(query.resourceId, resource.id) &&
    is(query.correlationId, entry.correlationId) &&
    is(query.tenantId, entry.tenantId ?? DEFAULT_TENANT) &&
    (query.fromMs === undefined || entry.recordedAtMs >= query.fromMs) &&
    (query.toMs === undefined || entry.recordedAtMs < query.toMs) &&
    (query.before === undefined || entry.position < query.before) &&
    (query.after === undefined || entry.position > query.after)
  );
}
