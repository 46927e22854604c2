import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type NotifierBench, notifierContract } from '../../ports/notifier.contract.ts';
import type { Notification } from '../../ports/notifier.ts';
import { callHttps } from './https-call.ts';
import {
  ACCOUNT_SID,
  API_KEY_SECRET,
  API_KEY_SID,
  CONTENT_SID,
  NUMBERS,
  startTwilio,
  type TakenMessage,
} from './test-twilio.ts';
import { createTwilioNotifier, type TwilioSettings } from './twilio.ts';
import { createConversations } from './whatsapp-conversations.ts';

const NURSE = '+4915112345678';
type Twilio = Awaited<ReturnType<typeof startTwilio>>;

const settingsOf = ({ url, ca }: Twilio, change: Partial<TwilioSettings> = {}): TwilioSettings => ({
  channel: 'sms',
  type: 'sms',
  accountSid: ACCOUNT_SID,
  apiKeySid: API_KEY_SID,
  apiKeySecret: API_KEY_SECRET,
  from: NUMBERS.sender,
  publicUrl: new URL('https://alarms.hospital.example'),
  apiUrl: url,
  ca,
  now: Date.now,
  ...change,
});
const keyOf = ({ form }: TakenMessage) => new URL(form.StatusCallback ?? '').searchParams.get('delivery') ?? '';

const bench = (change: Partial<TwilioSettings>) => async (): Promise<NotifierBench> => {
  const vendor = await startTwilio();
  const notifier = createTwilioNotifier(settingsOf(vendor, change));
  return {
    notifier,
    recipient: NURSE,
    behave: vendor.behave,
    received: () =>
      vendor.taken.map((message) => ({
        content: message.form.Body ?? Object.values(JSON.parse(message.form.ContentVariables ?? '{}')).join('\n'),
        idempotencyKey: keyOf(message),
      })),
    retryAfterMs: 7_000,
    sendsTextOnly: true,
    secrets: [API_KEY_SECRET, API_KEY_SID],
    disconnect: vendor.close,
    close: vendor.close,
  };
};
notifierContract('Twilio SMS', bench({}));
notifierContract('Twilio WhatsApp', bench({ channel: 'whatsapp', type: 'whatsapp', contentSid: CONTENT_SID }));

describe('Twilio', () => {
  let vendor: Twilio;
  beforeEach(async () => {
    vendor = await startTwilio();
  });
  afterEach(() => vendor.close());

  const message: Notification = {
    subject: 'High alarm, bed W3-01',
    text: 'High alarm, bed W3-01\nRaised 2026-11-22T03:04:05.000Z.\n',
    fields: { bed: 'W3-01' },
    recipient: NURSE,
    event: 'raised',
    alarm: { id: 'a1', priority: 'high', kind: 'physiological', raisedAtMs: 0 },
    answerToken: 'a-token-not-for-sms',
  };
  const send = (
    notifier: ReturnType<typeof createTwilioNotifier>,
    change: Partial<Notification> = {},
    idempotencyKey = 'k',
    timeoutMs = 10_000,
  ) => notifier.send({ ...message, ...change }, { idempotencyKey, signal: AbortSignal.timeout(timeoutMs) });
  const sms = (change?: Partial<TwilioSettings>) => createTwilioNotifier(settingsOf(vendor, change));
  const whatsapp = (change?: Partial<TwilioSettings>) =>
    sms({ channel: 'whatsapp', type: 'whatsapp', contentSid: CONTENT_SID, ...change });

  it('an SMS says what the policy allows and how to answer, and asks for receipts', async () => {
    expect(await send(sms())).toEqual({ kind: 'delivered', receipt: `SM${'0'.repeat(32)}` });
    expect(vendor.taken[0]?.form).toEqual({
      To: NURSE,
      From: NUMBERS.sender,
      Body: 'High alarm, bed W3-01\nRaised 2026-11-22T03:04:05.000Z.\nReply 1 to acknowledge.',
      ValidityPeriod: '3600',
      StatusCallback: 'https://alarms.hospital.example/hooks/twilio/sms/status?delivery=k',
    });
  });
  it('one that cannot be answered does not say how, and where nobody can reach us no receipt is asked for', async () => {
    const { answerToken: _, ...plain } = message;
    const { publicUrl: __, ...unreachable } = settingsOf(vendor);
    const signal = AbortSignal.timeout(10_000);
    await createTwilioNotifier(unreachable).send(plain, { idempotencyKey: 'k', signal });
    expect(vendor.taken[0]?.form).not.toHaveProperty('StatusCallback');
    expect(vendor.taken[0]?.form.Body).not.toContain('Reply');
  });
  it('goes out by a messaging service where one is given', async () => {
    const from = `MG${'d4'.repeat(16)}`;
    expect((await send(sms({ from }))).kind).toBe('delivered');
    expect(vendor.taken[0]?.form).toMatchObject({ MessagingServiceSid: from });
    expect(vendor.taken[0]?.form).not.toHaveProperty('From');
  });
  it('WhatsApp starts a conversation with the approved template, whose button brings back the token', async () => {
    expect((await send(whatsapp())).kind).toBe('delivered');
    const form = vendor.taken[0]?.form ?? {};
    expect(form).toMatchObject({
      To: `whatsapp:${NURSE}`,
      From: `whatsapp:${NUMBERS.sender}`,
      ContentSid: CONTENT_SID,
    });
    expect(JSON.parse(form.ContentVariables ?? '')).toEqual({
      '1': 'High alarm, bed W3-01',
      '2': 'Raised 2026-11-22T03:04:05.000Z.',
      '3': 'a-token-not-for-sms',
    });
    expect((await send(whatsapp(), { text: 'One line\twith    tabs' })).kind).toBe('delivered');
  });
  it('WhatsApp goes on in plain text for a day after the person wrote', async () => {
    const clock = { nowMs: Date.now() };
    const conversations = createConversations(() => clock.nowMs);
    const notifier = whatsapp({ isInConversation: conversations.isOpen });
    await send(notifier);
    conversations.heard(NURSE);
    vendor.people.inConversation.add(NURSE);
    await send(notifier);
    clock.nowMs += 86_400_000;
    vendor.people.inConversation.delete(NURSE);
    await send(notifier);
    expect(vendor.taken.map(({ form }) => form.ContentSid !== undefined)).toEqual([true, false, true]);
    expect(vendor.taken[1]?.form.Body).toBe(`${message.text}Reply 1 to acknowledge.`);
  });
  it('WhatsApp without a template is refused outside a conversation', async () => {
    const { contentSid: _, ...bare } = settingsOf(vendor, { type: 'whatsapp', contentSid: CONTENT_SID });
    expect(await send(createTwilioNotifier(bare))).toEqual({ kind: 'permanent', reason: 'Twilio 63016' });
  });

  it.each([
    [NUMBERS.optedOut, 'Twilio 21610'],
    [NUMBERS.landline, 'Twilio 21614'],
    ['not a number', 'not a phone number'],
    ['+0123456789', 'not a phone number'],
    ['+4915112345678,+4915112345679', 'not a phone number'],
    ['whatsapp:+4915112345678', 'not a phone number'],
  ])('%s is refused for good: %s', async (recipient, reason) => {
    expect(await send(sms(), { recipient })).toEqual({ kind: 'permanent', reason });
  });
  it.each([
    [{ apiKeySecret: 'wrong' }, 'Twilio 20003'],
    [{ accountSid: `AC${'0'.repeat(32)}` }, 'Twilio 20404'],
    [{ from: '+4915100000002' }, 'Twilio 21659'],
  ])('%j is ours to put right: the message waits', async (change, reason) => {
    expect(await send(sms(change))).toEqual({ kind: 'transient', reason });
  });

  it('one of which it is not known whether it arrived is looked for before it is sent again', async () => {
    for (const notifier of [sms(), whatsapp()]) {
      const before = vendor.taken.length;
      vendor.behave('reset');
      expect((await send(notifier, {}, 'k')).kind).toBe('transient');
      expect(vendor.taken.length).toBe(before + 1);
      vendor.behave('accept');
      expect(await send(notifier, {}, 'k')).toEqual({ kind: 'delivered', receipt: vendor.taken.at(-1)?.sid });
      expect(vendor.taken.length).toBe(before + 1);
      // Another with the same words is another.
      expect((await send(notifier, {}, 'k2')).kind).toBe('delivered');
      expect(vendor.taken.length).toBe(before + 2);
    }
  });
  it('it stays so while Twilio can neither be asked nor told', async () => {
    const notifier = sms();
    vendor.behave('reset');
    await send(notifier, {}, 'k');
    vendor.behave('limited');
    // Another of the same words: the first is not this one's, and this one is not sent.
    expect((await send(notifier, { text: 'other' }, 'k2')).kind).toBe('transient');
    vendor.behave('accept');
    expect(await send(notifier, {}, 'k')).toEqual({ kind: 'delivered', receipt: vendor.taken[0]?.sid });
    expect((await send(notifier, { text: 'other' }, 'k2')).kind).toBe('delivered');
    expect(vendor.taken).toHaveLength(2);
  });
  it('another message to the same person is not taken for it', async () => {
    for (const notifier of [sms(), whatsapp()]) {
      vendor.behave('busy');
      expect((await send(notifier, {}, 'k1')).kind).toBe('transient');
      vendor.behave('accept');
      // Sent by another process: we do not know its receipt.
      const other = notifier.type === 'sms' ? sms() : whatsapp();
      expect((await send(other, { text: 'High alarm, bed W3-02\nRaised …\n' }, 'k2')).kind).toBe('delivered');
      const before = vendor.taken.length;
      expect((await send(notifier, {}, 'k1')).kind).toBe('delivered');
      expect(vendor.taken.length).toBe(before + 1);
    }
  });
  it('one that was lost on the way is sent again, though the same words went to the same person before', async () => {
    const notifier = sms();
    await send(notifier, {}, 'k1');
    vendor.behave('busy');
    expect((await send(notifier, {}, 'k2')).kind).toBe('transient');
    vendor.behave('accept');
    expect((await send(notifier, {}, 'k2')).kind).toBe('delivered');
    expect(vendor.taken.map(keyOf)).toEqual(['k1', 'k2']);
  });
});

describe('the Twilio of these tests', () => {
  const good = { To: NURSE, From: NUMBERS.sender, Body: 'x' };
  const { Body: _, ...silent } = good;
  it.each([
    [20001, { ...good, Colour: 'red' }],
    [20001, { ...good, StatusCallback: 'http://plain.example/' }],
    [20001, { ...good, ValidityPeriod: '36001' }],
    [20001, { ...good, ContentSid: CONTENT_SID }],
    [21211, { ...good, To: '0049 30 1234' }],
    [21602, silent],
    [21603, { To: NURSE, Body: 'x' }],
    [21610, { ...good, To: NUMBERS.optedOut }],
    [21617, { ...good, Body: 'x'.repeat(1_601) }],
    [21656, { ...silent, ContentSid: CONTENT_SID, ContentVariables: '{"1":"a\\nb"}' }],
    [21659, { ...good, From: '+4915100000002' }],
    [63007, { ...good, To: `whatsapp:${NURSE}` }],
    [63016, { To: `whatsapp:${NURSE}`, From: `whatsapp:${NUMBERS.sender}`, Body: 'x' }],
  ])('refuses with %d: %j', async (code, form) => {
    const vendor = await startTwilio();
    const post = (parameters: Record<string, string>) =>
      callHttps({
        url: new URL(`/2010-04-01/Accounts/${ACCOUNT_SID}/Messages.json`, vendor.url),
        ca: vendor.ca,
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          authorization: `Basic ${Buffer.from(`${API_KEY_SID}:${API_KEY_SECRET}`).toString('base64')}`,
        },
        body: String(new URLSearchParams(parameters)),
        signal: AbortSignal.timeout(10_000),
      });
    try {
      expect((await post(good)).status).toBe(201);
      const refused = await post(form);
      expect([refused.status, JSON.parse(refused.body)]).toMatchObject([400, { code }]);
    } finally {
      await vendor.close();
    }
  });
});
