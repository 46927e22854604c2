import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openPushKeys, type PushKeys } from '../../identity/push-keys.ts';
import { Failure } from '../../ports/failure.ts';
import { type NotifierBench, notifierContract } from '../../ports/notifier.contract.ts';
import type { Notification } from '../../ports/notifier.ts';
import { memoryPushSubscriptions } from '../memory/memory-push-subscriptions.ts';
import { isPushService } from './push-services.ts';
import { startPushService } from './test-push-service.ts';
import { createWebPushNotifier, type WebPushSettings } from './web-push.ts';

let folder: string;
let keys: PushKeys;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'healthsync-push-'));
  keys = await openPushKeys(join(folder, 'push.pem'));
});
afterAll(() => rm(folder, { recursive: true }));

async function open(change: Partial<WebPushSettings> = {}) {
  const service = await startPushService(change.now);
  const subscriptions = memoryPushSubscriptions();
  const settings: WebPushSettings = {
    channel: 'web-push',
    subscriptions,
    keys,
    contact: 'mailto:it@hospital.example',
    services: [service.url.host],
    ca: service.ca,
    now: Date.now,
    ...change,
  };
  const subscribe = async (name: string, publicKey = keys.publicKey) => {
    const browser = await service.browser(name, publicKey);
    await subscriptions.put(browser.subscription);
    return browser;
  };
  return { service, subscriptions, settings, subscribe, notifier: createWebPushNotifier(settings) };
}

notifierContract('web push', async (): Promise<NotifierBench> => {
  const { service, settings, subscribe, notifier } = await open();
  const phone = await subscribe('phone');
  void settings;
  return {
    notifier,
    recipient: 'u1',
    behave: (as) => {
      service.behave(as === 'refuse' ? 'accept' : as);
      if (as === 'refuse') service.gone.add('phone');
    },
    received: () =>
      phone.received.map(({ message }) => ({
        content: `${message.title}\n${message.body}`,
        idempotencyKey: message.delivery,
      })),
    suppressesDuplicates: true,
    retryAfterMs: 30_000,
    secrets: [phone.subscription.endpoint, phone.subscription.auth],
    disconnect: service.close,
    close: service.close,
  };
});

describe('web push', () => {
  let opened: Awaited<ReturnType<typeof open>> | undefined;
  const start = async (change?: Partial<WebPushSettings>) => {
    opened = await open(change);
    return opened;
  };
  afterEach(async () => {
    await opened?.service.close();
    opened = undefined;
  });
  const message = (change: Partial<Notification> = {}): Notification => ({
    subject: 'High alarm, bed W3-01',
    text: 'High alarm, bed W3-01\nRaised 2026-11-22T03:04:05.000Z.\n',
    fields: {},
    recipient: 'u1',
    event: 'raised',
    alarm: { id: 'a1', priority: 'high', kind: 'physiological', raisedAtMs: 0 },
    wallUrl: 'https://ward.example:8443/wall?alarm=a1',
    answerToken: 'token',
    ...change,
  });
  const options = (idempotencyKey = 'd1') => ({ idempotencyKey, signal: AbortSignal.timeout(20_000) });

  it('wakes the phone for a high alarm, and offers to acknowledge', async () => {
    const { notifier, subscribe } = await start();
    const phone = await subscribe('phone');
    expect(await notifier.send(message(), options())).toEqual({ kind: 'delivered', receipt: 'u1 d1' });
    expect(phone.received[0]?.headers).toMatchObject({ urgency: 'high', ttl: '3600' });
    expect(phone.received[0]?.message).toEqual({
      delivery: 'd1',
      title: 'High alarm, bed W3-01',
      body: 'Raised 2026-11-22T03:04:05.000Z.',
      tag: 'alarm:a1',
      event: 'raised',
      isUpdate: false,
      priority: 'high',
      alarmId: 'a1',
      canAcknowledge: true,
      path: '/wall?alarm=a1',
    });
  });
  it('what follows about the same alarm replaces what still waits, quietly', async () => {
    const { notifier, subscribe } = await start();
    const phone = await subscribe('phone');
    await notifier.send(message(), options());
    await notifier.send(message({ event: 'acknowledged' }), options('d2'));
    await notifier.send(
      message({ alarm: { id: 'a2', priority: 'low', kind: 'technical', raisedAtMs: 0 } }),
      options('d3'),
    );
    const [raised, taken, other] = phone.received;
    expect(taken?.headers.topic).toBe(raised?.headers.topic);
    expect(taken?.headers).toMatchObject({ urgency: 'normal' });
    expect(taken?.message).toMatchObject({ tag: 'alarm:a1', isUpdate: true, canAcknowledge: false });
    expect(other?.headers.topic).not.toBe(raised?.headers.topic);
    expect(other?.headers.urgency).toBe('normal');
  });
  it('the push service sees neither the bed nor the alarm’s id', async () => {
    const { service, notifier, subscribe } = await start();
    await subscribe('phone');
    await notifier.send(message(), options());
    const [{ body, headers } = { body: Buffer.alloc(0), headers: {} }] = service.requests;
    expect(`${body.toString('latin1')}${JSON.stringify(headers)}`).not.toMatch(/W3-01|a1"|alarm/i);
  });

  it('reaches every browser of a person, and a retry only those not reached yet', async () => {
    const { service, notifier, subscribe } = await start();
    const [phone, desk] = [await subscribe('phone'), await subscribe('desk')];
    service.ill.set('phone', 503);
    expect(await notifier.send(message(), options())).toEqual({ kind: 'transient', reason: 'HTTP 503' });
    service.ill.clear();
    expect(await notifier.send(message(), options())).toMatchObject({ kind: 'delivered' });
    expect([phone.received.length, desk.received.length]).toEqual([1, 1]);
  });
  it.each([404, 410])(
    'a browser that the service no longer knows (%d) is forgotten, the others are told',
    async (status) => {
      const { service, subscriptions, notifier, subscribe } = await start();
      const [, desk] = [await subscribe('phone'), await subscribe('desk')];
      service.ill.set('phone', status);
      expect(await notifier.send(message(), options())).toMatchObject({ kind: 'delivered' });
      expect(desk.received).toHaveLength(1);
      expect(await subscriptions.of(desk.subscription.userId)).toEqual([desk.subscription]);
    },
  );
  it('whoever counts on reaching a person is told when the last browser is gone, and not before', async () => {
    const unreachable: string[] = [];
    const { service, notifier, subscribe } = await start({ onUnreachable: async (id) => void unreachable.push(id) });
    await Promise.all([subscribe('phone'), subscribe('desk')]);
    service.gone.add('phone');
    await notifier.send(message(), options());
    expect(unreachable).toEqual([]);
    service.ill.set('desk', 403);
    expect(await notifier.send(message(), options('d2'))).toMatchObject({ kind: 'permanent' });
    expect(unreachable).toEqual([]);
    service.ill.set('desk', 410);
    expect(await notifier.send(message(), options('d3'))).toEqual({ kind: 'permanent', reason: 'HTTP 410' });
    expect(unreachable).toEqual(['u1']);
  });
  it('a person without a browser cannot be told, for good', async () => {
    const { notifier } = await start();
    const outcome = { kind: 'permanent', reason: 'no browser is subscribed' };
    expect(await notifier.send(message(), options())).toEqual(outcome);
    expect(await notifier.send(message({ recipient: '../u1' }), options())).toEqual(outcome);
  });
  it.each([
    [400, 'permanent'],
    [403, 'permanent'],
    [413, 'permanent'],
    [429, 'transient'],
    [500, 'transient'],
  ])('status %d is %s, and the browser is kept', async (status, kind) => {
    const { service, subscriptions, notifier, subscribe } = await start();
    const phone = await subscribe('phone');
    service.ill.set('phone', status);
    expect(await notifier.send(message(), options())).toEqual({ kind, reason: `HTTP ${status}` });
    expect(await subscriptions.of(phone.subscription.userId)).toHaveLength(1);
  });
  it('a browser subscribed with another server’s key refuses us', async () => {
    const { notifier, subscribe } = await start();
    const other = await openPushKeys(join(folder, 'other.pem'));
    await subscribe('phone', other.publicKey);
    expect(await notifier.send(message(), options())).toEqual({ kind: 'permanent', reason: 'HTTP 403' });
  });
  it('signs anew before its signature ends', async () => {
    const clock = { ms: Date.now() };
    const { service, notifier, subscribe } = await start({ now: () => clock.ms });
    await subscribe('phone');
    const tokenAt = async (key: string) => {
      expect(await notifier.send(message(), options(key))).toMatchObject({ kind: 'delivered' });
      return service.requests.at(-1)?.headers.authorization;
    };
    const first = await tokenAt('d1');
    clock.ms += 10 * 3_600_000;
    expect(await tokenAt('d2')).toBe(first);
    clock.ms += 5 * 3_600_000;
    expect(await tokenAt('d3')).not.toBe(first);
  });
  it('a long text is cut to what one push may hold', async () => {
    const { notifier, subscribe } = await start();
    const phone = await subscribe('phone');
    for (const [index, text] of ['x'.repeat(9_000), '🛏'.repeat(3_000), '"\n'.repeat(4_000)].entries())
      expect(await notifier.send(message({ text, subject: 's'.repeat(400) }), options(`d${index}`))).toMatchObject({
        kind: 'delivered',
      });
    expect(phone.received.map(({ message }) => message.body.length > 500)).toEqual([true, true, true]);
  });
  it('calls nobody but push services', async () => {
    const { service, notifier, subscribe } = await start({ services: ['fcm.googleapis.com'] });
    await subscribe('phone');
    const outcome = { kind: 'permanent', reason: 'push service not allowed' };
    expect(await notifier.send(message(), options())).toEqual(outcome);
    expect(service.requests).toEqual([]);
  });
  it('a store that is away makes it transient', async () => {
    const subscriptions = {
      of: () => Promise.reject(new Failure('database-unavailable', 'away', { retryable: true })),
      removeGone: async () => {},
    };
    const { notifier } = await start({ subscriptions });
    expect(await notifier.send(message(), options())).toEqual({ kind: 'transient', reason: 'database-unavailable' });
  });
  it('sends nothing to a service whose certificate is not trusted', async () => {
    const { service, settings, subscribe } = await start();
    await subscribe('phone');
    const { ca: _, ...untrusting } = settings;
    expect(await createWebPushNotifier(untrusting).send(message(), options())).toMatchObject({ kind: 'transient' });
    expect(service.requests).toEqual([]);
  });
});

describe('an endpoint', () => {
  it.each([
    ['https://fcm.googleapis.com/fcm/send/abc', true],
    ['https://updates.push.services.mozilla.com/wpush/v2/abc', true],
    ['https://web.push.apple.com/abc', true],
    ['https://wns2-par02p.notify.windows.com/w/?token=abc', true],
    ['https://fcm.googleapis.com:8443/x', false],
    ['http://fcm.googleapis.com/x', false],
    ['https://fcm.googleapis.com.example.org/x', false],
    ['https://notify.windows.com.example.org/x', false],
    ['https://evilnotify.windows.com/x', false],
    ['https://user@fcm.googleapis.com/x', false],
    ['https://169.254.169.254/latest', false],
  ])('%s is a push service: %s', (url, expected) => expect(isPushService(new URL(url))).toBe(expected));
});
