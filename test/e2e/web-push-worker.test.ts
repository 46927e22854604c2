import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AlertDetail } from '@healthsync/contracts/alert';
import type { PushKey, PushMessage } from '@healthsync/contracts/push';
import { connectAsync, type MqttClient } from 'mqtt';
import { Secret, TOTP } from 'otpauth';
import type { Browser, BrowserContext, Page } from 'playwright-core';
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

  describe('and the way in', () => {
    let context: BrowserContext;
    let chief: Page;
    beforeAll(async () => {
      await home.cli('user', 'add', 'chief', '--role', 'admin', '--password-file', join(folder, 'password'));
      context = await chromium.newContext({ ignoreHTTPSErrors: true });
      chief = await context.newPage();
      // A key of its own for this browser, whose user always proves to be there (WebAuthn §11).
      const tools = await context.newCDPSession(chief);
      await tools.send('WebAuthn.enable');
      await tools.send('WebAuthn.addVirtualAuthenticator', {
        options: {
          protocol: 'ctap2',
          transport: 'internal',
          hasResidentKey: true,
          hasUserVerification: true,
          isUserVerified: true,
          automaticPresenceSimulation: true,
        },
      });
    });
    afterAll(() => context.close());

    const click = (name: string) => chief.getByRole('button', { name, exact: true }).click();
    async function showPassword(): Promise<void> {
      await chief.getByLabel('Name').fill('chief');
      await chief.locator('input[name=password]').fill(PASSWORD);
      await click('Sign in');
    }
    async function signOut(): Promise<void> {
      await chief.getByRole('button', { name: /^Menu of/ }).click();
      await chief.getByRole('menuitem', { name: 'Sign out' }).click();
      await chief.locator('input[name=password]').waitFor();
    }
    const isIn = () => chief.getByRole('button', { name: /^Menu of/ }).waitFor();

    it('leads whoever administers through making a passkey, and gives recovery codes', async () => {
      await chief.goto(server.https);
      await showPassword();
      await chief.getByText('Your account needs a second factor').waitFor();
      await click('Make a passkey');
      await chief.getByText('Keep these recovery codes').waitFor();
      expect(await chief.locator('.recovery-codes li').count()).toBe(10);
      await click('I have kept them');
      await isIn();
    });

    it('asks for it after the password, and takes it alone', async () => {
      await signOut();
      await showPassword();
      await click('Use your passkey');
      await isIn();
      await signOut();
      await click('Use a passkey');
      await isIn();
    });

    it('adds codes from an app, which then open it as well', async () => {
      await chief.goto(`${server.https}/my-sign-in`);
      await click('Add one');
      await click('Use codes from an app');
      const secret = ((await chief.locator('code.secret').textContent()) ?? '').replaceAll(' ', '');
      const code = (ahead: number) =>
        new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: Date.now() + ahead });
      await chief.getByLabel('The code the app shows now').fill(code(0));
      await click('Confirm');
      await chief.getByText('Phone · codes from an app').waitFor();
      await signOut();
      await showPassword();
      await click('Use a code from your app instead');
      await chief.getByLabel('Code from your app').fill(code(30_000));
      await click('Go on');
      await isIn();
    });

    it('invites somebody, who chooses a password and is in', async () => {
      await chief.goto(`${server.https}/users`);
      await click('Invite somebody');
      await chief.getByLabel('Name to sign in with').fill('dora');
      await chief.getByLabel('Name others see').fill('Dora Falk');
      await chief.getByLabel('nurse', { exact: true }).check();
      await click('Make the account');
      const link = (await chief.locator('.once code').textContent()) ?? '';
      const other = await (await chromium.newContext({ ignoreHTTPSErrors: true })).newPage();
      await other.goto(link);
      await other.locator('input[name=password]').fill('another horse battery');
      await other.getByRole('button', { name: 'Set the password' }).click();
      await other.getByRole('button', { name: 'Menu of Dora Falk' }).waitFor();
      await other.context().close();
    });

    it('lets an app in when its user says so, and only then', async () => {
      await chief.evaluate(
        (body) =>
          fetch('/api/clients', { method: 'POST', headers: { 'content-type': 'application/json' }, body }).then(
            ({ status }) => status,
          ),
        JSON.stringify({
          id: 'rota-app',
          kind: 'app',
          name: 'Rota app',
          redirectUris: ['https://app.example/back'],
          scopes: ['openid', 'rota.read'],
        }),
      );
      const sentBack: URL[] = [];
      await context.route('https://app.example/**', (route) => {
        sentBack.push(new URL(route.request().url()));
        return route.fulfill({ body: 'back at the app' });
      });
      const ask = new URLSearchParams({
        client_id: 'rota-app',
        response_type: 'code',
        scope: 'openid rota.read',
        redirect_uri: 'https://app.example/back',
        code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
        code_challenge_method: 'S256',
        state: 's1',
      });
      // From the app's own site: our strict cookie is not with this request, and the page asks who is here.
      await chief.goto('https://app.example/start');
      await chief.evaluate((to) => location.assign(to), `${server.https}/oidc/auth?${ask}`);
      await chief.getByText('Let Rota app act for chief?').waitFor();
      await click('No');
      await chief.getByText('back at the app').waitFor();
      expect(sentBack.at(-1)?.searchParams.get('error')).toBe('access_denied');
      await chief.goto(`${server.https}/oidc/auth?${ask}`);
      await click('Let it');
      await chief.getByText('back at the app').waitFor();
      expect(sentBack.at(-1)?.searchParams.get('code')).toMatch(/^[A-Za-z0-9_-]{43}$/);
      expect(sentBack.at(-1)?.searchParams.get('state')).toBe('s1');
    });
  });
});
