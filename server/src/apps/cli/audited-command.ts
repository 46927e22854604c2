import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { PostgresAuditStore } from '../../adapters/postgres/audit-store.ts';
import type { Connections } from '../../adapters/postgres/connection.ts';
import { type AuditWriter, openAuditWriter } from '../../audit/audit-writer.ts';
import { openTreeHeadKey } from '../../audit/tree-head-key.ts';
import type { AuditEntry, AuditOutcome } from '../../domain/audit-entry.ts';
import { type PatientId, parsePatientId } from '../../domain/ids.ts';
import { newOrigin } from '../audit-origin.ts';

/** What was called, for the audit log. */
export interface CalledCommand {
  /** `device enroll` */
  readonly name: string;
  /** What stands after it, in order. */
  readonly given: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  /** For which it is done, where that decides whether it may be. */
  readonly purpose?: string;
  /** What it was called with, where that is on record besides: nothing that may be a name of a patient. */
  readonly asked?: NonNullable<AuditEntry['detail']>;
}

/** These look at the log itself, and must do so also where it is broken: their entry is written if it can be. */
const LOOKS_AT_LOG = new Set(['audit verify', 'audit prove']);

/** Of these a database that comes back from a backup of before must not know nothing, unseen. */
const KEEPS_HEAD = new Set(['patient erase', 'audit hold place', 'audit hold release', 'audit accept-restore']);

/**
 * Runs a command on the data with an entry before and one after. Whoever has a shell on the machine is past every door:
 * what they do is written down like everybody's, and not done where it cannot be.
 */
export async function auditedCommand<T>(
  parts: {
    readonly database: Connections;
    readonly dataFolder: string;
    readonly now: () => number;
    readonly command: CalledCommand;
    /** What of the result belongs on record. */
    readonly detailOf?: (result: T) => AuditEntry['detail'];
    /** Whom it turned out to be about, where the command does not say it. */
    readonly patientOf?: (result: T) => PatientId | undefined;
    /** Answered, but what was asked for did not come about. */
    readonly hasFailed?: (result: T) => boolean;
    /** It may not be done, whoever asks: what of that belongs on record. */
    readonly deniedBy?: (error: unknown) => AuditEntry['detail'];
  },
  run: () => Promise<T>,
): Promise<T> {
  const { command, now, detailOf, patientOf, hasFailed, deniedBy } = parts;
  const correlationId = randomUUID();
  const entry = (outcome: AuditOutcome, phase: 'begin' | 'end', more: Pick<AuditEntry, 'detail' | 'patientId'> = {}) =>
    commandEntry(command, { correlationId, outcome, phase, atMs: now(), ...more });
  let writer: AuditWriter | undefined;
  try {
    const key = await openTreeHeadKey(join(parts.dataFolder, 'audit', 'signing-key.pem'));
    writer = await openAuditWriter({
      store: new PostgresAuditStore(parts.database),
      key,
      now,
      originIfNew: newOrigin(),
    });
    await writer.append([entry('allowed', 'begin')]);
  } catch (error) {
    if (!LOOKS_AT_LOG.has(command.name)) throw error;
  }
  let outcome: AuditOutcome = 'failed';
  let more: Pick<AuditEntry, 'detail' | 'patientId'> = {};
  try {
    const result = await run();
    outcome = hasFailed?.(result) === true ? 'failed' : 'allowed';
    const [detail, patientId] = [detailOf?.(result), patientOf?.(result)];
    more = { ...(detail !== undefined && { detail }), ...(patientId !== undefined && { patientId }) };
    return result;
  } catch (error) {
    const detail = deniedBy?.(error);
    if (detail !== undefined) [outcome, more] = ['denied', { detail }];
    throw error;
  } finally {
    // It is done, and that it was begun is on record: an end that cannot be written undoes nothing.
    await writer?.append([entry(outcome, 'end', more)]).catch(() => undefined);
    if (KEEPS_HEAD.has(command.name)) await keepHead(parts.dataFolder, writer?.ownHead()).catch(() => undefined);
    await writer?.close();
  }
}

async function keepHead(dataFolder: string, head: string | undefined): Promise<void> {
  const { keepLocally } = await import('../audit-anchors.ts');
  await keepLocally(dataFolder, head);
}

function commandEntry(
  { name, given, options, purpose, asked }: CalledCommand,
  what: {
    readonly correlationId: string;
    readonly outcome: AuditOutcome;
    readonly phase: string;
    readonly atMs: number;
  } & Pick<AuditEntry, 'detail' | 'patientId'>,
): AuditEntry {
  const { patient } = options as { readonly patient?: unknown };
  const said = parsePatientId(patient ?? (name.startsWith('patient ') ? given[0] : undefined));
  const patientId = what.patientId ?? said;
  return {
    atMs: what.atMs,
    actor: shellActor(),
    action: `command.${name.replaceAll(' ', '.')}`,
    resource: { kind: name.split(' ')[0] ?? 'command', ...(isId(given[0]) && { id: given[0] }) },
    ...(patientId !== undefined && { patientId }),
    ...(purpose !== undefined && { purpose }),
    outcome: what.outcome,
    correlationId: what.correlationId,
    detail: {
      ...asked,
      ...what.detail,
      command: name,
      phase: what.phase,
      options: Object.keys(options).sort().join(' '),
    },
  };
}

/** Only what is an id is written down: an argument may be a name, or a whole document. */
function isId(text: string | undefined): text is string {
  return text !== undefined && /^[A-Za-z0-9_][A-Za-z0-9._@:-]{0,127}$/.test(text);
}

/** Whoever has a shell here: by the account of the operating system. */
export const shellActor = (): AuditEntry['actor'] => ({
  kind: 'person',
  name: `shell:${userName()}`,
  address: 'local',
});

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? '?'}`; // an account without an entry in /etc/passwd
  }
}
