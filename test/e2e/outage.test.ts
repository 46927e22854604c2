import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LiveAlert } from '@healthsync/contracts/live';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freezePostgres, postmasterOf } from '../../server/src/adapters/embedded/test-freeze.ts';
import type { DeviceIdentity } from '../../server/src/simulation/device-client.ts';
import { type FaithfulDevice, startDevice } from '../../server/src/simulation/device-fleet.ts';
import { type LiveEvents, listen } from './live.ts';
import { eventually, type Installation, install, type RunningServer } from './server.ts';

describe('while the database is away', () => {
  let home: Installation;
  let server: RunningServer;
  let token: string;
  let live: LiveEvents;
  let device: FaithfulDevice;
  let count = 0;

  beforeAll(async () => {
    home = await install();
    server = await home.start();
    const fleetFile = join(home.folder, 'fleet.json');
    await home.cli('simulate', '--devices', '1', '--fleet', fleetFile, '--prepare');
    const [identity] = JSON.parse(readFileSync(fleetFile, 'utf8')) as DeviceIdentity[];
    ({ token } = (await home.cli('token', 'create', '--role', 'physician')) as { token: string });
    live = await listen({ port: home.httpsPort, ca: home.ca(), token });
    device = startDevice({ host: '127.0.0.1', port: home.mqttPort, ca: home.ca() }, identity as DeviceIdentity, {
      random: Math.random,
    });
    await acknowledged(tell(80));
  });
  afterAll(async () => {
    live?.close();
    await device?.stop();
    await home?.remove();
  });

  it('readings are acknowledged, the alarm rings on the live stream, and afterwards history has it all', async () => {
    const frozen = freezePostgres(home.folder);
    try {
      for (let i = 0; i < 50; i++) tell(80);
      const breach = tell(172);
      await acknowledged(breach);
      const rung = await eventually('the alarm on the live stream', async () =>
        raised().find((one) => one.readingId === breach),
      );
      expect(rung).toMatchObject({ rule: 'heartRate.above.high', priority: 'high' });
    } finally {
      frozen.thaw();
    }
    await everythingKept();
    await eventually('the alarm stored', async () => ((await alarmsOf()).length === 1 ? true : undefined));
  });

  it('killed, it comes back, and nothing is missing or doubled', async () => {
    process.kill(postmasterOf(home.folder), 'SIGKILL');
    for (let i = 0; i < 100; i++) {
      tell(80);
      await sleep(20);
    }
    await everythingKept();
    expect(await server.stop()).toBe(0);
  });

  function tell(heartRate: number): string {
    const id = `o-${count++}`;
    device.send(id, Buffer.from(JSON.stringify({ id, at: new Date().toISOString(), vitals: { heartRate, spo2: 97 } })));
    return id;
  }

  /** The device forgets a reading once it is acknowledged, so none pending means all are. */
  async function acknowledged(id: string): Promise<void> {
    await eventually(`acknowledgement of ${id}`, async () => (device.pending() === 0 ? true : undefined));
  }

  async function everythingKept(): Promise<void> {
    await eventually('everything acknowledged', async () => (device.pending() === 0 ? true : undefined));
    const ids = await eventually(
      `${count} readings in history`,
      async () => {
        const { status, body } = await home.fetch(
          `/api/patients/sim-p-00001/vitals?from=${ago(60)}&to=${ago(-2)}&limit=5000`,
          { token },
        );
        const found = status === 200 ? (body as { readings: { id: string }[] }).readings : [];
        return found.length >= count ? found.map(({ id }) => id) : undefined;
      },
      40_000,
    );
    expect(ids.toSorted()).toEqual(Array.from({ length: count }, (_, i) => `o-${i}`).toSorted());
  }

  function raised() {
    return live.events
      .filter(({ name }) => name === 'alert')
      .map(({ data }) => data as LiveAlert)
      .filter(({ change }) => change === 'raised')
      .map(({ alert }) => alert);
  }

  async function alarmsOf(): Promise<readonly unknown[]> {
    const { status, body } = await home.fetch('/api/alerts?patient=sim-p-00001', { token });
    return status === 200
      ? (body as { alerts: { rule: string }[] }).alerts.filter(({ rule }) => rule.startsWith('heartRate'))
      : [];
  }
});

function ago(minutes: number): string {
  return new Date(Date.now() - minutes * 60_000).toISOString();
}
