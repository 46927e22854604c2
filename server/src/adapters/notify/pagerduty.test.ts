import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type NotifierBench, notifierContract } from '../../ports/notifier.contract.ts';
import type { Notification } from '../../ports/notifier.ts';
import { callHttps } from './https-call.ts';
import { createPagerDutyNotifier } from './pagerduty.ts';
import { ROUTING_KEY, startPagerDuty } from './test-pagerduty.ts';

type PagerDuty = Awaited<ReturnType<typeof startPagerDuty>>;
const notifierOf = (
  { eventsUrl, ca }: PagerDuty,
  services: readonly (readonly [string, string])[] = [['icu', ROUTING_KEY]],
) => createPagerDutyNotifier({ channel: 'pagerduty', services: new Map(services), eventsUrl, ca, now: Date.now });

notifierContract('PagerDuty', async (): Promise<NotifierBench> => {
  const vendor = await startPagerDuty();
  return {
    notifier: notifierOf(vendor),
    recipient: 'icu',
    behave: vendor.behave,
    received: () =>
      vendor.events.map(({ payload }) => ({
        content: [payload?.summary, ...Object.values(payload?.custom_details ?? {})].join('\n'),
        idempotencyKey: String(payload?.custom_details?.delivery),
      })),
    retryAfterMs: 30_000,
    secrets: [ROUTING_KEY],
    disconnect: vendor.close,
    close: vendor.close,
  };
});

describe('PagerDuty', () => {
  let vendor: PagerDuty;
  beforeEach(async () => {
    vendor = await startPagerDuty();
  });
  afterEach(() => vendor.close());

  const alarm = { id: 'a1', priority: 'high', kind: 'physiological', raisedAtMs: Date.UTC(2026, 10, 22) } as const;
  const message: Notification = {
    subject: 'High alarm, bed W3-01',
    text: 'High alarm, bed W3-01\nRaised …\n',
    fields: { priority: 'high', bed: 'W3-01' },
    recipient: 'icu',
    event: 'raised',
    alarm,
    wallUrl: 'https://ward.example/',
    answerToken: 'not for PagerDuty',
  };
  let attempt = 0;
  const send = (change: Partial<Notification> = {}, notifier = notifierOf(vendor)) =>
    notifier.send(
      { ...message, ...change },
      { idempotencyKey: `delivery-${attempt++}`, signal: AbortSignal.timeout(10_000) },
    );
  const statusOf = (key: string) => vendor.incidents.get(key)?.status;

  it('an alarm is one incident from its beginning to its end', async () => {
    expect(await send()).toEqual({ kind: 'delivered', receipt: 'a1' });
    expect(statusOf('a1')).toBe('triggered');
    for (const event of ['worsened', 'escalated', 'reminder', 'ended', 'returned'] as const)
      expect((await send({ event, earlierReceipt: 'a1' })).kind).toBe('delivered');
    expect(vendor.incidents.get('a1')).toEqual({ status: 'triggered', alerts: 6 });
    await send({ event: 'acknowledged', earlierReceipt: 'a1' });
    expect(statusOf('a1')).toBe('acknowledged');
    await send({ event: 'resolved', earlierReceipt: 'a1' });
    expect(statusOf('a1')).toBe('resolved');
    expect(vendor.incidents.size).toBe(1);
  });
  it('is found by the alarm where the earlier receipt was lost', async () => {
    await send();
    await send({ event: 'resolved' });
    expect(statusOf('a1')).toBe('resolved');
  });
  it('is told what the policy let into the message, and nothing else', async () => {
    await send();
    expect(vendor.events).toEqual([
      {
        routing_key: ROUTING_KEY,
        event_action: 'trigger',
        dedup_key: 'a1',
        payload: {
          summary: message.subject,
          source: 'HealthSync',
          severity: 'critical',
          timestamp: '2026-11-22T00:00:00.000Z',
          class: 'physiological',
          custom_details: { priority: 'high', bed: 'W3-01', text: message.text, delivery: expect.any(String) },
        },
        client: 'HealthSync',
        client_url: 'https://ward.example/',
        links: [{ href: 'https://ward.example/', text: 'The wall' }],
      },
    ]);
  });
  it.each([
    ['raised', 'high', 'critical'],
    ['raised', 'medium', 'error'],
    ['raised', 'low', 'warning'],
    ['ended', 'high', 'info'],
  ] as const)('%s, %s: %s', async (event, priority, severity) => {
    await send({ event, alarm: { ...alarm, priority } });
    expect(vendor.events[0]?.payload?.severity).toBe(severity);
  });
  it('a test is an incident of its own', async () => {
    const { alarm: _, ...test } = { ...message, event: 'test' as const };
    const signal = AbortSignal.timeout(10_000);
    await notifierOf(vendor).send(test, { idempotencyKey: 'test-1', signal });
    expect(statusOf('test-1')).toBe('triggered');
    expect(vendor.events[0]?.payload?.severity).toBe('info');
  });
  it('an unknown service is told nothing', async () => {
    expect(await send({ recipient: 'radiology' })).toEqual({ kind: 'permanent', reason: 'no such service' });
    expect(vendor.requests).toEqual([]);
  });
  it('a key that PagerDuty does not know is for a person to put right', async () => {
    const other = notifierOf(vendor, [['icu', 'f'.repeat(32)]]);
    expect(await send({}, other)).toEqual({ kind: 'permanent', reason: 'HTTP 400' });
  });
  it('a subject of any length is taken', async () => {
    expect((await send({ subject: 'x'.repeat(3_000) })).kind).toBe('delivered');
  });
  it('one that breaks off is tried again, and is still one incident', async () => {
    vendor.behave('reset');
    expect((await send()).kind).toBe('transient');
    vendor.behave('accept');
    expect((await send()).kind).toBe('delivered');
    expect(vendor.incidents.size).toBe(1);
  });
});

describe('the PagerDuty of these tests', () => {
  const trigger = {
    routing_key: ROUTING_KEY,
    event_action: 'trigger',
    payload: { summary: 's', source: 's', severity: 'info' },
  };
  const { payload } = trigger;
  it.each([
    ['an unknown field', { ...trigger, colour: 'red' }],
    ['an unknown field of the payload', { ...trigger, payload: { ...payload, patient: 'x' } }],
    ['no severity', { ...trigger, payload: { summary: 's', source: 's' } }],
    ['a severity of another scale', { ...trigger, payload: { ...payload, severity: 'high' } }],
    ['a summary that is too long', { ...trigger, payload: { ...payload, summary: 'x'.repeat(1_025) } }],
    ['a key that is too long', { ...trigger, dedup_key: 'x'.repeat(256) }],
    ['an acknowledgement of nothing', { routing_key: ROUTING_KEY, event_action: 'acknowledge' }],
    ['an acknowledgement with a payload', { ...trigger, event_action: 'acknowledge', dedup_key: 'a' }],
    ['another integration', { ...trigger, routing_key: 'f'.repeat(32) }],
    ['a picture that is not fetched over TLS', { ...trigger, images: [{ src: 'http://x.example/' }] }],
    ['what is no JSON', 'hello'],
  ])('refuses %s', async (_, event) => {
    const vendor = await startPagerDuty();
    const post = (body: unknown) =>
      callHttps({
        url: vendor.eventsUrl,
        ca: vendor.ca,
        headers: { 'content-type': 'application/json' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
        signal: AbortSignal.timeout(10_000),
      });
    try {
      expect((await post(trigger)).status).toBe(202);
      expect((await post(event)).status).toBe(400);
    } finally {
      await vendor.close();
    }
  });
});
