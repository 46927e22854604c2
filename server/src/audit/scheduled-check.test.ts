import { describe, expect, it } from 'vitest';
import { MemoryAuditStore } from '../adapters/memory/memory-audit-store.ts';
import type { AuditEntry } from '../domain/audit-entry.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import { Failure } from '../ports/failure.ts';
import { type LogCheck, startScheduledCheck } from './scheduled-check.ts';

const HOUR_MS = 3_600_000;
const well = (from: number, size: number): LogCheck => ({
  from,
  size,
  findings: 0,
  kinds: [],
  headsChecked: 1,
});

/** A log of so many entries, looked at whenever the test says so. */
function schedule(first: { readonly atMs?: number } = {}) {
  const store = new MemoryAuditStore();
  const world = { nowMs: first.atMs ?? 0, size: 1_000, findings: 0, failure: undefined as Error | undefined };
  const asked: number[] = [];
  const written: AuditEntry[] = [];
  const failed: unknown[] = [];
  const told: unknown[] = [];
  const audit: AuditLog = {
    async append(entries) {
      written.push(...entries);
      return [];
    },
  };
  const check = startScheduledCheck({
    store,
    async check(from) {
      if (world.failure !== undefined) throw world.failure;
      asked.push(from);
      const { findings } = world;
      return { ...well(from, world.size), findings, kinds: findings > 0 ? ['changed'] : [] };
    },
    audit,
    wholeEveryMs: 24 * HOUR_MS,
    now: () => world.nowMs,
    onChecked: ({ findings }, found) => void told.push(typeof found === 'string' ? [found, findings] : findings),
    onFailed: (error) => void failed.push(error),
    firstAfterMs: 60_000,
  });
  const look = async (atMs: number) => {
    world.nowMs = atMs;
    check.wake();
    for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  return { store, world, asked, written, failed, told, check, look };
}

describe('the verification by the clock', () => {
  it('leaves a start alone, then looks at everything, at what is new every hour, and at everything again a day later', async () => {
    const { store, world, asked, written, check, look } = schedule();
    await look(30_000);
    expect(asked).toEqual([]);
    await look(60_000);
    world.size = 1_300;
    await look(30 * 60_000);
    await look(60_000 + HOUR_MS);
    expect(await store.lastCheck()).toEqual({ atMs: 60_000 + HOUR_MS, size: 1_300, findings: 0, wholeAtMs: 60_000 });
    await look(60_000 + 24 * HOUR_MS);
    await check.stop();
    expect(asked).toEqual([0, 1_000, 0]);
    expect(written.map(({ action, outcome }) => [action, outcome])).toEqual([
      ['audit.verify', 'allowed'],
      ['audit.verify', 'allowed'],
      ['audit.verify', 'allowed'],
    ]);
  });

  it('says that a log is well again only after all of it was looked at', async () => {
    const { store, world, asked, check, look } = schedule();
    world.findings = 2;
    await look(60_000);
    world.findings = 0;
    await look(60_000 + 3 * HOUR_MS);
    expect(await store.lastCheck()).toMatchObject({ findings: 2, atMs: 60_000 });
    await look(60_000 + 24 * HOUR_MS);
    expect(await store.lastCheck()).toMatchObject({ findings: 0 });
    await check.stop();
    expect(asked).toEqual([0, 0]);
  });

  it('tells of what a command found, once, also while it is not its own turn', async () => {
    const { store, told, check, look } = schedule();
    await look(60_000);
    await store.setLastCheck({ atMs: 70_000, size: 1_000, findings: 3, wholeAtMs: 70_000 });
    await look(80_000);
    await look(90_000);
    await check.stop();
    expect(told).toEqual([0, ['elsewhere', 3]]);
  });

  it('looks at everything at once when something does not add up, also if the first try fails', async () => {
    const { world, asked, failed, check, look } = schedule();
    world.failure = new Failure('database-unavailable', 'away', { retryable: true });
    check.checkNow();
    await look(1_000);
    world.failure = undefined;
    await look(2_000);
    await check.stop();
    expect(asked).toEqual([0]);
    expect(failed.length).toBeGreaterThan(0);
  });
});
