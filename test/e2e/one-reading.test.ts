import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Alert } from '@healthsync/contracts/alert';
import { connectAsync } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type Installation, install, type RunningServer } from './server.ts';

/** A client that is not ours, from enrolment to its alarm, through the public interface alone. */
describe('one reading, end to end', () => {
  let home: Installation;
  let server: RunningServer;
  let token: string;

  beforeAll(async () => {
    home = await install({}, { from: 'nothing' });
    server = await home.start();
    await home.cliProcess('device', 'enroll', 'bedside-7', '--patient', 'p-7', '--out', join(home.folder, 'out'));
    ({ token } = (await home.cliProcess('token', 'create', '--role', 'physician')) as { token: string });
  });
  afterAll(() => home?.remove());

  it.each([4, 5] as const)(
    'over MQTT version %i, a heart rate above 160 becomes an alarm in the API',
    async (protocolVersion) => {
      const device = await connectAsync(server.mqtts, {
        ca: readFileSync(join(home.folder, 'out', 'ca.pem')),
        cert: readFileSync(join(home.folder, 'out', 'cert.pem')),
        key: readFileSync(join(home.folder, 'out', 'key.pem')),
        protocolVersion,
        clientId: `bedside-7-v${protocolVersion}`,
        reconnectPeriod: 0,
      });
      const at = new Date().toISOString();
      const id = `first-${protocolVersion}`;
      await device.publishAsync(
        'devices/bedside-7/readings',
        JSON.stringify({ id, at, vitals: { heartRate: 165, spo2: 97 } }),
        { qos: 1 },
      );

      const alarm = await eventually('the alarm', async () =>
        (await alerts()).find((one) => one.rule === 'heartRate.above.high'),
      );
      expect(alarm).toMatchObject({
        patientId: 'p-7',
        priority: 'high',
        state: 'active',
        condition: 'present',
        readingId: id,
      });
      expect(alarm.cause.text).toBe('HR 165 > 160');

      const history = await eventually('the reading in history', async () => {
        const { body } = await home.fetch(
          `/api/patients/p-7/vitals?from=${at}&to=${new Date(Date.now() + 60_000).toISOString()}`,
          { token },
        );
        const { readings } = body as { readings: { id: string }[] };
        return readings.length > 0 ? readings : undefined;
      });
      expect(history).toMatchObject([{ id, deviceId: 'bedside-7', at, vitals: { heartRate: 165, spo2: 97 } }]);

      const acknowledged = await home.fetch(`/api/alerts/${alarm.id}/acknowledge`, { method: 'POST', token });
      expect(acknowledged.status).toBe(200);
      await device.publishAsync(
        'devices/bedside-7/readings',
        JSON.stringify({ id: `calm-${protocolVersion}`, at: new Date().toISOString(), vitals: { heartRate: 82 } }),
        { qos: 1 },
      );
      // Ended and acknowledged: it is resolved, and nothing of this rule is open any more.
      await eventually('the alarm resolved', async () =>
        (await alerts()).some((one) => one.rule === 'heartRate.above.high') ? undefined : true,
      );
      await device.endAsync();
    },
  );

  it.runIf(process.platform === 'linux')('is served by the process that was started, begun again lean', () => {
    const environment = readFileSync(`/proc/${server.pid}/environ`, 'latin1').split('\0');
    expect(environment).toContain('MALLOC_MMAP_THRESHOLD_=24576');
    expect(readFileSync(`/proc/${server.pid}/cmdline`, 'latin1')).toMatch(/--v8-pool-size=\d\0/);
  });

  it('stops cleanly on SIGTERM', async () => {
    expect(await server.stop()).toBe(0);
  });

  // While it runs, the next segment's file gets its name between being listed and being read.
  it('stands in clear in no file of the log: neither whose it is, nor from what', () => {
    const folder = join(home.folder, 'log');
    const segments = readdirSync(folder).filter((name) => name.startsWith('segment-'));
    expect(segments.length).toBeGreaterThan(0);
    for (const name of segments) {
      const bytes = readFileSync(join(folder, name));
      expect([bytes.includes('bedside-7'), bytes.includes('first-4'), bytes.includes('first-5')]).toEqual([
        false,
        false,
        false,
      ]);
    }
  });

  async function alerts(): Promise<readonly Alert[]> {
    const { status, body } = await home.fetch('/api/alerts?patient=p-7&state=active', { token });
    expect(status).toBe(200);
    return (body as { alerts: Alert[] }).alerts;
  }
});
