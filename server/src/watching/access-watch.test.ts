import { describe, expect, it } from 'vitest';
import type { RecordedEntry } from '../domain/audit-entry.ts';
import type { TenantId } from '../domain/ids.ts';
import type { SecurityFinding } from '../domain/security-alert.ts';
import { entryOf, factsAt, MONDAY } from '../domain/test-entries.ts';
import type { SecurityAlerts } from '../ports/security-alerts.ts';
import { startAccessWatch } from './access-watch.ts';

/** What is kept, in memory: a step is all of it or nothing. */
function keeping() {
  let position: number | undefined;
  let tellsFromMs = 0;
  const memories = new Map<string, string>();
  const findings = new Map<string, SecurityFinding>();
  let failing = 0;
  const alerts: Pick<SecurityAlerts, 'progress' | 'memories' | 'advance' | 'forget'> = {
    forget: async () => 0,
    progress: async () => (position === undefined ? undefined : { position, atMs: 0, tellsFromMs }),
    memories: async (keys) =>
      new Map(keys.flatMap((key) => (memories.has(key) ? [[key, JSON.parse(memories.get(key) ?? '')]] : []))),
    async advance(step) {
      if (failing > 0) {
        failing--;
        throw new Error('away');
      }
      if (position !== undefined && step.from !== position) return { kind: 'moved' };
      position = step.to;
      tellsFromMs = step.tellsFromMs;
      for (const [key, memory] of step.memories) memories.set(key, JSON.stringify(memory));
      for (const finding of step.findings) findings.set(finding.id, finding);
      return { kind: 'advanced', raised: [] };
    },
  };
  return { alerts, findings, at: () => position, fail: (times: number) => (failing = times) };
}

const NOW = MONDAY + 10 * 3_600_000;
/** The fourth emergency of a day is told of. */
const emergencies = (many: number, from = 0): RecordedEntry[] =>
  Array.from({ length: many }, (_, i) =>
    entryOf(from + i, {
      atMs: NOW - 60_000 + (from + i) * 1_000,
      action: 'break-glass.use',
      patientId: `P${from + i}`,
      tenantId: 'default' as TenantId,
    }),
  );

function watching(kept: ReturnType<typeof keeping>, log: readonly RecordedEntry[]) {
  const watch = startAccessWatch({
    store: {
      search: async ({ after = -1, limit }) => log.filter(({ position }) => position > after).slice(0, limit),
      positionAt: async (atMs) => log.findIndex(({ recordedAtMs }) => recordedAtMs >= atMs),
    },
    alerts: kept.alerts,
    facts: { factsOf: ({ atMs }) => factsAt(atMs), refresh: async () => undefined, stale: () => undefined },
    now: () => NOW,
    onRaised: () => undefined,
    onError: () => undefined,
    everyMs: 1,
  });
  return {
    ...watch,
    until: async (position: number) => {
      while (kept.at() !== position) await new Promise((resolve) => setTimeout(resolve, 1));
      await watch.stop();
    },
  };
}

describe('the watch over the audit log', () => {
  it('looks at every entry once, in order, over thousands', async () => {
    const kept = keeping();
    await watching(kept, emergencies(2_500)).until(2_500);
    const found = [...kept.findings.values()].filter(({ kind }) => kind === 'break-glass-rate');
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ kind: 'break-glass-rate', count: 2_497 });
  });

  it('goes on where it was with what it remembers, whoever goes on: the same as if it had never stopped', async () => {
    const [whole, parts] = [keeping(), keeping()];
    const log = emergencies(12);
    await watching(whole, log).until(12);
    for (const upTo of [2, 3, 7, 12]) await watching(parts, log.slice(0, upTo)).until(upTo);
    expect([...parts.findings.values()]).toEqual([...whole.findings.values()]);
  });

  it('that could not store a step takes it again, and tells nothing twice', async () => {
    const kept = keeping();
    kept.fail(3);
    await watching(kept, emergencies(6)).until(6);
    expect([...kept.findings.values()]).toMatchObject([{ count: 3 }]);
  });

  it('learns from what was done before it began, and tells of the last day only', async () => {
    const kept = keeping();
    const old = emergencies(6).map((entry) => ({
      ...entry,
      atMs: entry.atMs - 3 * 86_400_000,
      recordedAtMs: entry.recordedAtMs - 3 * 86_400_000,
    }));
    await watching(kept, old).until(6);
    expect(kept.findings.size).toBe(0);
  });
});
