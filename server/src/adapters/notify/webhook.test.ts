import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, it } from 'vitest';
import { rememberIds, verifyWebhook } from '../../../../examples/webhook-receiver/verify.ts';
import { type NotifierBench, notifierContract } from '../../ports/notifier.contract.ts';
import type { Notification } from '../../ports/notifier.ts';
import { standardWebhookHeaders } from './standard-webhook.ts';
import { startVendor, type VendorAnswer, type VendorRequest } from './test-vendor.ts';
import { createWebhookNotifier, webhookEndpoints } from './webhook.ts';

const SECRET = `whsec_${randomBytes(32).toString('base64')}`;
const FORMER = 'a shared secret of more than 32 characters';
const PATH = '/hooks/secret-path';

/** A receiver that takes nothing the example would not take. */
async function receiver({ secrets = [SECRET], answer = { status: 204 } as VendorAnswer } = {}) {
  const received: VendorRequest[] = [];
  const state = { answer };
  const vendor = await startVendor({
    unwell: { refuse: { status: 410 } },
    answer(request) {
      if (request.method !== 'POST' || request.path !== PATH) return { status: 404 };
      if (request.headers['content-type'] !== 'application/json') return { status: 415 };
      const verdict = verifyWebhook(request, [SECRET], Date.now());
      if (verdict !== 'verified') return { status: 401, body: verdict };
      if (state.answer.status < 300) received.push(request);
      return state.answer;
    },
  });
  const endpoints = webhookEndpoints([new URL(PATH, vendor.url).href], secrets);
  const settings = {
    channel: 'webhook',
    endpointOf: (recipient: string) => endpoints.get(recipient),
    outgoing: { allowedHosts: ['localhost'] },
    ca: vendor.ca,
    now: Date.now,
  };
  return {
    ...vendor,
    settings,
    notifier: createWebhookNotifier(settings),
    recipient: [...endpoints.keys()][0] ?? '',
    received,
    respond: (next: VendorAnswer) => {
      state.answer = next;
    },
  };
}

notifierContract('webhook', async (): Promise<NotifierBench> => {
  const server = await receiver();
  return {
    ...server,
    received: () =>
      server.received.map(({ headers, body }) => ({
        content: Object.values(JSON.parse(body.toString()) as object).join('\n'),
        idempotencyKey: String(headers['webhook-id']),
      })),
    retryAfterMs: 30_000,
    secrets: [PATH, SECRET],
    disconnect: server.close,
  };
});

describe('a webhook', () => {
  const opened: { close(): Promise<void> }[] = [];
  const open = async (options?: Parameters<typeof receiver>[0]) => {
    const server = await receiver(options);
    opened.push(server);
    return server;
  };
  afterEach(async () => {
    for (const each of opened.splice(0)) await each.close();
  });
  const message = (recipient: string): Notification => ({
    subject: 's',
    text: 't',
    fields: { bed: 'W3-01' },
    recipient,
    event: 'raised',
    alarm: { id: 'a1', priority: 'high', kind: 'physiological', raisedAtMs: 0 },
    wallUrl: 'https://ward.example/',
    answerToken: 'secret token',
    earlierReceipt: 'HTTP 204',
  });
  const options = (idempotencyKey = 'k') => ({ idempotencyKey, signal: AbortSignal.timeout(10_000) });

  it('says what the policy let into the message, and nothing else', async () => {
    const server = await open();
    await server.notifier.send(message(server.recipient), options());
    expect(JSON.parse(String(server.received[0]?.body))).toEqual({
      type: 'alarm.raised',
      subject: 's',
      text: 't',
      bed: 'W3-01',
      wallUrl: 'https://ward.example/',
    });
  });
  it('is verified by the reference library, and a changed body, id or time is not', async () => {
    const server = await open();
    await server.notifier.send(message(server.recipient), options('delivery.1'));
    const [request] = server.received;
    const body = String(request?.body);
    const headers = request?.headers as Record<string, string>;
    const reference = new Webhook(SECRET);
    expect(reference.verify(body, headers)).toMatchObject({ type: 'alarm.raised' });
    expect(() => reference.verify(body.replace('W3-01', 'W3-02'), headers)).toThrow();
    for (const header of ['webhook-id', 'webhook-timestamp'])
      expect(() => reference.verify(body, { ...headers, [header]: `${headers[header]}1` })).toThrow();
    expect(headers['webhook-id']).toBe('delivery_1');
  });
  it('is signed with the former secret too while it is replaced', async () => {
    for (const secrets of [
      [SECRET, FORMER],
      [FORMER, SECRET],
    ]) {
      const server = await open({ secrets });
      expect((await server.notifier.send(message(server.recipient), options())).kind).toBe('delivered');
      const headers = server.received[0]?.headers as Record<string, string>;
      const body = String(server.received[0]?.body);
      expect(new Webhook(FORMER, { format: 'raw' }).verify(body, headers)).toBeTruthy();
      expect(new Webhook(SECRET).verify(body, headers)).toBeTruthy();
    }
  });
  it('is never sent unsigned', async () => {
    const server = await open({ secrets: [] });
    expect((await server.notifier.send(message(server.recipient), options())).kind).toBe('permanent');
    expect(server.requests).toEqual([]);
  });
  it('that the receiver cannot verify is a failure that is told', async () => {
    const server = await open({ secrets: [FORMER] });
    expect(await server.notifier.send(message(server.recipient), options())).toEqual({
      kind: 'permanent',
      reason: 'HTTP 401',
    });
  });
  it.each([
    [200, 'delivered'],
    [202, 'delivered'],
    [301, 'permanent'],
    [302, 'permanent'],
    [307, 'permanent'],
    [400, 'permanent'],
    [401, 'permanent'],
    [404, 'permanent'],
    [410, 'permanent'],
    [408, 'transient'],
    [425, 'transient'],
    [429, 'transient'],
    [500, 'transient'],
    [503, 'transient'],
  ])('status %d is %s, and nothing is followed', async (status, kind) => {
    const server = await open();
    server.respond({ status, headers: { location: new URL(PATH, server.url).href } });
    expect((await server.notifier.send(message(server.recipient), options())).kind).toBe(kind);
    expect(server.requests).toHaveLength(1);
  });
  it.each([
    ['120', 120_000],
    ['999999', 900_000],
    ['soon', undefined],
  ])('Retry-After %s means %s ms', async (value, expected) => {
    const server = await open();
    server.respond({ status: 429, headers: { 'retry-after': value } });
    const outcome = await server.notifier.send(message(server.recipient), options());
    expect(outcome).toEqual({
      kind: 'transient',
      reason: 'HTTP 429',
      ...(expected === undefined ? {} : { retryAfterMs: expected }),
    });
  });
  it('that breaks in the middle is tried again', async () => {
    const server = await open();
    server.behave('reset');
    expect((await server.notifier.send(message(server.recipient), options())).kind).toBe('transient');
  });
  it('is given an endless answer and does not wait for its end', async () => {
    const server = await open();
    server.respond({ status: 200, body: 'x'.repeat(10_000_000) });
    expect((await server.notifier.send(message(server.recipient), options())).kind).toBe('delivered');
  });
  it('goes to nobody whose certificate is not trusted', async () => {
    const server = await open();
    const { ca: _, ...untrusting } = server.settings;
    const outcome = await createWebhookNotifier(untrusting).send(message(server.recipient), options());
    expect(outcome.kind).toBe('transient');
    expect(server.requests).toEqual([]);
  });
  it('goes nowhere in the house unless the operator has named the host', async () => {
    const server = await open();
    const { outgoing: _, ...settings } = server.settings;
    const port = Number(server.url.port);
    expect(await createWebhookNotifier(settings).send(message(server.recipient), options())).toEqual({
      kind: 'permanent',
      reason: 'port-not-allowed',
    });
    const named = createWebhookNotifier({ ...settings, outgoing: { ports: [port] } });
    expect(await named.send(message(server.recipient), options())).toEqual({
      kind: 'permanent',
      reason: 'private-address',
    });
    expect(server.requests).toEqual([]);
  });
  it('is recorded under a name that does not show its address', async () => {
    const server = await open();
    expect(server.recipient).not.toContain('secret-path');
    expect(await server.notifier.send(message('other'), options())).toEqual({
      kind: 'permanent',
      reason: 'no such endpoint',
    });
  });
});

describe('the example receiver', () => {
  const body = Buffer.from('{"type":"test"}');
  const signed = (secrets: readonly string[], atMs: number) => ({
    headers: standardWebhookHeaders({ id: 'm1', atMs, body, secrets }) as Record<string, unknown>,
    body,
  });
  const NOW = 1_800_000_000_000;

  it('takes what is signed now with a secret it has', () => {
    expect(verifyWebhook(signed([SECRET], NOW), [SECRET], NOW)).toBe('verified');
    expect(verifyWebhook(signed([FORMER, SECRET], NOW), [SECRET], NOW + 299_000)).toBe('verified');
    expect(verifyWebhook(signed([FORMER], NOW), [SECRET, FORMER], NOW)).toBe('verified');
  });
  it('refuses what is unsigned, forged or old', () => {
    expect(verifyWebhook({ headers: {}, body }, [SECRET], NOW)).toBe('unsigned');
    expect(verifyWebhook(signed([SECRET], NOW), [FORMER], NOW)).toBe('forged');
    expect(verifyWebhook({ ...signed([SECRET], NOW), body: Buffer.from('{}') }, [SECRET], NOW)).toBe('forged');
    expect(verifyWebhook(signed([SECRET], NOW), [SECRET], NOW + 302_000)).toBe('stale');
    expect(verifyWebhook(signed([SECRET], NOW), [SECRET], NOW - 302_000)).toBe('stale');
    const { headers } = signed([SECRET], NOW);
    for (const signature of ['', 'v1,', 'v1a,AAAA', 'AAAA', 'v1,AAAA v2,BBBB'])
      expect(verifyWebhook({ headers: { ...headers, 'webhook-signature': signature }, body }, [SECRET], NOW)).toBe(
        'forged',
      );
    expect(verifyWebhook({ headers: { ...headers, 'webhook-timestamp': 'NaN' }, body }, [SECRET], NOW)).toBe(
      'unsigned',
    );
  });
  it('takes an id once, for as long as its signature would hold', () => {
    const seen = rememberIds();
    expect(seen.isNew('m1', NOW)).toBe(true);
    expect(seen.isNew('m1', NOW + 300_000)).toBe(false);
    expect(seen.isNew('m2', NOW + 300_000)).toBe(true);
    expect(seen.isNew('m1', NOW + 700_000)).toBe(true);
  });
});
