import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openAuditWriter } from '../../audit/audit-writer.ts';
import { newTreeHeadKey } from '../../audit/tree-head-key.ts';
import { ESCALATION_ACTOR } from '../../domain/escalation-round.ts';
import type { AlarmId, UserId } from '../../domain/ids.ts';
import { auditAlarmChanges } from './audit-pending.ts';
import { PostgresAuditStore } from './audit-store.ts';
import { alarmChangeOf } from './test-alarm-change.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from './test-database.ts';
import { inTransaction } from './transaction.ts';

const AT = Date.UTC(2026, 10, 22, 3);

let database: TestDatabase;
let store: PostgresAuditStore;
beforeAll(async () => {
  database = await openTestDatabase();
});
beforeEach(async () => {
  await emptyDatabase(database);
  store = new PostgresAuditStore(database);
});

async function settled() {
  const key = newTreeHeadKey();
  const writer = await openAuditWriter({ store, key, now: () => AT + 5_000, originIfNew: 'healthsync-audit/test' });
  await writer.settle();
  return (await store.search({ limit: 9 })).toReversed();
}

describe('what other transactions leave for the audit log', () => {
  it('is who did what to an alarm of whom, without what was measured', async () => {
    const raised = alarmChangeOf('a1' as AlarmId, AT);
    const taken = { ...raised, kind: 'acknowledged' as const, by: 'nora', byId: 'u1' as UserId };
    await inTransaction(database.pool, (client) =>
      auditAlarmChanges(client, [raised, taken, { ...raised, kind: 'unchanged' }]),
    );
    const entries = await settled();
    expect(entries).toMatchObject([
      {
        action: 'alarm.raised',
        actor: { kind: 'system' },
        patientId: 'P-a1',
        resource: { kind: 'alarm', id: 'a1' },
        atMs: AT,
      },
      { action: 'alarm.acknowledged', actor: { kind: 'person', name: 'nora', userId: 'u1' }, detail: { wards: 'W3' } },
    ]);
    expect(entries).toHaveLength(2);
    expect(JSON.stringify(entries)).not.toContain(raised.alarm.rule);
  });

  it('is no person’s doing when the escalation did it, unless somebody bears that name', async () => {
    const raised = alarmChangeOf('a1' as AlarmId, AT);
    const escalated = { ...raised, kind: 'escalated' as const, by: ESCALATION_ACTOR };
    await inTransaction(database.pool, (client) =>
      auditAlarmChanges(client, [escalated, { ...escalated, byId: 'u1' as UserId }]),
    );
    const actors = (await settled()).map(({ actor }) => actor);
    expect(actors).toEqual([
      { kind: 'system', name: 'escalation' },
      { kind: 'person', name: ESCALATION_ACTOR, userId: 'u1' },
    ]);
  });

  it('was never there when its change was taken back', async () => {
    const changed = inTransaction(database.pool, async (client) => {
      await auditAlarmChanges(client, [alarmChangeOf('a1' as AlarmId, AT)]);
      throw new Error('taken back');
    });
    await expect(changed).rejects.toThrow('taken back');
    expect(await settled()).toEqual([]);
  });

  it('is every message that went out or could not, by which channel and to whom', async () => {
    await database.pool.query(
      `insert into delivery (id, alarm_id, event, channel, recipient, user_id, next_at, updated_at)
       values ('d1', 'a1', 'raised', 'smtp', 'nora@example.org', 'u1', now(), $1), ('d2', 'a1', 'raised', 'sms', '+1', null, now(), $1)`,
      [new Date(AT)],
    );
    await database.pool.query(`update delivery set attempts = 1`);
    await database.pool.query(`update delivery set state = case id when 'd1' then 'delivered' else 'failed' end`);
    await database.pool.query(`update delivery set receipt = 'r' where id = 'd1'`);
    const entries = await settled();
    expect(entries).toMatchObject([
      {
        action: 'message.send',
        resource: { kind: 'channel', id: 'smtp' },
        outcome: 'allowed',
        detail: { user: 'u1', event: 'raised' },
      },
      { action: 'message.send', resource: { kind: 'channel', id: 'sms' }, outcome: 'failed', correlationId: 'a1' },
    ]);
    expect(entries).toHaveLength(2);
    expect(JSON.stringify(entries)).not.toContain('example.org');
  });
});
