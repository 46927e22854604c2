import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AlarmId } from '../../domain/ids.ts';
import { defaultPolicy } from '../../domain/message-policy.ts';
import { contactsContract } from '../../ports/contacts.contract.ts';
import { topicSubscriptionsContract } from '../../ports/topic-subscriptions.contract.ts';
import { PostgresAccounts } from './accounts.ts';
import { PostgresAnswerTokens } from './answer-tokens.ts';
import { PostgresChannelPolicies } from './channel-policies.ts';
import { PostgresContacts } from './contacts.ts';
import { PostgresSystemAlarms } from './system-alarms.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from './test-database.ts';
import { PostgresTopicSubscriptions } from './topic-subscriptions.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});

contactsContract('PostgreSQL', async () => {
  await emptyDatabase(database);
  return { contacts: new PostgresContacts(database), accounts: new PostgresAccounts(database) };
});
topicSubscriptionsContract('PostgreSQL', async () => {
  await emptyDatabase(database);
  return { topics: new PostgresTopicSubscriptions(database), accounts: new PostgresAccounts(database) };
});

const T = Date.UTC(2026, 10, 22, 1, 2, 3);

describe('policies of channels', () => {
  let policies: PostgresChannelPolicies;
  beforeEach(async () => {
    await emptyDatabase(database);
    policies = new PostgresChannelPolicies(database);
  });
  const put = (after: number, over: { level?: 'minimal' | 'standard'; reason?: string } = {}) =>
    policies.put({
      channel: 'smtp',
      after,
      policy: { ...defaultPolicy('smtp'), level: over.level ?? 'standard' },
      by: 'Ola (ola)',
      reason: over.reason ?? 'the ward asked for it',
      atMs: T,
    });

  it('are kept in every version, with who and why', async () => {
    expect(await policies.current()).toEqual(new Map());
    expect(await put(0)).toBe('kept');
    expect(await put(1, { level: 'minimal', reason: 'back again' })).toBe('kept');
    const [latest, first] = await policies.history('smtp');
    expect(latest).toEqual({
      version: 2,
      policy: defaultPolicy('smtp'),
      by: 'Ola (ola)',
      reason: 'back again',
      atMs: T,
    });
    expect(first).toMatchObject({ version: 1, policy: { level: 'standard' } });
    expect(await policies.current()).toEqual(new Map([['smtp', latest]]));
    expect(await policies.history('sms')).toEqual([]);
  });
  it('are not changed by somebody who has not seen the latest, nor by two at once', async () => {
    expect((await Promise.all([put(0), put(0), put(0)])).sort()).toEqual([
      'changed-meanwhile',
      'changed-meanwhile',
      'kept',
    ]);
    expect(await put(0)).toBe('changed-meanwhile');
    expect(await put(7)).toBe('changed-meanwhile');
    expect(await policies.history('smtp')).toHaveLength(1);
  });
});

describe('tokens of answers', () => {
  it('are found by their hash until they are trimmed', async () => {
    const tokens = new PostgresAnswerTokens(database);
    const token = { alarmId: 'A-1' as AlarmId, channel: 'slack', recipient: 'U1', expiresAtMs: T };
    await tokens.put({ sha256: 'aa', ...token });
    expect(await tokens.find('aa')).toEqual(token);
    expect(await tokens.find('bb')).toBeUndefined();
    await tokens.trim(T);
    expect(await tokens.find('aa')).toEqual(token);
    await tokens.trim(T + 1);
    expect(await tokens.find('aa')).toBeUndefined();
  });
});

describe('alarms of the installation', () => {
  let alarms: PostgresSystemAlarms;
  beforeEach(async () => {
    await emptyDatabase(database);
    alarms = new PostgresSystemAlarms(database);
  });
  const alarm = {
    id: 'channel.sms.failing',
    rule: 'channel.failing',
    priority: 'medium',
    text: 'x',
    state: 'active',
    raisedAtMs: T,
  } as const;

  it('are one row per raising, brought up to date', async () => {
    await alarms.put(alarm);
    await alarms.put({ ...alarm, priority: 'high', acknowledgedAtMs: T + 5, acknowledgedBy: 'Ola' });
    expect(await alarms.list({ limit: 10 })).toEqual([
      { ...alarm, priority: 'high', acknowledgedAtMs: T + 5, acknowledgedBy: 'Ola' },
    ]);
    await alarms.put({ ...alarm, state: 'cleared', clearedAtMs: T + 9 });
    await alarms.put({ ...alarm, raisedAtMs: T + 20 });
    expect((await alarms.list({ limit: 10 })).map(({ state }) => state)).toEqual(['active', 'cleared']);
    expect(await alarms.list({ open: true, limit: 10 })).toEqual([{ ...alarm, raisedAtMs: T + 20 }]);
    expect(await alarms.list({ open: false, limit: 10 })).toHaveLength(1);
  });
  it('are raised once by two processes that notice the same', async () => {
    await alarms.put(alarm);
    await alarms.put({ ...alarm, raisedAtMs: T + 1 });
    expect(await alarms.list({ limit: 10 })).toEqual([alarm]);
  });
});
