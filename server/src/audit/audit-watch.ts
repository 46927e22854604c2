import type { AuditCheck, AuditCursor } from '../ports/audit-store.ts';
import { Failure } from '../ports/failure.ts';
import type { SystemAlarms } from '../ports/system-alarms.ts';
import type { AuditDivergence } from './audit-writer.ts';

export const WATCH_SETTINGS = {
  /** The database restarts within seconds, and entries wait that long; then somebody must know. */
  unwritableAfterMs: 10_000,
  /** A place for heads is a second party's: it may be away for a night's work on it. */
  anchorFailingAfterMs: 6 * 3_600_000,
  /** A security system restarts within minutes; after an hour those who watch by it are blind, and do not know. */
  siemFailingAfterMs: 3_600_000,
  /** What happened while entries waited cannot be mended; on Monday it is still seen that it did. */
  heldAlteredShownMs: 3 * 86_400_000,
} as const;

/** Rings when the audit log is not what it must be: not as it was signed, not to be written, not to be verified. */
export interface AuditWatch {
  /** What the writer came upon. */
  diverged(what: AuditDivergence): void;
  /**
   * Entries that waited for the log were altered or removed. `isKnown`: before this start, and rung for then, until
   * somebody said that they know.
   */
  heldAltered(atMs: number, isKnown?: boolean): void;
  /** How a write ended. */
  wrote(outcome: 'written' | 'failed'): void;
  /** What a verification found; `isWhole`: of everything, just now. */
  checked(check: AuditCheck, isWhole: boolean): void;
  /** A verification could not be done. */
  notChecked(error: unknown, last: AuditCheck | undefined): void;
  /** How far the places are that keep heads, and the security systems that get every entry. */
  followed(cursors: readonly (AuditCursor & { readonly name: string })[]): void;
  /** From now on it rings there; what was wrong before, at once. */
  ringAt(alarms: SystemAlarms): void;
  isBroken(): boolean;
  divergences(): readonly (AuditDivergence | 'held-altered')[];
  /** Of the last verification; undefined: none is known of. */
  checkedAtMs(): number | undefined;
}

type Alarm = Parameters<SystemAlarms['raise']>[0];

export function createAuditWatch(options: {
  readonly now: () => number;
  /** After this long without a verification that could be done, it rings. */
  readonly uncheckedAfterMs: number;
  readonly settings?: Partial<Record<keyof typeof WATCH_SETTINGS, number>>;
}): AuditWatch {
  const { now, uncheckedAfterMs } = options;
  const settings = { ...WATCH_SETTINGS, ...options.settings };
  const divergences = new Set<AuditDivergence>();
  /** By id; undefined: is over. What happens before there is anybody to ring at. */
  const early = new Map<string, Alarm | undefined>();
  const startedMs = now();
  let alarms: SystemAlarms | undefined;
  let failingSinceMs: number | undefined;
  let last: AuditCheck | undefined;

  function raise(alarm: Alarm): void {
    if (alarms === undefined) early.set(alarm.id, alarm);
    else alarms.raise(alarm);
  }

  function clear(id: string): void {
    if (alarms === undefined) early.set(id, undefined);
    else alarms.clear(id);
  }

  let heldAlteredAtMs = Number.NEGATIVE_INFINITY;
  const isNotAsSigned = () => divergences.size > 0 || (last?.findings ?? 0) > 0;
  const isHeldAltered = () => now() - heldAlteredAtMs < settings.heldAlteredShownMs;

  return {
    diverged(what) {
      divergences.add(what);
      raise(BROKEN);
    },
    heldAltered(atMs, isKnown) {
      heldAlteredAtMs = Math.max(heldAlteredAtMs, atMs);
      if (isKnown !== true) raise(HELD_ALTERED);
    },
    wrote(outcome) {
      if (outcome === 'written') {
        if (failingSinceMs !== undefined) clear(UNWRITABLE.id);
        failingSinceMs = undefined;
        return;
      }
      failingSinceMs ??= now();
      if (now() - failingSinceMs >= settings.unwritableAfterMs) raise(UNWRITABLE);
    },
    checked(check, isWhole) {
      last = check;
      clear(UNVERIFIED.id);
      if (isNotAsSigned()) raise(BROKEN);
      // One that rang before this start is over only when everything was looked at.
      else if (isWhole) clear(BROKEN.id);
    },
    notChecked(error, lastCheck) {
      last ??= lastCheck;
      const isForGood = error instanceof Failure ? !error.retryable : true;
      if (isForGood || now() - (last?.atMs ?? startedMs) > uncheckedAfterMs) raise(UNVERIFIED);
    },
    followed(cursors) {
      for (const { name, failingSinceMs: sinceMs } of cursors) {
        const isAnchor = name.startsWith(ANCHOR);
        if (!isAnchor && !name.startsWith(SIEM)) continue;
        const id = `audit.${name}`;
        const afterMs = isAnchor ? settings.anchorFailingAfterMs : settings.siemFailingAfterMs;
        if (sinceMs === undefined) clear(id);
        else if (now() - sinceMs > afterMs)
          raise(isAnchor ? notKept(id, name.slice(ANCHOR.length)) : notSent(id, name.slice(SIEM.length)));
      }
    },
    ringAt(desk) {
      alarms = desk;
      for (const [id, alarm] of early) {
        if (alarm === undefined) desk.clear(id);
        else desk.raise(alarm);
      }
      early.clear();
    },
    isBroken: () => isNotAsSigned() || isHeldAltered(),
    divergences: () => [...divergences, ...(isHeldAltered() ? (['held-altered'] as const) : [])],
    checkedAtMs: () => last?.atMs,
  };
}

const ANCHOR = 'anchor:';
const SIEM = 'siem:';

const BROKEN: Alarm = {
  id: 'audit.broken',
  rule: 'audit.broken',
  priority: 'high',
  text: 'The audit log is not what was signed. Tell security; run "healthsync audit verify" and change nothing.',
};
/** Ends when somebody says that they know of it: nothing can mend it. */
const HELD_ALTERED: Alarm = {
  id: 'audit.held-altered',
  rule: 'audit.held-altered',
  priority: 'high',
  text: 'Entries that waited for the audit log were altered or removed on this machine. Tell security.',
};
const UNWRITABLE: Alarm = {
  id: 'audit.unwritable',
  rule: 'audit.unwritable',
  priority: 'high',
  text: 'The audit log cannot be written: records do not open. See to the database and its disk.',
};
const UNVERIFIED: Alarm = {
  id: 'audit.unverified',
  rule: 'audit.unverified',
  priority: 'high',
  text: 'The audit log cannot be verified. Run "healthsync audit verify".',
};
const notKept = (id: string, name: string): Alarm => ({
  id,
  rule: 'audit.anchor',
  priority: 'medium',
  text: `Tree heads of the audit log are no longer kept outside ("${name}"). See to that place.`,
});
const notSent = (id: string, name: string): Alarm => ({
  id,
  rule: 'audit.siem',
  priority: 'medium',
  text: `The audit log no longer reaches the security system ("${name}"). See to that system.`,
});
