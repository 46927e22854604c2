import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PostgresAccounts } from '../../adapters/postgres/accounts.ts';
import { PostgresContacts } from '../../adapters/postgres/contacts.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from '../../adapters/postgres/test-database.ts';
import type { UserId } from '../../domain/ids.ts';
import type { DeliveryOutcome, Notification, Notifier } from '../../ports/notifier.ts';
import { createContactVerification } from './contact-verification.ts';

const T = Date.UTC(2026, 10, 22, 1, 2, 3);
const NOOR = 'U-noor' as UserId;
const MINE = { userId: NOOR, channel: 'sms', address: '+4930' };
let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});

let world: Awaited<ReturnType<typeof makeWorld>>;
beforeEach(async () => {
  await emptyDatabase(database);
  world = await makeWorld();
});

async function makeWorld() {
  const clock = { nowMs: T };
  const contacts = new PostgresContacts(database);
  await new PostgresAccounts(database).putUser({
    id: NOOR,
    name: 'noor',
    displayName: 'Noor',
    roles: ['nurse'],
    wardIds: [],
  });
  await contacts.put({ ...MINE, atMs: T });
  const sent: Notification[] = [];
  const answer: { outcome: DeliveryOutcome | Error } = { outcome: { kind: 'delivered' } };
  const notifier = (channel: string, type: Notifier['type']): Notifier => ({
    channel,
    type,
    async send(message) {
      if (answer.outcome instanceof Error) throw answer.outcome;
      sent.push(message);
      return answer.outcome;
    },
  });
  let code = 100_000;
  const verification = createContactVerification({
    contacts,
    notifiers: [notifier('sms', 'sms'), notifier('pagerduty', 'pagerduty')],
    randomCode: () => String(++code),
    newId: () => 'id',
    now: () => clock.nowMs,
  });
  return { clock, contacts, verification, sent, answer };
}
const codeSent = () => /code is (\d{6})/.exec(world.sent.at(-1)?.text ?? '')?.[1] ?? '';
const confirm = (code: string) => world.verification.confirm({ ...MINE, code });

describe('a code', () => {
  it('is sent to the address and nowhere else, and proves it', async () => {
    expect(await world.verification.sendCode(MINE)).toEqual({ kind: 'sent' });
    expect(world.sent).toMatchObject([{ event: 'verification', recipient: '+4930' }]);
    expect(await confirm('999999')).toBe('wrong');
    expect(await confirm(codeSent())).toBe('verified');
    expect(await world.contacts.userOf('sms', '+4930')).toBe(NOOR);
  });
  it('is not kept in the clear', async () => {
    await world.verification.sendCode(MINE);
    const { rows } = await database.pool.query('select * from contact');
    expect(JSON.stringify(rows)).not.toContain(codeSent());
  });
  it('cannot be guessed in five tries, nor used after a quarter of an hour', async () => {
    await world.verification.sendCode(MINE);
    for (let i = 0; i < 5; i++) expect(await confirm(`00000${i}`)).toBe('wrong');
    expect(await confirm(codeSent())).toBe('expired');
    world.clock.nowMs += 3_600_000;
    await world.verification.sendCode(MINE);
    world.clock.nowMs += 15 * 60_000;
    expect(await confirm(codeSent())).toBe('expired');
  });
  it('is not sent again and again', async () => {
    for (let i = 0; i < 3; i++) expect((await world.verification.sendCode(MINE)).kind).toBe('sent');
    expect(await world.verification.sendCode(MINE)).toEqual({ kind: 'too-often', retryAfterMs: 20 * 60_000 });
    expect(world.sent).toHaveLength(3);
  });
  it('is not sent to what is not among one’s contacts, or is proved otherwise', async () => {
    expect(await world.verification.sendCode({ ...MINE, address: '+4931' })).toEqual({ kind: 'not-found' });
    await world.contacts.put({ userId: NOOR, channel: 'pagerduty', address: 'PABC', atMs: T });
    expect(await world.verification.sendCode({ ...MINE, channel: 'pagerduty', address: 'PABC' })).toEqual({
      kind: 'not-by-code',
    });
    expect(world.sent).toEqual([]);
  });
  it('that the channel does not take says so', async () => {
    world.answer.outcome = { kind: 'permanent', reason: 'Twilio 21211' };
    expect(await world.verification.sendCode(MINE)).toEqual({
      kind: 'undeliverable',
      reason: 'Twilio 21211',
      isPermanent: true,
    });
    world.answer.outcome = new TypeError('a defect');
    expect(await world.verification.sendCode(MINE)).toMatchObject({ kind: 'undeliverable', isPermanent: false });
  });
});
