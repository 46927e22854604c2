import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DeviceIdentity } from '../../server/src/simulation/device-client.ts';
import { eventually, type Installation, install, type RunningServer, readingIdsOf } from './server.ts';

/** How many malformed readings one device sends, while another goes on with its work. */
const HOSTILE = 10_000;

describe('a device that sends rubbish', () => {
  let home: Installation;
  let server: RunningServer;
  let token: string;
  let physician: string;
  let bad: MqttClient;
  let good: MqttClient;

  beforeAll(async () => {
    home = await install({ HEALTHSYNC_DEVICE_RATE_MAX: '5000' });
    server = await home.start();
    const fleetFile = join(home.folder, 'fleet.json');
    await home.cli('simulate', '--devices', '2', '--fleet', fleetFile, '--prepare');
    const [first, second] = JSON.parse(readFileSync(fleetFile, 'utf8')) as [DeviceIdentity, DeviceIdentity];
    ({ token } = (await home.cli('token', 'create', '--role', 'operator')) as { token: string });
    ({ token: physician } = (await home.cli('token', 'create', '--role', 'physician')) as { token: string });
    bad = await client(first);
    good = await client(second);
  });
  afterAll(async () => {
    await bad?.endAsync(true);
    await good?.endAsync(true);
    await home?.remove();
  });

  it(`has each of ${HOSTILE} refused with a reason, and neither crashes the server nor stops the other device`, async () => {
    const payloads = malformed();
    let isDone = false;
    let served = 0;
    const working = (async () => {
      for (; !isDone; served++) {
        const reading = { id: `ok-${served}`, at: new Date().toISOString(), vitals: { heartRate: 80 } };
        const answer = await good.publishAsync('devices/sim-00002/readings', JSON.stringify(reading), { qos: 1 });
        // MQTT 5, 3.4.2.1: 0x00 Success.
        expect((answer as { reasonCode?: number } | undefined)?.reasonCode ?? 0).toBe(0);
      }
    })();

    const answers = new Map<number, number>();
    for (let start = 0; start < HOSTILE; start += 50) {
      const codes = await Promise.all(payloads.slice(start, start + 50).map((payload) => send(payload)));
      for (const code of codes) answers.set(code, (answers.get(code) ?? 0) + 1);
    }
    isDone = true;
    await working;

    // 0x99 Payload format invalid: every one of them, and nothing else.
    expect(Object.fromEntries(answers)).toEqual({ 153: HOSTILE });
    expect(served).toBeGreaterThan(10);
    const { body } = await home.fetch('/api/rejected-readings?device=sim-00001&limit=50', { token });
    const { rejected } = body as { rejected: { errors: { code: string; field: string }[] }[] };
    expect(rejected.length).toBeGreaterThan(0);
    for (const { errors } of rejected) expect(errors.length).toBeGreaterThan(0);
    // Of the other patient alone: of the hostile device's readings one is kept in part, and is history too.
    const kept = await eventually('the other device’s readings all there', async () => {
      const ids = await readingIdsOf(home, 'sim-p-00002', physician);
      return ids.length >= served ? ids : undefined;
    });
    expect(kept.toSorted()).toEqual(Array.from({ length: served }, (_, i) => `ok-${i}`).toSorted());
    expect(await server.stop()).toBe(0);
  }, 240_000);

  /** The reason code of the acknowledgement. */
  function send(payload: Buffer): Promise<number> {
    return new Promise((resolveCode) => {
      bad.publish('devices/sim-00001/readings', payload, { qos: 1 }, (error, packet) => {
        const code =
          (error as { code?: number } | null)?.code ?? (packet as { reasonCode?: number } | undefined)?.reasonCode;
        resolveCode(code ?? 0);
      });
    });
  }

  function client(identity: DeviceIdentity): Promise<MqttClient> {
    return connectAsync(server.mqtts, {
      ca: home.ca(),
      cert: identity.cert,
      key: identity.key,
      clientId: identity.deviceId,
      protocolVersion: 5,
      reconnectPeriod: 0,
    });
  }
});

/** Every case of the public collections where they are at hand, and enough made ones to fill up; none is a reading. */
function malformed(): readonly Buffer[] {
  const cases = [...sharedCases(), ...madeCases()];
  return Array.from({ length: HOSTILE }, (_, index) => {
    const payload = cases[index % cases.length] ?? Buffer.from('{');
    // The same rubbish again is other rubbish: the number keeps them apart in the list of refusals.
    return index < cases.length ? payload : Buffer.concat([payload, Buffer.from(` #${index}`)]);
  });
}

function sharedCases(): readonly Buffer[] {
  const shared = resolve(import.meta.dirname, '../../../shared/data');
  const archives = ['json-test-suite.tar.gz', 'bad-input.tar.gz'].map((name) => join(shared, name));
  if (!archives.every((archive) => existsSync(archive))) {
    console.warn('SKIPPED part of the hostile payloads: ../shared/data holds no json-test-suite and bad-input');
    return [];
  }
  const folder = mkdtempSync(join(tmpdir(), 'healthsync-hostile-'));
  try {
    for (const archive of archives) execFileSync('tar', ['-xzf', archive, '-C', folder]);
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .flatMap((entry) => {
        const bytes = readFileSync(join(entry.parentPath, entry.name));
        // A list of attack strings is one payload a line; a JSON case is one payload a file.
        return entry.name.endsWith('.txt')
          ? bytes
              .toString('latin1')
              .split('\n')
              .map((line) => Buffer.from(line, 'latin1'))
          : [bytes];
      })
      .filter((bytes) => bytes.length > 0 && bytes.length < 32_000);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function madeCases(): readonly Buffer[] {
  const at = new Date().toISOString();
  const wrong: readonly unknown[] = [
    null,
    [],
    {},
    { id: 'x' },
    { id: 'x', at, vitals: { heartRate: '80' } },
    { id: 'x', at, vitals: { heartRate: 1e99 } },
    { id: 'x', at, vitals: { pulse: 80 } },
    { id: 'x', at: 'yesterday', vitals: { heartRate: 80 } },
    { id: 'x', at: '2126-01-01T00:00:00Z', vitals: { heartRate: 80 } },
    { id: '', at, vitals: { heartRate: 80 } },
    { id: 'x', at, vitals: { temperature: { value: 98, unit: 'furlong' } } },
    { id: 'x', at, deviceId: 'sim-00002', vitals: { heartRate: 80 } },
    { id: 'x', at, vitals: { heartRate: 80 }, status: { battery: 7 } },
    { id: 'x', at, vitals: { heartRate: 80 }, context: { consciousness: 'asleep' } },
    { id: 'x', at, vitals: { heartRate: 80 }, __proto__x: { admin: true } },
  ];
  return [
    ...wrong.map((value) => Buffer.from(JSON.stringify(value))),
    Buffer.alloc(100, 0xff),
    Buffer.from('{"id":"x",'),
    Buffer.from('\u0000'),
  ];
}
