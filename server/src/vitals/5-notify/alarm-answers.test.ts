import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { testAccess } from '../../access/test-access.ts';
import { PostgresAccounts } from '../../adapters/postgres/accounts.ts';
import { PostgresAlarmStore } from '../../adapters/postgres/alarm-store.ts';
import { PostgresAnswerTokens } from '../../adapters/postgres/answer-tokens.ts';
import { PostgresContacts } from '../../adapters/postgres/contacts.ts';
import { PostgresOutbox } from '../../adapters/postgres/outbox.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from '../../adapters/postgres/test-database.ts';
import type { Role } from '../../domain/access.ts';
import type { AlarmId, DeviceId, PatientId, ReadingId, UserId, WardId } from '../../domain/ids.ts';
import { testSeal } from '../../keys/test-identities.ts';
import type { AlarmAnswer, AlarmAnswers } from '../../ports/alarm-answers.ts';
import { createAlarmAnswers } from './alarm-answers.ts';
import { createAnswerTokens } from './answer-token.ts';

const T = Date.UTC(2026, 10, 22, 1, 2, 3);
const A1 = 'A-1' as AlarmId;
const HOUR_MS = 3_600_000;
let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});

let world: Awaited<ReturnType<typeof makeWorld>>;
beforeEach(async () => {
  await emptyDatabase(database);
  world = await makeWorld();
});

/** An alarm in W3, told to a group and to Noor in Slack, and to her phone; all of it in PostgreSQL. */
async function makeWorld() {
  const clock = { nowMs: T };
  const now = () => clock.nowMs;
  const alarms = new PostgresAlarmStore(database, { now, seal: testSeal() });
  const outbox = new PostgresOutbox(database);
  const contacts = new PostgresContacts(database);
  const accounts = new PostgresAccounts(database);
  const tokens = new PostgresAnswerTokens(database);
  let made = 0;
  const tokenFor = createAnswerTokens({ tokens, now, randomToken: () => `token-${++made}` });
  const counted: string[] = [];
  const undelivered: string[] = [];
  const answers = createAlarmAnswers({
    access: testAccess({ now }).access,
    contacts,
    tokens,
    outbox,
    addressOf: (_channel, text) => text.toUpperCase(),
    userById: async (id) => (await accounts.users()).find((user) => user.id === id),
    findAlarm: (id) => alarms.find(id),
    wardNow: () => 'W3' as WardId,
    acknowledge: (request) => alarms.acknowledge({ ...request, atMs: now() }),
    signatureOf: ({ displayName }) => displayName,
    onUndelivered: (...what) => undelivered.push(what.join(' ')),
    now,
    hooks: { answered: (channel, outcome) => counted.push(`${channel} ${outcome}`) },
  });
  const person = async (
    name: string,
    address: string,
    over: { roles?: Role[]; wardIds?: string[]; channel?: string } = {},
  ) => {
    const userId = `U-${name}` as UserId;
    const { roles = ['nurse'], wardIds = [], channel = 'slack' } = over;
    await accounts.putUser({ id: userId, name, displayName: name, roles, wardIds: wardIds as WardId[] });
    await contacts.put({ userId, channel, address, atMs: T });
    await contacts.vouch({ userId, channel, address, by: 'admin', atMs: T });
  };
  await alarms.apply([
    {
      kind: 'began',
      patientId: 'P' as PatientId,
      rule: 'heartRate.above.high',
      ruleVersion: 1,
      alarmKind: 'physiological',
      priority: 'high',
      cause: { text: 'HR 187 > 160' },
      readingId: 'r' as ReadingId,
      deviceId: 'D' as DeviceId,
      atMs: T,
      alarmId: A1,
      position: { partition: 0, offset: 1, step: 0 },
    },
  ]);
  const tell = async (channel: string, recipient: string, receipt?: string) => {
    await outbox.enqueue(
      [{ alarmId: A1, event: 'raised', channel, recipient, dedupeKey: `${channel} ${recipient}` }],
      now(),
    );
    const [delivery] = await outbox.take({ nowMs: now(), leaseUntilMs: now() + 1, limit: 1 });
    const outcome = { kind: 'delivered', ...(receipt === undefined ? {} : { receipt }) } as const;
    await outbox.record({ deliveryId: delivery?.deliveryId ?? '', attempt: 1, outcome, atMs: now() });
  };
  await person('Noor', 'U1');
  return { clock, alarms, outbox, contacts, accounts, answers, person, tell, tokenFor, counted, undelivered };
}

const answer = (by: AlarmAnswer['by'], from = 'U1', channel = 'slack'): ReturnType<AlarmAnswers['answer']> =>
  world.answers.answer({ action: 'acknowledge', by, channel, from });
const tokenTo = (recipient: string, channel = 'slack') => world.tokenFor({ alarmId: A1, channel, recipient });

describe('an answer with a token', () => {
  it('acknowledges in the name of whoever gives it', async () => {
    expect(await answer({ token: await tokenTo('C-group') }, 'u1')).toEqual({ kind: 'done', owner: 'Noor' });
    expect(await world.alarms.find(A1)).toMatchObject({ acknowledgedBy: 'Noor', ownerId: 'U-Noor' });
  });
  it('given twice is harmless, and whoever is second is told who has it', async () => {
    const token = await tokenTo('C-group');
    await world.person('Ben', 'U2');
    expect((await answer({ token })).kind).toBe('done');
    expect(await answer({ token })).toEqual({ kind: 'already', owner: 'Noor' });
    expect(await answer({ token }, 'U2')).toEqual({ kind: 'already', owner: 'Noor' });
  });
  it('that was sent to one person is not good in another’s hand', async () => {
    await world.person('Ben', 'U2');
    const token = await tokenTo('U1');
    expect(await answer({ token }, 'U2')).toEqual({ kind: 'not-allowed' });
    expect((await answer({ token }, 'U1')).kind).toBe('done');
  });
  it('expires, and is of one channel', async () => {
    const token = await tokenTo('C-group');
    await world.person('Tea', 'T1', { channel: 'teams' });
    expect(await answer({ token }, 'T1', 'teams')).toEqual({ kind: 'unknown-alarm' });
    world.clock.nowMs += 12 * HOUR_MS - 1;
    const late = await tokenTo('C-group');
    world.clock.nowMs += 1;
    expect(await answer({ token })).toEqual({ kind: 'expired' });
    expect((await answer({ token: late })).kind).toBe('done');
  });
  it('that was guessed opens nothing; only hashes are kept', async () => {
    const token = await tokenTo('C-group');
    expect(await answer({ token: `${token}x` })).toEqual({ kind: 'unknown-alarm' });
    const { rows } = await database.pool.query('select * from answer_token');
    expect(JSON.stringify(rows)).not.toContain(token);
  });
});

describe('nobody acknowledges but', () => {
  it('a known person', async () => {
    expect(await answer({ token: await tokenTo('C-group') }, 'U-stranger')).toEqual({ kind: 'unknown-person' });
    expect(world.counted).toEqual(['slack unknown-person']);
    expect(await world.alarms.find(A1)).not.toHaveProperty('acknowledgedBy');
  });
  it('one whose address was verified, and who is not disabled', async () => {
    await world.contacts.put({ userId: 'U-Noor' as UserId, channel: 'slack', address: 'U9', atMs: T });
    const token = await tokenTo('C-group');
    expect(await answer({ token }, 'U9')).toEqual({ kind: 'unknown-person' });
    await world.accounts.disable('Noor', T);
    expect(await answer({ token })).toEqual({ kind: 'unknown-person' });
  });
  it('one whose role and ward allow it', async () => {
    await world.person('Ola', 'U3', { roles: ['operator'] });
    await world.person('Far', 'U4', { wardIds: ['W9'] });
    await world.person('Near', 'U5', { wardIds: ['W9', 'W3'] });
    const token = await tokenTo('C-group');
    expect([
      (await answer({ token }, 'U3')).kind,
      (await answer({ token }, 'U4')).kind,
      (await answer({ token }, 'U5')).kind,
    ]).toEqual(['not-allowed', 'not-allowed', 'done']);
  });
});

describe('an answer by the alarm’s own id', () => {
  it('is taken where the channel told of it, and nowhere else', async () => {
    expect(await answer({ alarmId: A1 })).toEqual({ kind: 'unknown-alarm' });
    await world.tell('slack', 'C-group');
    expect((await answer({ alarmId: A1 })).kind).toBe('done');
    expect(await answer({ alarmId: 'A-none' })).toEqual({ kind: 'unknown-alarm' });
    expect(await answer({ alarmId: '../../x' })).toEqual({ kind: 'unknown-alarm' });
  });
});

describe('a reply', () => {
  const reply = () => answer({ latestTo: '+4930' }, '+4930', 'sms');
  beforeEach(() => world.person('Sam', '+4930', { channel: 'sms' }));

  it('is to the alarm this number was told of last', async () => {
    expect(await reply()).toEqual({ kind: 'unknown-alarm' });
    await world.tell('sms', '+4930');
    expect(await reply()).toEqual({ kind: 'done', owner: 'Sam' });
    expect(await reply()).toEqual({ kind: 'already', owner: 'Sam' });
  });
  it('is to nothing after twelve hours', async () => {
    await world.tell('sms', '+4930');
    world.clock.nowMs += 12 * HOUR_MS + 1;
    expect(await reply()).toEqual({ kind: 'expired' });
  });
  it('to a message about several is to none of them', async () => {
    await world.tell('sms', '+4930');
    await database.pool.query(
      `insert into delivery (about, event, channel, recipient, state, next_at, updated_at, delivered_at)
       values ('{"kind":"summary","count":3}', 'summary', 'sms', '+4930', 'delivered', now(), now(), $1)`,
      [new Date(T + 1)],
    );
    expect(await reply()).toEqual({ kind: 'unknown-alarm' });
  });
});

it('a receipt that comes later is kept; one that says "not brought" rings in the house', async () => {
  await world.tell('sms', '+4930', 'SM1');
  await world.answers.receipt({ channel: 'sms', receipt: 'SM1', state: 'failed', detail: 'Twilio 30003' });
  await world.answers.receipt({ channel: 'sms', receipt: 'SM1', state: 'failed', detail: 'Twilio 30003' });
  await world.answers.receipt({ channel: 'sms', receipt: 'SM-none', state: 'failed' });
  expect(await world.outbox.deliveries('A-1')).toMatchObject([
    { state: 'failed', receiptState: 'failed', lastDetail: 'Twilio 30003' },
  ]);
  expect(world.undelivered).toEqual(['sms +4930 Twilio 30003']);
});
