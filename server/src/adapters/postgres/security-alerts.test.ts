import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PatientId, TenantId, UserId } from '../../domain/ids.ts';
import type { SecurityFinding } from '../../domain/security-alert.ts';
import { PostgresAlarmEvents } from './alarm-events.ts';
import { PostgresSecurityAlerts } from './security-alerts.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from './test-database.ts';

let database: TestDatabase;
let alerts: PostgresSecurityAlerts;
beforeAll(async () => {
  database = await openTestDatabase();
  alerts = new PostgresSecurityAlerts(database);
});
beforeEach(() => emptyDatabase(database));

const NOW = Date.UTC(2026, 10, 22, 3);
const TENANT = 'default' as TenantId;
const NORA = 'u-nora' as UserId;
const SAM = { byId: 'u-sam' as UserId, by: 'sam', tenantId: TENANT };

const finding = (part: Partial<SecurityFinding> = {}): SecurityFinding => ({
  id: 'vip-17',
  tenantId: TENANT,
  kind: 'vip',
  score: 50,
  person: { name: 'nora', userId: NORA },
  patientId: 'P1' as PatientId,
  reasons: [{ code: 'vip', text: 'The patient is specially protected.' }],
  evidence: [17],
  count: 1,
  firstAtMs: NOW,
  lastAtMs: NOW,
  ...part,
});
const step = (from: number, to: number, findings: readonly SecurityFinding[] = []) => ({
  from,
  to,
  atMs: NOW,
  lookedUntilMs: NOW,
  tellsFromMs: 1,
  findings,
  memories: new Map<string, unknown>([['person:default:u-nora', { to }]]),
});
const changes = async () => {
  const events = new PostgresAlarmEvents(database);
  await events.sequence();
  return (await events.read({ after: 0, limit: 100 })).map(({ facts }) => ('about' in facts ? facts.change : '?'));
};
const closing = (verdict: 'justified' | 'violation', id = 'vip-17') =>
  alerts.close({ ...SAM, id, verdict, note: 'Asked her.', atMs: NOW + 9 });
const list = () => alerts.list({ tenantId: TENANT, limit: 50 });

describe('what watching found', () => {
  it('is stored with how far it came and what it remembers, or not at all', async () => {
    expect(await alerts.progress()).toBeUndefined();
    expect(await alerts.advance(step(5, 8, [finding()]))).toMatchObject({
      kind: 'advanced',
      raised: [{ id: 'vip-17' }],
    });
    expect(await alerts.progress()).toMatchObject({ position: 8, lookedUntilMs: NOW, tellsFromMs: 1 });
    expect(await alerts.memories(['person:default:u-nora', 'x'])).toEqual(
      new Map([['person:default:u-nora', { to: 8 }]]),
    );
    // Another process was first: nothing of this one is kept.
    expect(await alerts.advance(step(5, 9, [finding({ id: 'vip-18' })]))).toEqual({ kind: 'moved' });
    expect(await alerts.progress()).toMatchObject({ position: 8 });
    expect((await list()).map(({ id }) => id)).toEqual(['vip-17']);
  });

  it('is the same alert when it is found again, grown: told once more only when it got more serious', async () => {
    await alerts.advance(step(0, 1, [finding()]));
    const again = await alerts.advance(step(1, 2, [finding({ count: 2, evidence: [17, 20], lastAtMs: NOW + 5 })]));
    expect(again).toMatchObject({ raised: [] });
    const worse = await alerts.advance(step(2, 3, [finding({ count: 3, score: 80, lastAtMs: NOW + 6 })]));
    expect(worse).toMatchObject({ raised: [{ id: 'vip-17', severity: 'high', count: 3 }] });
    expect(await list()).toHaveLength(1);
    expect(await changes()).toEqual(['raised', 'worsened']);
  });

  it('forgets addresses that were not heard of since, and no person', async () => {
    const memories = new Map<string, unknown>([
      ['address:192.0.2.1', { seenMs: NOW - 9 }],
      ['address:192.0.2.2', { seenMs: NOW }],
      ['person:default:u-nora', { seenMs: 1 }],
    ]);
    await alerts.advance({ ...step(0, 1), memories });
    expect(await alerts.forget(NOW - 5)).toBe(1);
    expect([...(await alerts.memories([...memories.keys()])).keys()].sort()).toEqual([
      'address:192.0.2.2',
      'person:default:u-nora',
    ]);
  });

  it('waits to be told, once for how serious it is, and not where it is low', async () => {
    await alerts.raise(finding({ id: 'a-1', score: 20 }), NOW);
    await alerts.raise(finding({ id: 'b-1', score: 50 }), NOW);
    expect((await alerts.untold(10)).map(({ id }) => id)).toEqual(['b-1']);
    await alerts.markTold({ id: 'b-1', tenantId: TENANT, severity: 'medium' });
    expect(await alerts.untold(10)).toEqual([]);
    await alerts.raise(finding({ id: 'b-1', score: 90 }), NOW);
    expect((await alerts.untold(10)).map(({ severity }) => severity)).toEqual(['high']);
  });
});

describe('an alert', () => {
  it('is looked into, then closed once, and each is an event', async () => {
    await alerts.raise(finding(), NOW);
    expect(await alerts.counts(TENANT)).toEqual({ open: 1, lookedAt: 0 });
    expect(await alerts.look({ ...SAM, id: 'vip-17', atMs: NOW })).toMatchObject({
      state: 'looked-at',
      lookedAt: { by: 'sam' },
    });
    // A second one changes nothing.
    expect(await alerts.look({ ...SAM, by: 'pia', id: 'vip-17', atMs: NOW })).toMatchObject({
      lookedAt: { by: 'sam' },
    });
    expect(await closing('justified')).toMatchObject({
      kind: 'closed',
      alert: { closed: { verdict: 'justified', note: 'Asked her.' } },
    });
    expect(await closing('violation')).toMatchObject({ kind: 'already-closed' });
    expect(await closing('violation', 'vip-99')).toEqual({ kind: 'not-found' });
    expect(await alerts.counts(TENANT)).toEqual({ open: 0, lookedAt: 0 });
    expect(await changes()).toEqual(['raised', 'looked-at', 'closed']);
  });

  it('is not closed by whom it is about, by whatever program', async () => {
    await alerts.raise(finding(), NOW);
    expect(
      await alerts.close({ ...SAM, byId: NORA, id: 'vip-17', verdict: 'justified', note: 'x y z', atMs: NOW }),
    ).toEqual({ kind: 'own' });
    const own = `update security_alert set state = 'closed', verdict = 'justified', note = 'x', closed_by = 'nora',
      closed_by_id = person_id, closed_at = now()`;
    await expect(database.pool.query(own)).rejects.toMatchObject({ code: '23514' });
  });

  it('is neither rewritten nor deleted', async () => {
    await alerts.raise(finding(), NOW);
    await closing('violation');
    for (const change of [
      `update security_alert set verdict = 'justified'`,
      `update security_alert set person_id = 'u-other'`,
      'delete from security_alert',
    ])
      await expect(database.pool.query(change), change).rejects.toThrow('security alert');
  });

  it('that was justified takes what follows of the same quietly; after a violation it is a new one', async () => {
    await alerts.raise(finding(), NOW);
    await closing('justified');
    expect(await alerts.raise(finding({ count: 2, lastAtMs: NOW + 20 }), NOW)).toEqual([]);
    expect(await alerts.raise(finding({ count: 3, score: 95, lastAtMs: NOW + 21 }), NOW)).toMatchObject([
      { id: 'vip-17-again-1' },
    ]);
    await closing('violation', 'vip-17-again-1');
    expect(await alerts.raise(finding({ count: 4, score: 95, lastAtMs: NOW + 22 }), NOW)).toMatchObject([
      { id: 'vip-17-again-2' },
    ]);
    expect(await list()).toHaveLength(3);
  });

  it('is found by state, kind, severity and person, page by page, and only in its organisation', async () => {
    for (let i = 0; i < 5; i++) await alerts.raise(finding({ id: `vip-${i}`, lastAtMs: NOW + i }), NOW);
    await alerts.raise(finding({ id: 'own-record-9', kind: 'own-record', score: 90 }), NOW);
    await alerts.raise(finding({ id: 'vip-x', tenantId: 'other' as TenantId }), NOW);
    const first = await alerts.list({ tenantId: TENANT, kind: 'vip', limit: 3 });
    expect(first.map(({ id }) => id)).toEqual(['vip-4', 'vip-3', 'vip-2']);
    const last = first.at(-1);
    const after = { lastAtMs: last?.lastAtMs ?? 0, id: last?.id ?? '' };
    expect((await alerts.list({ tenantId: TENANT, kind: 'vip', limit: 3, after })).map(({ id }) => id)).toEqual([
      'vip-1',
      'vip-0',
    ]);
    expect((await alerts.list({ tenantId: TENANT, severity: 'high', limit: 9 })).map(({ id }) => id)).toEqual([
      'own-record-9',
    ]);
    expect(await alerts.list({ tenantId: TENANT, person: 'nobody', limit: 9 })).toEqual([]);
    expect(await alerts.list({ tenantId: TENANT, states: ['closed'], limit: 9 })).toEqual([]);
    expect(await alerts.find('vip-x', TENANT)).toBeUndefined();
  });
});
