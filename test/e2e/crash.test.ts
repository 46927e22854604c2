import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { DeviceIdentity } from '../../server/src/simulation/device-client.ts';
import { type FaithfulDevice, startDevice } from '../../server/src/simulation/device-fleet.ts';
import { seededRandom } from '../../server/src/simulation/random.ts';
import { eventually, type Installation, install, readingIdsOf } from './server.ts';

/** How often a process is killed, in all. Each kill comes at a random moment of a round of its own. */
const KILLS = 50;
/** Most of a round is one core starting a server: two installations at once keep two busy. */
const INSTALLATIONS = 2;
/** Devices that stream all the time. What gathers while the server is down comes as a burst when it is back. */
const STREAMING = 6;
const EVERY_MS = 100;

describe(`killed ${KILLS} times under load`, () => {
  it('keeps every acknowledged reading exactly once, and raises every alarm exactly once', async () => {
    const seed = Date.now() % 1_000_000;
    console.info(`crash test seed ${seed}`);
    await Promise.all(
      Array.from({ length: INSTALLATIONS }, (_, n) => killedUnderLoad(KILLS / INSTALLATIONS, seed + n)),
    );
  }, 900_000);
});

/** One installation, killed again and again; at last everything is where it must be. */
async function killedUnderLoad(kills: number, seed: number): Promise<void> {
  const random = seededRandom(seed);
  const started: FaithfulDevice[] = [];
  /** Every reading a device ever sent, by device. A device forgets one only once it is acknowledged. */
  const sent = new Map<string, string[]>();
  const home = await install({ HEALTHSYNC_DEVICE_RATE_MAX: '1000', HEALTHSYNC_LOG_LEVEL: 'warn' });
  let timer: NodeJS.Timeout | undefined;
  try {
    let server = await home.start();
    const fleetFile = join(home.folder, 'fleet.json');
    await home.cli('simulate', '--devices', String(STREAMING + kills), '--fleet', fleetFile, '--prepare');
    const fleet: readonly DeviceIdentity[] = JSON.parse(readFileSync(fleetFile, 'utf8'));
    const { token } = (await home.cli('token', 'create', '--role', 'physician')) as { token: string };
    const streaming = fleet.slice(0, STREAMING).map(connect);
    timer = setInterval(() => {
      for (const device of streaming) tell(device, 80);
    }, EVERY_MS);
    const breaches: { readonly deviceId: string; readonly readingId: string }[] = [];

    for (let kill = 0; kill < kills; kill++) {
      const device = connect(fleet[STREAMING + kill] as DeviceIdentity);
      tell(device, 80);
      await sleep(random.next() * 150);
      breaches.push({ deviceId: device.deviceId, readingId: tell(device, 171) });
      await sleep(random.next() * 250);
      await server.kill();
      server = await home.start();
      // Half the patients calm down, so that alarms must also survive as latched.
      if (kill % 2 === 0) tell(device, 82);
    }
    clearInterval(timer);
    await eventually(
      'every reading acknowledged',
      async () => (started.every((device) => device.pending() === 0) ? true : undefined),
      60_000,
    );

    // A device that gave readings up would prove nothing.
    expect(started.map((device) => device.dropped())).toEqual(started.map(() => 0));
    expect(breaches).toHaveLength(kills);
    await isAllThere(home, { token, sent, breaches });
  } finally {
    clearInterval(timer);
    await Promise.all(started.map((device) => device.stop()));
    await home.remove();
  }

  function connect(identity: DeviceIdentity): FaithfulDevice {
    const target = { host: '127.0.0.1', port: home.mqttPort, ca: home.ca() };
    const device = startDevice(target, identity, { random: random.next, reconnectMaxMs: 200 });
    started.push(device);
    sent.set(identity.deviceId, []);
    return device;
  }

  function tell(device: FaithfulDevice, heartRate: number): string {
    const ids = sent.get(device.deviceId) ?? [];
    const id = `r-${ids.length}`;
    ids.push(id);
    device.send(id, Buffer.from(JSON.stringify({ id, at: new Date().toISOString(), vitals: { heartRate, spo2: 97 } })));
    return id;
  }
}

async function isAllThere(
  home: Installation,
  told: {
    readonly token: string;
    readonly sent: ReadonlyMap<string, readonly string[]>;
    readonly breaches: readonly { readonly deviceId: string; readonly readingId: string }[];
  },
): Promise<void> {
  const { token, sent, breaches } = told;
  for (const [deviceId, ids] of sent) {
    const kept = await eventually(`${ids.length} readings of ${deviceId}`, async () => {
      const found = await readingIdsOf(home, patientOf(deviceId), token);
      return found.length >= ids.length ? found : undefined;
    });
    expect(kept.toSorted()).toEqual(ids.toSorted());
  }
  for (const { deviceId, readingId } of breaches) {
    const alarms = await eventually(`the alarm of ${deviceId}`, async () => {
      const { body } = await home.fetch(`/api/alerts?patient=${patientOf(deviceId)}&limit=100`, { token });
      const found = (body as { alerts: { rule: string; readingId: string; state: string }[] }).alerts;
      const ours = found.filter(({ rule }) => rule === 'heartRate.above.high');
      return ours.length > 0 ? ours : undefined;
    });
    expect(alarms).toMatchObject([{ readingId, state: 'active' }]);
  }
}

/** `healthsync simulate` gives device `sim-00001` to patient `sim-p-00001`. */
function patientOf(deviceId: string): string {
  return deviceId.replace('sim-', 'sim-p-');
}
