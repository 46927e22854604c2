import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { KMSClient } from '@aws-sdk/client-kms';
import { afterAll, describe, expect, it } from 'vitest';
import { DEFAULT_TENANT } from '../../domain/ids.ts';
import { keyManagementContract } from '../../ports/key-management.contract.ts';
import { createKmsKeys } from './kms-keys.ts';

// KMS as moto plays it: an implementation that is not ours.
const isHere = spawnSync('moto_server', ['--help'], { stdio: 'ignore' }).status === 0;
if (!isHere) process.stderr.write('SKIPPED: no moto_server here, the AWS KMS adapter is not tested\n');
let moto: ChildProcess | undefined;
afterAll(() => void moto?.kill());

function clientOf(port: number): KMSClient {
  return new KMSClient({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
}

async function startMoto(): Promise<number> {
  const port = await new Promise<number>((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0));
    });
  });
  moto = spawn('moto_server', ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
  for (;;) {
    const isUp = await fetch(`http://127.0.0.1:${port}/moto-api/`).then(
      () => true,
      () => false,
    );
    if (isUp) return port;
    await sleep(100);
  }
}

describe.skipIf(!isHere)('AWS KMS', () => {
  keyManagementContract('AWS KMS', async () => createKmsKeys(clientOf(await startMoto())));
});

describe('a key service that cannot be reached', () => {
  it('is a failure that may pass', async () => {
    const keys = createKmsKeys(clientOf(1));
    const context = { region: 'eu-1', tenant: DEFAULT_TENANT, subject: 'patient:P1' };
    await expect(keys.newDataKey(context)).rejects.toMatchObject({ code: 'keys-unavailable', retryable: true });
  });
});
