import { keyOf, roleKeyOf, watchEntry } from '../domain/anomaly.ts';
import { NEW_PERSON, NEW_ROLE, type PersonMemory, type RoleMemory } from '../domain/anomaly-memory.ts';
import type { RecordedEntry } from '../domain/audit-entry.ts';
import type { SecurityAlert, SecurityFinding } from '../domain/security-alert.ts';
import { type Repeating, repeat } from '../pacing/repeating.ts';
import type { AuditStore } from '../ports/audit-store.ts';
import type { SecurityAlerts } from '../ports/security-alerts.ts';
import type { WatchFactsSource } from './watch-facts.ts';

/** A few megabytes of entries, and what one transaction writes of people. */
const ENTRIES_AT_ONCE = 1_000;
/** An alert within two seconds of what it is about: nobody waits for it, and everybody's nights are quieter. */
const EVERY_MS = 2_000;
/** People held in memory between rounds: a large house's shift; some kilobytes each. */
const HELD_MAX = 5_000;
/** What was done before watching began is learned from, so that habits are known from the first day on. */
const LEARNS_FROM_MS = 30 * 86_400_000;
/** And told of no further back: what is older nobody waits for. */
const TELLS_FROM_MS = 86_400_000;

/** What a stranger did counts for hours; after a day nothing of it does. */
const STRANGERS_MS = 2 * 86_400_000;
const FORGET_EVERY_MS = 3_600_000;

export interface AccessWatch extends Repeating {
  /** How it fares. */
  state(): {
    readonly failing: boolean;
    readonly position: number;
    readonly lookedUntilMs?: number;
  };
}

/**
 * Follows the audit log and scores what people do in it, every entry once and in order. How far it has come, what it
 * remembers and what it found are stored together: after a crash it goes on from there and finds the same again.
 */
export function startAccessWatch(parts: {
  readonly store: Pick<AuditStore, 'search' | 'positionAt'>;
  readonly alerts: Pick<SecurityAlerts, 'progress' | 'memories' | 'advance' | 'forget'>;
  readonly facts: WatchFactsSource;
  readonly now: () => number;
  readonly onRaised: (alerts: readonly SecurityAlert[]) => void;
  readonly onError: (error: unknown) => void;
  readonly hooks?: { looked?(entries: number): void };
  readonly everyMs?: number;
}): AccessWatch {
  const { store, alerts, facts, now, onRaised, onError, hooks } = parts;
  const held = new Map<string, unknown>();
  let progress: { position: number; tellsFromMs: number; lookedUntilMs?: number } | undefined;
  let isFailing = false;
  let forgotAtMs = now();

  async function round(): Promise<void> {
    await facts.refresh();
    while (await step());
    isFailing = false;
    if (now() - forgotAtMs < FORGET_EVERY_MS) return;
    forgotAtMs = now();
    await alerts.forget(now() - STRANGERS_MS);
  }

  /** Whether there may be more. */
  async function step(): Promise<boolean> {
    progress ??= (await alerts.progress()) ?? (await begin());
    const { position, tellsFromMs } = progress;
    const entries = await store.search({ after: position - 1, limit: ENTRIES_AT_ONCE });
    const last = entries.at(-1);
    if (last === undefined) return false;
    await recall(entries);
    const { findings, changed } = look(entries, tellsFromMs);
    const to = last.position + 1;
    const outcome = await alerts.advance({
      from: position,
      to,
      atMs: now(),
      lookedUntilMs: last.recordedAtMs,
      tellsFromMs,
      findings,
      memories: changed,
    });
    if (outcome.kind === 'moved') {
      // Another process watches as well: what it knows counts.
      held.clear();
      progress = undefined;
      return true;
    }
    for (const [key, memory] of changed) hold(key, memory);
    progress = { position: to, tellsFromMs, lookedUntilMs: last.recordedAtMs };
    hooks?.looked?.(entries.length);
    if (outcome.raised.length > 0) onRaised(outcome.raised);
    return entries.length === ENTRIES_AT_ONCE;
  }

  async function begin() {
    const nowMs = now();
    return { position: await store.positionAt(nowMs - LEARNS_FROM_MS), tellsFromMs: nowMs - TELLS_FROM_MS };
  }

  /** Of the people in these entries, what is not in memory. */
  async function recall(entries: readonly RecordedEntry[]): Promise<void> {
    const keys = new Set(entries.flatMap((entry) => keysOf(entry)));
    const missing = [...keys].filter((key) => !held.has(key));
    if (missing.length === 0) return;
    const found = await alerts.memories(missing);
    for (const key of missing) hold(key, found.get(key));
  }

  function look(entries: readonly RecordedEntry[], tellsFromMs: number) {
    const changed = new Map<string, unknown>();
    const memoryOf = (key: string): unknown => changed.get(key) ?? held.get(key);
    const findings = new Map<string, SecurityFinding>();
    for (const entry of entries) {
      const key = keyOf(entry);
      if (key === undefined) continue;
      const known = facts.factsOf(entry);
      const roleKey = roleKeyOf(entry, known.roles);
      const seen = watchEntry(entry, {
        facts: known,
        person: (memoryOf(key) as PersonMemory | undefined) ?? NEW_PERSON,
        role: roleKey === undefined ? undefined : ((memoryOf(roleKey) as RoleMemory | undefined) ?? NEW_ROLE),
      });
      changed.set(key, seen.person);
      if (roleKey !== undefined) changed.set(roleKey, seen.role);
      if (entry.atMs >= tellsFromMs) for (const finding of seen.findings) findings.set(finding.id, finding);
    }
    return { findings: [...findings.values()], changed };
  }

  function keysOf(entry: RecordedEntry): readonly string[] {
    const key = keyOf(entry);
    if (key === undefined) return [];
    const roleKey = roleKeyOf(entry, facts.factsOf(entry).roles);
    return roleKey === undefined ? [key] : [key, roleKey];
  }

  function hold(key: string, memory: unknown): void {
    held.delete(key);
    held.set(key, memory);
    if (held.size > HELD_MAX) held.delete(held.keys().next().value as string);
  }

  const { everyMs = EVERY_MS } = parts;
  const rounds = repeat(round, {
    everyMs,
    asideMs: everyMs / 3,
    onError(error) {
      isFailing = true;
      onError(error);
    },
  });
  return {
    ...rounds,
    state: () => ({
      failing: isFailing,
      position: progress?.position ?? 0,
      ...(progress?.lookedUntilMs !== undefined && { lookedUntilMs: progress.lookedUntilMs }),
    }),
  };
}
