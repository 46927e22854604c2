import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createSmtpNotifier } from '../../adapters/notify/smtp.ts';
import { startMailServer } from '../../adapters/notify/test-mail-server.ts';
import { PostgresAccounts } from '../../adapters/postgres/accounts.ts';
import { PostgresAlarmStore } from '../../adapters/postgres/alarm-store.ts';
import { PostgresContacts } from '../../adapters/postgres/contacts.ts';
import { PostgresOutbox } from '../../adapters/postgres/outbox.ts';
import { PostgresSystemAlarms } from '../../adapters/postgres/system-alarms.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from '../../adapters/postgres/test-database.ts';
import { PostgresTopicSubscriptions } from '../../adapters/postgres/topic-subscriptions.ts';
import type { Alarm } from '../../domain/alarm.ts';
import type { AlarmId, DeviceId, PatientId, ReadingId, UserId } from '../../domain/ids.ts';
import { defaultPolicy } from '../../domain/message-policy.ts';
import { parseTopic, type Topic } from '../../domain/topic.ts';
import { testSeal } from '../../keys/test-identities.ts';
import type { Notifier } from '../../ports/notifier.ts';
import { createChannelWatch } from './channel-watch.ts';
import { reachableContacts } from './reachable-contacts.ts';
import { openSystemAlarmDesk } from './system-alarm-desk.ts';
import { createSystemTelling } from './tell-system-alarms.ts';
import { startTeller } from './teller.ts';

const NOOR = 'U-noor' as UserId;
let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

/** Alarms, subscriptions and outbox in PostgreSQL, mail to a real server with TLS and a password. */
async function openWorld(options: { readonly others?: readonly Notifier[] } = {}) {
  const mail = await startMailServer();
  undo.push(() => mail.close());
  const clock = { aheadMs: 0 };
  const now = () => Date.now() + clock.aheadMs;
  const pass = (ms: number) => {
    clock.aheadMs += ms;
    return true;
  };
  const alarms = new PostgresAlarmStore(database, { seal: testSeal() });
  const outbox = new PostgresOutbox(database);
  const topics = new PostgresTopicSubscriptions(database);
  const smtp = createSmtpNotifier(mail.settings);
  undo.push(() => smtp.close());
  const notifiers = [smtp, ...(options.others ?? [])];
  const contacts = reachableContacts(new PostgresContacts(database), notifiers);
  const subscribers = async () => ({ subscriptions: await topics.list(), people: await contacts.people([NOOR]) });
  const systemAlarms = await openSystemAlarmDesk({ store: new PostgresSystemAlarms(database), now });
  undo.push(() => systemAlarms.stop());
  const watch = createChannelWatch({ channels: notifiers.map(({ channel }) => channel), systemAlarms, now });
  const teller = startTeller({
    outbox,
    notifiers,
    subscribers,
    policies: async () => new Map([['smtp', defaultPolicy('smtp')]]),
    sources: { placeOf: () => ({ bed: 'W3-01' }), nameOf: async () => 'Ada Lovelace' },
    watch,
    now,
    monotonicMs: () => performance.now(),
    random: () => 0,
    settings: { pollMs: 20 },
  });
  undo.push(() => teller.stop());
  const tellSystem = createSystemTelling({
    outbox,
    subscribers,
    watch,
    now,
    onOrdered: teller.wake,
    onError: () => {},
  });
  systemAlarms.onChange((alarm, isNew) => void (isNew && tellSystem(alarm)));
  return {
    mail,
    pass,
    alarms,
    outbox,
    topics,
    contacts,
    systemAlarms,
    systemStore: new PostgresSystemAlarms(database),
  };
}

const subscribe = (
  topics: PostgresTopicSubscriptions,
  topic: string,
  recipient = 'ward@hospital.example',
  channel = 'smtp',
) =>
  topics.put({
    topic: parseTopic(topic) as Topic,
    subscriber: { kind: 'endpoint', channel, recipient },
    by: 'test',
    atMs: Date.now(),
  });

function raise(alarms: PostgresAlarmStore, n: number, priority: Alarm['priority'] = 'high') {
  return alarms.apply([
    {
      kind: 'began',
      patientId: `PATIENT-${n}` as PatientId,
      rule: 'heartRate.above.high',
      ruleVersion: 1,
      alarmKind: 'physiological',
      priority,
      cause: { vital: 'heartRate', value: 187, comparison: 'above', limit: 160, text: 'HR 187 > 160' },
      readingId: `r-${n}` as ReadingId,
      deviceId: 'D' as DeviceId,
      atMs: Date.now(),
      alarmId: `A-${n}` as AlarmId,
      position: { partition: 0, offset: n, step: 0 },
    },
  ]);
}

describe('from an alarm to a mailbox', () => {
  beforeEach(() => emptyDatabase(database));

  it('whoever subscribed is told, by endpoint and by verified contact, with a receipt, and others are not', async () => {
    const { mail, alarms, outbox, topics, contacts } = await openWorld();
    await new PostgresAccounts(database).putUser({
      id: NOOR,
      name: 'noor',
      displayName: 'Noor',
      roles: ['nurse'],
      wardIds: [],
    });
    for (const address of ['noor@hospital.example', 'unverified@hospital.example'])
      await contacts.put({ userId: NOOR, channel: 'smtp', address, atMs: Date.now() });
    await contacts.vouch({
      userId: NOOR,
      channel: 'smtp',
      address: 'noor@hospital.example',
      by: 'admin',
      atMs: Date.now(),
    });
    await subscribe(topics, 'alarms.high');
    await subscribe(topics, 'alarms.low', 'low@hospital.example');
    await topics.put({
      topic: parseTopic('alarms') as Topic,
      subscriber: { kind: 'user', userId: NOOR },
      by: 'noor',
      atMs: Date.now(),
    });
    await raise(alarms, 1);
    await expect
      .poll(async () => (await outbox.deliveries('A-1')).map(({ state }) => state), { timeout: 10_000 })
      .toEqual(['delivered', 'delivered']);
    expect(await outbox.deliveries('A-1')).toMatchObject([
      { recipient: 'ward@hospital.example', receipt: '250 queued as 42' },
      { recipient: 'noor@hospital.example', userId: NOOR, receipt: '250 queued as 42' },
    ]);
    expect(mail.mails).toHaveLength(2);
    for (const text of mail.mails) {
      expect(text).toContain('High alarm, bed W3-01');
      for (const secret of ['PATIENT', 'heart', 'Lovelace']) expect(text).not.toContain(secret);
      // As a word: an id may hold these digits.
      for (const value of ['187', '160']) expect(text).not.toMatch(new RegExp(`\\b${value}\\b`));
    }
  });

  it('a channel that fails rings in the house and by another; it delivers again, and is quiet', async () => {
    const pages: string[] = [];
    const pager: Notifier = {
      channel: 'pager',
      type: 'webhook',
      send: async ({ subject, text }) => {
        pages.push(`${subject}: ${text}`);
        return { kind: 'delivered' };
      },
    };
    const { mail, pass, alarms, outbox, topics, systemAlarms, systemStore } = await openWorld({ others: [pager] });
    await subscribe(topics, 'alarms.high');
    await subscribe(topics, 'alarms.medium', 'desk', 'pager');
    await subscribe(topics, 'system', 'desk', 'pager');
    await raise(alarms, 2, 'medium');
    await expect.poll(() => pages.length, { timeout: 10_000 }).toBe(1);
    mail.behave('busy');
    await raise(alarms, 1);
    // Its retries come sooner on a clock that runs ahead.
    await expect
      .poll(() => pass(1_000) && systemAlarms.open().map(({ id, priority }) => [id, priority]), {
        timeout: 20_000,
      })
      .toEqual([['channel.smtp.failing', 'medium']]);
    await expect.poll(() => pages.length, { timeout: 10_000 }).toBe(2);
    expect(pages[1]).toContain('Messages by smtp are not getting through (SMTP 451)');
    mail.behave('accept');
    await expect
      .poll(async () => pass(10_000) && (await outbox.deliveries('A-1'))[0]?.state, { timeout: 20_000 })
      .toBe('delivered');
    await expect.poll(() => systemAlarms.open(), { timeout: 10_000 }).toEqual([]);
    await expect
      .poll(async () => (await systemStore.list({ limit: 5 })).map(({ state }) => state), { timeout: 10_000 })
      .toEqual(['cleared']);
    expect(mail.mails).toHaveLength(1);
  });

  it('a recipient that is refused rings, and somebody’s taking note ends it', async () => {
    const { mail, alarms, outbox, topics, systemAlarms } = await openWorld();
    mail.behave('refuse');
    await subscribe(topics, 'alarms');
    await raise(alarms, 1);
    await expect
      .poll(() => systemAlarms.open().map(({ id }) => id), { timeout: 10_000 })
      .toEqual(['delivery.smtp.failed']);
    expect(JSON.stringify(systemAlarms.open())).not.toContain('ward@');
    // It rings before it is written down.
    await expect
      .poll(() => outbox.deliveries('A-1'))
      .toMatchObject([{ state: 'failed', lastDetail: 'refused: SMTP 550' }]);
    systemAlarms.acknowledge('delivery.smtp.failed', 'Ola');
    expect(systemAlarms.open()).toEqual([]);
  });
});

describe('a teller that is killed between the mail server’s yes and its own record', () => {
  const PROCESS = fileURLToPath(new URL('./test-teller-process.ts', import.meta.url));
  beforeEach(() => emptyDatabase(database));

  it('sends again after its lease, under the same key, by which the second copy is known', async () => {
    const mail = await startMailServer();
    undo.push(() => mail.close());
    await raise(new PostgresAlarmStore(database, { seal: testSeal() }), 1);
    const first = startProcess(mail.settings, true);
    await expect.poll(() => first.lines, { timeout: 20_000 }).toContain('delivered');
    await first.kill();
    const outbox = new PostgresOutbox(database);
    expect(await outbox.deliveries('A-1')).toMatchObject([{ state: 'pending', attempts: 1 }]);
    startProcess(mail.settings, false);
    await expect.poll(async () => (await outbox.deliveries('A-1'))[0]?.state, { timeout: 20_000 }).toBe('delivered');
    const keys = mail.mails.map((text) => /^Message-ID: (.*)$/im.exec(text)?.[1]?.trim());
    expect(keys).toHaveLength(2);
    expect(keys[0]).toBe(keys[1]);
    const [record] = await outbox.deliveries('A-1');
    expect(keys[0]).toContain(record?.deliveryId);
  });

  function startProcess(smtp: object, hangs: boolean) {
    const argument = JSON.stringify({ address: database.address, smtp, hangs });
    const child: ChildProcess = spawn(process.execPath, [PROCESS, argument], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines: string[] = [];
    child.stdout?.setEncoding('utf8').on('data', (text: string) => lines.push(...text.split('\n').filter(Boolean)));
    const kill = async () => {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    };
    undo.push(kill);
    return { lines, kill };
  }
});
