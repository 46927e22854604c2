import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Alert, AlertDetail } from '@healthsync/contracts/alert';
import { connectAsync } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyWebhook } from '../../examples/webhook-receiver/verify.ts';
import { callHttps } from '../../server/src/adapters/notify/https-call.ts';
import { startMailServer } from '../../server/src/adapters/notify/test-mail-server.ts';
import { ROUTING_KEY, startPagerDuty } from '../../server/src/adapters/notify/test-pagerduty.ts';
import {
  ACCOUNT_SID,
  API_KEY_SECRET,
  API_KEY_SID,
  NUMBERS,
  startTwilio,
} from '../../server/src/adapters/notify/test-twilio.ts';
import { startVendor, type VendorRequest } from '../../server/src/adapters/notify/test-vendor.ts';
import { eventually, type Installation, install, type RunningServer } from './server.ts';

const PHONE = '+4915112345678';
const AUTH_TOKEN = '0123456789abcdef0123456789abcdef';
const WEBHOOK_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const PAGERDUTY_SECRET = 'signing secret of the PagerDuty webhook';
const PUBLIC_URL = 'https://alarms.hospital.example';

/** The program with all that is told and answered outside the app: strict vendors on loopback, over TLS. */
describe('an alarm goes out by every channel, and is answered by telephone and in PagerDuty', () => {
  let home: Installation;
  let server: RunningServer;
  let mail: Awaited<ReturnType<typeof startMailServer>>;
  let twilio: Awaited<ReturnType<typeof startTwilio>>;
  let pagerDuty: Awaited<ReturnType<typeof startPagerDuty>>;
  let receiver: Awaited<ReturnType<typeof startVendor>>;
  const posted: VendorRequest[] = [];
  let admin: string;
  let physician: string;

  beforeAll(async () => {
    mail = await startMailServer({ secure: true });
    twilio = await startTwilio();
    pagerDuty = await startPagerDuty();
    receiver = await startVendor({
      answer(request) {
        if (verifyWebhook(request, [WEBHOOK_SECRET], Date.now()) !== 'verified') return { status: 401 };
        posted.push(request);
        return { status: 204 };
      },
    });
    const { user, password, port } = mail.settings;
    home = await install({
      HEALTHSYNC_PUBLIC_URL: PUBLIC_URL,
      HEALTHSYNC_SMTP_URL: `smtps://${user}:${encodeURIComponent(password ?? '')}@localhost:${port}`,
      HEALTHSYNC_SMTP_FROM: 'alarms@hospital.example',
      HEALTHSYNC_NOTIFY_EMAIL: 'desk@ward.example',
      HEALTHSYNC_WEBHOOK_URLS: new URL('/hook', receiver.url).href,
      HEALTHSYNC_WEBHOOK_SECRET: WEBHOOK_SECRET,
      HEALTHSYNC_PAGERDUTY_SERVICES: `icu=${ROUTING_KEY}`,
      HEALTHSYNC_PAGERDUTY_EVENTS_URL: pagerDuty.eventsUrl.href,
      HEALTHSYNC_PAGERDUTY_WEBHOOK_SECRETS: PAGERDUTY_SECRET,
      HEALTHSYNC_TWILIO_ACCOUNT_SID: ACCOUNT_SID,
      HEALTHSYNC_TWILIO_API_KEY_SID: API_KEY_SID,
      HEALTHSYNC_TWILIO_API_KEY_SECRET: `${API_KEY_SECRET}`,
      HEALTHSYNC_TWILIO_API_URL: twilio.url.href,
      HEALTHSYNC_TWILIO_AUTH_TOKENS: AUTH_TOKEN,
      HEALTHSYNC_TWILIO_SMS_FROM: NUMBERS.sender,
    });
    const trusted = join(home.folder, 'vendors.pem');
    await writeFile(trusted, [mail.settings.ca, twilio.ca, pagerDuty.ca, receiver.ca].join('\n'));
    server = await home.start({ NODE_EXTRA_CA_CERTS: trusted });

    const password2 = join(home.folder, 'password');
    await writeFile(password2, 'correct horse battery staple\n');
    await home.cli('user', 'add', 'anna', '--role', 'nurse', '--password-file', password2);
    ({ token: admin } = (await home.cli('token', 'create', '--role', 'admin')) as { token: string });
    ({ token: physician } = (await home.cli('token', 'create', '--role', 'physician')) as { token: string });
    for (const patient of ['p-1', 'p-2'])
      await home.cli('device', 'enroll', `d-${patient}`, '--patient', patient, '--out', join(home.folder, patient));

    const { users } = (await home.cli('user', 'list')) as { users: { id: string; name: string }[] };
    const anna = users.find(({ name }) => name === 'anna')?.id ?? '';
    const contacts = [
      { channel: 'sms', address: PHONE, vouched: true },
      { channel: 'pagerduty', address: 'PXPGF42', vouched: true },
    ];
    expect(await put(`/api/users/${anna}/contacts`, 'PUT', { contacts })).toMatchObject({ status: 200 });
    for (const subscriber of [
      { kind: 'user', userId: anna },
      { kind: 'endpoint', channel: 'pagerduty', recipient: 'icu' },
    ])
      expect(await put('/api/topics/subscriptions', 'POST', { topic: 'alarms.high', subscriber })).toMatchObject({
        status: 200,
      });
  });
  afterAll(async () => {
    await home?.remove();
    await Promise.all([mail, twilio, pagerDuty, receiver].map((vendor) => vendor?.close()));
  });

  const put = (path: string, method: string, body: unknown) => home.fetch(path, { method, token: admin, body });

  it('is told by mail, webhook, PagerDuty and SMS, with bed and urgency and no more', async () => {
    const alarm = await raise('p-1');
    await eventually('the mail', async () => mail.mails[0]);
    // The installation's own alarms (nobody is on duty) go there too, and may be quicker.
    const hooked = await eventually('the webhook', async () =>
      posted.map(({ body }) => String(body)).find((body) => body.includes(alarm.id)),
    );
    await eventually('the incident', async () => pagerDuty.incidents.get(alarm.id));
    await eventually('the SMS', async () => twilio.taken[0]);

    expect(twilio.taken[0]?.form).toMatchObject({ To: PHONE, From: NUMBERS.sender });
    expect(twilio.taken[0]?.form.Body).toMatch(
      /^High alarm, no bed assigned\nRaised .*\nSee https:\/\/alarms\.hospital\.example\/\nReply 1 to acknowledge\.$/,
    );
    expect(JSON.parse(hooked)).toMatchObject({
      type: 'alarm.raised',
      priority: 'high',
      alarmId: alarm.id,
    });
    for (const said of [mail.mails[0], hooked, JSON.stringify(pagerDuty.events), twilio.taken[0]?.form.Body])
      expect(said).not.toMatch(/\bp-1\b|(?<!\.)\b171\b|heart/i);
    expect(mail.refused).toEqual([]);
  });

  it('a reply of 1 takes it, and PagerDuty is told', async () => {
    const [alarm] = await open('p-1');
    const answer = await reply({ From: PHONE, To: NUMBERS.sender, Body: '1', MessageSid: `SM${'1'.repeat(32)}` });
    expect(answer).toContain('<Message>Acknowledged. The alarm is yours.</Message>');
    const [taken] = await open('p-1');
    expect(taken).toMatchObject({ id: alarm?.id, acknowledgedBy: 'anna' });
    await eventually('the incident acknowledged', async () =>
      pagerDuty.incidents.get(alarm?.id ?? '')?.status === 'acknowledged' ? true : undefined,
    );
  });

  it('what Twilio says became of the SMS is kept with it', async () => {
    const [alarm] = await open('p-1');
    const sid = twilio.taken[0]?.sid ?? '';
    const callback = new URL(twilio.taken[0]?.form.StatusCallback ?? '');
    const path = `${callback.pathname}${callback.search}`;
    await hook(path, { MessageSid: sid, MessageStatus: 'delivered', AccountSid: ACCOUNT_SID });
    const { body } = await home.fetch(`/api/alerts/${alarm?.id}`, { token: physician });
    const { deliveries } = body as AlertDetail;
    expect(deliveries.filter(({ channel, event }) => channel === 'sms' && event === 'raised')).toMatchObject([
      { event: 'raised', state: 'delivered', attempts: 1, receipt: 'delivered' },
    ]);
  });

  it('who acknowledges in PagerDuty takes it here', async () => {
    const alarm = await raise('p-2');
    await eventually('the incident', async () => pagerDuty.incidents.get(alarm.id));
    const body = JSON.stringify({
      event: {
        id: '01EVENT',
        event_type: 'incident.acknowledged',
        occurred_at: new Date().toISOString(),
        agent: { id: 'PXPGF42', type: 'user_reference' },
        data: { id: 'Q1', type: 'incident', incident_key: alarm.id },
      },
    });
    const signature = `v1=${createHmac('sha256', PAGERDUTY_SECRET).update(body).digest('hex')}`;
    const answer = await callHttps({
      url: new URL(`https://localhost:${home.httpsPort}/hooks/pagerduty/pagerduty`),
      headers: { 'content-type': 'application/json', 'x-pagerduty-signature': signature },
      body,
      ca: home.ca(),
      signal: AbortSignal.timeout(10_000),
    });
    expect(answer.status).toBe(200);
    expect(await open('p-2')).toMatchObject([{ acknowledgedBy: 'anna' }]);
  });

  it('stops cleanly, with connections to vendors open', async () => {
    expect(await server.stop()).toBe(0);
  });

  async function raise(patient: string): Promise<Alert> {
    const folder = join(home.folder, patient);
    const device = await connectAsync(server.mqtts, {
      ca: readFileSync(join(folder, 'ca.pem')),
      cert: readFileSync(join(folder, 'cert.pem')),
      key: readFileSync(join(folder, 'key.pem')),
      clientId: `d-${patient}`,
      reconnectPeriod: 0,
    });
    let count = 0;
    const alarm = await eventually(
      `the alarm of ${patient}`,
      async () => {
        const reading = { id: `r-${count++}`, at: new Date().toISOString(), vitals: { heartRate: 171 } };
        await device.publishAsync(`devices/d-${patient}/readings`, JSON.stringify(reading), { qos: 1 });
        await new Promise((resolve) => setTimeout(resolve, 200));
        return (await open(patient))[0];
      },
      60_000,
    );
    await device.endAsync();
    return alarm;
  }

  async function open(patient: string): Promise<readonly Alert[]> {
    const { body } = await home.fetch(`/api/alerts?patient=${patient}&state=active`, { token: physician });
    return (body as { alerts: Alert[] }).alerts.filter(({ rule }) => rule === 'heartRate.above.high');
  }

  function reply(message: Readonly<Record<string, string>>): Promise<string> {
    return hook('/hooks/twilio/sms', { ...message, AccountSid: ACCOUNT_SID });
  }

  /** As Twilio calls: signed over the address it knows, which a proxy in front brings to us. */
  async function hook(path: string, parameters: Readonly<Record<string, string>>): Promise<string> {
    const said = Object.entries(parameters)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .flat()
      .join('');
    const answer = await callHttps({
      url: new URL(path, `https://localhost:${home.httpsPort}`),
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-twilio-signature': createHmac('sha1', AUTH_TOKEN).update(`${PUBLIC_URL}${path}${said}`).digest('base64'),
      },
      body: String(new URLSearchParams(parameters)),
      ca: home.ca(),
      signal: AbortSignal.timeout(10_000),
    });
    expect(answer.status).toBeLessThan(300);
    return answer.body;
  }
});
