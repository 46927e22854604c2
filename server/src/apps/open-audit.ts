import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { PostgresAuditStore } from '../adapters/postgres/audit-store.ts';
import { connect, type DatabaseAddress } from '../adapters/postgres/connection.ts';
import { openAuditJournal } from '../audit/audit-journal.ts';
import { openAuditWriter } from '../audit/audit-writer.ts';
import { openTreeHeadKey } from '../audit/tree-head-key.ts';
import type { AuditEntry } from '../domain/audit-entry.ts';
import { repeat } from '../pacing/repeating.ts';
import { registerAuditApi } from '../serve/api/audit.ts';
import type { AuditServices } from '../serve/audited.ts';
import type { Log } from '../telemetry/log.ts';
import type { Settings } from './settings.ts';
import type { undoStack } from './undo.ts';

/** How long a wall that opens waits for the log before its entry is held in the data folder. */
const HOLD_AFTER_MS = 2_000;
/** What other transactions and the journal left is in the log within this. */
const SETTLE_EVERY_MS = 1_000;

/** The audit log of a running installation: written, followed, and served to who may read it. */
export async function openAudit(parts: {
  readonly settings: Settings;
  readonly address: DatabaseAddress;
  readonly dataFolder: string;
  readonly log: Log;
  readonly now: () => number;
  readonly undo: ReturnType<typeof undoStack>;
}): Promise<{ readonly audit: AuditServices['audit']; readonly routes: (app: FastifyInstance) => void }> {
  const { address, dataFolder, log, now, undo } = parts;
  const { store, key } = await openAuditStore({ address, dataFolder, undo });
  const journal = await openAuditJournal(join(dataFolder, 'audit', 'held.jsonl'));
  const writer = await openAuditWriter({
    store,
    key,
    now,
    originIfNew: newOrigin(),
    onDivergence: (what) =>
      log.error('the audit log is not what was signed: run "healthsync audit verify"', { reason: what }),
  });
  undo.push('audit log', () => writer.close());
  const settling = repeat(
    async () => {
      await journal.release((entries) => writer.append(entries));
      while ((await writer.settle()) > 0);
    },
    {
      everyMs: SETTLE_EVERY_MS,
      onError: (error) => log.warn('what waits for the audit log could not be written', { error }),
    },
  );
  undo.push('audit settling', () => settling.stop());
  const audit = {
    append: (entries: readonly AuditEntry[]) => writer.append(entries),
    async appendOrHold(entries: readonly AuditEntry[]): Promise<void> {
      try {
        await within(HOLD_AFTER_MS, writer.append(entries));
      } catch {
        await journal.hold(entries);
      }
    },
  };
  return {
    audit,
    routes: (app) => registerAuditApi(app, { store, publicKey: key.publicKey, origin: writer.origin, now }),
  };
}

/** The log's place and its key, for the server and for commands. */
export async function openAuditStore(parts: {
  readonly address: DatabaseAddress;
  readonly dataFolder: string;
  readonly undo: Pick<ReturnType<typeof undoStack>, 'push'>;
}) {
  const key = await openTreeHeadKey(join(parts.dataFolder, 'audit', 'signing-key.pem'));
  // Connections of its own: a pool that others have filled must not keep an entry out.
  const connections = connect(parts.address, { connectionsMax: 3, statementTimeoutMs: 5_000 });
  parts.undo.push('audit database', () => connections.close());
  return { store: new PostgresAuditStore(connections), key };
}

/** 64 bits: two logs never share a name. */
export function newOrigin(): string {
  return `healthsync-audit/${randomBytes(8).toString('hex')}`;
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('too late')), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    // What comes after all is in the log besides: twice is better than never.
    work.catch(() => undefined);
  }
}
