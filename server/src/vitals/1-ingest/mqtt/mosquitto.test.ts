import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bench, eventually, id, openBench } from './test-endpoint.ts';

const run = promisify(execFile);
const isInstalled = ['mosquitto_pub', 'mosquitto_sub'].every((tool) => spawnSync(tool, ['--help']).error === undefined);
if (!isInstalled) console.warn('SKIPPED: the tests with mosquitto_pub and mosquitto_sub, which are not installed here');

describe.skipIf(!isInstalled)('the Mosquitto clients', () => {
  let bench: Bench;
  let folder: string;
  beforeAll(async () => {
    bench = await openBench();
    folder = await mkdtemp(join(tmpdir(), 'healthsync-mosquitto-'));
  });
  afterAll(async () => {
    await bench.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** What a client of this device says on its command line. */
  async function clientOf(deviceId: string): Promise<string[]> {
    const identity = await bench.identity(deviceId);
    const files = { ca: bench.serverCa, cert: identity.cert, key: identity.key };
    const path = (name: string) => join(folder, `${deviceId}-${name}.pem`);
    for (const [name, text] of Object.entries(files)) await writeFile(path(name), text, { mode: 0o600 });
    const where = ['-h', 'localhost', '-p', `${bench.port}`];
    return [...where, '--cafile', path('ca'), '--cert', path('cert'), '--key', path('key')];
  }

  it.each(['mqttv311', 'mqttv5'])('publish readings of every QoS with %s', async (version) => {
    const client = await clientOf('mon-1');
    for (const qos of ['0', '1', '2']) {
      const message = `${version} ${qos}`;
      await run('mosquitto_pub', [...client, '-V', version, '-q', qos, '-t', 'devices/mon-1/readings', '-m', message]);
      await eventually(() => bench.ingested.at(-1)?.text === message);
    }
  });

  it('are told when a reading was refused', async () => {
    bench.ingest = async () => ({ kind: 'rejected', problems: [{ code: 'invalid-id', field: 'id', detail: '' }] });
    const client = await clientOf('mon-1');
    const reading = ['-t', 'devices/mon-1/readings', '-m', 'x'];
    const refused = run('mosquitto_pub', [...client, '-V', 'mqttv5', '-q', '1', ...reading]);
    expect((await refused).stderr).toMatch(/payload format invalid/i);
  });

  it.each(['mqttv311', 'mqttv5'])('receive configuration and commands with %s', async (version) => {
    // A device of its own: a command goes to every session of its device, also to one that is just leaving.
    const device = `told-${version}`;
    bench.configs.set(device, '{"interval":5}');
    const client = await clientOf(device);
    const topics = ['-t', `devices/${device}/config`, '-t', `devices/${device}/commands`];
    const heard = run('mosquitto_sub', [...client, '-V', version, '-q', '1', ...topics, '-C', '2', '-F', '%t %r %p'], {
      timeout: 20_000,
    });
    await eventually(() => bench.endpoint.sendCommand(id(device), 'blink') === 'sent');
    expect((await heard).stdout.trim().split('\n').sort()).toEqual([
      `devices/${device}/commands 0 blink`,
      `devices/${device}/config 1 {"interval":5}`,
    ]);
  });
});
