import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AlertDetail } from '@healthsync/contracts/alert';
import type { PushKey, PushMessage } from '@healthsync/contracts/push';
import { connectAsync, type MqttClient } from 'mqtt';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPushService } from '../../server/src/adapters/notify/test-push-service.ts';
import { openBrowser } from './browser.ts';
import { eventually, type Installation, install, type RunningServer } from './server.ts';

const PASSWORD = 'correct horse battery';
// The server's own authority is not in the browser's store; a worker is only registered where the browser trusts.
const browser = await openBrowser(['--ignore-certificate-errors']);

/** What the server pushed, handed by Chromium itself to the worker that we ship. */
describe.skipIf(browser === undefined)('the service worker in a real browser', () => {
  const chromium = browser as Browser;
  let folder: string;
  let service: Awaited<ReturnType<typeof startPushService>>;
  let home: Installation;
  let server: RunningServer;
  let device: MqttClient;
  let page: Page;
  let deliver: (message: PushMessage) => Promise<unknown>;
  let anna: string;
  let pushed: Awaited<ReturnType<typeof service.browser>>['received'];

  beforeAll(async () => {
    service = await startPushService();
    folder = await mkdtemp(join(tmpdir(), 'healthsync-worker-'));
    await writeFile(join(folder, 'ca.pem'), service.ca);
    await writeFile(join(folder, 'password'), `${PASSWORD}\n`);
    home = await install({
      NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'),
      HEALTHSYNC_PUSH_SERVICES: service.url.host,
    });
    server = await home.start();
    await home.cli('device', 'enroll', 'bedside-7', '--patient', 'p-7', '--out', join(home.folder, 'out'));
    await home.cli('user', 'add', 'anna', '--role', 'nurse', '--password-file', join(folder, 'password'));
    ({ token: anna } = (await home.cli('token', 'create', '--user', 'anna')) as { token: string });
    device = await connectAsync(server.mqtts, {
      ca: readFileSync(join(home.folder, 'out', 'ca.pem')),
      cert: readFileSync(join(home.folder, 'out', 'cert.pem')),
      key: readFileSync(join(home.folder, 'out', 'key.pem')),
      clientId: 'bedside-7',
      reconnectPeriod: 0,
    });
    const context = await chromium.newContext({ ignoreHTTPSErrors: true });
    const origin = `https://localhost:${home.httpsPort}`;
    await context.grantPermissions(['notifications'], { origin });
    page = await context.newPage();
    await page.goto(origin);
    await page.evaluate(
      (body) =>
        fetch('/api/session', { method: 'POST', headers: { 'content-type': 'application/json' }, body }).then(
          ({ status }) => status,
        ),
      JSON.stringify({ name: 'anna', password: PASSWORD }),
    );
    const tools = await context.newCDPSession(page);
    const registered = new Promise<string>((resolve) =>
      tools.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
        for (const one of registrations) if (one.scopeURL === `${origin}/`) resolve(one.registrationId);
      }),
    );
    await tools.send('ServiceWorker.enable');
    await page.evaluate(async () => {
      await navigator.serviceWorker.register('/push-worker.js', { scope: '/' });
      await navigator.serviceWorker.ready;
    });
    const registrationId = await registered;
    deliver = (message) =>
      tools.send('ServiceWorker.deliverPushMessage', { origin, registrationId, data: JSON.stringify(message) });
  });
  afterAll(async () => {
    await chromium.close();
    await device?.endAsync();
    await home?.remove();
    await service?.close();
    await rm(folder, { recursive: true });
  });

  const shown = () =>
    page.evaluate(async () =>
      (await (await navigator.serviceWorker.ready).getNotifications()).map(({ title, tag, body }) => ({
        title,
        tag,
        body,
      })),
    );

  it('shows the alarm, says that it came, and replaces it by the word that it is taken', async () => {
    const { publicKey } = (await home.fetch('/api/push/key', { token: anna })).body as PushKey;
    const phone = await service.browser('phone', publicKey);
    pushed = phone.received;
    const { endpoint, p256dh, auth } = phone.subscription;
    await home.fetch('/api/push/subscriptions', {
      method: 'POST',
      token: anna,
      body: { endpoint, keys: { p256dh, auth } },
    });
    const topics = { subscriptions: [{ topic: 'alarms.high' }] };
    await home.fetch('/api/me/topics', { method: 'PUT', token: anna, body: topics });
    await device.publishAsync(
      'devices/bedside-7/readings',
      JSON.stringify({ id: 'r1', at: new Date().toISOString(), vitals: { heartRate: 165 } }),
      { qos: 1 },
    );
    const { message } = await eventually('the push', async () => phone.received[0]);
    await deliver(message);
    const [notification] = await eventually('the notification', async () => {
      const all = await shown();
      return all.length > 0 ? all : undefined;
    });
    expect(notification).toEqual({ title: message.title, tag: message.tag, body: message.body });

    const { alarmId = '' } = message;
    await eventually('the receipt', async () => {
      const { deliveries } = (await home.fetch(`/api/alerts/${alarmId}`, { token: anna })).body as AlertDetail;
      return deliveries.some(({ channel, receipt }) => channel === 'web-push' && receipt === 'delivered')
        ? true
        : undefined;
    });
    await home.fetch(`/api/alerts/${alarmId}/acknowledge`, { method: 'POST', token: anna });
    const taken = await eventually('the word that it is taken', async () =>
      phone.received.find((one) => one.message.event === 'acknowledged'),
    );
    await deliver(taken.message);
    await eventually('one notification, changed', async () => {
      const all = await shown();
      return all.length === 1 && all[0]?.title === taken.message.title ? true : undefined;
    });
  });

  it('its button takes the alarm in the name of whoever is signed in in this browser', async () => {
    await device.publishAsync(
      'devices/bedside-7/readings',
      JSON.stringify({ id: 'r2', at: new Date().toISOString(), vitals: { spo2: 80 } }),
      { qos: 1 },
    );
    const phone = await eventually('the push', async () =>
      pushed.find(({ message }) => message.event === 'raised' && message.alarmId !== pushed[0]?.message.alarmId),
    );
    await deliver(phone.message);
    const tag = phone.message.tag;
    await eventually('the notification', async () => (await shown()).find((one) => one.tag === tag));
    const [worker] = page.context().serviceWorkers();
    // As the browser does for a press of the button; only waiting for what comes of it is the browser's alone.
    await worker?.evaluate(`(async () => {
      const [notification] = await registration.getNotifications({ tag: ${JSON.stringify(tag)} });
      const press = new NotificationEvent('notificationclick', { notification, action: 'acknowledge' });
      press.waitUntil = () => {};
      dispatchEvent(press);
    })()`);
    const taken = await eventually('the alarm taken', async () => {
      const { body } = await home.fetch(`/api/alerts/${phone.message.alarmId}`, { token: anna });
      return (body as AlertDetail).alert.acknowledgedBy;
    });
    expect(taken).toBe('anna');
  });
});
