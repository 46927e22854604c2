import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Failure } from '../../ports/failure.ts';
import { startTestServer, type TestServer } from '../test-server.ts';
import { memoryAnswers } from './test-answers.ts';
import { registerTwilioHook, twilioSignature } from './twilio.ts';

const ACCOUNT_SID = `AC${'a1'.repeat(16)}`;
const AUTH_TOKEN = '0123456789abcdef0123456789abcdef';
const NEXT_TOKEN = 'fedcba9876543210fedcba9876543210';
const ANNA = '+4915112345678';
const VISITOR = '+4915100000009';
const STRANGER = '+4915100000000';
const PUBLIC = 'https://alarms.hospital.example';

describe('Twilio’s signature', () => {
  it.each([
    // twilio.com/docs/usage/security, "Validating requests", and the example of Twilio's own libraries.
    ['+12349013030', '0/KCTR6DLpKmkAf8muzZqo1nDgQ='],
    ['+14158675309', 'RSOYDt4T1cUTdK1PDd93/VVr8B8='],
  ])('is the one of Twilio’s own examples, from %s', (caller, signature) => {
    const form = new URLSearchParams({
      Digits: '1234',
      To: '+18005551212',
      From: caller,
      Caller: caller,
      CallSid: 'CA1234567890ABCDE',
    });
    expect(twilioSignature('12345', 'https://mycompany.com/myapp.php?foo=1&bar=2', form)).toBe(signature);
  });
  it('counts a value that comes twice once, in order', () => {
    const sign = (query: string) => twilioSignature('t', 'https://x.example/', new URLSearchParams(query));
    expect(sign('a=2&a=1&a=2&b=0')).toBe(sign('b=0&a=1&a=2'));
    expect(sign('a=1')).not.toBe(sign('a=1&a=2'));
  });
});

describe('the Twilio hook', () => {
  let server: TestServer;
  let world: ReturnType<typeof memoryAnswers>;
  const heard: string[] = [];
  const logged: string[] = [];
  beforeAll(async () => {
    server = await startTestServer({
      server: {
        plugins: [
          (app) =>
            registerTwilioHook(app, {
              channel: 'sms',
              accountSid: ACCOUNT_SID,
              authTokens: [AUTH_TOKEN, NEXT_TOKEN],
              publicUrl: new URL(PUBLIC),
              answers: { answer: (a) => world.answers.answer(a), receipt: (r) => world.answers.receipt(r) },
              onHeard: (person) => heard.push(person),
              log: {
                debug() {},
                info() {},
                warn: (message) => void logged.push(message as never),
                error: (message) => void logged.push(message as never),
              },
              now: () => server.now(),
            }),
        ],
      },
    });
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    // What was answered before must not count against a number here.
    server.clock.offsetMs += 3_600_000;
    world = memoryAnswers({ [ANNA]: 'Anna Berg (anna)', [VISITOR]: 'visitor' });
    heard.length = 0;
    logged.length = 0;
  });

  let count = 0;
  /** As twilio.com/docs/messaging/guides/webhook-request has it, with more in it than we read. */
  const incoming = (body: string, change: Readonly<Record<string, string>> = {}) => ({
    ToCountry: 'DE',
    SmsMessageSid: 'SM1',
    NumMedia: '0',
    MessageSid: `SM${String(count++).padStart(32, '0')}`,
    AccountSid: ACCOUNT_SID,
    From: ANNA,
    To: '+4915100000001',
    Body: body,
    ApiVersion: '2010-04-01',
    ...change,
  });
  const post = (
    parameters: Readonly<Record<string, string>>,
    change: {
      readonly path?: string;
      readonly token?: string;
      readonly url?: string;
      readonly signature?: string;
    } = {},
  ) => {
    const { path = '/hooks/twilio/sms', token = AUTH_TOKEN } = change;
    const form = new URLSearchParams(parameters);
    return server.call(path, {
      method: 'POST',
      body: String(form),
      headers: {
        'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
        'x-twilio-signature': change.signature ?? twilioSignature(token, change.url ?? `${PUBLIC}${path}`, form),
      },
    });
  };
  const said = async (answer: ReturnType<typeof post>) => {
    const { status, headers, raw } = await answer;
    expect(status).toBe(200);
    expect(headers['content-type']).toMatch(/^text\/xml/);
    return /^<\?xml version="1\.0" encoding="UTF-8"\?><Response>(?:<Message>([^<]*)<\/Message>)?<\/Response>$/.exec(
      raw,
    )?.[1];
  };

  it.each(['1', 'OK', 'ok.', ' Ack ', 'ACKNOWLEDGE', 'acknowledged!'])(
    '%j takes the alarm that number was told of last',
    async (text) => {
      expect(await said(post(incoming(text)))).toBe('Acknowledged. The alarm is yours.');
      expect(world.asked).toEqual([{ action: 'acknowledge', by: { latestTo: ANNA }, channel: 'sms', from: ANNA }]);
      expect(heard).toEqual([ANNA]);
    },
  );
  it('the second is told that somebody has it, and not who', async () => {
    await post(incoming('1'));
    expect(await said(post(incoming('1')))).toBe('It was acknowledged before. The wall says by whom.');
  });
  it('a token behind the word, or behind a button of WhatsApp, says which alarm', async () => {
    const token = 'an-unguessable-token.0123456789';
    await post(incoming(`ack ${token}`));
    await post(incoming('Acknowledge', { ButtonPayload: token, ButtonText: 'Acknowledge', From: `whatsapp:${ANNA}` }));
    await post(incoming('Acknowledge', { ButtonPayload: 'ACK', From: `whatsapp:${ANNA}` }));
    expect(world.asked.map(({ by, from }) => ({ ...by, from }))).toEqual([
      { token, from: ANNA },
      { token, from: ANNA },
      { latestTo: ANNA, from: ANNA },
    ]);
  });
  it.each([
    [STRANGER, 'Not acknowledged: this number belongs to no HealthSync account. Acknowledge on the wall.'],
    [VISITOR, 'Not acknowledged: your account may not acknowledge this alarm.'],
  ])('%s is told why not', async (from, reply) => {
    expect(await said(post(incoming('1', { From: from })))).toBe(reply);
  });
  it('a stranger is told once, however often they write', async () => {
    expect(await said(post(incoming('1', { From: STRANGER })))).toBeDefined();
    expect(await said(post(incoming('1', { From: STRANGER })))).toBeUndefined();
  });
  it('anything else is answered with how to, once in a while, and takes nothing', async () => {
    for (const text of ['coming', '10', '1 minute please', 'okra', ''])
      expect([text, await said(post(incoming(text, { From: `+49151${1_000_000 + count}` })))]).toEqual([
        text,
        'Reply 1 to acknowledge the latest alarm.',
      ]);
    expect(await said(post(incoming('hello')))).toBeDefined();
    expect(await said(post(incoming('hello?')))).toBeUndefined();
    expect(world.asked).toEqual([]);
  });
  it.each([
    ['STOP', {}],
    ['unsubscribe', {}],
    ['Arrêt', { OptOutType: 'STOP' }],
  ])('%s is left to Twilio, which answers itself, and is said in the log', async (text, change) => {
    expect(await said(post(incoming(text, change)))).toBeUndefined();
    expect(world.asked).toEqual([]);
    expect(logged).toEqual(['somebody has told a channel to stop']);
  });
  it.each([
    ['YES', {}],
    ['help', {}],
    ['Aide', { OptOutType: 'HELP' }],
  ])('%s is answered by Twilio, and takes nothing', async (text, change) => {
    expect(await said(post(incoming(text, change)))).toBeUndefined();
    expect(world.asked).toEqual([]);
  });
  it('believes only what Twilio signed for this address and these parameters', async () => {
    const message = incoming('1');
    for (const change of [
      { signature: '' },
      { signature: twilioSignature(AUTH_TOKEN, `${PUBLIC}/hooks/twilio/sms`, new URLSearchParams(incoming('2'))) },
      { token: 'wrong' },
      { url: 'https://evil.example/hooks/twilio/sms' },
      { url: `${PUBLIC}/hooks/twilio/sms/status` },
    ])
      expect((await post(message, change)).status).toBe(401);
    expect((await post(incoming('1', { AccountSid: `AC${'0'.repeat(32)}` }))).status).toBe(401);
    expect(world.asked).toEqual([]);
    expect((await post(incoming('1'), { token: NEXT_TOKEN })).status).toBe(200);
    expect((await post(incoming('1'), { url: `${PUBLIC}:443/hooks/twilio/sms` })).status).toBe(200);
    const path = '/hooks/twilio/sms?a=b%20c';
    expect((await post(incoming('1'), { path })).status).toBe(200);
    expect(world.asked).toHaveLength(3);
  });
  it('takes a message once', async () => {
    const again = incoming('1');
    expect(await said(post(again))).toBeDefined();
    expect(await said(post(again))).toBeUndefined();
    expect(world.asked).toHaveLength(1);
  });
  it('while the database is away the person is told so', async () => {
    world.state.failWith = new Failure('database-unavailable', 'away', { retryable: true });
    expect(await said(post(incoming('1')))).toMatch(/^Not acknowledged: HealthSync could not/);
    expect(logged).toEqual(['an answer from a channel could not be taken']);
  });
  it.each([
    ['no sender', { From: '' }],
    ['a sender that is no number', { From: 'client:anna' }],
  ])('%s is malformed', async (_, change) => {
    expect((await post(incoming('1', change))).status).toBe(400);
  });

  describe('receipts', () => {
    const path = '/hooks/twilio/sms/status?delivery=d1';
    const sid = `SM${'ab'.repeat(16)}`;
    const status = (state: string, change: Readonly<Record<string, string>> = {}) => ({
      MessageSid: sid,
      MessageStatus: state,
      SmsStatus: state,
      AccountSid: ACCOUNT_SID,
      To: ANNA,
      From: '+4915100000001',
      ...change,
    });
    it('say what became of a message, each once', async () => {
      for (const state of ['queued', 'sent', 'delivered', 'delivered', 'read'])
        expect((await post(status(state), { path })).status).toBe(204);
      await post(status('undelivered', { MessageSid: `SM${'cd'.repeat(16)}`, ErrorCode: '30003' }), { path });
      await post(status('failed', { MessageSid: `SM${'ef'.repeat(16)}`, ErrorCode: `to ${ANNA}` }), { path });
      expect(world.receipts).toEqual([
        { channel: 'sms', receipt: sid, state: 'delivered' },
        { channel: 'sms', receipt: sid, state: 'read' },
        { channel: 'sms', receipt: `SM${'cd'.repeat(16)}`, state: 'failed', detail: 'Twilio 30003' },
        { channel: 'sms', receipt: `SM${'ef'.repeat(16)}`, state: 'failed' },
      ]);
    });
    it('are believed only when Twilio signed them, with what stands behind the question mark', async () => {
      expect((await post(status('delivered'), { path, url: `${PUBLIC}/hooks/twilio/sms/status` })).status).toBe(401);
      expect(world.receipts).toEqual([]);
    });
  });
});
