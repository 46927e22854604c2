import { randomUUID } from 'node:crypto';
import type { AuditEntry } from '../domain/audit-entry.ts';
import { type Repeating, repeat } from '../pacing/repeating.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import type { AuditCheck, AuditStore } from '../ports/audit-store.ts';
import type { AuditFinding } from './verify.ts';

/** What is new is verified this often: whoever changes something is found within the hour. */
const NEW_EVERY_MS = 3_600_000;
/** Looked at whether it is due. */
const LOOK_EVERY_MS = 60_000;
/** A start has enough to do by itself. */
const FIRST_AFTER_MS = 60_000;

/** What a verification in the background found. */
export interface LogCheck {
  readonly from: number;
  readonly size: number;
  readonly findings: number;
  /** What kinds of them, each once. */
  readonly kinds: readonly AuditFinding['kind'][];
  readonly headsChecked: number;
}

export interface ScheduledCheck extends Repeating {
  /** Something does not add up: all of it, now. */
  checkNow(): void;
}

/**
 * Verifies what is new every hour and everything once a day, and leaves what was found where the chain's badge looks.
 * What was found stays found until all of it has been looked at and is well. That it was verified is an entry itself.
 */
export function startScheduledCheck(options: {
  readonly store: Pick<AuditStore, 'lastCheck' | 'setLastCheck'>;
  readonly check: (from: number) => Promise<LogCheck>;
  readonly audit: AuditLog;
  readonly wholeEveryMs: number;
  readonly now: () => number;
  /** `before`: what was found before this start; `elsewhere`: what another process found, such as a command. */
  readonly onChecked: (check: AuditCheck, found: LogCheck | 'before' | 'elsewhere') => void;
  readonly onFailed: (error: unknown, last: AuditCheck | undefined) => void;
  readonly firstAfterMs?: number;
}): ScheduledCheck {
  const { store, check, audit, wholeEveryMs, now, onChecked, onFailed, firstAfterMs = FIRST_AFTER_MS } = options;
  const firstAtMs = now() + firstAfterMs;
  let isUrgent = false;
  /** Of the last verification that was told of. */
  let toldAtMs: number | undefined;
  let isFirst = true;

  async function round(): Promise<void> {
    let last: AuditCheck | undefined;
    const wasUrgent = isUrgent;
    isUrgent = false;
    try {
      last = await store.lastCheck();
      // What was found before this start still holds; what another process found, by command, holds as well.
      if (last !== undefined && last.atMs !== toldAtMs) onChecked(last, isFirst ? 'before' : 'elsewhere');
      toldAtMs = last?.atMs;
      isFirst = false;
      if (!wasUrgent && now() < firstAtMs) return;
      const isWholeDue = wasUrgent || last?.wholeAtMs === undefined || now() - last.wholeAtMs >= wholeEveryMs;
      // Where something was found, only a look at everything can say that it is well again.
      const isNewDue = last?.findings === 0 && now() - last.atMs >= NEW_EVERY_MS;
      if (isWholeDue) await run(0);
      else if (isNewDue && last !== undefined) await run(last.size, last.wholeAtMs);
    } catch (error) {
      isUrgent ||= wasUrgent;
      onFailed(error, last);
    }
  }

  async function run(from: number, wholeAtMs?: number): Promise<void> {
    const found = await check(from);
    const atMs = now();
    const done = { atMs, size: found.size, findings: found.findings, wholeAtMs: wholeAtMs ?? atMs };
    await store.setLastCheck(done);
    toldAtMs = atMs;
    onChecked(done, found);
    await audit.append([checkEntry(found, atMs)]);
  }

  const rounds = repeat(round, { everyMs: LOOK_EVERY_MS, onError: (error) => onFailed(error, undefined) });
  return {
    ...rounds,
    checkNow() {
      isUrgent = true;
      rounds.wake();
    },
  };
}

function checkEntry({ from, size, findings, kinds, headsChecked }: LogCheck, atMs: number): AuditEntry {
  return {
    atMs,
    actor: { kind: 'system', name: 'audit' },
    action: 'audit.verify',
    resource: { kind: 'audit' },
    outcome: findings === 0 ? 'allowed' : 'failed',
    correlationId: randomUUID(),
    detail: { from, size, findings, heads: headsChecked, ...(kinds.length > 0 && { kinds: kinds.join(' ') }) },
  };
}
