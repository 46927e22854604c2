import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Failure } from '../../ports/failure.ts';
import { startTestServer, type TestServer } from '../test-server.ts';
import { registerPagerDutyHook } from './pagerduty.ts';
import { memoryAnswers } from './test-answers.ts';

const SECRET = 'PtjNA0nYZJ8Oq5n2mJ1cXKZhVfWq3rTd';
const OTHER = 'secret of another service’s webhook';
const PEOPLE = { PXPGF42: 'Anna Berg (anna)', PVISITOR: 'visitor' };

describe('the PagerDuty hook', () => {
  let server: TestServer;
  let world: ReturnType<typeof memoryAnswers>;
  const warned: unknown[] = [];
  beforeAll(async () => {
    server = await startTestServer({
      server: {
        plugins: [
          (app) =>
            registerPagerDutyHook(app, {
              channel: 'pagerduty',
              secrets: [SECRET, OTHER],
              answers: { answer: (a) => world.answers.answer(a) },
              log: { debug() {}, info() {}, warn: (_, fields) => void warned.push(fields), error() {} },
              now: () => server.now(),
            }),
        ],
      },
    });
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    world = memoryAnswers(PEOPLE);
    warned.length = 0;
  });

  let count = 0;
  /** As developer.pagerduty.com/docs/webhooks-overview shows it, with more in it than we read. */
  const event = (change: object = {}, data: object = {}) => ({
    event: {
      id: `01EVENT${count++}`,
      event_type: 'incident.acknowledged',
      resource_type: 'incident',
      occurred_at: new Date(server.now()).toISOString(),
      agent: { id: 'PXPGF42', type: 'user_reference', summary: 'Anna Berg', self: null, html_url: null },
      client: null,
      data: {
        id: 'PGR0VU2',
        type: 'incident',
        number: 2,
        status: 'acknowledged',
        incident_key: 'a1',
        title: 'High alarm, bed W3-01',
        urgency: 'high',
        assignees: [{ id: 'PXPGF42', type: 'user_reference' }],
        ...data,
      },
      ...change,
    },
  });
  const signed = (body: string, secret = SECRET) => `v1=${createHmac('sha256', secret).update(body).digest('hex')}`;
  const post = (payload: object | string, signature?: string | null) => {
    const body = typeof payload === 'string' ? payload : JSON.stringify(payload);
    const given = signature === undefined ? signed(body) : signature;
    return server.call('/hooks/pagerduty/pagerduty', {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...(given === null ? {} : { 'x-pagerduty-signature': given }) },
    });
  };

  it.each(['incident.acknowledged', 'incident.resolved'])(
    '%s takes the alarm for the person who did it',
    async (type) => {
      expect((await post(event({ event_type: type }))).status).toBe(200);
      expect(world.asked).toEqual([
        { action: 'acknowledge', by: { alarmId: 'a1' }, channel: 'pagerduty', from: 'PXPGF42' },
      ]);
    },
  );
  it('believes only what one of its secrets has signed, among several signatures too', async () => {
    const body = JSON.stringify(event());
    const wrong = signed(body, 'x');
    for (const given of [
      null,
      '',
      'v1=',
      wrong,
      signed(`${body} `),
      signed(body).replace('v1', 'v2'),
      `v1=${'zz'.repeat(32)}`,
    ])
      expect((await post(body, given)).status).toBe(401);
    expect(world.asked).toEqual([]);
    expect((await post(body, `${wrong},${signed(body)}`)).status).toBe(200);
    const other = JSON.stringify(event());
    expect((await post(other, `${wrong}, ${signed(other, OTHER)}`)).status).toBe(200);
    expect(world.asked).toHaveLength(2);
  });
  it('takes an event once', async () => {
    const again = event();
    for (let i = 0; i < 3; i++) expect((await post(again)).status).toBe(200);
    expect(world.asked).toHaveLength(1);
  });
  it('an old event changes nothing: somebody kept it', async () => {
    for (const minutes of [-61, 61]) {
      const at = new Date(server.now() + minutes * 60_000).toISOString();
      expect((await post(event({ occurred_at: at }))).status).toBe(200);
    }
    expect(world.asked).toEqual([]);
  });
  it.each([
    ['our own event', event.bind(null, { agent: { id: 'PINTEGR', type: 'inbound_integration_reference' } })],
    ['nobody', event.bind(null, { agent: null })],
    ['an incident that is not ours', event.bind(null, {}, { incident_key: null })],
    ['another kind', event.bind(null, { event_type: 'incident.annotated' })],
    ['a ping', event.bind(null, { event_type: 'pagey.ping', agent: null, data: { message: 'Hello', type: 'ping' } })],
  ])('%s is no answer', async (_, make) => {
    expect((await post(make())).status).toBe(200);
    expect(world.asked).toEqual([]);
  });
  it('an answer that is not taken is said in the log, naming nobody', async () => {
    await post(event({ agent: { id: 'PSTRANGER', type: 'user_reference' } }));
    await post(event({ agent: { id: 'PVISITOR', type: 'user_reference' } }));
    await post(event({}, { incident_key: 'unknown' }));
    expect(warned).toEqual([
      { channel: 'pagerduty', reason: 'unknown-person' },
      { channel: 'pagerduty', reason: 'not-allowed' },
      { channel: 'pagerduty', reason: 'unknown-alarm' },
    ]);
  });
  it('while the database is away PagerDuty is told to come again, and is then heard', async () => {
    world.state.failWith = new Failure('database-unavailable', 'away', { retryable: true });
    const held = event();
    expect((await post(held)).status).toBe(503);
    world.state.failWith = undefined;
    expect((await post(held)).status).toBe(200);
    expect(world.state.owner).toBe('Anna Berg (anna)');
  });
  it.each([
    ['no JSON', 'hello'],
    ['no event', '{}'],
    ['no time', JSON.stringify({ event: { id: 'x', event_type: 'incident.acknowledged', data: {} } })],
    [
      'no real time',
      JSON.stringify({ event: { id: 'x', event_type: 'incident.acknowledged', occurred_at: 'soon', data: {} } }),
    ],
    ['nested thousands deep', '['.repeat(50_000)],
  ])('%s is malformed', async (_, body) => {
    expect((await post(body)).status).toBe(400);
  });
  it('more than an event can have is not read', async () => {
    expect((await post(' '.repeat(300_000))).status).toBe(413);
  });
});
