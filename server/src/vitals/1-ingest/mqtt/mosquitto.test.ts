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
  let common: string[];
  beforeAll(async () => {
    bench = await openBench();
    folder = await mkdtemp(join(tmpdir(), 'healthsync-mosquitto-'));
    const identity = await bench.identity('mon-1');
    const files = { 'ca.pem': bench.serverCa, 'cert.pem': identity.cert, 'key.pem': identity.key };
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o600 });
    const path = (name: string) => join(folder, name);
    common = ['-h', 'localhost', '-p', `${bench.port}`];
    common.push('--cafile', path('ca.pem'), '--cert', path('cert.pem'), '--key', path('key.pem'));
  });
  afterAll(async () => {
    await bench.close();
    await rm(folder, { recursive: true, force: true });
  });

  it.each(['mqttv311', 'mqttv5'])('publish readings of every QoS with %s', async (version) => {
    for (const qos of ['0', '1', '2']) {
      const message = `${version} ${qos}`;
      await run('mosquitto_pub', [...common, '-V', version, '-q', qos, '-t', 'devices/mon-1/readings', '-m', message]);
      await eventually(() => bench.ingested.at(-1)?.text === message);
    }
  });

  it('are told when a reading was refused', async () => {
    bench.ingest = async () => ({ kind: 'rejected', problems: [{ code: 'invalid-id', field: 'id', detail: '' }] });
    const refused = run('mosquitto_pub', [
      ...common,
      '-V',
      'mqttv5',
      '-q',
      '1',
      '-t',
      'devices/mon-1/readings',
      '-m',
      'x',
    ]);
    expect((await refused).stderr).toMatch(/payload format invalid/i);
  });

  it.each(['mqttv311', 'mqttv5'])('receive configuration and commands with %s', async (version) => {
    bench.configs.set('mon-1', '{"interval":5}');
    const topics = ['-t', 'devices/mon-1/config', '-t', 'devices/mon-1/commands'];
    const heard = run('mosquitto_sub', [...common, '-V', version, '-q', '1', ...topics, '-C', '2', '-F', '%t %r %p']);
    await eventually(() => bench.endpoint.sendCommand(id('mon-1'), 'blink') === 'sent');
    expect((await heard).stdout.trim().split('\n').sort()).toEqual([
      'devices/mon-1/commands 0 blink',
      'devices/mon-1/config 1 {"interval":5}',
    ]);
  });
});
