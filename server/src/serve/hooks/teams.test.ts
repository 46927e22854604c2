import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createSigningKeys } from '../../adapters/notify/teams-signing-keys.ts';
import { startBotFramework } from '../../adapters/notify/test-bot-framework.ts';
import { Failure } from '../../ports/failure.ts';
import { startTestServer, type TestServer } from '../test-server.ts';
import { registerTeamsHook } from './teams.ts';
import { memoryAnswers } from './test-answers.ts';

const APP_ID = '11111111-2222-3333-4444-555555555555';
const TENANT_ID = '99999999-8888-7777-6666-555555555555';
const ANNA = 'aaaaaaaa-0000-0000-0000-000000000001';
const BEN = 'bbbbbbbb-0000-0000-0000-000000000002';
const VISITOR = 'cccccccc-0000-0000-0000-000000000003';
const PEOPLE = { [ANNA]: 'Anna Berg (anna)', [BEN]: 'Ben Roth (ben)', [VISITOR]: 'visitor' };
const SERVICE_URL = 'https://smba.trafficmanager.net/emea/';

describe('the Teams hook', () => {
  let server: TestServer;
  let framework: Awaited<ReturnType<typeof startBotFramework>>;
  let world: ReturnType<typeof memoryAnswers>;
  let sign: ReturnType<typeof framework.signer>;
  beforeAll(async () => {
    framework = await startBotFramework();
    sign = framework.signer('k1');
    const keyOf = createSigningKeys({ metadataUrl: framework.metadataUrl, ca: framework.ca, now: Date.now });
    server = await startTestServer({
      server: {
        plugins: [
          (app) =>
            registerTeamsHook(app, {
              channel: 'teams',
              appId: APP_ID,
              tenantId: TENANT_ID,
              keyOf: (kid) => (kid === 'away' ? Promise.reject(new Error('away')) : keyOf(kid)),
              answers: { answer: (a) => world.answers.answer(a), receipt: (r) => world.answers.receipt(r) },
              log: { debug() {}, info() {}, warn() {}, error() {} },
              now: () => server.now(),
            }),
        ],
      },
    });
  });
  afterAll(async () => {
    await server.stop();
    await framework.close();
  });
  beforeEach(() => {
    world = memoryAnswers(PEOPLE);
  });

  const seconds = () => Math.floor(server.now() / 1_000);
  const claims = (change: object = {}) => ({
    iss: 'https://api.botframework.com',
    aud: APP_ID,
    serviceurl: SERVICE_URL,
    nbf: seconds() - 60,
    exp: seconds() + 3_600,
    ...change,
  });
  let nonce = 0;
  const press = (change: object = {}) => ({
    type: 'invoke',
    name: 'adaptiveCard/action',
    id: `f:${nonce++}`,
    channelId: 'msteams',
    serviceUrl: SERVICE_URL,
    timestamp: '2026-11-22T03:00:00Z',
    from: { id: '29:1abc', name: 'Anna', aadObjectId: ANNA },
    recipient: { id: `28:${APP_ID}`, name: 'HealthSync' },
    conversation: { id: 'a:1', conversationType: 'personal', tenantId: TENANT_ID },
    channelData: { tenant: { id: TENANT_ID } },
    replyToId: '1700',
    value: {
      action: {
        type: 'Action.Execute',
        id: '',
        verb: 'healthsync/acknowledge',
        title: 'Acknowledge',
        data: { answerToken: 'good', subject: 'High alarm, bed W3-01' },
      },
      trigger: 'manual',
    },
    ...change,
  });
  const withToken = (answerToken: string) => {
    const sketch = press();
    return { ...sketch, value: { action: { ...sketch.value.action, data: { answerToken } } } };
  };
  const post = async (activity: unknown, token?: string | Promise<string>) =>
    server.call('/hooks/teams/teams', {
      method: 'POST',
      body: activity,
      headers: { authorization: `Bearer ${await (token ?? sign(claims()))}` },
    });

  it('a press acknowledges in the name of the one who pressed, and the card says so without its button', async () => {
    const answer = await post(press());
    expect(world.asked).toEqual([{ action: 'acknowledge', by: { token: 'good' }, channel: 'teams', from: ANNA }]);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ statusCode: 200, type: 'application/vnd.microsoft.card.adaptive' });
    expect(answer.body.value.body.map((one: { inlines: { text: string }[] }) => one.inlines[0]?.text)).toEqual([
      'High alarm, bed W3-01',
      'Acknowledged by Anna Berg (anna)',
    ]);
    expect(answer.body.value.actions).toBeUndefined();
  });
  it('the second of two is told who has it', async () => {
    await post(press());
    const second = await post(press({ from: { id: '29:2', aadObjectId: BEN.toUpperCase() } }));
    expect(second.raw).toContain('Already acknowledged by Anna Berg (anna)');
  });
  it.each([
    ['somebody without an account', { from: { id: '29:9', aadObjectId: ANNA.replace('a', 'd') } }, /not linked/],
    ['somebody who may not', { from: { id: '29:9', aadObjectId: VISITOR } }, /may not/],
  ])('%s is told so, and the card stays', async (_who, change, text) => {
    const answer = await post(press(change));
    expect(answer.body).toMatchObject({ type: 'application/vnd.microsoft.activity.message' });
    expect(answer.body.value).toMatch(text);
  });
  it.each([
    ['old', /too old/],
    ['unknown', /not know/],
  ])('a token that is %s', async (token, text) => {
    expect((await post(withToken(token))).body.value).toMatch(text);
  });
  it('an answer that could not be taken is said to be none', async () => {
    world.state.failWith = new Failure('database-unavailable', 'away', { retryable: true });
    expect((await post(press())).body.value).toMatch(/could not take/);
  });
  it.each([
    ['a message to the bot', { type: 'message', name: undefined, text: 'hello', value: undefined }],
    ['the bot being installed', { type: 'installationUpdate', name: undefined, value: undefined }],
    ['another invoke', { name: 'composeExtension/query' }],
  ])('%s changes nothing', async (_what, change) => {
    expect(await post(press(change))).toMatchObject({ status: 200, raw: '' });
    expect(world.asked).toEqual([]);
  });

  describe('refuses with 401, and says nothing more,', () => {
    const nothing = {
      type: 'urn:healthsync:problem:not-verified',
      title: 'Sign in first',
      status: 401,
      code: 'not-verified',
    };
    it.each([
      ['another issuer', { iss: 'https://sts.windows.net/x/' }],
      ['another bot’s token', { aud: 'another' }],
      ['a token that has ended', { exp: -360 }],
      ['a token of the future', { nbf: 360 }],
      ['a token without an end', { exp: undefined }],
      ['a token of another service', { serviceurl: 'https://example.org/' }],
      ['a token that names no service', { serviceurl: undefined }],
    ])('%s', async (_what, { exp, nbf, ...rest }: { exp?: number | undefined; nbf?: number } & object) => {
      const times = {
        ...(nbf === undefined ? {} : { nbf: seconds() + nbf }),
        ...(exp === undefined ? {} : { exp: seconds() + exp }),
      };
      const isEndless = _what === 'a token without an end';
      const answer = await post(press(), sign(claims({ ...rest, ...times, ...(isEndless ? { exp: undefined } : {}) })));
      expect(answer.status).toBe(401);
      expect(answer.body).toEqual(nothing);
      expect(world.asked).toEqual([]);
    });
    it('no token, or none of this form', async () => {
      for (const authorization of [
        '',
        'Basic abc',
        'Bearer',
        'Bearer a.b',
        'Bearer a.b.c',
        `Bearer ${'a'.repeat(9_000)}.b.c`,
      ]) {
        const answer = await server.call('/hooks/teams/teams', {
          method: 'POST',
          body: press(),
          headers: { authorization },
        });
        expect([authorization.slice(0, 20), answer.status]).toEqual([authorization.slice(0, 20), 401]);
      }
      expect(world.asked).toEqual([]);
    });
    it('a key that Microsoft does not publish, or not for Teams', async () => {
      const unpublished = framework.signer('k9', { isPublished: false });
      expect((await post(press(), unpublished(claims()))).status).toBe(401);
      // Signed with another key under the name of one that is published.
      const impostor = framework.signer('k1', { isPublished: false });
      expect((await post(press(), impostor(claims()))).status).toBe(401);
    });
    it('an unsigned token, and one signed with the public key as a secret', async () => {
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
      for (const alg of ['none', 'HS256']) {
        const forged = `${part({ alg, typ: 'JWT', kid: 'k1' })}.${part(claims())}.${part({ x: 1 })}`;
        expect((await post(press(), forged)).status).toBe(401);
      }
    });
    it('a changed token', async () => {
      const [header, payload = '', signature] = (await sign(claims())).split('.');
      const changed = Buffer.from(payload, 'base64url')
        .toString()
        .replace(/"nbf":\d+/, '"nbf":1');
      const token = `${header}.${Buffer.from(changed).toString('base64url')}.${signature}`;
      expect((await post(press(), token)).status).toBe(401);
    });
    it('another directory', async () => {
      const elsewhere = { conversation: { id: 'a:1', tenantId: APP_ID }, channelData: {} };
      expect((await post(press(elsewhere))).status).toBe(401);
      expect((await post(press({ conversation: { id: 'a:1' }, channelData: {} }))).status).toBe(401);
      expect(world.asked).toEqual([]);
    });
    it('the same press again', async () => {
      const activity = press();
      expect((await post(activity)).status).toBe(200);
      expect((await post(activity)).status).toBe(401);
      expect(world.asked).toHaveLength(1);
    });
  });

  it('a key that is published for other channels only is refused', async () => {
    const elsewhere = await startBotFramework();
    const webchat = elsewhere.signer('k1', { endorsements: ['webchat'] });
    const other = await startTestServer({
      server: {
        plugins: [
          (app) =>
            registerTeamsHook(app, {
              channel: 'teams',
              appId: APP_ID,
              tenantId: TENANT_ID,
              keyOf: createSigningKeys({ metadataUrl: elsewhere.metadataUrl, ca: elsewhere.ca, now: Date.now }),
              answers: world.answers,
              log: { debug() {}, info() {}, warn() {}, error() {} },
              now: () => server.now(),
            }),
        ],
      },
    });
    const token = await webchat(claims());
    const answer = await other.call('/hooks/teams/teams', {
      method: 'POST',
      body: press(),
      headers: { authorization: `Bearer ${token}` },
    });
    await other.stop();
    await elsewhere.close();
    expect(answer.status).toBe(401);
  });
  it('while Microsoft’s keys cannot be had, it is asked to come back', async () => {
    const away = framework.signer('away', { isPublished: false });
    expect(await post(press(), away(claims()))).toMatchObject({ status: 503, body: { code: 'not-now' } });
    expect(world.asked).toEqual([]);
  });
  it.each([
    ['no activity', 'null'],
    ['no JSON', '{'],
    ['another channel', { ...press(), channelId: 'webchat' }],
    ['a press without a token', { ...press(), value: { action: { type: 'Action.Execute', data: {} } } }],
    ['a press of another button', { ...press(), value: { action: { type: 'Action.Execute', verb: 'x', data: {} } } }],
    ['nobody who pressed', { ...press(), from: { id: '29:1' } }],
  ])('verified, but with %s: 400', async (_what, activity) => {
    expect((await post(activity)).status).toBe(400);
    expect(world.asked).toEqual([]);
  });
});
