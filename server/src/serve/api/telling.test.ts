import { ChannelList, ChannelPolicyHistory, ChannelTestResult, MessageSamples } from '@healthsync/contracts/channel';
import { ContactList } from '@healthsync/contracts/contact';
import { SystemAlarmList } from '@healthsync/contracts/system-alarm';
import { TopicSubscriptionList } from '@healthsync/contracts/topic';
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PostgresAccounts } from '../../adapters/postgres/accounts.ts';
import { PostgresChannelPolicies } from '../../adapters/postgres/channel-policies.ts';
import { PostgresContacts } from '../../adapters/postgres/contacts.ts';
import { PostgresOutbox } from '../../adapters/postgres/outbox.ts';
import { PostgresSystemAlarms } from '../../adapters/postgres/system-alarms.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from '../../adapters/postgres/test-database.ts';
import { PostgresTopicSubscriptions } from '../../adapters/postgres/topic-subscriptions.ts';
import type { Role } from '../../domain/access.ts';
import { defaultPolicy } from '../../domain/message-policy.ts';
import { parseTopic, type Topic } from '../../domain/topic.ts';
import type { DeliveryOutcome, Notification, Notifier } from '../../ports/notifier.ts';
import { createChannelTest } from '../../vitals/5-notify/channel-test.ts';
import { createChannelWatch } from '../../vitals/5-notify/channel-watch.ts';
import { createContactVerification } from '../../vitals/5-notify/contact-verification.ts';
import { openSystemAlarmDesk, type SystemAlarmDesk } from '../../vitals/5-notify/system-alarm-desk.ts';
import { startTestServer, type TestServer } from '../test-server.ts';
import { registerTelling } from './telling.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});

let server: TestServer;
let systemAlarms: SystemAlarmDesk;
let sent: { readonly channel: string; readonly message: Notification }[];
let outcome: DeliveryOutcome;
beforeEach(async () => {
  await emptyDatabase(database);
  sent = [];
  outcome = { kind: 'delivered', receipt: 'id 7' };
  const now = Date.now;
  const notifier = (channel: string, type: Notifier['type']): Notifier => ({
    channel,
    type,
    async send(message) {
      sent.push({ channel, message });
      return outcome;
    },
  });
  const notifiers = [
    notifier('smtp', 'smtp'),
    notifier('sms', 'sms'),
    notifier('webhook', 'webhook'),
    notifier('web-push', 'web-push'),
  ];
  const contacts = new PostgresContacts(database);
  const accounts = new PostgresAccounts(database);
  systemAlarms = await openSystemAlarmDesk({ store: new PostgresSystemAlarms(database), now });
  const watch = createChannelWatch({ channels: notifiers.map(({ channel }) => channel), systemAlarms, now });
  server = await startTestServer({
    server: {
      plugins: [
        (app) =>
          registerTelling(app, {
            notifiers,
            contacts,
            verification: createContactVerification({
              contacts,
              notifiers,
              randomCode: () => '123456',
              newId: () => 'i',
              now,
            }),
            topics: new PostgresTopicSubscriptions(database),
            house: {
              subscriptions: [
                {
                  id: 'settings.smtp.alarms.ward@x',
                  topic: parseTopic('alarms') as Topic,
                  subscriber: { kind: 'endpoint', channel: 'smtp', recipient: 'ward@x' },
                  minPriority: 'medium',
                },
              ],
              endpoints: new Map([['webhook', ['host#1']]]),
            },
            policies: new PostgresChannelPolicies(database),
            watch,
            traffic: () => new PostgresOutbox(database).traffic(),
            testChannel: createChannelTest({ watch, newId: () => 'i', now, monotonicMs: () => performance.now() }),
            systemAlarms,
            systemAlarmStore: new PostgresSystemAlarms(database),
            users: () => accounts.users(),
            now,
          }),
      ],
    },
  });
});
afterEach(async () => {
  await server.stop();
  await systemAlarms.stop();
});

/** A token of somebody who is also in the database. */
async function tokenOf(role: Role | readonly Role[], wardIds: readonly string[] = []) {
  const token = await server.token(role, wardIds);
  for (const user of await server.accounts.users()) await new PostgresAccounts(database).putUser(user);
  return token;
}
const call = async (method: string, path: string, token: string, body?: unknown, schema?: TSchema) => {
  const answer = await server.call(path, { method, token, ...(body === undefined ? {} : { body }) });
  if (schema !== undefined && answer.status === 200) {
    expect([...Value.Errors(schema, answer.body)], path).toEqual([]);
    expect(Value.Clean(schema, structuredClone(answer.body)), path).toEqual(answer.body);
  }
  return answer;
};
const errorsOf = (body: unknown) =>
  (body as { errors: { code: string; field: string }[] }).errors.map(({ code, field }) => [code, field]);

describe('my contacts', () => {
  const put = (token: string, contacts: unknown, version?: number) =>
    call('PUT', '/api/me/contacts', token, { contacts, ...(version !== undefined && { version }) }, ContactList);

  it('are added, proved by the code that was sent there, and stay proved', async () => {
    const token = await tokenOf('nurse');
    const added = await put(token, [{ channel: 'sms', address: '+49 30 123 4567', minPriority: 'high' }]);
    expect(added.body).toMatchObject({
      contacts: [{ channel: 'sms', channelType: 'sms', address: '+49301234567', verified: false, minPriority: 'high' }],
      channels: [
        { name: 'smtp', verification: 'code' },
        { name: 'sms' },
        { name: 'web-push', verification: 'channel' },
      ],
    });
    const contact = { channel: 'sms', address: '+49301234567' };
    expect((await call('POST', '/api/me/contacts/send-code', token, contact)).status).toBe(204);
    expect(sent).toMatchObject([{ channel: 'sms', message: { recipient: '+49301234567', event: 'verification' } }]);
    expect((await call('POST', '/api/me/contacts/confirm', token, { ...contact, code: '000000' })).body).toMatchObject({
      code: 'wrong-code',
    });
    const confirmed = await call(
      'POST',
      '/api/me/contacts/confirm',
      token,
      { ...contact, code: '123456' },
      ContactList,
    );
    expect(confirmed.body).toMatchObject({ contacts: [{ verified: true, verifiedBy: 'code' }] });
    expect((await put(token, [contact, { channel: 'smtp', address: 'me@x.example' }], 1)).body).toMatchObject({
      version: 2,
      contacts: [{ verified: true }, { verified: false }],
    });
    expect([(await put(token, [])).status, (await put(token, [], 1)).status]).toEqual([428, 412]);
    expect((await put(token, [], 2)).body).toMatchObject({ contacts: [] });
  });
  it('are refused with every fault at once', async () => {
    const { status, body } = await put(await tokenOf('nurse'), [
      { channel: 'sms', address: '030' },
      { channel: 'fax', address: '+4930123456' },
      { channel: 'webhook', address: 'host#1' },
      { channel: 'smtp', address: 'a@x.example' },
      { channel: 'smtp', address: 'A@x.example' },
    ]);
    expect(status).toBe(400);
    expect(errorsOf(body)).toEqual([
      ['invalid-value', 'contacts.0.address'],
      ['unknown-channel', 'contacts.1.channel'],
      ['unknown-channel', 'contacts.2.channel'],
      ['duplicate', 'contacts.4'],
    ]);
  });
  it('cannot be vouched for by oneself; an administrator can, once per address', async () => {
    const [nurse, admin] = [await tokenOf('nurse'), await tokenOf('admin')];
    const contacts = [{ channel: 'smtp', address: 'a@x.example', vouched: true }];
    expect((await put(nurse, contacts)).status).toBe(403);
    const [first, second] = await new PostgresAccounts(database).users();
    const of = (id: string | undefined, token: string) =>
      call('PUT', `/api/users/${id}/contacts`, token, { contacts }, ContactList);
    expect((await of(first?.id, nurse)).status).toBe(403);
    expect((await of(first?.id, admin)).body).toMatchObject({ contacts: [{ verified: true, verifiedBy: 'admin' }] });
    expect(errorsOf((await of(second?.id, admin)).body)).toEqual([['taken', 'contacts.0']]);
    expect((await of('nobody', admin)).status).toBe(404);
  });
  it('a browser is its own proof', async () => {
    const { body } = await put(await tokenOf('nurse'), [{ channel: 'web-push', address: 'this-browser' }]);
    expect(body).toMatchObject({ contacts: [{ channel: 'web-push', verified: true, verifiedBy: 'channel' }] });
  });
});

describe('topics', () => {
  it('I subscribe to are mine, in my wards, and replaced as a whole', async () => {
    const token = await tokenOf('nurse', ['W1']);
    const put = (subscriptions: unknown, version = 0) =>
      call('PUT', '/api/me/topics', token, { subscriptions, version }, TopicSubscriptionList);
    expect((await put([{ topic: 'alarms.high.W1' }, { topic: 'system', minPriority: 'high' }])).status).toBe(200);
    expect((await put([{ topic: 'system' }])).status).toBe(412);
    expect((await put([{ topic: 'alarms.*.W1', events: ['raised', 'reminder'] }], 1)).status).toBe(200);
    expect((await call('GET', '/api/me/topics', token, undefined, TopicSubscriptionList)).body).toMatchObject({
      subscriptions: [{ topic: 'alarms.*.W1', events: ['raised', 'reminder'], source: 'app' }],
    });
    expect(errorsOf((await put([{ topic: 'alarms.high.W2' }])).body)).toEqual([
      ['other-ward', 'subscriptions.0.topic'],
    ]);
    expect((await put([{ topic: 'alarms.urgent' }])).status).toBe(400);
  });
  it('of patients are not for those who may not hear of patients', async () => {
    const token = await tokenOf('operator');
    const put = (topic: string) => call('PUT', '/api/me/topics', token, { subscriptions: [{ topic }] });
    expect(errorsOf((await put('alarms')).body)).toEqual([['role-needed', 'subscriptions.0.topic']]);
    expect((await put('system')).status).toBe(200);
  });
  it('are not for a screen on the corridor: who passes by takes nothing away from it', async () => {
    const kiosk = await tokenOf('kiosk');
    const asked = [
      ['PUT', '/api/me/topics', { subscriptions: [{ topic: 'alarms' }] }],
      ['PUT', '/api/me/contacts', { contacts: [] }],
      ['POST', '/api/me/contacts/send-code', { channel: 'smtp', address: 'a@x.example' }],
    ] as const;
    for (const [method, path, body] of asked)
      expect((await call(method, path, kiosk, body)).body, path).toMatchObject({ status: 403, code: 'role-needed' });
  });
  it('go to one address each, written as its channel writes it', async () => {
    const operator = await tokenOf('operator');
    const post = (recipient: string) =>
      call('POST', '/api/topics/subscriptions', operator, {
        topic: 'alarms.low',
        subscriber: { kind: 'endpoint', channel: 'smtp', recipient },
      });
    for (const wrong of ['a@x.example,b@x.example', 'nobody', '<a@x.example>'])
      expect(errorsOf((await post(wrong)).body)).toEqual([['invalid-value', 'subscriber.recipient']]);
    const made = await post('Ward@X.example');
    expect(made.body).toMatchObject({ subscriber: { recipient: 'ward@x.example' } });
    const { id } = made.body as { id: string };
    expect((await call('DELETE', `/api/topics/subscriptions/${id}`, operator)).status).toBe(204);
  });
  it('are subscribed to for endpoints by operators, who see all of them', async () => {
    const [operator, nurse] = [await tokenOf('operator'), await tokenOf('nurse')];
    const post = (subscriber: unknown, token = operator, topic = 'alarms.high') =>
      call('POST', '/api/topics/subscriptions', token, { topic, subscriber });
    const made = await post({ kind: 'endpoint', channel: 'webhook', recipient: 'host#1' });
    expect(made.status).toBe(200);
    expect((await post({ kind: 'endpoint', channel: 'webhook', recipient: 'host#1' }, nurse)).status).toBe(403);
    expect(errorsOf((await post({ kind: 'endpoint', channel: 'webhook', recipient: 'elsewhere' })).body)).toEqual([
      ['unknown-endpoint', 'subscriber.recipient'],
    ]);
    expect(errorsOf((await post({ kind: 'endpoint', channel: 'fax', recipient: 'x' })).body)).toEqual([
      ['unknown-channel', 'subscriber.channel'],
    ]);
    expect(errorsOf((await post({ kind: 'user', userId: 'nobody' })).body)).toEqual([
      ['unknown-user', 'subscriber.userId'],
    ]);
    expect(
      (await post({ kind: 'endpoint', channel: 'webhook', recipient: 'host#1' }, operator, 'system.high.W1')).status,
    ).toBe(400);
    const all = await call('GET', '/api/topics', operator, undefined, TopicSubscriptionList);
    expect(all.body).toMatchObject({
      subscriptions: [
        { source: 'settings', topic: 'alarms' },
        { source: 'app', topic: 'alarms.high' },
      ],
    });
    const { id } = made.body as { id: string };
    expect((await call('DELETE', `/api/topics/subscriptions/${id}`, operator)).status).toBe(204);
    expect((await call('DELETE', `/api/topics/subscriptions/${id}`, operator)).status).toBe(404);
  });
});

describe('channels', () => {
  const { level: _, ...rest } = defaultPolicy('smtp');
  const policy = (over: object) => ({
    ...rest,
    level: 'standard',
    version: 0,
    reason: 'the ward asked for it',
    ...over,
  });
  const put = (token: string, over: object = {}, name = 'smtp') =>
    call('PUT', `/api/channels/${name}/policy`, token, policy(over), ChannelPolicyHistory);

  it('show their policy, their health and where a test can go, and no secret', async () => {
    const { body } = await call('GET', '/api/channels', await tokenOf('operator'), undefined, ChannelList);
    expect(body).toMatchObject({
      channels: [
        {
          name: 'smtp',
          policy: { level: 'minimal', version: 0 },
          health: { state: 'unused', waiting: 0 },
          endpoints: ['ward@x'],
          reachesPeople: true,
        },
        { name: 'sms' },
        { name: 'webhook', endpoints: ['host#1'], reachesPeople: false },
        { name: 'web-push' },
      ],
    });
    expect((await call('GET', '/api/channels', await tokenOf('nurse'))).status).toBe(403);
  });
  it('change their policy by version, with who and why', async () => {
    const token = await tokenOf('operator');
    expect((await put(token)).body).toMatchObject({
      versions: [{ version: 1, level: 'standard', reason: 'the ward asked for it' }],
    });
    expect((await put(token)).body).toMatchObject({ code: 'changed-meanwhile' });
    expect((await put(token, { version: 1, level: 'minimal' })).status).toBe(200);
    const { body } = await call('GET', '/api/channels/smtp/policy/history', token, undefined, ChannelPolicyHistory);
    expect(body).toMatchObject({
      versions: [
        { version: 2, level: 'minimal' },
        { version: 1, setBy: expect.stringMatching(/./) },
      ],
    });
    expect((await put(token, {}, 'fax')).status).toBe(404);
    expect((await put(await tokenOf('nurse'))).status).toBe(403);
  });
  it('say no names unless they are confidential, and are changed with a reason only', async () => {
    const token = await tokenOf(['operator', 'physician']);
    expect(errorsOf((await put(token, { level: 'rich' })).body)).toEqual([['not-confidential', 'level']]);
    expect((await put(token, { level: 'rich', confidential: true })).status).toBe(200);
    expect((await put(token, { reason: '' })).status).toBe(400);
  });
  it('are let say values and names only by those who may read them themselves', async () => {
    const refused = { status: 403, body: { code: 'role-needed' } };
    const operator = await tokenOf('operator');
    expect(await put(operator, { level: 'detailed' })).toMatchObject(refused);
    expect(await put(operator, { level: 'rich', confidential: true })).toMatchObject(refused);
    const ofOneWard = await tokenOf(['operator', 'physician'], ['W1']);
    // Channels are of all wards.
    expect(await put(ofOneWard, { level: 'detailed' })).toMatchObject({
      status: 403,
      body: { code: 'refused-by-policy' },
    });
    expect((await put(operator, { level: 'standard' })).status).toBe(200);
  });
  it('show what each level says', async () => {
    const { body } = await call('GET', '/api/channels/samples', await tokenOf('operator'), undefined, MessageSamples);
    const { samples } = body as MessageSamples;
    expect(samples.map(({ level, text }) => [level, text.includes('167'), text.includes('Mustermann')])).toEqual([
      ['minimal', false, false],
      ['standard', false, false],
      ['detailed', true, false],
      ['rich', true, true],
    ]);
  });
});

describe('a test message', () => {
  const test = (token: string, body: object = {}, channel = 'smtp') =>
    call('POST', `/api/channels/${channel}/test`, token, body, ChannelTestResult);

  it('goes to my own verified address, says that it is a test, and shows its receipt', async () => {
    const token = await tokenOf('nurse');
    expect((await test(token)).body).toMatchObject({ code: 'no-contact' });
    const [me] = await new PostgresAccounts(database).users();
    const contacts = [{ channel: 'smtp', address: 'me@x.example', vouched: true }];
    await call('PUT', `/api/users/${me?.id}/contacts`, await tokenOf('admin'), { contacts });
    expect((await test(token)).body).toMatchObject({ outcome: 'delivered', receipt: 'id 7' });
    expect(sent).toMatchObject([
      { message: { recipient: 'me@x.example', event: 'test', subject: 'HealthSync test: no alarm' } },
    ]);
  });
  it('goes to an endpoint of the house for those who run it, and to no other', async () => {
    const operator = await tokenOf('operator');
    expect((await test(operator, { endpoint: 'host#1' }, 'webhook')).body).toMatchObject({ outcome: 'delivered' });
    expect((await test(operator, { endpoint: 'stranger@x.example' })).status).toBe(404);
    expect((await test(await tokenOf('nurse'), { endpoint: 'ward@x' })).status).toBe(403);
  });
  it('shows why it did not go', async () => {
    outcome = { kind: 'permanent', reason: 'SMTP 550' };
    expect((await test(await tokenOf('operator'), { endpoint: 'ward@x' })).body).toMatchObject({
      outcome: 'permanent',
      reason: 'SMTP 550',
    });
  });
  it('is not sent without end', async () => {
    const token = await tokenOf('operator');
    for (let i = 0; i < 3; i++) expect((await test(token, { endpoint: 'ward@x' })).status).toBe(200);
    const refused = await test(token, { endpoint: 'ward@x' });
    expect([refused.status, Number(refused.headers['retry-after']) > 0]).toEqual([429, true]);
  });
});

describe('alarms of the installation', () => {
  it('are shown to everyone who signs in, taken by those who may, and listed when over', async () => {
    const [nurse, kiosk] = [await tokenOf('nurse'), await tokenOf('kiosk')];
    systemAlarms.raise({
      id: 'channel.sms.failing',
      rule: 'channel.failing',
      priority: 'medium',
      text: 'SMS does not work',
    });
    const list = async (token: string, state: string) =>
      (await call('GET', `/api/system-alarms?state=${state}`, token, undefined, SystemAlarmList))
        .body as SystemAlarmList;
    expect((await list(kiosk, 'active')).alarms).toMatchObject([{ id: 'channel.sms.failing', state: 'active' }]);
    const take = (token: string, id = 'channel.sms.failing') =>
      call('POST', `/api/system-alarms/${id}/acknowledge`, token);
    expect((await take(kiosk)).status).toBe(403);
    expect((await take(nurse)).body).toMatchObject({ acknowledgedBy: expect.stringMatching(/User/) });
    expect((await take(nurse, 'none')).status).toBe(404);
    systemAlarms.clear('channel.sms.failing');
    expect((await list(nurse, 'active')).alarms).toEqual([]);
    await expect.poll(async () => (await list(nurse, 'cleared')).alarms.length, { timeout: 10_000 }).toBe(1);
    expect((await server.call('/api/system-alarms')).status).toBe(401);
  });
});
