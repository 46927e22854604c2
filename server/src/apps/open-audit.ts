import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { PostgresAuditStore } from '../adapters/postgres/audit-store.ts';
import { connect, type DatabaseAddress } from '../adapters/postgres/connection.ts';
import { TlsReceiver } from '../adapters/siem/tls-receiver.ts';
import { startAnchoring } from '../audit/anchoring.ts';
import { openAuditJournal } from '../audit/audit-journal.ts';
import { type AuditWatch, createAuditWatch } from '../audit/audit-watch.ts';
import { openAuditWriter } from '../audit/audit-writer.ts';
import { startAuditRetention } from '../audit/retention.ts';
import { startSiemStream } from '../audit/siem-stream.ts';
import { jsonLine, type SiemFormat, syslogFrame } from '../audit/syslog.ts';
import { openTreeHeadKey } from '../audit/tree-head-key.ts';
import type { AuditEntry } from '../domain/audit-entry.ts';
import { repeat } from '../pacing/repeating.ts';
import type { AuditStore } from '../ports/audit-store.ts';
import type { SystemAlarms } from '../ports/system-alarms.ts';
import { registerAuditApi } from '../serve/api/audit.ts';
import type { AuditServices } from '../serve/audited.ts';
import { registerAuditEvents } from '../serve/fhir/audit-events.ts';
import type { HealthCheck } from '../serve/services.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { anchorsOf, keepLocally } from './audit-anchors.ts';
import { startAuditChecking } from './audit-checking.ts';
import { configurationChange, configurationEntries } from './audit-configuration.ts';
import { newOrigin } from './audit-origin.ts';
import type { OpenedTenants } from './open-tenants.ts';
import type { registerGauges } from './register-gauges.ts';
import type { Settings } from './settings.ts';
import type { undoStack } from './undo.ts';

/** How long a wall that opens waits for the log before its entry is held in the data folder. */
const HOLD_AFTER_MS = 2_000;
/** What other transactions and the journal left is in the log within this. */
const SETTLE_EVERY_MS = 1_000;
const HOUR_MS = 3_600_000;
/** How this version writes what waits for the log. */
const CHAINED = 'chained';

interface Parts {
  readonly settings: Settings;
  /** With what it was started besides. */
  readonly audited: Readonly<Record<string, string>>;
  readonly address: DatabaseAddress;
  readonly tenants: Pick<OpenedTenants, 'asking'>;
  readonly dataFolder: string;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly now: () => number;
  readonly undo: ReturnType<typeof undoStack>;
}

export interface OpenedAudit {
  readonly audit: AuditServices['audit'];
  /** What a part of the program did by itself; durable when it resolves. */
  readonly note: (part: string, what: Pick<AuditEntry, 'action' | 'resource' | 'detail'>) => Promise<unknown>;
  readonly routes: (app: FastifyInstance) => void;
  readonly health: readonly HealthCheck[];
  readonly gauges: Parameters<typeof registerGauges>[1];
  /** Where it rings when the log is not what it must be; what was wrong before, at once. */
  ringAt(alarms: SystemAlarms): void;
}

/** The audit log of a running installation: written, anchored, followed, and served to who may read it. */
export async function openAudit(parts: Parts): Promise<OpenedAudit> {
  const { settings, address, dataFolder, metrics, log, now, undo } = parts;
  const key = await openTreeHeadKey(join(dataFolder, 'audit', 'signing-key.pem'));
  // Connections of its own: a pool that others have filled must not keep an entry out.
  const connections = connect(address, { connectionsMax: 4, statementTimeoutMs: 5_000 });
  undo.push('audit database', () => connections.close());
  const store = new PostgresAuditStore(connections);
  const watch = createAuditWatch({ now, uncheckedAfterMs: 2 * settings.auditVerifyHours * HOUR_MS });
  let checkNow = () => {};
  const writer = await openAuditWriter({
    store,
    key,
    now,
    originIfNew: newOrigin(),
    onDivergence(what) {
      log.error('the audit log is not what was signed: run "healthsync audit verify"', { reason: what });
      metrics.audit.diverged(what);
      watch.diverged(what);
      checkNow();
    },
    onBatch(done) {
      metrics.audit.write(done);
      watch.wrote(done.outcome);
    },
  });
  undo.push('audit log', () => writer.close());
  // The database's last word of before: of one that came back from a backup it says to the entry what came back.
  await keepLocally(dataFolder, writer.headFound()).catch((error: unknown) =>
    log.warn('a tree head of the audit log could not be kept', { component: 'data folder', error }),
  );
  const loaded = configurationEntries(settings, now(), { ...parts.audited, heldEntries: CHAINED });
  const before = await store.search({ action: 'configuration.load', limit: loaded.length + 4 });
  const journal = await openAuditJournal(join(dataFolder, 'audit', 'held.jsonl'), {
    key: key.secretFor('held entries'),
    now,
    // The log says itself which version ran here last: that nobody can write into it afterwards.
    takesUnchained: !before.some(({ detail }) => detail?.['heldEntries'] === CHAINED),
    onAltered(count) {
      log.error('entries that waited for the audit log were changed or are gone', { count });
      metrics.audit.diverged('held-altered');
      watch.heldAltered(now());
    },
  });
  const [altered] = await store.search({ action: 'audit.held-altered', limit: 1 });
  if (altered !== undefined) watch.heldAltered(altered.recordedAtMs, true);
  await writer.append([...loaded, ...configurationChange(before, loaded)]);
  // A database that comes back from a backup while nothing runs is known by it.
  undo.push('last tree head', () => keepLocally(dataFolder, writer.ownHead()));
  undo.push('audit of the end', () => writer.append([noteOf('healthsync', STOPPED, now())]));
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
  const retention = startAuditRetention({
    store,
    audit: writer,
    keepMs: settings.auditRetentionDays * 86_400_000,
    now,
    onError: (error) => log.warn('old entries of the audit log could not be deleted', { error }),
  });
  undo.push('audit retention', () => retention.stop());
  const followers = await startFollowers(parts, store, watch);
  const checking = startAuditChecking({
    settings,
    address,
    store,
    audit: writer,
    publicKey: key.publicKey,
    ownHead: () => writer.ownHead(),
    watch,
    log,
    now,
  });
  undo.push('audit verification', () => checking.stop());
  checkNow = () => checking.check.checkNow();
  if (watch.isBroken()) checkNow();
  return {
    audit: {
      append: (entries) => writer.append(entries),
      async appendOrHold(entries) {
        try {
          await within(HOLD_AFTER_MS, writer.append(entries));
        } catch {
          await journal.hold(entries);
        }
      },
    },
    note: (part, what) => writer.append([noteOf(part, what, now())]),
    routes(app) {
      // What an organisation reads of the one log, it reads under its own login.
      const records = new PostgresAuditStore(parts.tenants.asking, { ofAll: store });
      registerAuditApi(app, {
        store,
        records,
        publicKey: key.publicKey,
        origin: writer.origin,
        divergences: () => watch.divergences(),
        isFollowing: (name) => followers.has(name),
        now,
      });
      registerAuditEvents(app, { records });
    },
    health: [{ name: 'audit log', required: false, state: () => (watch.isBroken() ? 'degraded' : 'up') }],
    gauges: {
      healthsync_audit_broken: () => (watch.isBroken() ? 1 : 0),
      healthsync_audit_waiting: () => writer.waiting(),
      healthsync_audit_check_age_seconds: () => (now() - (watch.checkedAtMs() ?? Number.NaN)) / 1000,
    },
    ringAt: (alarms) => watch.ringAt(alarms),
  };
}

/** Who keeps what was signed, and who is told everything. Answers by which names. */
async function startFollowers(
  { settings, log, now, undo }: Parts,
  store: AuditStore,
  watch: AuditWatch,
): Promise<ReadonlySet<string>> {
  const receivers: readonly (readonly [name: string, target: string | undefined, format: SiemFormat])[] = [
    ['syslog', settings.siemSyslog, syslogFrame(settings.serverNames[0] ?? hostname())],
    ['json', settings.siemJson, jsonLine],
  ];
  const anchors = await anchorsOf(settings, now);
  const isSet = new Set([
    ...anchors.map(({ name }) => `anchor:${name}`),
    ...receivers.flatMap(([name, target]) => (target === undefined ? [] : [`siem:${name}`])),
  ]);
  const anchoring = startAnchoring({
    store,
    anchors,
    everyMs: settings.auditAnchorMinutes * 60_000,
    now,
    onFailing: (anchor, error) =>
      log.warn('a tree head of the audit log could not be kept', { component: anchor, error }),
    // Who is set no more is not missed: what rang for it is over.
    onRound: (cursors) =>
      watch.followed(
        cursors.map((one) => (isSet.has(one.name) ? one : { name: one.name, position: one.position, atMs: one.atMs })),
      ),
  });
  undo.push('audit anchors', () => anchoring.stop());
  for (const [name, target, format] of receivers) {
    if (target === undefined) continue;
    const stream = startSiemStream({
      name,
      store,
      receiver: new TlsReceiver({ ...placeOf(target), ...(settings.siemCa !== undefined && { ca: settings.siemCa }) }),
      format,
      now,
      onFailing: (error) => log.warn('the audit log could not be sent on', { component: `siem ${name}`, error }),
    });
    undo.push(`audit to ${name}`, () => stream.stop());
  }
  return isSet;
}

const STOPPED = { action: 'system.stop', resource: { kind: 'system' } };

function noteOf(part: string, what: Pick<AuditEntry, 'action' | 'resource' | 'detail'>, atMs: number): AuditEntry {
  return { atMs, actor: { kind: 'system', name: part }, outcome: 'allowed', correlationId: randomUUID(), ...what };
}

function placeOf(target: string): { readonly host: string; readonly port: number } {
  const colon = target.lastIndexOf(':');
  return { host: target.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(target.slice(colon + 1)) };
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('too late')), ms);
  });
  // What comes after all is in the log besides: twice is better than never.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
