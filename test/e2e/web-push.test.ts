import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AlertDetail } from '@healthsync/contracts/alert';
import type { ContactList } from '@healthsync/contracts/contact';
import type { PushKey } from '@healthsync/contracts/push';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPushService } from '../../server/src/adapters/notify/test-push-service.ts';
import { eventually, type Installation, install, type RunningServer } from './server.ts';

/** All that a message to a phone carries by default. */
const PUSH_FIELDS = [
  'alarmId',
  'body',
  'canAcknowledge',
  'delivery',
  'event',
  'isUpdate',
  'path',
  'priority',
  'tag',
  'title',
];

/** A person's browser, from subscribing to the alarm on its screen, through a push service that checks every rule. */
describe('an alarm on a phone', () => {
  let service: Awaited<ReturnType<typeof startPushService>>;
  let folder: string;
  let home: Installation;
  let server: RunningServer;
  let device: MqttClient;
  let token: string;

  beforeAll(async () => {
    service = await startPushService();
    folder = await mkdtemp(join(tmpdir(), 'healthsync-push-'));
    const authority = join(folder, 'ca.pem');
    await writeFile(authority, service.ca);
    home = await install({ NODE_EXTRA_CA_CERTS: authority, HEALTHSYNC_PUSH_SERVICES: service.url.host });
    server = await home.start();
    await home.cli('device', 'enroll', 'bedside-7', '--patient', 'p-7', '--out', join(home.folder, 'out'));
    ({ token } = (await home.cli('token', 'create', '--role', 'physician')) as { token: string });
    device = await connectAsync(server.mqtts, {
      ca: readFileSync(join(home.folder, 'out', 'ca.pem')),
      cert: readFileSync(join(home.folder, 'out', 'cert.pem')),
      key: readFileSync(join(home.folder, 'out', 'key.pem')),
      clientId: 'bedside-7',
      reconnectPeriod: 0,
    });
  });
  afterAll(async () => {
    await device?.endAsync();
    await home?.remove();
    await service?.close();
    await rm(folder, { recursive: true });
  });

  it('rings, is taken, and says so in its place', async () => {
    const { publicKey } = (await home.fetch('/api/push/key', { token })).body as PushKey;
    const phone = await service.browser('phone', publicKey);
    const { endpoint, p256dh, auth } = phone.subscription;
    const subscribed = await home.fetch('/api/push/subscriptions', {
      method: 'POST',
      token,
      body: { endpoint, expirationTime: null, keys: { p256dh, auth } },
    });
    expect(subscribed.status).toBe(201);
    const topics = { subscriptions: [{ topic: 'alarms.high' }] };
    expect((await home.fetch('/api/me/topics', { method: 'PUT', token, body: topics })).status).toBe(200);

    const reading = (id: string, heartRate: number) =>
      device.publishAsync(
        'devices/bedside-7/readings',
        JSON.stringify({ id, at: new Date().toISOString(), vitals: { heartRate, spo2: 97 } }),
        { qos: 1 },
      );
    await reading('r1', 165);
    const rung = await eventually('the alarm on the phone', async () => phone.received[0]);
    expect(rung.headers).toMatchObject({ urgency: 'high' });
    expect(rung.message).toMatchObject({ event: 'raised', priority: 'high', isUpdate: false, canAcknowledge: true });
    // By default the bed and the priority: no name, no value.
    const { title, body } = rung.message;
    expect(`${title} ${body}`).not.toMatch(/\b165\b|p-7|heart/i);
    expect(Object.keys(rung.message).sort()).toEqual(PUSH_FIELDS);

    const { alarmId = '', delivery, tag } = rung.message;
    const receipt = { delivery, state: 'delivered' };
    expect((await home.fetch('/api/push/receipts', { method: 'POST', token, body: receipt })).status).toBe(204);
    expect((await home.fetch(`/api/alerts/${alarmId}/acknowledge`, { method: 'POST', token })).status).toBe(200);
    const taken = await eventually('the word that it is taken', async () => phone.received[1]);
    expect(taken.message).toMatchObject({ event: 'acknowledged', isUpdate: true, canAcknowledge: false, tag });
    expect(taken.headers).toMatchObject({ urgency: 'normal', topic: rung.headers.topic });

    const { deliveries } = (await home.fetch(`/api/alerts/${alarmId}`, { token })).body as AlertDetail;
    expect(deliveries.map(({ channel, state }) => [channel, state])).toContainEqual(['web-push', 'delivered']);
  });

  it('a browser that is gone is forgotten, and with the last the way to reach that person', async () => {
    service.gone.add('phone');
    await device.publishAsync(
      'devices/bedside-7/readings',
      JSON.stringify({ id: 'r2', at: new Date().toISOString(), vitals: { spo2: 80 } }),
      { qos: 1 },
    );
    await eventually('no subscription', async () => {
      const { body } = await home.fetch('/api/push/subscriptions', { token });
      return (body as { subscriptions: unknown[] }).subscriptions.length === 0 ? true : undefined;
    });
    await eventually('no contact', async () => {
      const { body } = await home.fetch('/api/me/contacts', { token });
      return (body as ContactList).contacts.length === 0 ? true : undefined;
    });
  });
});
