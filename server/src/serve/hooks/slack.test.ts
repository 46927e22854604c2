import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sendSlackResponse } from '../../adapters/notify/slack-response.ts';
import { startSlackHooks } from '../../adapters/notify/test-slack-hooks.ts';
import { Failure } from '../../ports/failure.ts';
import { startTestServer, type TestServer } from '../test-server.ts';
import { registerSlackHook, slackSignature } from './slack.ts';
import { memoryAnswers } from './test-answers.ts';

const SECRET = '8f742231b10e8888abcd99yyyzzz85a5';
const PEOPLE = { U0ANNA: 'Anna Berg (anna)', U0BEN: 'Ben Roth (ben)', U0VISITOR: 'visitor' };

describe('the Slack hook', () => {
  let server: TestServer;
  let slack: Awaited<ReturnType<typeof startSlackHooks>>;
  let world: ReturnType<typeof memoryAnswers>;
  beforeAll(async () => {
    server = await startTestServer({
      server: {
        plugins: [
          (app) =>
            registerSlackHook(app, {
              channel: 'slack-icu',
              signingSecret: SECRET,
              answers: { answer: (a) => world.answers.answer(a), receipt: (r) => world.answers.receipt(r) },
              respond: (url, body, signal) =>
                sendSlackResponse(url, body, { signal, ca: slack.ca, origins: [slack.url.origin] }),
              log: { debug() {}, info() {}, warn() {}, error() {} },
              now: () => server.now(),
            }),
        ],
      },
    });
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    world = memoryAnswers(PEOPLE);
    slack = await startSlackHooks();
    return () => slack.close();
  });

  const payload = (change: object = {}) => ({
    type: 'block_actions',
    user: { id: 'U0ANNA', username: 'anna', team_id: 'T01' },
    api_app_id: 'A01',
    container: { type: 'message', message_ts: '1764000000.000100' },
    trigger_id: '1.2.3',
    team: { id: 'T01', domain: 'ward' },
    response_url: slack.responseUrl,
    message: {
      ts: '1764000000.000100',
      blocks: [
        { type: 'header', text: { type: 'plain_text', text: 'High alarm, bed W3-01', emoji: false } },
        { type: 'section', text: { type: 'plain_text', text: 'Raised …', emoji: false } },
        { type: 'actions', elements: [] },
      ],
    },
    actions: [{ type: 'button', action_id: 'healthsync_acknowledge', value: 'good', action_ts: '1' }],
    ...change,
  });
  let nonce = 0;
  const press = (
    what: object | string,
    change: { readonly seconds?: number; readonly headers?: Record<string, string>; readonly secret?: string } = {},
  ) => {
    const body = typeof what === 'string' ? what : `payload=${encodeURIComponent(JSON.stringify(what))}&n=${nonce++}`;
    const seconds = String(change.seconds ?? Math.floor(server.now() / 1_000));
    return server.call('/hooks/slack/slack-icu', {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-slack-request-timestamp': seconds,
        'x-slack-signature': slackSignature(change.secret ?? SECRET, seconds, Buffer.from(body)),
        ...change.headers,
      },
    });
  };
  const responded = (count: number) => expect.poll(() => slack.responses, { timeout: 10_000 }).toHaveLength(count);

  it('signs as Slack’s own documentation does', () => {
    // docs.slack.dev/authentication/verifying-requests-from-slack, its worked example.
    const body =
      'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&' +
      'channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&' +
      'response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&' +
      'trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c';
    expect(slackSignature('8f742231b10e8888abcd99yyyzzz85a5', '1531420618', Buffer.from(body))).toBe(
      'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
    );
  });
  it('a press acknowledges in the name of the one who pressed, and the message says so without its button', async () => {
    expect(await press(payload())).toMatchObject({ status: 200, raw: '' });
    await responded(1);
    expect(world.asked).toEqual([
      { action: 'acknowledge', by: { token: 'good' }, channel: 'slack-icu', from: 'U0ANNA' },
    ]);
    expect(slack.responses[0]).toEqual({
      replace_original: true,
      text: 'Acknowledged by Anna Berg (anna)',
      blocks: [
        { type: 'header', text: { type: 'plain_text', text: 'High alarm, bed W3-01', emoji: false } },
        { type: 'section', text: { type: 'plain_text', text: 'Raised …', emoji: false } },
        {
          type: 'context',
          elements: [{ type: 'plain_text', text: 'Acknowledged by Anna Berg (anna)', emoji: false }],
        },
      ],
    });
  });
  it('the second of two is told who has it', async () => {
    await press(payload());
    await responded(1);
    await press(payload({ user: { id: 'U0BEN' } }));
    await responded(2);
    expect(slack.responses[1]).toMatchObject({
      replace_original: true,
      text: 'Already acknowledged by Anna Berg (anna)',
    });
  });
  it.each([
    ['somebody without an account', { user: { id: 'U0STRANGER' } }, /not linked/],
    ['somebody who may not', { user: { id: 'U0VISITOR' } }, /may not/],
    ['an old message', { actions: [{ action_id: 'healthsync_acknowledge', value: 'old' }] }, /too old/],
    ['an unknown alarm', { actions: [{ action_id: 'healthsync_acknowledge', value: 'unknown' }] }, /not know/],
  ])('%s is told alone, and the message stays', async (_who, change, text) => {
    expect((await press(payload(change))).status).toBe(200);
    await responded(1);
    expect(slack.responses[0]).toMatchObject({
      response_type: 'ephemeral',
      replace_original: false,
      text: expect.stringMatching(text),
    });
  });
  it('an answer that could not be taken is said to be none', async () => {
    world.state.failWith = new Failure('database-unavailable', 'away', { retryable: true });
    expect((await press(payload())).status).toBe(200);
    await responded(1);
    expect(slack.responses[0]).toMatchObject({
      response_type: 'ephemeral',
      text: expect.stringMatching(/could not take/),
    });
  });
  it('a button that only opens an address changes nothing', async () => {
    expect((await press(payload({ actions: [{ action_id: 'healthsync_open' }] }))).status).toBe(200);
    expect(world.asked).toEqual([]);
  });

  describe('refuses with 401, and says nothing more,', () => {
    it.each([
      ['no signature', { headers: { 'x-slack-signature': '' } }],
      ['another secret', { secret: 'another' }],
      ['a signature of another length', { headers: { 'x-slack-signature': 'v0=00' } }],
      ['no time', { headers: { 'x-slack-request-timestamp': '' } }],
      ['a time that is none', { headers: { 'x-slack-request-timestamp': '1e9' } }],
      ['a signature of six minutes ago', { ageSeconds: 360 }],
      ['a signature of the future', { ageSeconds: -360 }],
    ])('%s', async (_what, change: { headers?: Record<string, string>; secret?: string; ageSeconds?: number }) => {
      const { ageSeconds, ...rest } = change;
      const seconds = ageSeconds === undefined ? {} : { seconds: Math.floor(server.now() / 1_000) - ageSeconds };
      const answer = await press(payload(), { ...rest, ...seconds });
      expect(answer.status).toBe(401);
      expect(answer.body).toEqual({
        type: 'urn:healthsync:problem:not-verified',
        title: 'Sign in first',
        status: 401,
        code: 'not-verified',
      });
      expect(world.asked).toEqual([]);
    });
    it('a body changed on the way', async () => {
      const seconds = String(Math.floor(server.now() / 1_000));
      const signature = slackSignature(SECRET, seconds, Buffer.from('payload={}'));
      const body = `payload=${encodeURIComponent(JSON.stringify(payload()))}`;
      expect((await press(body, { headers: { 'x-slack-signature': signature } })).status).toBe(401);
      expect(world.asked).toEqual([]);
    });
    it('the same request again', async () => {
      const body = `payload=${encodeURIComponent(JSON.stringify(payload()))}`;
      const seconds = Math.floor(server.now() / 1_000);
      expect((await press(body, { seconds })).status).toBe(200);
      await responded(1);
      expect((await press(body, { seconds })).status).toBe(401);
      expect(world.asked).toHaveLength(1);
    });
  });

  it.each([
    ['no payload', 'something=else'],
    ['no JSON', 'payload=%7B'],
    ['another kind of payload', `payload=${encodeURIComponent('{"type":"view_submission"}')}`],
    ['no button', `payload=${encodeURIComponent('{"type":"block_actions","user":{"id":"U1"},"actions":[]}')}`],
    [
      'a button without a token',
      `payload=${encodeURIComponent(
        '{"type":"block_actions","user":{"id":"U1"},"actions":[{"action_id":"healthsync_acknowledge"}]}',
      )}`,
    ],
  ])('signed, but with %s: 400', async (_what, body) => {
    expect(await press(`${body}&n=${nonce++}`)).toMatchObject({ status: 400, body: { code: 'malformed' } });
    expect(world.asked).toEqual([]);
  });
  it('takes nothing but what Slack sends', async () => {
    expect((await press(payload(), { headers: { 'content-type': 'text/plain' } })).status).toBe(415);
    expect((await press('x'.repeat(70_000))).status).toBe(413);
    expect((await server.call('/hooks/slack/slack-icu')).status).toBe(405);
  });
});
